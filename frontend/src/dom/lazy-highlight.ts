/**
 * Colours code once it is whole: the worker reads it, and the page paints a piece of it in each idle moment.
 *
 * Only colours change: no character and no line moves.
 */

import type { Run } from "../lib/typesetting.ts";
import { h } from "./element.ts";
import { whenIdle } from "./idle.ts";
import { typeset } from "./typesetter.ts";

/**
 * Nobody waits for the worker, but every word becomes an element: some 30,000 in so many characters, and more would
 * be felt in a phone's memory. Longer code stays plain.
 */
const LONGEST = 100_000;

export function highlightLater(code: HTMLElement, language: string): void {
  const text = code.textContent ?? "";
  if (language === "" || text.length > LONGEST) return;
  void typeset({ kind: "code", text, language }).then(runs => {
    if (runs && code.textContent === text) paintLater(code, painting(code, runs));
  });
}

/** A piece a moment: painted and laid out at once, a long block would hold up the page. */
function paintLater(code: HTMLElement, steps: Iterator<boolean>): void {
  whenIdle(() => {
    // What a reader marks must not be taken from under the hand.
    const isFree = code.isConnected && !getSelection()?.containsNode(code, true);
    if (isFree && steps.next().value) paintLater(code, steps);
    return false;
  });
}

/** Colours a piece with each step; ends where one is no longer what it was. */
export function* painting(code: Element, runs: readonly Run[]): Generator<true, false> {
  const rest = runs.values();
  let [left, ...classes]: Run = [0];
  for (const [piece, text] of [...code.children].map(piece => [piece, piece.textContent ?? ""] as const)) {
    const nodes: Node[] = [];
    for (let at = 0; at < text.length; ) {
      if (left === 0) [left, ...classes] = rest.next().value ?? [Infinity];
      const end = Math.min(text.length, at + left);
      nodes.push(classes.reduceRight<Node>(within, document.createTextNode(text.slice(at, end))));
      left -= end - at;
      at = end;
    }
    if (piece.parentNode !== code || piece.textContent !== text) return false;
    piece.replaceChildren(...nodes);
    yield true;
  }
  return false;
}

function within(node: Node, classes: string): Node {
  return h("span", { class: classes }, node);
}
