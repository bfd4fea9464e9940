/** The list of conversations, newest first, a page at a time. */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { Conversation, ErrorValue } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";

/** How soon the list is read again while something in it is being answered. */
const LIVE_MS = 5_000;

export interface ConversationList {
  readonly items: readonly Conversation[];
  readonly nextCursor: string | null;
  readonly status: "loading" | "ready" | "failed";
  readonly error: ErrorValue | null;
}

export class Conversations {
  readonly list = atom<ConversationList>({ items: [], nextCursor: null, status: "loading", error: null });
  readonly #client: ApiClient;
  readonly #clock: Clock;
  #isWatching = false;

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Reads the newest page again; older pages that were read stay. */
  async refresh(): Promise<void> {
    try {
      const page = await this.#client.conversations(null);
      this.list.update(list => {
        const fresh = new Set(page.conversations.map(conversation => conversation.id));
        const oldest = page.conversations.at(-1)?.updated_at ?? "";
        const older =
          page.next_cursor === null ? [] : list.items.filter(it => !fresh.has(it.id) && it.updated_at < oldest);
        const nextCursor = older.length > 0 ? list.nextCursor : page.next_cursor;
        return { items: [...page.conversations, ...older], nextCursor, status: "ready", error: null };
      });
      if (page.conversations.some(conversation => conversation.is_live)) this.#watchLive();
    } catch (error) {
      this.list.update(list => ({
        ...list,
        status: list.items.length ? "ready" : "failed",
        error: toErrorValue(error),
      }));
    }
  }

  /** Answers that nobody follows here end too: the list must not call them live for ever. */
  #watchLive(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#clock.after(LIVE_MS, () => {
      this.#isWatching = false;
      void this.refresh();
    });
  }

  async more(): Promise<void> {
    const { nextCursor, status } = this.list.get();
    if (nextCursor === null || status === "loading") return;
    this.list.update(list => ({ ...list, status: "loading" }));
    try {
      const page = await this.#client.conversations(nextCursor);
      this.list.update(list => {
        const known = new Set(list.items.map(conversation => conversation.id));
        const items = [...list.items, ...page.conversations.filter(conversation => !known.has(conversation.id))];
        return { items, nextCursor: page.next_cursor, status: "ready", error: null };
      });
    } catch (error) {
      this.list.update(list => ({ ...list, status: "failed", error: toErrorValue(error) }));
    }
  }

  change(id: string, change: Partial<Conversation>): void {
    this.list.update(list => ({
      ...list,
      items: list.items.map(conversation => (conversation.id === id ? { ...conversation, ...change } : conversation)),
    }));
  }

  remove(id: string): void {
    this.list.update(list => ({ ...list, items: list.items.filter(conversation => conversation.id !== id) }));
  }
}
