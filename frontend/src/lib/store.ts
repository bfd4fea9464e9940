/**
 * The lightweight store: values that can be watched.
 *
 * Knows nothing of what is stored, of the DOM or of time. Listeners run at once, in the order they came;
 * whoever paints gathers changes for the next frame by itself.
 */

export type Unsubscribe = () => void;

export interface ReadableAtom<T> {
  get(): T;
  /** Calls `listener` at every change, not now. */
  subscribe(listener: (value: T) => void): Unsubscribe;
}

export interface Atom<T> extends ReadableAtom<T> {
  set(value: T): void;
  update(change: (value: T) => T): void;
}

export function atom<T>(initial: T): Atom<T> {
  let value = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    update(change) {
      this.set(change(value));
    },
    subscribe(listener) {
      // A listener of its own, so that one function subscribed twice is told twice and each can leave alone.
      const own = (next: T) => listener(next);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

/** Calls `listener` whenever one of `sources` changes. */
export function watch(sources: readonly ReadableAtom<unknown>[], listener: () => void): Unsubscribe {
  const leaves = sources.map(source => source.subscribe(() => listener()));
  return () => {
    for (const leave of leaves) leave();
  };
}
