/** The list of conversations, newest first, a page at a time. */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { Conversation, ConversationPage, ErrorValue } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";
import type { Copies } from "./offline.ts";

/** How soon the list is read again while something in it is being answered. */
const LIVE_MS = 5_000;
/** Changes come in bunches: a prompt makes a conversation, changes it and begins an answer. */
const GATHER_MS = 150;
/** As many as the server gives at once. */
const LARGEST_PAGE = 200;

export interface ConversationList {
  readonly items: readonly Conversation[];
  readonly nextCursor: string | null;
  readonly status: "loading" | "ready" | "failed";
  readonly error: ErrorValue | null;
  /** When this device's own copy was made, where that is what is listed; milliseconds since 1970. */
  readonly asOf?: number;
}

export class Conversations {
  readonly list = atom<ConversationList>({ items: [], nextCursor: null, status: "loading", error: null });
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #copies: Copies | null;
  /** Not shown, although the server has them still. */
  readonly #hidden = new Set<string>();
  #isWatching = false;
  #gathered: Promise<void> | null = null;
  /** Whether changes are told as they happen; else what is live has to be asked for. */
  isTold = false;

  constructor(client: ApiClient, clock: Clock, copies: Copies | null = null) {
    this.#client = client;
    this.#clock = clock;
    this.#copies = copies;
  }

  /** Reads the newest page again; older pages that were read stay. */
  async refresh(): Promise<void> {
    try {
      const page = await this.#page(null);
      this.list.update(list => {
        const fresh = new Set(page.conversations.map(conversation => conversation.id));
        const oldest = page.conversations.at(-1)?.updated_at ?? "";
        const older =
          page.next_cursor === null ? [] : list.items.filter(it => !fresh.has(it.id) && it.updated_at < oldest);
        const nextCursor = older.length > 0 ? list.nextCursor : page.next_cursor;
        return { items: [...page.conversations, ...older], nextCursor, status: "ready", error: null };
      });
      if (page.conversations.some(conversation => conversation.is_live)) this.#watchLive();
      void this.#copies?.keepList(page.conversations);
    } catch (error) {
      await this.#fallBack(toErrorValue(error));
    }
  }

  /** What is listed stays; where nothing is, this device's own copy is listed. */
  async #fallBack(error: ErrorValue): Promise<void> {
    const copy = this.list.get().items.length === 0 ? await this.#copies?.list() : null;
    this.list.update(list => {
      if (list.items.length > 0) return { ...list, status: "ready", error };
      if (!copy) return { ...list, status: "failed", error };
      const items = copy.value.filter(({ id }) => !this.#hidden.has(id));
      return { items, nextCursor: null, status: "ready", error, asOf: copy.asOf };
    });
  }

  /** Reads the newest page soon, once for all who ask until then; ends when it is read. */
  refreshSoon(): Promise<void> {
    this.#gathered ??= new Promise(resolve => {
      this.#clock.after(GATHER_MS, () => {
        this.#gathered = null;
        void this.refresh().then(resolve);
      });
    });
    return this.#gathered;
  }

  isHidden(id: string): boolean {
    return this.#hidden.has(id);
  }

  /** Answers that nobody follows here end too: the list must not call them live for ever. */
  #watchLive(): void {
    if (this.#isWatching || this.isTold) return;
    this.#isWatching = true;
    this.#clock.after(LIVE_MS, () => {
      this.#isWatching = false;
      void this.refresh();
    });
  }

  async more(limit?: number): Promise<void> {
    const { nextCursor, status } = this.list.get();
    if (nextCursor === null || status === "loading") return;
    this.list.update(list => ({ ...list, status: "loading" }));
    try {
      const page = await this.#page(nextCursor, limit);
      this.list.update(list => {
        const known = new Set(list.items.map(conversation => conversation.id));
        const items = [...list.items, ...page.conversations.filter(conversation => !known.has(conversation.id))];
        return { items, nextCursor: page.next_cursor, status: "ready", error: null };
      });
    } catch (error) {
      this.list.update(list => ({ ...list, status: "failed", error: toErrorValue(error) }));
    }
  }

  /** Reads the pages that are left, one after the other: a filter is to find whatever there is. */
  async all(): Promise<void> {
    for (let last: string | null = null; ; ) {
      const { nextCursor, status } = this.list.get();
      if (nextCursor === null || nextCursor === last || status !== "ready") return;
      last = nextCursor;
      await this.more(LARGEST_PAGE);
    }
  }

  change(id: string, change: Partial<Conversation>): void {
    this.list.update(list => ({
      ...list,
      items: list.items.map(conversation => (conversation.id === id ? { ...conversation, ...change } : conversation)),
    }));
  }

  /** Takes it off the list until it is unhidden, whatever the server lists. */
  hide(id: string): void {
    this.#hidden.add(id);
    this.remove(id);
  }

  unhide(id: string): void {
    this.#hidden.delete(id);
    void this.refreshSoon();
  }

  /** Unhides it, where it stood. */
  restore(conversation: Conversation): void {
    this.#hidden.delete(conversation.id);
    this.list.update(list => {
      const others = list.items.filter(other => other.id !== conversation.id);
      const place = others.findIndex(other => other.updated_at < conversation.updated_at);
      const at = place < 0 ? others.length : place;
      return { ...list, items: [...others.slice(0, at), conversation, ...others.slice(at)] };
    });
  }

  remove(id: string): void {
    this.list.update(list => ({ ...list, items: list.items.filter(conversation => conversation.id !== id) }));
  }
  async #page(cursor: string | null, limit?: number): Promise<ConversationPage> {
    const page = await this.#client.conversations(cursor, limit);
    return { ...page, conversations: page.conversations.filter(it => !this.#hidden.has(it.id)) };
  }
}
