/**
 * What changed on the server, from whichever device: one connection a page, while it is looked at.
 *
 *   closed ─open─► asking ─first byte─► told ─cut, silence─► asking …  ─close─► closed
 *
 * It resumes behind the last change that was heard; where that can't be, and where no stream gets through, the
 * listener hears `reset` and fetches anew. Knows nothing of what is done with a change.
 */

import type { ApiClient } from "../api/client.ts";
import type { Change, ChangeEvent } from "../api/types.ts";
import { type Atom, atom, type ReadableAtom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";
import { StreamLine } from "./stream-line.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export class Changes {
  /** Whether changes are heard as they happen. */
  readonly isTold: ReadableAtom<boolean>;
  readonly #isTold: Atom<boolean> = atom(false);
  readonly #client: ApiClient;
  readonly #listener: (change: Change) => void;
  readonly #line: StreamLine;
  #isOpen = false;
  #isRunning = false;
  #lastId: number | null = null;
  #failures = 0;

  constructor(client: ApiClient, clock: Clock, listener: (change: Change) => void) {
    this.#client = client;
    this.#listener = listener;
    this.#line = new StreamLine(clock);
    this.isTold = this.#isTold;
  }

  open(): void {
    this.#isOpen = true;
    if (!this.#isRunning) void this.#run();
  }

  close(): void {
    this.#isOpen = false;
    this.#line.drop();
  }

  /** The network or the page is back. */
  wake(isLineSuspect = false): void {
    this.#failures = 0;
    this.#line.wake(isLineSuspect);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isOpen) {
      let stood = false;
      let wasHeard = false;
      try {
        await this.#line.read<ChangeEvent>(signal => this.#client.changes(this.#lastId, { signal }), {
          opened: () => {
            stood = true;
          },
          bytes: () => {
            wasHeard = true;
            this.#failures = 0;
            this.#isTold.set(true);
          },
          event: event => {
            if (event.event !== "reset" && event.id <= (this.#lastId ?? 0)) return;
            this.#lastId = event.id;
            this.#listener(event);
          },
        });
      } catch {
        // Whatever it was, it is tried again.
      }
      this.#isTold.set(false);
      if (!this.#isOpen) break;
      // It stood and nothing came through it: what it would have told is fetched.
      if (stood && !wasHeard) this.#listener({ event: "reset", data: {} });
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
      this.#failures += 1;
      await this.#line.pause(pause);
    }
    this.#isRunning = false;
  }
}
