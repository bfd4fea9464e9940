/** Whatever an answer says, what stands in the page can do nothing and asks nobody. */

import { describe, expect, test } from "vitest";
import { mathOf } from "../lib/katex-math.ts";
import { HOSTILE } from "../testing/hostile-markdown.ts";
import { MarkdownView } from "./markdown-view.ts";
import { buildMath } from "./math-element.ts";

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

/** What could do something, in words; null where nothing can. */
function offence(root: Element): string | null {
  if ("hacked" in window) return "it was run";
  for (const element of root.querySelectorAll("*")) {
    const isMath = element.namespaceURI === "http://www.w3.org/1998/Math/MathML";
    if (!(isMath ? MATHML : HTML).has(element.localName)) return `<${element.localName}>`;
    for (const { name, value } of element.attributes) {
      if (!(isMath ? MATHML_ATTRIBUTES.test(name) : ATTRIBUTES.has(name))) return `${name} of <${element.localName}>`;
      if (name === "href" && !/^(https?:|mailto:)/.test(value)) return `href ${value}`;
      if (isMath && name !== "xmlns" && /[:;(]/.test(value)) return `${name} ${value}`;
    }
  }
  return null;
}

describe.each(Object.entries(HOSTILE))("%s", (_family, payloads) => {
  test("there are a few dozen of them", () => expect(payloads.length).toBeGreaterThanOrEqual(24));

  test.each(payloads)("stays text, cut at every character: %s", payload => {
    const view = new MarkdownView(document.createElement("div"));
    for (let end = 1; end <= payload.length; end++) {
      view.update(payload.slice(0, end));
      const found = offence(view.element);
      if (found) expect.fail(`${found} from ${payload.slice(0, end)}`);
    }
    const whole = `${payload}\n\nAfter it, some more words.\n`;
    view.finish(whole);
    expect(offence(view.element)).toBeNull();
    const fresh = new MarkdownView(document.createElement("div"));
    fresh.finish(whole);
    expect(view.element.innerHTML).toBe(fresh.element.innerHTML);
  });
});

test.each(HOSTILE.math ?? [])("a formula is inert too: %s", payload => {
  const element = document.createElement("span");
  const tex = payload.replace(/^(\$\$?|\\[([])|(\$\$?|\\[)\]])$/g, "");
  element.append(buildMath(mathOf({ tex, isDisplay: false }) ?? tex));
  expect(offence(element)).toBeNull();
});

test("a formula is set, and read out once", () => {
  const element = document.createElement("span");
  element.append(buildMath(mathOf({ tex: "\\frac{a}{b} + x^2", isDisplay: true }) ?? ""));
  expect(element.querySelector("math mfrac")).not.toBeNull();
  expect(element.textContent).toBe("ab+x2");
});

test("of a formula only what is on the list is built", () => {
  const element = document.createElement("span");
  const attributes = ["href", "style", "onclick", "mathcolor"].map(name => [name, "x"] as const);
  const value = ["mathbackground", "url(https://elsewhere.invalid/x)"] as const;
  element.append(
    buildMath([
      "math",
      [...attributes, value],
      [
        ["script", [], ["a"]],
        ["mi", [], ["b"]],
      ],
    ]),
  );
  expect(element.innerHTML).toBe('<math mathcolor="x">a<mi>b</mi></math>');
});
