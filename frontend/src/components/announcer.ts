/**
 * Reads answers out as they come, for those who listen to them: finished sentences, and how each answer ended.
 *
 * Fetched with the first answer. Nothing of it is seen.
 */

import type { Message } from "../api/types.ts";
import { setText } from "../dom/element.ts";
import { finishedEnd, spoken } from "../lib/sentences.ts";
import { endWords } from "./state-words.ts";

export class Announcer {
  /** A live region: what is written into it is read out. */
  readonly #region: HTMLElement;
  /** How far each answer was read. */
  readonly #ends = new Map<string, number>();

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  /** `isBeside`: it stands beside another that is read out. Nobody follows two voices at once: only its end is told. */
  announce(message: Message, isEnded: boolean, isBeside: boolean): void {
    const { id, content } = message;
    const from = this.#ends.get(id) ?? 0;
    if (isBeside && (!isEnded || from > 0)) return;
    const end = isEnded ? content.length : finishedEnd(content, from);
    this.#ends.set(id, isEnded ? Number.MAX_SAFE_INTEGER : end);
    const ended = isEnded && from !== Number.MAX_SAFE_INTEGER ? endWords(message) : null;
    if (isBeside) return setText(this.#region, `the answer by ${message.model} is ${ended?.state.word ?? "complete"}.`);
    const words = end > from ? spoken(content.slice(from, end)) : "";
    const all = ended ? `${words} ${ended.state.word}. ${ended.text} ${ended.advice}`.trim() : words;
    if (all) setText(this.#region, all);
  }
}
