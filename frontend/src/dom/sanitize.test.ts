/** The look is as strict as DOMPurify: what it lets pass, DOMPurify leaves as it is. */

import DOMPurify from "dompurify";
import { describe, expect, test } from "vitest";
import { HOSTILE } from "../testing/hostile-markdown.ts";
import { MarkdownView } from "./markdown-view.ts";
import { isPlain, sanitize } from "./sanitize.ts";

/** Read as markup, in a document that runs and loads nothing. */
function parse(markup: string): HTMLElement {
  const box = document.implementation.createHTMLDocument().createElement("div");
  box.innerHTML = markup;
  return box;
}

function assertAgreed(element: Element): void {
  if (!isPlain(element)) return;
  const before = element.outerHTML;
  DOMPurify.sanitize(element, {
    IN_PLACE: true,
    ADD_ATTR: ["target"],
    FORBID_TAGS: ["style", "form"],
    FORBID_ATTR: ["style"],
  });
  expect(element.outerHTML).toBe(before);
}

describe.each(Object.entries(HOSTILE))("%s", (_family, payloads) => {
  test("markup that is let pass is clean, and the rest is its text", () => {
    for (const payload of payloads) {
      const box = parse(payload);
      for (const element of [...box.querySelectorAll("*")].reverse()) assertAgreed(element);
      const text = box.textContent;
      const shown = sanitize(box);
      expect(shown.textContent).toBe(text);
      expect(shown === box || shown.firstElementChild === null).toBe(true);
      expect(
        shown.querySelector("script, style, form, iframe, object, embed, base, meta, link, [href^=java]"),
      ).toBeNull();
    }
  });
});

const VALUES = [
  "javascript:window.hacked=1",
  "https://a.invalid/",
  "mailto:a@b.invalid",
  "data:text/html,x",
  "//elsewhere.invalid",
  "</style><img src=x onerror=window.hacked=1>",
  "--><script>",
  "a b-c",
  "button",
  "_blank",
  "noopener noreferrer",
  "region",
  "0",
  "3",
  "",
];
const NAMES =
  "href rel target class start tabindex type role aria-label data-language style id name src onclick is slot xlink:href".split(
    " ",
  );

test.each("a blockquote button code div h3 li ol p pre span table td tr ul svg math img template".split(" "))(
  "an attribute of <%s> that is let pass is clean",
  tag => {
    for (const name of NAMES)
      for (const value of VALUES) {
        const element = document.createElement(tag);
        element.setAttribute(name, value);
        const box = document.createElement("div");
        box.append(element);
        assertAgreed(box);
      }
  },
);

test.each([
  ["an element of elsewhere", () => document.createElementNS("http://www.w3.org/2000/svg", "a")],
  ["a comment", () => document.createComment("x")],
  ["an instruction", () => document.createProcessingInstruction("x", "y")],
])("%s is not plain", (_name, make) => {
  const box = document.createElement("div");
  box.append(make());
  expect(isPlain(box)).toBe(false);
});

test("what an answer is built of is plain", () => {
  const view = new MarkdownView(document.createElement("div"));
  view.finish(
    "# a\n\nb **c** *d* ~~e~~ `f` [g](https://h.example/?i=1#j) ![k](https://l.example/)<br>\n\n3. m\n   - [x] n\n\n" +
      "> o\n\n| p | q |\n|:--|--:|\n| $r$ | s |\n\n```t++\nu\n```\n\n---\n",
  );
  expect(view.element.querySelectorAll("*").length).toBeGreaterThan(30);
  expect(isPlain(view.element)).toBe(true);
});

test.each([
  ["a language", "```vector<int>\nx\n```", ".code .copy"],
  ["a mail address", "a [b](mailto:c<d>@e.example) **f**", "a + strong"],
  ["a web address", "a [b](https://c.example/<d>?<e>#<f>) **g**", "a + strong"],
])("angle brackets in %s cost a block nothing of its form", (_name, source, form) => {
  const view = new MarkdownView(document.createElement("div"));
  view.finish(source);
  expect(view.element.querySelector(form)).not.toBeNull();
});
