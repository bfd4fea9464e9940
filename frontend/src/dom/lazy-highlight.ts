/**
 * Colours code once it is whole, when the page is idle, by a highlighter that is fetched when it is first needed.
 *
 * Only colours change: no character and no line moves.
 */

import { whenIdle } from "./idle.ts";

type Highlighter = typeof import("./highlight.ts");

/** What is coloured in one step on a slow phone without being felt; longer code stays plain. */
const LONGEST = 10_000;

let loading: Promise<Highlighter | null> | null = null;

export function highlightLater(code: HTMLElement, language: string): void {
  const text = code.textContent ?? "";
  if (language === "" || text.length > LONGEST) return;
  loading ??= import("./highlight.ts").catch(() => {
    loading = null;
    return null;
  });
  void loading.then(highlighter => {
    if (!highlighter?.knows(language)) return;
    whenIdle(() => {
      // It may have gone or grown meanwhile, and what a reader marks must not be taken from under the hand.
      if (!code.isConnected || code.textContent !== text || getSelection()?.containsNode(code, true)) return false;
      code.replaceChildren(...highlighter.colour(text, language));
      return false;
    });
  });
}
