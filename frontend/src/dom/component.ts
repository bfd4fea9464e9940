/** What every component needs: to own its listeners, and to paint at most once a frame. */

export class Disposables {
  #undo: (() => void)[] = [];

  add(undo: () => void): void {
    this.#undo.push(undo);
  }

  listen<K extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options?: AddEventListenerOptions,
  ): void;
  listen(target: EventTarget, type: string, listener: (event: Event) => void, options?: AddEventListenerOptions): void;
  listen(target: EventTarget, type: string, listener: (event: never) => void, options?: AddEventListenerOptions): void {
    target.addEventListener(type, listener as EventListener, options);
    this.add(() => target.removeEventListener(type, listener as EventListener, options));
  }

  dispose(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }
}

export interface FrameScheduler {
  (): void;
  cancel(): void;
}

/** `paint` wrapped so that many calls in one frame are one. */
export function onceAFrame(paint: () => void): FrameScheduler {
  let frame = 0;
  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
  schedule.cancel = () => cancelAnimationFrame(frame);
  return schedule;
}

let lastTyped = 0;
const noteTyping = () => {
  lastTyped = performance.now();
};

/** The same for what can wait a frame, but no longer: the one after a key shows what was typed, and does nothing else. */
export function onceAFrameBehindTyping(paint: () => void): FrameScheduler {
  addEventListener("input", noteTyping, { capture: true, passive: true });
  let seen = lastTyped;
  let hasWaited = false;
  const schedule = onceAFrame(() => {
    hasWaited = !hasWaited && lastTyped !== seen;
    seen = lastTyped;
    if (hasWaited) schedule();
    else paint();
  });
  return schedule;
}
