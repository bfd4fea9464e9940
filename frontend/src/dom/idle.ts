/** Work that can wait, in slices short enough that a key pressed meanwhile is not felt. */

/** What a slice may take, milliseconds: with its last step it stays well below what a finger notices. */
const SLICE_MS = 12;
/** An idle moment is waited for no longer than this: on a busy page too the work goes on. */
const PATIENCE_MS = 200;

/** Calls `step` again and again while the page is idle, until it returns false. The result calls it off. */
export function whenIdle(step: () => boolean): () => void {
  let callOff = () => {};
  const slice = () => {
    const end = performance.now() + SLICE_MS;
    while (step()) {
      if (performance.now() < end) continue;
      callOff = nextIdle(slice);
      return;
    }
  };
  callOff = nextIdle(slice);
  return () => callOff();
}

/** Safari has no idle callbacks: there a timer leaves room for input and paint. */
function nextIdle(act: () => void): () => void {
  if (typeof requestIdleCallback === "function") {
    const request = requestIdleCallback(act, { timeout: PATIENCE_MS });
    return () => cancelIdleCallback(request);
  }
  const timer = setTimeout(act, 16);
  return () => clearTimeout(timer);
}
