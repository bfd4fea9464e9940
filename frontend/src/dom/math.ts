/**
 * TeX as MathML, which browsers set by themselves: neither a style sheet nor fonts are needed for it.
 *
 * KaTeX makes elements, no markup, and is not trusted with addresses, classes or images (`trust` is off).
 */

import DOMPurify from "dompurify";
import katex from "katex";

/** As many characters as a sum, an integral or a matrix has, and not as a page is long. */
const LONGEST = 2_000;
const REMEMBERED = 200;

const purifier = DOMPurify(window);
purifier.setConfig({
  IN_PLACE: true,
  USE_PROFILES: { html: true, mathMl: true },
  FORBID_ATTR: ["href", "style", "class", "id"],
});

/** By TeX: the open block is built anew with every token. */
const made = new Map<string, ChildNode>();

/** Shows `tex` in `element`; where it is no TeX, what stands there stays. */
export function showFormula(element: HTMLElement, tex: string, isDisplay: boolean): void {
  const key = `${isDisplay} ${tex}`;
  const formula = made.get(key) ?? build(tex, isDisplay);
  if (!formula) return;
  if (made.size >= REMEMBERED) made.clear();
  made.set(key, formula);
  element.replaceChildren(formula.cloneNode(true));
}

function build(tex: string, isDisplay: boolean): ChildNode | null {
  if (tex.length > LONGEST) return null;
  const box = document.createElement("span");
  try {
    katex.render(tex, box, {
      output: "mathml",
      displayMode: isDisplay,
      trust: false,
      strict: "ignore",
      maxExpand: 500,
      maxSize: 20,
    });
  } catch {
    return null;
  }
  const math = box.querySelector("math");
  // The TeX beside the formula would be read out and copied a second time.
  for (const note of box.querySelectorAll("annotation")) note.remove();
  if (!math) return null;
  box.replaceChildren(math);
  purifier.sanitize(box);
  return box.firstChild;
}
