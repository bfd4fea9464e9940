/**
 * Unsent prompts in the browser's database, for all tabs of this device, and which of the tabs sends one.
 *
 * A tab claims a prompt for some seconds at a time and renews that while it sends, so that the prompt of a tab that
 * was closed is sent by another. Locks of the browser would be for https only; the last guard is the server's, which
 * pays a key once.
 */

import { randomUuid } from "../lib/uuid.ts";
import { BrowserDatabase } from "./browser-database.ts";
import type { PendingPrompt, PromptStore } from "./outbox.ts";

interface Claim {
  readonly key: string;
  readonly holder: string;
  /** Milliseconds since 1970, which all tabs agree on. */
  readonly until: number;
}

export class DatabasePromptStore implements PromptStore {
  readonly #database = new BrowserDatabase("llm-router-outbox", {
    prompts: { keyPath: "key" },
    claims: { keyPath: "key" },
  });
  /** Tells the other tabs. */
  readonly #channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("llm-router-outbox") : null;
  readonly #holder: string;

  constructor(holder: string) {
    this.#holder = holder;
  }

  async all(): Promise<unknown[]> {
    return (await this.#database.run("prompts", "readonly", store => store.getAll())) ?? [];
  }

  async put(prompt: PendingPrompt): Promise<void> {
    await this.#database.run("prompts", "readwrite", store => committed(store, store.put(prompt)));
    this.#channel?.postMessage(null);
  }

  async delete(key: string): Promise<void> {
    await this.#database.run("prompts", "readwrite", store => committed(store, store.delete(key)));
    await this.release(key);
    this.#channel?.postMessage(null);
  }

  async claim(key: string, milliseconds: number): Promise<boolean> {
    const now = Date.now();
    const mine: Claim = { key, holder: this.#holder, until: now + milliseconds };
    let isMine = false;
    await this.#database.run("claims", "readwrite", store => {
      const found: IDBRequest<Claim | undefined> = store.get(key);
      found.onsuccess = () => {
        const held = found.result;
        // One that ends in a far future was made by a clock that was set since.
        isMine = !held || held.holder === this.#holder || held.until < now || held.until > now + 10 * milliseconds;
        if (isMine) store.put(mine);
      };
      return undefined;
    });
    return isMine;
  }

  async release(key: string): Promise<void> {
    await this.#database.run("claims", "readwrite", store => void store.delete(key));
  }

  subscribe(listener: () => void): void {
    if (this.#channel) this.#channel.onmessage = listener;
  }
}

/** Goes through though the page is left at once, before it could hear that it did. */
function committed<T>({ transaction }: IDBObjectStore, request: IDBRequest<T>): IDBRequest<T> {
  transaction.commit?.();
  return request;
}

/** Null where the browser has no database for pages. */
export function openPromptStore(): PromptStore | null {
  return typeof indexedDB === "undefined" ? null : new DatabasePromptStore(tabName());
}

/** The same after a reload, so that a page takes up again at once what it was sending. */
function tabName(): string {
  try {
    const known = sessionStorage.getItem("llm-router.tab");
    const name = known ?? randomUuid();
    if (!known) sessionStorage.setItem("llm-router.tab", name);
    return name;
  } catch {
    return randomUuid();
  }
}
