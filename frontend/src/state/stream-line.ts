/**
 * The line that a stream comes over: one connection at a time, given up when it falls silent, replaced when the page
 * slept, with pauses between tries that whoever wakes it cuts short.
 *
 * Knows bytes and time. Knows nothing of what is streamed, nor when to try again.
 */

import { readEvents, type ServerEvent } from "../api/event-stream.ts";
import type { Clock } from "./clock.ts";

/** Twice the server's heartbeat: a line silent for so long is dead. */
export const SILENCE_MS = 30_000;
/** A page that slept this long without a byte missed a heartbeat at least. */
export const STALE_MS = 17_000;

export class StreamLine {
  readonly #clock: Clock;
  #connection: AbortController | null = null;
  #endPause: (() => void) | null = null;
  #lastBytesAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastBytesAt = clock.now();
  }

  get isPaused(): boolean {
    return this.#endPause !== null;
  }

  /**
   * Opens one connection and reads it to its end. `opened` tells that it stands; where `open` finds nothing to
   * stream, that is all. Rejects with what broke it, an AbortError where it was given up from here.
   */
  async read<Event extends ServerEvent>(
    open: (signal: AbortSignal) => Promise<Response | null>,
    listener: { opened?(): void; bytes?(): void; event(event: Event): void },
  ): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    const giveUp = () => connection.abort();
    let callOff = this.#clock.after(SILENCE_MS, giveUp);
    const heard = () => {
      callOff();
      callOff = this.#clock.after(SILENCE_MS, giveUp);
      this.#lastBytesAt = this.#clock.now();
    };
    heard();
    try {
      const response = await open(connection.signal);
      if (response === null) return;
      heard();
      listener.opened?.();
      const onBytes = () => {
        heard();
        listener.bytes?.();
      };
      for await (const event of readEvents<Event>(response, onBytes)) {
        if (connection.signal.aborted) return;
        listener.event(event);
      }
    } finally {
      callOff();
      if (this.#connection === connection) this.#connection = null;
    }
  }

  /** Waits, until somebody wakes it. */
  pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const callOff = this.#clock.after(milliseconds, () => this.#endPause?.());
      this.#endPause = () => {
        callOff();
        this.#endPause = null;
        resolve();
      };
    });
  }

  /** The network or the page is back: no more waiting, and no line that missed a heartbeat or can't be trusted. */
  wake(isSuspect: boolean): void {
    this.#endPause?.();
    if (isSuspect || this.#clock.now() - this.#lastBytesAt > STALE_MS) this.#connection?.abort();
  }

  /** Ends whatever it does. */
  drop(): void {
    this.#connection?.abort();
    this.#endPause?.();
  }
}
