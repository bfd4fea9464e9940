import { describe, expect, test } from "vitest";
import { fuzzyFilter, fuzzyScore, nearest } from "./fuzzy.ts";

const MODELS = ["gpt-5.1", "gpt-5-mini", "claude-sonnet-4.5", "claude-haiku-4.5", "ollama/llama3.2"];
const filter = (query: string) => fuzzyFilter(MODELS, query, model => model);

describe("fuzzy", () => {
  test("nothing typed keeps the order", () => expect(filter(" ")).toEqual(MODELS));
  test("letters in order are enough", () => expect(filter("son45")[0]).toBe("claude-sonnet-4.5"));
  test("a whole word beats scattered letters", () => expect(filter("mini")).toEqual(["gpt-5-mini"]));
  test("the start of a word beats its middle", () => expect(filter("l")[0]).toBe("ollama/llama3.2"));
  test("letters out of order are no match", () => expect(fuzzyScore("tpg", "gpt")).toBeNull());
  test("case is nothing", () => expect(fuzzyScore("GPT", "gpt-5.1")).not.toBeNull());
});

describe("what was meant", () => {
  const COMMANDS = ["model", "temp", "theme", "export", "new", "usage"];
  test.each([
    ["mdl", "model"],
    ["modle", "model"],
    ["exprot", "export"],
    ["usagee", "usage"],
    ["TEHME", "theme"],
    ["nwe", "new"],
    ["xyzzy", null],
    ["", null],
  ])("%j was meant to be %j", (typed, meant) => expect(nearest(COMMANDS, typed)).toBe(meant));
});
