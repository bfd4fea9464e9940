/** Short lines the page says above the prompt, each with at most one key: a deletion that can be undone, a failure. */

import { atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import type { Clock } from "./clock.ts";

export interface Notice {
  readonly id: string;
  readonly kind: "notice" | "error";
  readonly text: string;
  readonly key: { readonly label: string; readonly run: () => void } | null;
}

export class Notices {
  readonly list = atom<readonly Notice[]>([]);
  readonly #clock: Clock;
  /** Of those that are said for so long. */
  readonly #times = new Map<string, { readonly milliseconds: number; end: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says it, for so long or until it is dismissed; the result takes it back. */
  say(text: string, options: { kind?: Notice["kind"]; key?: Notice["key"]; milliseconds?: number } = {}): () => void {
    const { kind = "notice", key = null, milliseconds } = options;
    const notice = { id: randomUuid(), kind, text, key };
    // The same words twice are one line, said anew.
    this.list.update(list => [...list.filter(other => other.text !== text), notice]);
    const dismiss = () => this.dismiss(notice.id);
    if (milliseconds !== undefined) {
      this.#times.set(notice.id, { milliseconds, end: () => undefined });
      this.release(notice.id);
    }
    return dismiss;
  }

  /** The reader is at it: its time stands still. */
  hold(id: string): void {
    this.#times.get(id)?.end();
  }

  /** The reader has left it: its time begins anew. */
  release(id: string): void {
    const time = this.#times.get(id);
    time?.end();
    if (time) time.end = this.#clock.after(time.milliseconds, () => this.dismiss(id));
  }

  dismiss(id: string): void {
    this.hold(id);
    this.#times.delete(id);
    this.list.update(list => list.filter(notice => notice.id !== id));
  }
}
