/**
 * Leaves out of layout and paint what the reader has left behind, from the moment it is out of sight.
 *
 * Not from the beginning: the browser skips such an element for a frame before it finds out that it is seen, and all
 * below it would jump. What is skipped keeps the height it had, and can be found, copied and read out as ever.
 */

/** A screen beyond what is seen, where the browser knows of margins within what scrolls; else right behind its edge. */
const MARGINS = { rootMargin: "100% 0px", scrollMargin: "100% 0px" };

const observer =
  // Where the browser does not hold what is read in its place while heights change above it, nothing is left out.
  typeof IntersectionObserver === "undefined" || !CSS.supports("overflow-anchor: auto")
    ? null
    : new IntersectionObserver(leaveOut, MARGINS);

/** `element` grows no more. */
export function skipWhenFar(element: Element): void {
  observer?.observe(element);
}

function leaveOut(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    // Without a height it stands in something that is left out itself.
    if (isIntersecting || boundingClientRect.height === 0) continue;
    observer?.unobserve(target);
    (target as HTMLElement).style.setProperty("contain-intrinsic-block-size", `auto ${boundingClientRect.height}px`);
    target.classList.add("is-far");
  }
}
