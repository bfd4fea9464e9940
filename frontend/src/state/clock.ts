/** Time, handed in: what a test may replace by one that stands still. */

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `act` once after `milliseconds`; the result calls it off. */
  after(milliseconds: number, act: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
};
