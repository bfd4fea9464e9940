/**
 * Prompts the server has not confirmed yet: queued behind a running answer, being sent, or refused.
 *
 *   add ─► notebook (at once) ─► store (committed) ─► off the notebook
 *
 * They survive a reload with the key they were first sent under, so none is lost and none is paid twice. The notebook
 * is the browser's small storage, which writes while one waits; the store is its database, which has room and is
 * shared by the tabs, and may be missing: then the notebook is all there is. Knows nothing of how a prompt is sent.
 */

import type { ChatBody, ErrorValue, ImageBody, RetryBody } from "../api/types.ts";
import { type Atom, atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { DeviceStorage, ImageWish, PromptSettings } from "./preferences.ts";

/** What is sent for a prompt, for an image, for another answer. */
export type PromptBody = ChatBody | ImageBody | RetryBody;

export interface PendingPrompt {
  /** The Idempotency-Key. */
  readonly key: string;
  /** The conversation's id, or the page's own name for one that is not on the server yet. */
  readonly place: string;
  readonly text: string;
  readonly settings: PromptSettings;
  readonly status: "queued" | "sending" | "failed";
  /** As it was sent: a retry under the same key must say the same. */
  readonly body: PromptBody | null;
  readonly error: ErrorValue | null;
  /** When it was written, milliseconds since 1970. What was typed first is asked first. */
  readonly writtenAt: number;
  /** What it follows, where that is not the end of what is read; null makes it a beginning of its own. */
  readonly parentId?: string | null;
  /** The prompt that is to be answered again, or the answer beside which another is wished; it has its text already. */
  readonly again?: string;
  /** What it is sent with to the models that answer it as well. */
  readonly others?: readonly PromptSettings[];
  /** Where it is an image that is asked for. */
  readonly image?: ImageWish;
  /** What sending it would cost, as it was estimated when it was written, dollars. */
  readonly estimate?: number;
}

/** What is to become of a prompt, besides being sent at the end of what is read. */
export type PromptWish = Pick<PendingPrompt, "parentId" | "again" | "others" | "image" | "estimate">;

/** Whether it has its place in the tree already: then it waits for no answer before it. */
export function isAside({ parentId, again }: PendingPrompt): boolean {
  return parentId !== undefined || again !== undefined;
}

/** Where the tabs of a device keep prompts together. Every call may reject. */
export interface PromptStore {
  /** Whatever is kept, perhaps by another version of this page. */
  all(): Promise<unknown[]>;
  put(prompt: PendingPrompt): Promise<void>;
  /** Removes a prompt and who claimed it. */
  delete(key: string): Promise<void>;
  /** Whether this page may send it, for so long. */
  claim(key: string, milliseconds: number): Promise<boolean>;
  release(key: string): Promise<void>;
  /** Calls `listener` when another page wrote. */
  subscribe(listener: () => void): void;
}

/** How long a page that sends a prompt is trusted to be there without another sign. */
export const CLAIM_MS = 15_000;
const RENEW_MS = 5_000;

export class Outbox {
  readonly prompts: Atom<readonly PendingPrompt[]>;
  /** When all that was kept is there. */
  readonly ready: Promise<void>;
  readonly #notebook: DeviceStorage;
  readonly #store: PromptStore | null;
  readonly #clock: Clock;
  /** What this page changed and no shared place has yet; null is removed. */
  readonly #unkept = new Map<string, PendingPrompt | null>();
  #commits = 0;
  #reads = 0;
  readonly #renewals = new Map<string, () => void>();

  constructor(notebook: DeviceStorage, store: PromptStore | null = null, clock: Clock = systemClock) {
    this.#notebook = notebook;
    this.#store = store;
    this.#clock = clock;
    this.prompts = atom(inOrder(this.#noted()));
    this.ready = this.#load();
  }

  /** Another tab of this device wrote. */
  async reread(): Promise<void> {
    const turn = ++this.#reads;
    let kept: unknown[] = [];
    // What was committed while it was read may be missing from what was read.
    for (let seen = -1; this.#store && seen !== this.#commits; ) {
      seen = this.#commits;
      kept = await this.#store.all().catch(() => []);
    }
    if (turn !== this.#reads) return;
    const prompts = new Map<string, PendingPrompt>();
    for (const prompt of [...readPrompts(kept), ...this.#noted()]) prompts.set(prompt.key, prompt);
    for (const [key, prompt] of this.#unkept) {
      if (prompt) prompts.set(key, prompt);
      else prompts.delete(key);
    }
    // What another page took away is nobody's to send.
    for (const key of [...this.#renewals.keys()]) if (!prompts.has(key)) this.#stopRenewing(key);
    const next = inOrder(prompts.values());
    if (JSON.stringify(next) !== JSON.stringify(this.prompts.get())) this.prompts.set(next);
  }

  at(place: string): readonly PendingPrompt[] {
    return this.prompts.get().filter(prompt => prompt.place === place);
  }

  get(key: string): PendingPrompt | undefined {
    return this.prompts.get().find(prompt => prompt.key === key);
  }

  add(
    place: string,
    text: string,
    settings: PromptSettings,
    wish: PromptWish = {},
    key: string = randomUuid(),
  ): PendingPrompt {
    const writtenAt = Math.max(Date.now(), (this.prompts.get().at(-1)?.writtenAt ?? 0) + 1);
    const made = { key, place, text, settings, body: null, error: null, writtenAt, ...wish };
    const prompt: PendingPrompt = { ...made, status: "queued" };
    this.#keep(prompt);
    return prompt;
  }

  change(key: string, change: Partial<PendingPrompt>): void {
    const prompt = this.get(key);
    if (!prompt) return;
    const changed = { ...prompt, ...change };
    // What is not being sent any more, or under another key, may be taken up by any page.
    if (changed.key !== key || changed.status !== "sending") this.release(key);
    if (changed.key !== key) this.#forget(key);
    this.#keep(changed);
  }

  remove(key: string): void {
    this.#stopRenewing(key);
    this.#forget(key);
  }

  /** The conversation got its id: those waiting behind its first prompt follow it there. */
  move(from: string, to: string): void {
    if (from === to) return;
    for (const { key } of this.at(from)) this.change(key, { place: to });
  }

  /** Whether this page may send it, which it then has to itself until it is settled. At once where pages share nothing. */
  claim(key: string): true | Promise<boolean> {
    const store = this.#store;
    if (!store || this.#renewals.has(key)) return true;
    return store.claim(key, CLAIM_MS).then(
      isMine => {
        if (isMine) this.#renew(key);
        return isMine;
      },
      () => true, // nobody else can read it either
    );
  }

  release(key: string): void {
    if (this.#stopRenewing(key)) this.#store?.release(key).catch(() => undefined);
  }

  /** The page is left: another one need not wait until the claims run out. One that comes back renews them. */
  letGo(): void {
    for (const key of this.#renewals.keys()) this.#store?.release(key).catch(() => undefined);
  }

  #renew(key: string): void {
    const callOff = this.#clock.after(RENEW_MS, () => {
      this.#renew(key);
      this.#store?.claim(key, CLAIM_MS).catch(() => undefined);
    });
    this.#renewals.set(key, callOff);
  }

  #stopRenewing(key: string): boolean {
    this.#renewals.get(key)?.();
    return this.#renewals.delete(key);
  }

  async #load(): Promise<void> {
    if (!this.#store) return;
    this.#store.subscribe(() => void this.reread());
    await this.reread();
    // What an earlier page, or an earlier version of it, could only note.
    for (const prompt of this.#noted()) this.#keep(prompt);
  }

  #keep(prompt: PendingPrompt): void {
    const { key } = prompt;
    this.prompts.update(prompts => inOrder([...prompts.filter(other => other.key !== key), prompt]));
    const isNoted = this.#note(noted => [...noted.filter(other => other.key !== key), prompt]);
    this.#share(key, prompt, isNoted, store => store.put(prompt));
  }

  #forget(key: string): void {
    this.prompts.update(prompts => prompts.filter(prompt => prompt.key !== key));
    const isNoted = this.#note(noted => noted.filter(other => other.key !== key));
    this.#share(key, null, isNoted, store => store.delete(key));
  }

  #share(key: string, value: PendingPrompt | null, isNoted: boolean, write: (store: PromptStore) => Promise<void>) {
    this.#unkept.set(key, value);
    const isLatest = () => this.#unkept.get(key) === value;
    if (!this.#store) {
      if (isNoted) this.#unkept.delete(key);
      return;
    }
    write(this.#store).then(
      () => {
        this.#commits += 1;
        if (!isLatest()) return;
        this.#unkept.delete(key);
        if (value) this.#note(noted => noted.filter(other => other.key !== key));
      },
      () => {
        // Noted, it is there for the next page.
        if (isNoted && isLatest()) this.#unkept.delete(key);
      },
    );
  }

  #noted(): PendingPrompt[] {
    return readPrompts(this.#notebook.read<unknown>("outbox", []));
  }

  /** Changes what is noted, not what this tab last saw: another one may have written since. */
  #note(change: (noted: readonly PendingPrompt[]) => readonly PendingPrompt[]): boolean {
    const noted = this.#noted();
    const next = change(noted);
    if (next.length === 0 && noted.length === 0) return true;
    return this.#notebook.write("outbox", next.length ? next : null);
  }
}

function inOrder(prompts: Iterable<PendingPrompt>): readonly PendingPrompt[] {
  return [...prompts].sort((a, b) => a.writtenAt - b.writtenAt);
}

/** What can be made of what was kept: another version wrote it, or a hand. What can't be read is passed over. */
function readPrompts(kept: unknown): PendingPrompt[] {
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((value: Partial<PendingPrompt> | null) => {
    const { key, place, text, settings, status } = value ?? {};
    if (typeof key !== "string" || typeof place !== "string" || typeof text !== "string") return [];
    const { parentId, again, others, image, estimate } = value ?? {};
    const wish: PromptWish = {
      ...((parentId === null || typeof parentId === "string") && { parentId }),
      ...(typeof again === "string" && { again }),
      ...(Array.isArray(others) && { others: others.filter(isObject).map(other => ({ ...NO_SETTINGS, ...other })) }),
      ...(isObject(image) && { image }),
      ...(typeof estimate === "number" && { estimate }),
    };
    const isWhole = (body: object) => wish.again !== undefined || (wish.image ? "prompt" : "message") in body;
    const body = isObject(value?.body) && isWhole(value.body) ? value.body : null;
    const error = isObject(value?.error) && typeof value.error.message === "string" ? value.error : null;
    const prompt: PendingPrompt = {
      ...{ key, place, text, body, error },
      settings: { ...NO_SETTINGS, ...(isObject(settings) && settings) },
      // Without its body it can't be sent as it was.
      status: status === "failed" || (status === "sending" && body) ? status : "queued",
      writtenAt: typeof value?.writtenAt === "number" ? value.writtenAt : 0,
      ...wish,
    };
    return [prompt];
  });
}

const NO_SETTINGS: PromptSettings = { model: null, temperature: null, reasoning: null };

function isObject<T>(value: T): value is T & object {
  return typeof value === "object" && value !== null;
}
