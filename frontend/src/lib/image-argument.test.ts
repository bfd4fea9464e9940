import { describe, expect, test } from "vitest";
import type { Model } from "../api/types.ts";
import { imageOptionValues, readImageArgument, writeImageArgument } from "./image-argument.ts";

describe("what is written behind /image", () => {
  test.each([
    ["a cat", "a cat", {}],
    ["size=portrait a cat", "a cat", { size: "1024x1536" }],
    [
      "size=512x512 quality=HIGH model=gpt-image-1 a cat",
      "a cat",
      { size: "512x512", quality: "high", model: "gpt-image-1" },
    ],
    ["a room of size=big, and a bed", "a room of size=big, and a bed", {}],
    ["a cat size=portrait quality=low", "a cat", { size: "1024x1536", quality: "low" }],
    ["size=square a cat\n\nsize=portrait", "a cat", { size: "1024x1536" }],
    ["a colour=red cat resize=auto", "a colour=red cat resize=auto", {}],
    ["size=auto", "", { size: "auto" }],
    ["", "", {}],
  ])("%j", (argument, prompt, options) =>
    expect(readImageArgument(argument)).toEqual({ prompt, options, problem: null }),
  );

  test("is written down as it was read", () => {
    const { prompt, options } = readImageArgument("size=portrait model=gpt-image-1 a cat of size=5, sitting");
    expect(writeImageArgument(prompt, options)).toBe("size=1024x1536 model=gpt-image-1 a cat of size=5, sitting");
    expect(writeImageArgument("a cat", {})).toBe("a cat");
  });

  test.each([
    ["size=huge a cat", "square, portrait, landscape, auto"],
    ["size= a cat", "a size is"],
    ["a cat size=potrait", "square, portrait, landscape, auto"],
    ["a cat quality=", "quality= needs a value"],
    ["quality= a cat", "quality= needs a value"],
    ["model=", "model= needs a value"],
  ])("%j is no picture yet", (argument, words) => expect(readImageArgument(argument).problem).toContain(words));
});

describe("what may come next", () => {
  const models = [
    { id: "painter", label: "Painter", generates_images: true, available: true },
    { id: "talker", label: "Talker", generates_images: false, available: true },
  ] as Model[];
  const values = (typed: string) => imageOptionValues(typed, models).map(({ value }) => value);

  test("every option at first, then those that are left", () => {
    expect(values("")).toContain("size=square");
    expect(values("")).toContain("model=painter");
    expect(values("")).not.toContain("model=talker");
    expect(values("size=square ")).not.toContain("size=square size=portrait");
    expect(values("size=square q")).toEqual([
      "size=square quality=auto",
      "size=square quality=low",
      "size=square quality=medium",
      "size=square quality=high",
    ]);
  });

  test("nothing once the words have begun", () => {
    for (const typed of ["a", "squirrel", "size=square a", "a cat", "quiet"]) expect(values(typed)).toEqual([]);
  });
});
