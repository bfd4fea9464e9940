import { describe, expect, test } from "vitest";
import { aMessage } from "../testing/fake-server.ts";
import { areTogether, readComparison } from "./comparison.ts";

const at = (
  seconds: number,
  model: string,
  duration: number | null = 10,
  status: "complete" | "streaming" = "complete",
) => aMessage({ model, status, duration, created_at: new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString() });

describe("answers that were asked for together", () => {
  test.each([
    ["one alone", [at(0, "a")], false],
    ["two at once", [at(0, "a"), at(0.1, "b")], true],
    ["the second while the first went on", [at(0, "a"), at(8, "b")], true],
    ["in whatever order they are given", [at(8, "b"), at(0, "a")], true],
    ["a retry when the first was read", [at(0, "a"), at(30, "b")], false],
    ["the same model again, at once", [at(0, "a"), at(1, "a")], false],
    ["the first failed at once", [at(0, "a", 0), at(1.5, "b")], true],
    ["the first failed, and was read", [at(0, "a", 0), at(5, "b")], false],
    ["the first is still being made", [at(0, "a", null, "streaming"), at(60, "b")], true],
    ["the third within the longest of two", [at(0, "a", 20), at(1, "b", 1), at(15, "c")], true],
    ["two together, and a retry later", [at(0, "a"), at(1, "b"), at(40, "c")], false],
  ] as const)("%s", (_, answers, expected) => {
    expect(areTogether(answers)).toBe(expected);
  });
});

describe("the argument of /compare", () => {
  const isModel = (word: string) => ["gpt-5.1", "lab/a", "lab/b"].includes(word);

  test.each([
    ["", [], ""],
    ["gpt-5.1 lab/a", ["gpt-5.1", "lab/a"], ""],
    ["gpt-5.1  lab/a\nwhy  is\nthat?", ["gpt-5.1", "lab/a"], "why  is\nthat?"],
    ["lab/a lab/a lab/b", ["lab/a", "lab/b"], ""],
    ["what is gpt-5.1 lab/a?", [], "what is gpt-5.1 lab/a?"],
  ])("%j", (argument, models, prompt) => {
    expect(readComparison(argument, isModel)).toEqual({ models, prompt });
  });
});
