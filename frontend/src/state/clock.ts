/** Time, handed in: what a test may replace by one that stands still. */

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** The time of day, where the reader is. */
  date(): Date;
  /** Calls `act` once after `milliseconds`; the result calls it off. */
  after(milliseconds: number, act: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
};
