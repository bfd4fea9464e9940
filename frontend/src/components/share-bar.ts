/** A bar as long as a part is of a whole. What it shows stands in words beside it. */

import { h } from "../dom/element.ts";

/** `kind` is its place in the colours of the charts; without one it has the accent's. */
export function shareBar(part: number, whole: number, kind: number | null = null): HTMLElement {
  const bar = h("span", { class: "share-bar", "aria-hidden": "true" });
  if (part > 0 && whole > 0) {
    const fill = h("span", { class: kind === null ? null : `kind-${kind}` });
    fill.style.width = `${Math.min(part / whole, 1) * 100}%`;
    bar.append(fill);
  }
  return bar;
}
