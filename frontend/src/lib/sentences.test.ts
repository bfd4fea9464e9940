import { expect, test } from "vitest";
import { finishedEnd, spoken } from "./sentences.ts";

test("a sentence is finished when something follows it", () => {
  const text = "It costs 4.5 dollars. And th";
  expect(text.slice(0, finishedEnd(text, 0))).toBe("It costs 4.5 dollars.");
  expect(finishedEnd("Not yet.", 0)).toBe(0);
  expect(finishedEnd("a line\nmore", 0)).toBe(7);
});

test("never goes back", () => expect(finishedEnd("One. Two", 4)).toBe(4));

test("marks are not read out", () => {
  expect(spoken("## A **bold** [link](https://example.com)\n```js\ncode()\n```")).toBe("A bold link code()");
});
