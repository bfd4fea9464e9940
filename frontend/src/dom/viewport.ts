/**
 * Keeps the page as high as what can be seen of it.
 *
 * `interactive-widget=resizes-content` does it elsewhere; iOS lays its keyboard over the page and tells
 * only `visualViewport`.
 */

import { Disposables } from "./component.ts";

export function followViewport(root: HTMLElement): Disposables {
  const disposables = new Disposables();
  const viewport = window.visualViewport;
  if (!viewport) return disposables;
  const fit = () => {
    // A pinch is a look at a detail, not a keyboard.
    const isPinched = viewport.scale > 1.01;
    const hidden = window.innerHeight - viewport.height;
    if (isPinched || hidden < 60) root.style.removeProperty("height");
    else {
      root.style.height = `${viewport.height}px`;
      window.scrollTo(0, 0);
    }
  };
  disposables.listen(viewport, "resize", fit);
  disposables.listen(viewport, "scroll", fit);
  return disposables;
}
