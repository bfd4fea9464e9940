/**
 * Conversations on their way out: gone from the screen at once, from the server only after a few seconds in which
 * that can be called off, or when the page is left.
 *
 * A page that is killed in between deletes nothing: of the two mistakes the one that loses no words.
 */

import { type ApiClient, ApiError, toErrorValue } from "../api/client.ts";
import type { Conversation } from "../api/types.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import type { Notices } from "./notices.ts";
import type { Outbox } from "./outbox.ts";
import type { DeviceStorage } from "./preferences.ts";

export const UNDO_MS = 7_000;
/** Where their ids are kept that the page was left with. */
const LEFT = "removals";

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
    });
    const callOff = clock.after(UNDO_MS, () => void this.#delete(id));
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
    this.#parts.conversations.restore(removal.conversation);
    if (removal.wasOpen) this.#parts.open(id);
    return true;
  }

  /** The page is left: what was to be deleted is deleted now. Should that not get through, the next page does it. */
  flush(): void {
    const ids = [...this.#pending.keys()];
    if (ids.length) this.#parts.storage.write(LEFT, [...this.#left(), ...ids]);
    for (const id of ids) void this.#delete(id);
  }

  /** Deletes what an earlier page was left with. */
  async resume(): Promise<void> {
    for (const id of this.#left()) {
      this.#parts.conversations.hide(id);
      try {
        await this.#parts.client.deleteConversation(id);
      } catch (error) {
        if (!(error instanceof ApiError)) return; // no network: once more the next time
      }
      this.#done(id);
    }
  }

  #left(): readonly string[] {
    return this.#parts.storage.read<readonly string[]>(LEFT, []);
  }

  #done(id: string): void {
    const left = this.#left();
    if (left.includes(id)) this.#parts.storage.write(LEFT, left.length > 1 ? left.filter(other => other !== id) : null);
  }

  async #delete(id: string): Promise<void> {
    const removal = this.#pending.get(id);
    if (!removal) return;
    const { client, conversations, outbox, notices } = this.#parts;
    removal.end();
    this.#pending.delete(id);
    try {
      await client.deleteConversation(id, { keepalive: true });
      this.#done(id);
      for (const prompt of outbox.at(id)) outbox.remove(prompt.key);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return this.#done(id); // another device was first
      if (this.#left().includes(id)) return; // the page is being left
      conversations.restore(removal.conversation);
      notices.say(`“${removal.conversation.title || "untitled"}” is still there: ${toErrorValue(error).message}`, {
        kind: "error",
      });
    }
  }
}
