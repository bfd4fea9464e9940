/**
 * Keeps the page, and what opens over it, within what can be seen.
 *
 * `interactive-widget=resizes-content` does it elsewhere; iOS lays its keyboard over the page and tells only
 * `visualViewport`. Dialogs stand in the layer above the page and are not in it, so they are told through
 * `--hidden-below` and `--visible-height`.
 */

import { Disposables } from "./component.ts";

/** Less than this is a bar of the browser, no keyboard. CSS pixels. */
const KEYBOARD = 60;

export function followViewport(root: HTMLElement): Disposables {
  const disposables = new Disposables();
  const viewport = window.visualViewport;
  if (!viewport) return disposables;
  const page = document.documentElement.style;
  const fit = () => {
    // A pinch is a look at a detail, not a keyboard.
    const isPinched = viewport.scale > 1.01;
    const hidden = window.innerHeight - viewport.height;
    if (isPinched || hidden < KEYBOARD) {
      root.style.removeProperty("height");
      page.removeProperty("--hidden-below");
      page.removeProperty("--visible-height");
    } else {
      root.style.height = `${viewport.height}px`;
      page.setProperty("--hidden-below", `${hidden}px`);
      page.setProperty("--visible-height", `${viewport.height}px`);
      window.scrollTo(0, 0);
    }
  };
  disposables.listen(viewport, "resize", fit);
  disposables.listen(viewport, "scroll", fit);
  return disposables;
}
