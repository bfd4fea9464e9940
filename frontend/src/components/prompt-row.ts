/** One prompt in the transcript, and one that the server does not have yet. */

import type { Message } from "../api/types.ts";
import { h, setText } from "../dom/element.ts";
import type { Row } from "../dom/keyed-list.ts";
import { overBudgetWords } from "../lib/budget.ts";
import { formatDollars, formatSeconds } from "../lib/format.ts";
import type { GenerationState } from "../state/generation.ts";
import { isGoOn } from "../state/open-conversation.ts";
import type { PendingPrompt } from "../state/outbox.ts";
import { siblingKeys } from "./siblings.ts";
import { ERROR, endSentence, HELD, liveWord, OFFLINE, QUEUED, SENDING, STOPPED } from "./state-words.ts";

export interface PromptItem {
  readonly message: Message;
  readonly siblings: readonly Message[];
  /** Whether what is sent next takes its place. */
  readonly isEdited: boolean;
}

export interface PromptActions {
  select(sibling: Message): void;
  edit(message: Message): void;
}

export class PromptRow implements Row<PromptItem> {
  readonly element = h("article", { class: "prompt-row", "aria-label": "prompt" });
  readonly #text = h("p", { class: "prompt-text" });
  readonly #edit = h("button", { type: "button" }, "edit");
  readonly #keys = h("span", { class: "actions" }, this.#edit);
  readonly #actions: PromptActions;
  #message: Message | null = null;
  #siblings: HTMLElement | null = null;
  #shown = "";

  constructor(actions: PromptActions) {
    this.#actions = actions;
    this.#edit.addEventListener("click", () => this.#message && actions.edit(this.#message));
    this.element.append(mark(), this.#text, this.#keys);
  }

  update({ message, siblings, isEdited }: PromptItem): void {
    this.#message = message;
    const isOwn = !isGoOn(message.content);
    setText(this.#text, isOwn ? message.content : "continued");
    this.element.classList.toggle("is-quiet", !isOwn);
    this.#edit.hidden = !isOwn;
    this.element.classList.toggle("is-edited", isEdited);
    const shown = siblings.map(sibling => sibling.id).join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#siblings?.remove();
    this.#siblings = siblingKeys(message, siblings, "prompt", this.#actions.select);
    if (this.#siblings) this.element.append(this.#siblings);
  }
}

export interface PendingItem {
  readonly prompt: PendingPrompt;
  readonly generation: GenerationState | null;
  /** How the answer before it ended, where it waits although nothing runs; else null. */
  readonly heldBy: Message["status"] | null;
}

export interface PendingActions {
  send(key: string): void;
  /** Sends it this once, whatever the budgets say. */
  sendAnyway(key: string): void;
  edit(key: string): void;
  remove(key: string): void;
}

export class PendingRow implements Row<PendingItem> {
  readonly element = h("article", { class: "prompt-row is-pending", "aria-label": "unsent prompt" });
  readonly #text = h("p", { class: "prompt-text" });
  readonly #state = h("p", { class: "pending-state", role: "status" });
  readonly #keys = h("span", { class: "actions" });
  readonly #stateWord = h("span", { class: "state" });
  readonly #words = h("span");
  readonly #send: HTMLElement;
  readonly #sendAnyway: HTMLElement;
  readonly #edit: HTMLElement;

  constructor(key: string, actions: PendingActions) {
    const button = (label: string, act: (key: string) => void) =>
      h("button", { type: "button", onclick: () => act(key) }, label);
    this.#send = button("send now", actions.send);
    this.#sendAnyway = button("send once anyway", actions.sendAnyway);
    this.#edit = button("edit", actions.edit);
    this.#keys.append(this.#send, this.#sendAnyway, this.#edit, button("remove", actions.remove));
    this.#state.append(this.#stateWord, this.#words, " ", this.#keys);
    this.element.append(mark(), this.#text, this.#state);
  }

  update({ prompt, generation, heldBy }: PendingItem): void {
    const isFailed = prompt.status === "failed";
    const isOwn = prompt.again === undefined && !isGoOn(prompt.text);
    setText(this.#text, isOwn ? prompt.text : prompt.again === undefined ? "continued" : again(prompt));
    const [state, ...words] = describe(prompt, generation, heldBy);
    setText(this.#stateWord, state);
    setText(this.#words, words.map(word => word && ` · ${word}`).join(""));
    this.element.classList.toggle("is-failed", isFailed);
    this.#send.hidden = heldBy === null && !isFailed;
    setText(this.#send, isFailed ? "retry" : "send now");
    this.#sendAnyway.hidden = prompt.error?.type !== "budget_exceeded";
    // Another answer to a prompt that stands, or the rest of one, has no words of the reader's.
    this.#edit.hidden = !isOwn;
    // On its way to the server it can't be taken back, also while it is found out what a try that was called off came to.
    this.#keys.hidden = generation === null ? prompt.status === "sending" : !generation.isOffline;
  }
}

function again({ settings }: PendingPrompt): string {
  return settings.model === null ? "another answer" : `another answer, by ${settings.model}`;
}

/** Its state, and what there is to say of it. */
function describe(
  prompt: PendingPrompt,
  generation: GenerationState | null,
  heldBy: PendingItem["heldBy"],
): [state: string, ...words: string[]] {
  if (prompt.status === "failed") return describeFailed(prompt);
  const isQueued = prompt.status === "queued";
  const because = isQueued && heldBy !== null ? (HELD_BY[heldBy] ?? "") : "";
  const { glyph, word } = isQueued ? (because ? HELD : QUEUED) : generation ? liveWord(generation) : SENDING;
  return [
    `${glyph} ${word}`,
    isQueued && prompt.estimate !== undefined ? `~${formatDollars(prompt.estimate)}` : "",
    prompt.image ? ["an image", prompt.image.size, prompt.image.quality].filter(Boolean).join(", ") : "",
    prompt.others ? `to ${prompt.others.length + 1} models` : "",
    word === OFFLINE.word ? "it is sent as soon as the server can be reached" : "",
    because,
  ];
}

/** Whoever wrote it had read another end of the answer before it, or none. */
const HELD_BY: Partial<Record<Message["status"], string>> = {
  stopped: "the answer before it was stopped",
  interrupted: "the answer before it broke off",
  error: "the answer before it failed",
};

function describeFailed({ error, again }: PendingPrompt): [state: string, ...words: string[]] {
  const kept = again === undefined ? " your prompt is kept here." : "";
  const budget = error?.type === "budget_exceeded" ? overBudgetWords(error.details, new Date()) : null;
  if (budget) return [`${ERROR.glyph} over budget`, `${budget}${kept}`];
  const retryAfter = error?.details?.retry_after_seconds;
  const wait = typeof retryAfter === "number" ? ` try again in ${formatSeconds(retryAfter)}.` : "";
  const { glyph, word } = error?.type === "cancelled" ? STOPPED : ERROR;
  return [`${glyph} ${word}`, `${endSentence(error?.message ?? "it was not sent")}${wait}${kept}`];
}

function mark(): HTMLElement {
  return h("span", { class: "mark", "aria-hidden": "true" }, "❯");
}
