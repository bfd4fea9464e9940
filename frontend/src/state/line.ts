/**
 * Whether the server can be reached, as the last request told; while it can't, it is asked again and again.
 *
 * Knows nothing of what is requested. What the browser says of its network is no proof either way: the server
 * may be on this very machine.
 */

import { type Fetch, isAbort } from "../api/client.ts";
import { atom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";

const ASK_AGAIN_MS = 4_000;

export class Line {
  readonly isOffline = atom(false);
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  #isAsking = false;

  constructor(fetch: Fetch, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** `fetch`, listened to. */
  readonly fetch: Fetch = async (url, init) => {
    try {
      const response = await this.#fetch(url, init);
      this.isOffline.set(false);
      return response;
    } catch (error) {
      if (!isAbort(error)) this.#lost();
      throw error;
    }
  };

  /** Something happened to the network: finds out what it means here. */
  ask(): void {
    this.fetch("/health", { cache: "no-store" }).catch(() => undefined);
  }

  #lost(): void {
    this.isOffline.set(true);
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#clock.after(ASK_AGAIN_MS, () => {
      this.#isAsking = false;
      if (this.isOffline.get()) this.ask();
    });
  }
}
