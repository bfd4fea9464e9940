/**
 * Prompts the server has not confirmed yet: queued behind a running answer, being sent, or refused.
 *
 * They survive a reload with the key they were first sent under, so none is lost and none is paid twice.
 * The tabs of this device share them. Knows nothing of how a prompt is sent.
 */

import type { ChatBody, ErrorValue } from "../api/types.ts";
import { type Atom, atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import type { DeviceStorage, PromptSettings } from "./preferences.ts";

export interface PendingPrompt {
  /** The Idempotency-Key. */
  readonly key: string;
  /** The conversation's id, or the page's own name for one that is not on the server yet. */
  readonly place: string;
  readonly text: string;
  readonly settings: PromptSettings;
  readonly status: "queued" | "sending" | "failed";
  /** As it was sent: a retry under the same key must say the same. */
  readonly body: ChatBody | null;
  readonly error: ErrorValue | null;
}

export class Outbox {
  readonly prompts: Atom<readonly PendingPrompt[]>;
  readonly #storage: DeviceStorage;
  /** Whether the storage holds what is shown. Where it is full, the page knows better. */
  #isKept = true;

  constructor(storage: DeviceStorage) {
    this.#storage = storage;
    this.prompts = atom(storage.read<readonly PendingPrompt[]>("outbox", []));
  }

  /** Another tab of this device wrote. */
  reread(): void {
    if (this.#isKept) this.prompts.set(this.#storage.read<readonly PendingPrompt[]>("outbox", []));
  }

  at(place: string): readonly PendingPrompt[] {
    return this.prompts.get().filter(prompt => prompt.place === place);
  }

  get(key: string): PendingPrompt | undefined {
    return this.prompts.get().find(prompt => prompt.key === key);
  }

  add(place: string, text: string, settings: PromptSettings): PendingPrompt {
    const status = "queued" as const;
    const prompt: PendingPrompt = { key: randomUuid(), place, text, settings, status, body: null, error: null };
    this.#update(prompts => [...prompts, prompt]);
    return prompt;
  }

  change(key: string, change: Partial<PendingPrompt>): void {
    this.#update(prompts => prompts.map(prompt => (prompt.key === key ? { ...prompt, ...change } : prompt)));
  }

  remove(key: string): void {
    this.#update(prompts => prompts.filter(prompt => prompt.key !== key));
  }

  /** The conversation got its id: those waiting behind its first prompt follow it there. */
  move(from: string, to: string): void {
    if (from === to || this.at(from).length === 0) return;
    this.#update(prompts => prompts.map(prompt => (prompt.place === from ? { ...prompt, place: to } : prompt)));
  }

  /** Changes what is stored, not what this tab last saw: another one may have written since. */
  #update(change: (prompts: readonly PendingPrompt[]) => readonly PendingPrompt[]): void {
    const stored = this.#isKept ? this.#storage.read<readonly PendingPrompt[]>("outbox", []) : this.prompts.get();
    const prompts = change(stored);
    this.#isKept = this.#storage.write("outbox", prompts.length ? prompts : null);
    this.prompts.set(prompts);
  }
}
