/** Prompts that several pages of a test share, as the tabs of a device do. Tests only. */

import type { PendingPrompt, PromptStore } from "../state/outbox.ts";

export class SharedPrompts {
  readonly kept = new Map<string, unknown>();
  readonly #claims = new Map<string, string>();
  readonly #listeners = new Map<string, () => void>();

  /** As the page `holder` sees them. */
  at(holder: string): PromptStore {
    const tell = () => {
      for (const [other, listener] of this.#listeners) if (other !== holder) listener();
    };
    return {
      all: async () => [...this.kept.values()],
      put: async (prompt: PendingPrompt) => {
        this.kept.set(prompt.key, structuredClone(prompt));
        tell();
      },
      delete: async key => {
        this.kept.delete(key);
        this.#claims.delete(key);
        tell();
      },
      claim: async key => {
        const held = this.#claims.get(key) ?? holder;
        if (held === holder) this.#claims.set(key, holder);
        return held === holder;
      },
      release: async key => void this.#claims.delete(key),
      subscribe: listener => void this.#listeners.set(holder, listener),
    };
  }

  /** The page `holder` is gone, and its claims have run out. */
  close(holder: string): void {
    this.#listeners.delete(holder);
    for (const [key, held] of this.#claims) if (held === holder) this.#claims.delete(key);
  }
}
