/**
 * What the prompt that is being written would cost, at every model it goes to, asked for when the writing pauses.
 *
 * Never in the way: without a network or an answer nothing is known and nothing is shown.
 */

import type { ApiClient } from "../api/client.ts";
import type { Estimate, EstimateBody, Message } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import type { Chat } from "./chat.ts";
import type { Clock } from "./clock.ts";
import type { Line } from "./line.ts";

const PAUSE_MS = 400;

export interface EstimateParts {
  client: ApiClient;
  clock: Clock;
  line: Line;
  chat: Chat;
}

export class CostToSend {
  readonly estimate = atom<Estimate | null>(null);
  readonly #parts: EstimateParts;
  #text = "";
  #models: readonly string[] = [];
  /** The last one that was answered: it is still asked for when the words are on their way. */
  #known: { text: string; estimate: Estimate } | null = null;
  #callOff: () => void = () => undefined;
  #asked: AbortController | null = null;

  constructor(parts: EstimateParts) {
    this.#parts = parts;
  }

  /** What sending `text` was last estimated to cost at all its models, dollars; undefined where that is not known. */
  likelyOf(text: string): number | undefined {
    if (this.#known?.text.trim() !== text.trim()) return undefined;
    const costs = this.#known.estimate.models.map(({ cost }) => cost?.likely);
    return costs.reduce((sum, cost) => (sum === undefined || cost === undefined ? undefined : sum + cost), 0);
  }

  /** What was sent for `answer`, which is being made, is likely to cost, dollars; null where that is not known. */
  async inputOf({ parent_id, model, reasoning, conversation_id }: Message): Promise<number | null> {
    const prompt = this.#parts.chat.current.get().messages.get(parent_id ?? "");
    if (!prompt || model === null) return null;
    const estimate = await this.#request({
      message: prompt.content,
      models: [model],
      conversation_id,
      parent_id: prompt.parent_id,
      ...(reasoning !== null && { reasoning }),
    });
    return estimate?.models[0]?.cost_input?.likely ?? null;
  }

  #request(body: EstimateBody, signal?: AbortSignal): Promise<Estimate | null> {
    return this.#parts.client
      .request<Estimate>("POST", "/api/chat/estimate", body, { ...(signal && { signal }) })
      .catch(() => null);
  }

  /** The prompt is `text` now, empty where it is none; `models` where it names those that it goes to. */
  write(text: string, models: readonly string[] = []): void {
    this.#text = text;
    this.#models = models;
    this.refresh();
  }

  /** It would be sent with other settings, or somewhere else. */
  refresh(): void {
    this.#callOff();
    this.#asked?.abort();
    if (this.#text.trim() === "" || this.#parts.line.isOffline.get()) this.estimate.set(null);
    else this.#callOff = this.#parts.clock.after(PAUSE_MS, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const text = this.#text;
    const { chat } = this.#parts;
    const { model, reasoning } = chat.settings();
    const [models = []] = [this.#models, chat.comparing.get(), model === null ? [] : [model]].filter(all => all.length);
    if (models.length === 0) return this.estimate.set(null);
    const { id } = chat.current.get();
    const { parentId, before } = chat.ahead();
    const body: EstimateBody = {
      message: [...before, text].join("\n\n"),
      models: [...models],
      ...(id !== null && { conversation_id: id }),
      ...(id !== null && parentId !== undefined && { parent_id: parentId }),
      ...(reasoning !== null && { reasoning }),
    };
    const asked = new AbortController();
    this.#asked = asked;
    const estimate = await this.#request(body, asked.signal);
    if (asked.signal.aborted) return;
    this.#known = estimate && { text, estimate };
    this.estimate.set(estimate);
  }
}
