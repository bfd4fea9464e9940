/** What the page itself says between the messages: help, a summary, a complaint. Knows nothing of what it is about. */

import { atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";

/** A few lines the page itself prints into the transcript. */
export interface Printout {
  readonly id: string;
  /** The message it stands after. */
  readonly after: string | null;
  readonly kind: "notice" | "error";
  readonly text: string;
  /** Two columns under the text. */
  readonly rows: readonly Pair[];
}

export type Pair = readonly [name: string, value: string];

export class Printouts {
  readonly list = atom<readonly Printout[]>([]);

  /** Returns the id under which it is dismissed. */
  print(printout: Omit<Printout, "id">): string {
    const id = randomUuid();
    this.list.update(printouts => [...printouts, { id, ...printout }]);
    return id;
  }

  dismiss(id: string): void {
    this.list.update(printouts => printouts.filter(printout => printout.id !== id));
  }
}
