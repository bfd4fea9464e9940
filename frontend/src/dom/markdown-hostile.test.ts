/** Whatever an answer says, what stands in the page can do nothing and asks nobody. */

import { describe, expect, test } from "vitest";
import { HOSTILE } from "../testing/hostile-markdown.ts";
import { MarkdownView } from "./markdown-view.ts";
import { showFormula } from "./math.ts";

const HTML = new Set(
  "div span p h3 h4 h5 h6 ul ol li pre code a strong em del br hr blockquote table thead tbody tr th td button".split(
    " ",
  ),
);
const MATHML = new Set(
  "math merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover".split(
    " ",
  ),
);
const ATTRIBUTES = new Set("class href rel target type start tabindex role aria-label data-language".split(" "));
/** Of formulas: nothing that names an address, a style or a script. */
const MATHML_ATTRIBUTES =
  /^(xmlns|display|mathvariant|stretchy|fence|separator|form|accent|accentunder|l?r?space|(min|max)size|movablelimits|largeop|linethickness|scriptlevel|displaystyle|(row|column)(spacing|align|lines)|width|height|depth|voffset|math(color|background|size)|symmetric|side)$/;

function assertInert(root: HTMLElement, payload: string): void {
  for (const element of root.querySelectorAll("*")) {
    const isMath = element.namespaceURI === "http://www.w3.org/1998/Math/MathML";
    expect((isMath ? MATHML : HTML).has(element.localName), `<${element.localName}> from ${payload}`).toBe(true);
    for (const { name, value } of element.attributes) {
      expect(isMath ? MATHML_ATTRIBUTES.test(name) : ATTRIBUTES.has(name), `${name} from ${payload}`).toBe(true);
      if (name === "href") expect(value, payload).toMatch(/^(https?:|mailto:)/);
      if (isMath && name !== "xmlns") expect(value, payload).not.toMatch(/[:;(]/);
    }
  }
  expect("hacked" in window, payload).toBe(false);
}

describe.each(Object.entries(HOSTILE))("%s", (_family, payloads) => {
  test("there are a few dozen of them", () => expect(payloads.length).toBeGreaterThanOrEqual(24));

  test.each(payloads)("stays text, cut at every character: %s", payload => {
    const view = new MarkdownView(document.createElement("div"));
    for (let end = 1; end <= payload.length; end++) {
      view.update(payload.slice(0, end));
      assertInert(view.element, payload);
    }
    const whole = `${payload}\n\nAfter it, some more words.\n`;
    view.finish(whole);
    assertInert(view.element, payload);
    const fresh = new MarkdownView(document.createElement("div"));
    fresh.finish(whole);
    expect(view.element.innerHTML).toBe(fresh.element.innerHTML);
  });
});

test.each(HOSTILE.math ?? [])("a formula is inert too: %s", payload => {
  const element = document.createElement("span");
  const tex = payload.replace(/^(\$\$?|\\[([])|(\$\$?|\\[)\]])$/g, "");
  showFormula(element, tex, false);
  assertInert(element, payload);
});

test("a formula is set, and read out once", () => {
  const element = document.createElement("span");
  showFormula(element, "\\frac{a}{b} + x^2", true);
  expect(element.querySelector("math mfrac")).not.toBeNull();
  expect(element.textContent).toBe("ab+x2");
});
