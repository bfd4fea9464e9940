/**
 * The last look at what was built for an answer, so that a mistake in the building is not yet a hole.
 *
 * With every token the block that still grows is built anew. A tree that consists of nothing but plain elements is
 * known at a glance: DOMPurify, which allows far more, would change nothing in it (a test holds the two together), and
 * takes many times as long to say so. It cleans whatever else there is.
 */

import DOMPurify from "dompurify";

// Set once: to read it anew for every block would cost more than the cleaning.
DOMPurify.setConfig({
  IN_PLACE: true,
  ADD_ATTR: ["target"],
  FORBID_TAGS: ["style", "form"],
  FORBID_ATTR: ["style"],
});

const HTML = "http://www.w3.org/1999/xhtml";

const ELEMENTS = new Set(
  (
    "a blockquote br button code del div em h3 h4 h5 h6 hr li ol p pre span strong " + "table tbody td th thead tr ul"
  ).split(" "),
);

/** The attributes there are, and what they may say: text of the model's only without angle brackets. */
const ATTRIBUTES: ReadonlyMap<string, RegExp> = new Map([
  ["href", /^(https?:\/\/|mailto:)[^<>]*$/],
  ["rel", /^noopener noreferrer$/],
  ["target", /^_blank$/],
  ["class", /^[\w -]*$/],
  ["start", /^\d+$/],
  ["tabindex", /^0$/],
  ["type", /^button$/],
  ["role", /^region$/],
  ["aria-label", /^[^<>]*$/],
  ["data-language", /^[^<>]*$/],
]);

/** Cleans everything in `root`. The root itself is to be a plain element of ours. */
export function sanitize(root: Element): void {
  if (!isPlain(root)) purify(root);
}

export function purify(root: Element): void {
  DOMPurify.sanitize(root);
}

export function isPlain(root: Element): boolean {
  const walker = document.createTreeWalker(root);
  for (let node: Node | null = root; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) continue;
    if (!(node instanceof Element) || node.namespaceURI !== HTML || !ELEMENTS.has(node.localName)) return false;
    for (const { name, value } of node.attributes) if (!ATTRIBUTES.get(name)?.test(value)) return false;
  }
  return true;
}
