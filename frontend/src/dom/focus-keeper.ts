/**
 * Keeps the keyboard's place when the element it is on leaves the page: a row that is built anew, a notice that is over.
 *
 * The browser then drops the focus to the page itself, and what is typed next is lost. It is given to the one element
 * of the same name that took the place, else in a list to a neighbour, else to what `otherwise` focuses. Knows nothing
 * of what the elements are.
 */

import { Disposables } from "./component.ts";

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']";
const LIST = "ul, ol, table, nav, [role='listbox']";

export function keepFocus(root: HTMLElement, otherwise: () => void): Disposables {
  const disposables = new Disposables();
  let focused: HTMLElement | null = null;

  /** Gives the focus away; `removal` tells what was taken out of the page with the element that had it. */
  const passOn = (from: HTMLElement, removal: MutationRecord | null) => {
    // A row is filled a frame after it is made.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (focused !== from || !isLost()) return;
        focused = null;
        const next = isThere(from) ? from : removal && successor(nameOf(from), removal);
        if (next) next.focus({ preventScroll: true });
        else otherwise();
      }),
    );
  };

  disposables.listen(root, "focusin", ({ target }) => {
    focused = target instanceof HTMLElement ? target : null;
  });
  disposables.listen(root, "focusout", ({ relatedTarget }) => {
    const left = focused;
    if (!left || relatedTarget !== null) return;
    requestAnimationFrame(() => {
      if (focused !== left || !isLost() || !document.hasFocus()) return;
      // What is still there was left by a press beside it, as was meant.
      if (isThere(left)) focused = null;
      else if (left.isConnected) passOn(left, null);
    });
  });
  const observer = new MutationObserver(records => {
    const from = focused;
    if (!from || !isLost()) return;
    // Also where it was only moved.
    const removal = records.find(({ removedNodes }) => [...removedNodes].some(node => node.contains(from)));
    if (removal) passOn(from, removal);
  });
  observer.observe(root, { childList: true, subtree: true });
  disposables.add(() => observer.disconnect());
  return disposables;
}

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function isThere(element: HTMLElement): boolean {
  return element.isConnected && element.checkVisibility?.() !== false;
}

/** What stands where something was removed, by the name of what had the focus in it; null where it can't be told. */
function successor(name: string, { target, previousSibling }: MutationRecord): HTMLElement | null {
  const before = previousSibling?.isConnected ? previousSibling : null;
  const inPlace = focusables(before ? before.nextSibling : target.firstChild);
  const [same, another] = inPlace.filter(it => nameOf(it) === name);
  if (same && !another) return same;
  if (!(target instanceof Element && target.closest(LIST))) return null;
  return inPlace[0] ?? focusables(before)[0] ?? null;
}

function focusables(node: Node | null): HTMLElement[] {
  if (!(node instanceof HTMLElement)) return [];
  const all = [...node.querySelectorAll<HTMLElement>(FOCUSABLE)];
  return (node.matches(FOCUSABLE) ? [node, ...all] : all).filter(isThere);
}

function nameOf(element: HTMLElement): string {
  return element.ariaLabel ?? element.textContent?.trim() ?? "";
}
