/** One prompt in the transcript, and one that the server does not have yet. */

import type { Message } from "../api/types.ts";
import { h, setText } from "../dom/element.ts";
import type { Row } from "../dom/keyed-list.ts";
import { formatSeconds } from "../lib/format.ts";
import type { GenerationState } from "../state/generation.ts";
import type { PendingPrompt } from "../state/outbox.ts";
import { siblingKeys } from "./siblings.ts";
import { ERROR, endSentence, liveWord, QUEUED, STOPPED } from "./state-words.ts";

export interface PromptItem {
  readonly message: Message;
  readonly siblings: readonly Message[];
}

export class PromptRow implements Row<PromptItem> {
  readonly element = h("article", { class: "prompt-row", "aria-label": "prompt" });
  readonly #text = h("p", { class: "prompt-text" });
  readonly #select: (sibling: Message) => void;
  #siblings: HTMLElement | null = null;
  #shown = "";

  constructor(select: (sibling: Message) => void) {
    this.#select = select;
    this.element.append(mark(), this.#text);
  }

  update({ message, siblings }: PromptItem): void {
    setText(this.#text, message.content);
    const shown = siblings.map(sibling => sibling.id).join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#siblings?.remove();
    this.#siblings = siblingKeys(message, siblings, "prompt", this.#select);
    if (this.#siblings) this.element.append(this.#siblings);
  }
}

export interface PendingItem {
  readonly prompt: PendingPrompt;
  readonly generation: GenerationState | null;
  /** Whether it waits although nothing runs: the answer before it did not come to its end. */
  readonly isHeld: boolean;
}

export interface PendingActions {
  send(key: string): void;
  edit(key: string): void;
}

export class PendingRow implements Row<PendingItem> {
  readonly element = h("article", { class: "prompt-row is-pending", "aria-label": "unsent prompt" });
  readonly #text = h("p", { class: "prompt-text" });
  readonly #state = h("p", { class: "pending-state", role: "status" });
  readonly #keys = h("span", { class: "actions" });
  readonly #words = h("span");

  constructor(key: string, actions: PendingActions) {
    this.#state.append(this.#words, " ", this.#keys);
    this.#keys.append(
      h("button", { type: "button", class: "send-now", onclick: () => actions.send(key) }, "send now"),
      h("button", { type: "button", onclick: () => actions.edit(key) }, "edit"),
    );
    this.element.append(mark(), this.#text, this.#state);
  }

  update({ prompt, generation, isHeld }: PendingItem): void {
    setText(this.#text, prompt.text);
    setText(this.#words, describe(prompt, generation, isHeld));
    this.element.classList.toggle("is-failed", prompt.status === "failed");
    const send = this.#keys.querySelector<HTMLElement>(".send-now");
    if (send) {
      send.hidden = !isHeld && prompt.status !== "failed";
      setText(send, prompt.status === "failed" ? "retry" : "send now");
    }
    this.#keys.hidden = prompt.status === "sending";
  }
}

function describe(prompt: PendingPrompt, generation: GenerationState | null, isHeld: boolean): string {
  if (prompt.status === "failed") {
    const retryAfter = prompt.error?.details?.retry_after_seconds;
    const wait = typeof retryAfter === "number" ? ` try again in ${formatSeconds(retryAfter)}.` : "";
    const { glyph, word } = prompt.error?.type === "cancelled" ? STOPPED : ERROR;
    return `${glyph} ${word} · ${endSentence(prompt.error?.message ?? "it was not sent")}${wait} your prompt is kept here.`;
  }
  if (prompt.status === "sending") {
    if (!generation) return "◌ sending";
    const { glyph, word } = liveWord(generation);
    return word === "offline"
      ? `${glyph} ${word} · it is sent as soon as the server can be reached`
      : `${glyph} ${word}`;
  }
  return `${QUEUED.glyph} ${QUEUED.word}${isHeld ? " · the answer before it did not come to its end" : ""}`;
}

function mark(): HTMLElement {
  return h("span", { class: "mark", "aria-hidden": "true" }, "❯");
}
