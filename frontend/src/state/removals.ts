/**
 * Conversations on their way out: gone from the screen at once, from the server only after some minutes in which that
 * can be called off, or when the page is left.
 *
 *   remove ─► meant (kept by the device) ─► deleted
 *               └── undo ─► as before
 *
 * What is meant outlives a page that is killed: another page of this device sees to it, not before its time, and only
 * if it is still meant then.
 */

import { type ApiClient, ApiError, toErrorValue } from "../api/client.ts";
import type { Conversation } from "../api/types.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import type { Notices } from "./notices.ts";
import type { Outbox } from "./outbox.ts";
import type { DeviceStorage } from "./preferences.ts";

export const UNDO_MS = 5 * 60_000;
/** How long the page says so; an answer that is still being made in it is paid for no longer than that. */
const SAID_MS = 7_000;
/** Where the device keeps which are meant, each with the time at which it is due, milliseconds since 1970. */
const MEANT = "deletions";

interface Removal {
  readonly conversation: Conversation;
  readonly wasOpen: boolean;
  readonly end: () => void;
}

export interface RemovalParts {
  client: ApiClient;
  clock: Clock;
  conversations: Conversations;
  outbox: Outbox;
  notices: Notices;
  storage: DeviceStorage;
  /** The id of the conversation that is open. */
  openId(): string | null;
  open(conversationId: string | null): void;
}

export class Removals {
  readonly #parts: RemovalParts;
  readonly #pending = new Map<string, Removal>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  remove(conversation: Conversation): void {
    const { id } = conversation;
    if (this.#pending.has(id)) return;
    const { clock, conversations, notices, openId, open } = this.#parts;
    const wasOpen = openId() === id;
    const forgetNotice = notices.say(`deleted “${conversation.title || "untitled"}”. what it cost stays in the books`, {
      key: { label: "undo", run: () => this.undo(id) },
      milliseconds: SAID_MS,
    });
    const wait = conversation.is_live ? SAID_MS : UNDO_MS;
    const callOff = clock.after(wait, () => void this.#delete(id));
    this.#mean(id, clock.date().getTime() + wait);
    const end = () => {
      callOff();
      forgetNotice();
    };
    this.#pending.set(id, { conversation, wasOpen, end });
    conversations.hide(id);
    if (wasOpen) open(null);
  }

  /** Brings back `id`, or the one that was deleted last; false where there is nothing to bring back. */
  undo(id = [...this.#pending.keys()].at(-1)): boolean {
    const removal = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !removal) return false;
    removal.end();
    this.#pending.delete(id);
    this.#mean(id, null);
    this.#parts.conversations.restore(removal.conversation);
    if (removal.wasOpen) this.#parts.open(id);
    return true;
  }

  /** The page is left: what was to be deleted is deleted now. Should that not get through, the next page does it. */
  flush(): void {
    for (const id of this.#pending.keys()) {
      this.#mean(id, 0);
      void this.#delete(id, true);
    }
  }

  /** Sees to what other pages of this device were left with. */
  async resume(): Promise<void> {
    const { clock, conversations } = this.#parts;
    for (const [id, due] of Object.entries(this.#meant())) {
      const wait = due - clock.date().getTime();
      conversations.hide(id);
      if (wait > 0) clock.after(wait, () => void this.#finish(id));
      else await this.#finish(id);
    }
  }

  async #finish(id: string): Promise<void> {
    const { client, conversations } = this.#parts;
    if (!(id in this.#meant())) return conversations.unhide(id);
    try {
      await client.deleteConversation(id);
    } catch (error) {
      if (!(error instanceof ApiError)) return; // no network: once more the next time
    }
    this.#mean(id, null);
  }

  #meant(): Readonly<Record<string, number>> {
    return this.#parts.storage.read(MEANT, {});
  }

  #mean(id: string, due: number | null): void {
    const { [id]: _, ...others } = this.#meant();
    const meant = due === null ? others : { ...others, [id]: due };
    this.#parts.storage.write(MEANT, Object.keys(meant).length > 0 ? meant : null);
  }

  async #delete(id: string, isLeft = false): Promise<void> {
    const removal = this.#pending.get(id);
    if (!removal) return;
    const { client, conversations, outbox, notices } = this.#parts;
    removal.end();
    this.#pending.delete(id);
    try {
      await client.deleteConversation(id, { keepalive: true });
      this.#mean(id, null);
      for (const prompt of outbox.at(id)) outbox.remove(prompt.key);
    } catch (error) {
      if (isLeft && !(error instanceof ApiError)) return; // the next page sees to it
      this.#mean(id, null);
      if (error instanceof ApiError && error.status === 404) return; // another device was first
      conversations.restore(removal.conversation);
      notices.say(`“${removal.conversation.title || "untitled"}” is still there: ${toErrorValue(error).message}`, {
        kind: "error",
      });
    }
  }
}
