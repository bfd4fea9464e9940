/**
 * Copies of what was read, on this device, to be read where the server can't be reached. Kept only where the reader
 * wants it, and all gone when they don't any more.
 *
 * The server stays the source of truth: a copy is shown with the time it was made, and replaced as soon as it can be.
 * Knows nothing of how it is shown.
 */

import type { Conversation, ConversationWithMessages } from "../api/types.ts";
import { type Atom, atom } from "../lib/store.ts";
import { BrowserDatabase } from "./browser-database.ts";

const FLAG = "llm-router.offline-reading";
/** Of the conversations read last. */
const MOST_CONVERSATIONS = 50;
/** A book of a conversation would push the others out of the browser's room. */
const MOST_CHARACTERS = 2_000_000;

/** Something as it was at a time, milliseconds since 1970. */
export interface Copy<T> {
  readonly value: T;
  readonly asOf: number;
}

export interface Copies {
  keepList(conversations: readonly Conversation[]): Promise<void>;
  keepConversation(conversation: ConversationWithMessages): Promise<void>;
  forget(id: string): Promise<void>;
  list(): Promise<Copy<readonly Conversation[]> | null>;
  conversation(id: string): Promise<Copy<ConversationWithMessages> | null>;
}

/** Whether what is read is kept for reading offline; set it, or call `setOfflineReading` to know when it is done. */
export const offlineReading: Atom<boolean> = atom(isOn());

let settled: Promise<void> = Promise.resolve();

offlineReading.subscribe(on => {
  settled = apply(on);
});

/** Begins to keep copies, or wipes them all. Rejects where they can't be wiped. */
export function setOfflineReading(on: boolean): Promise<void> {
  offlineReading.set(on);
  return settled;
}

const database = new BrowserDatabase("llm-router-offline", {
  conversations: { keyPath: "value.id" },
  lists: { keyPath: "name" },
});

interface KeptList {
  readonly name: "newest";
  readonly value: readonly Conversation[];
  readonly asOf: number;
}

interface ReadingOrder {
  readonly name: "read";
  /** Ids, the last read first. */
  readonly ids: readonly string[];
}

/** Failing to keep or find a copy is no failure of the page: then there is none. */
export const offlineCopies: Copies = {
  async keepList(value) {
    if (!isOn()) return;
    const list: KeptList = { name: "newest", value, asOf: Date.now() };
    await quietly(database.run("lists", "readwrite", store => store.put(list)));
  },

  async keepConversation(value) {
    const length = value.messages.reduce((sum, { content }) => sum + content.length, 0);
    if (!isOn() || length > MOST_CHARACTERS) return;
    const copy: Copy<ConversationWithMessages> = { value, asOf: Date.now() };
    await quietly(database.run("conversations", "readwrite", store => store.put(copy)));
    for (const id of (await noteReading(value.id)) ?? []) await this.forget(id);
  },

  async forget(id) {
    if (isOn()) await quietly(database.run("conversations", "readwrite", store => void store.delete(id)));
  },

  async list() {
    if (!isOn()) return null;
    return (
      (await quietly<KeptList | undefined>(database.run("lists", "readonly", store => store.get("newest")))) ?? null
    );
  },

  async conversation(id) {
    if (!isOn()) return null;
    const found = database.run<Copy<ConversationWithMessages> | undefined>("conversations", "readonly", store =>
      store.get(id),
    );
    return (await quietly(found)) ?? null;
  },
};

/** Puts it first among those that were read; the result is those that there is no more room for. */
async function noteReading(id: string): Promise<readonly string[] | undefined> {
  let dropped: readonly string[] = [];
  await quietly(
    database.run("lists", "readwrite", store => {
      const order: IDBRequest<ReadingOrder | undefined> = store.get("read");
      order.onsuccess = () => {
        const ids = [id, ...(order.result?.ids ?? []).filter(other => other !== id)];
        dropped = ids.slice(MOST_CONVERSATIONS);
        store.put({ name: "read", ids: ids.slice(0, MOST_CONVERSATIONS) } satisfies ReadingOrder);
      };
      return undefined;
    }),
  );
  return dropped;
}

async function apply(on: boolean): Promise<void> {
  try {
    if (on) localStorage.setItem(FLAG, "true");
    else localStorage.removeItem(FLAG);
  } catch {
    return; // what can't be remembered is not begun: see `isOn`
  }
  if (!on) return database.wipe();
  // Asks the browser not to throw it away by itself; it may say no.
  await navigator.storage?.persist?.().catch(() => false);
}

/** Asked each time: another tab may have switched it off. */
function isOn(): boolean {
  try {
    return localStorage.getItem(FLAG) === "true";
  } catch {
    return false;
  }
}

function quietly<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined);
}
