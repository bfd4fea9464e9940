/**
 * The last look at what was built for an answer, so that a mistake in the building is not yet a hole.
 *
 * What an answer is built of are a few plain elements with a few plain attributes, known at a glance. A tree with anything
 * else in it is shown as its text. A test holds that against DOMPurify, which leaves as it is whatever passes here; to send
 * it along for what never happens would only make the first answer wait.
 */

import { h } from "./element.ts";

const HTML = "http://www.w3.org/1999/xhtml";

const ELEMENTS = new Set(
  "a blockquote br button code del div em h3 h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul".split(
    " ",
  ),
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

/** The tree, or its text where there is more in it than an answer is built of. */
export function sanitize(root: HTMLElement): HTMLElement {
  return isPlain(root) ? root : h("p", { class: "raw" }, root.textContent);
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
