import { expect, test } from "vitest";
import { finishedEnd, spoken } from "./sentences.ts";

/** What is said one after the other while `text` arrives a character at a time, and at its end. */
function said(text: string): string[] {
  const all: string[] = [];
  let from = 0;
  const say = (end: number) => {
    const words = spoken(text.slice(from, end));
    if (words) all.push(words);
    from = end;
  };
  for (let length = 1; length <= text.length; length++) {
    const end = finishedEnd(text.slice(0, length), from);
    if (end > from) say(end);
  }
  say(text.length);
  return all;
}

test("a sentence is finished when something follows it", () => {
  const text = "It costs 4.5 dollars. And th";
  expect(text.slice(0, finishedEnd(text, 0))).toBe("It costs 4.5 dollars.");
  expect(finishedEnd("Not yet.", 0)).toBe(0);
  expect(finishedEnd("a line\nmore", 0)).toBe(7);
});

test("never goes back", () => expect(finishedEnd("One. Two", 4)).toBe(4));

test("marks are not read out", () => {
  expect(spoken("## A **bold** [link](https://example.com) to `code`\n\n---\n> that")).toBe("A bold link to code that");
});

test("of code its language and length, once, when it is whole", () => {
  const code = '```rust\nmatch x {\n    A::B => 1. ,\n\n    _ => panic!("a: b"),\n}\n```';
  expect(said(`So:\n\n${code}\n\nDone. Next`)).toEqual(["So:", "code, rust, 5 lines.", "Done.", "Next"]);
  expect(said("~~~\none\n~~~\nDone.")).toEqual(["code, 1 line.", "Done."]);
  // It broke off.
  expect(said("```js\na();\nb(")).toEqual(["code, js, 2 lines."]);
  expect(said("````md\n```js\n```\n````\nDone.")).toEqual(["code, md, 2 lines.", "Done."]);
});

test("of a table and a formula that they are there", () => {
  expect(said("Prices:\n\n| a | b: c. d |\n|---|:---:|\n| 1 | 2 |\n\nThat is all.")).toEqual([
    "Prices:",
    "table.",
    "That is all.",
  ]);
  expect(said("It is\n$$\n\\int_0^1 x. dx\n$$\nso. And")).toEqual(["It is", "formula.", "so.", "And"]);
  expect(said("\\[ a: b \\] holds.\nYes")).toEqual(["formula.", "holds.", "Yes"]);
});

test("the number of an item is said with it", () => {
  expect(said("1. First: a.\n2. Second.\n   10) Third")).toEqual(["1. First:", "a.", "2. Second.", "10) Third"]);
  expect(said("It was in 1999. Then")).toEqual(["It was in 1999.", "Then"]);
});
