/**
 * Finds TeX in markdown: `$x$`, `$$x$$`, `\(x\)`, and `$$` or `\[` on lines of their own.
 *
 * Knows where formulas begin and end, not how they look. Dollars are money first: `$5 and $6` is no formula.
 */

import { Marked, type TokenizerAndRendererExtension, type Tokens } from "marked";

export interface MathToken extends Tokens.Generic {
  type: "math";
  /** The TeX alone. */
  text: string;
  isDisplay: boolean;
  /** Its end did not come yet. */
  isOpen: boolean;
}

/** The longest formula inside a line; a `$` so far back can't begin one any more. */
export const INLINE_MATH_LENGTH = 300;

const INLINE: readonly { pattern: RegExp; isDisplay: boolean; isMoney: boolean }[] = [
  { pattern: /^\$\$([^$\n]{1,300}?)\$\$/, isDisplay: true, isMoney: false },
  { pattern: /^\$(?![\s$])((?:\\.|[^$\\\n]){1,300}?)(?<!\s)\$(?![\w$])/, isDisplay: false, isMoney: true },
  { pattern: /^\\\(([^\n]{1,300}?)\\\)/, isDisplay: false, isMoney: false },
];

/** Lines up to the closing mark, or up to where the text ends so far; a blank line ends the hope for one. */
const BLOCK = [
  /^ {0,3}\$\$(?!\$)((?:(?!\$\$)[^\n]|\n(?![ \t]*(?:\n|$)))*)(\$\$[ \t]*(?:\n+|$)|$|\n$)/,
  /^ {0,3}\\\[((?:(?!\\\])[^\n]|\n(?![ \t]*(?:\n|$)))*)(\\\][ \t]*(?:\n+|$)|$|\n$)/,
];

const inlineMath: TokenizerAndRendererExtension = {
  name: "math",
  level: "inline",
  start: source => indexOf(source, /\$|\\\(/),
  tokenizer(source, tokens) {
    if (source[0] !== "$" && source[0] !== "\\") return undefined;
    // `US$5`, and the second dollar of an escaped pair.
    if (source[0] === "$" && /[\w$]$/.test(tokens.at(-1)?.raw ?? "")) return undefined;
    for (const { pattern, isDisplay, isMoney } of INLINE) {
      const found = pattern.exec(source);
      const text = found?.[1]?.trim();
      if (!found || !text || (isMoney && !looksLikeMath(text))) continue;
      return { type: "math", raw: found[0], text, isDisplay, isOpen: false } satisfies MathToken;
    }
    return undefined;
  },
};

const blockMath: TokenizerAndRendererExtension = {
  name: "mathBlock",
  level: "block",
  start: source => indexOf(source, /(?<=\n) {0,3}(?:\$\$|\\\[)/),
  tokenizer(source) {
    for (const pattern of BLOCK) {
      const found = pattern.exec(source);
      if (!found) continue;
      const isOpen = !/\S/.test(found[2] ?? "");
      const text = (found[1] ?? "").trim();
      if (text || isOpen) return { type: "math", raw: found[0], text, isDisplay: true, isOpen } satisfies MathToken;
    }
    return undefined;
  },
};

/** What a lexer of marked is given so that it finds formulas. */
export const MATH_OPTIONS = new Marked({ gfm: true, extensions: [inlineMath, blockMath] }).defaults;

/** A sum of money has blanks, or nothing a formula is made of: `$10 and 20$`, `$HOME or $`. */
function looksLikeMath(text: string): boolean {
  return /[\\^_{}=<>+*/|]/.test(text) || /^[\p{L}\d'!,.()-]+$/u.test(text);
}

function indexOf(source: string, pattern: RegExp): number | undefined {
  const at = source.search(pattern);
  return at < 0 ? undefined : at;
}
