/**
 * TeX as a tree of MathML, which browsers set by themselves: neither a style sheet nor fonts are needed for it.
 *
 * KaTeX runs in the typesetting worker and makes plain data; the page builds from it what is on its own list
 * (`dom/math-element.ts`). It is not trusted with addresses, classes or images (`trust` is off).
 */

import katex, { type KatexOptions } from "katex";
import type { MathNode, Tex } from "./typesetting.ts";

/** As many characters as a sum, an integral or a matrix has, and not as a page is long. */
const LONGEST = 2_000;

/** What KaTeX draws before it makes markup or elements of it; they carry `toText` where they are characters. */
interface Drawn {
  readonly type?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children?: readonly Drawn[];
  toText?(): string;
}

/** Not in KaTeX's types: its own DOM and markup are both made from this tree, so it needs no document. */
const { __renderToDomTree: draw } = katex as typeof katex & {
  __renderToDomTree(tex: string, options: KatexOptions): Drawn;
};

/** Null for what is no TeX, and for what is too long. */
export function mathOf({ tex, isDisplay }: Tex): MathNode | null {
  if (tex.length > LONGEST) return null;
  try {
    const drawn = draw(tex, {
      output: "mathml",
      displayMode: isDisplay,
      trust: false,
      strict: "ignore",
      throwOnError: true,
      maxExpand: 500,
      maxSize: 20,
    });
    const math = find(drawn, "math");
    return math && plain(math);
  } catch {
    return null;
  }
}

function find(drawn: Drawn, type: string): Drawn | null {
  if (drawn.type === type) return drawn;
  for (const child of drawn.children ?? []) {
    const found = find(child, type);
    if (found) return found;
  }
  return null;
}

function plain(drawn: Drawn): MathNode {
  if (drawn.type === undefined) return drawn.toText?.() ?? "";
  const attributes = Object.entries(drawn.attributes ?? {}).map(([name, value]) => [name, String(value)] as const);
  // The TeX beside the formula would be read out and copied a second time.
  const children = (drawn.children ?? []).filter(({ type }) => type !== "annotation");
  return [drawn.type, attributes, children.map(plain)];
}
