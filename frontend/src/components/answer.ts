/**
 * One answer: thinking, notices, text and receipt on a rule in the colour of its provider.
 *
 * While it streams the tally under the text moves by transform and the open block is built anew, so that
 * nothing on the page is laid out differently from one frame to the next: no layout shift.
 */

import type { Message } from "../api/types.ts";
import { copyText, h, setAttribute, setText } from "../dom/element.ts";
import { GrowingText } from "../dom/growing-text.ts";
import type { Row } from "../dom/keyed-list.ts";
import { LazyMarkdown } from "../dom/lazy-markdown.ts";
import { reasoningOf } from "../lib/event-fold.ts";
import {
  costSoFar,
  describeCost,
  formatCost,
  formatCount,
  formatRate,
  formatSeconds,
  formatTokens,
  shortModel,
} from "../lib/format.ts";
import { type GenerationState, isSettled, lengthOf } from "../state/generation.ts";
import { siblingKeys } from "./siblings.ts";
import { endWords, liveWord } from "./state-words.ts";

export interface AnswerItem {
  readonly message: Message;
  readonly generation: GenerationState | null;
  readonly siblings: readonly Message[];
  /** The provider's name, for the colour of the rule; the message itself knows only when it is whole. */
  readonly provider: string;
  /** What was sent for it costs `input` dollars, likely, and a million tokens of it `output`; null where not known. */
  readonly rate: { readonly input: number; readonly output: number } | null;
  readonly isDemo: boolean;
  /** Whether it and its siblings can be read side by side here. */
  readonly isComparable: boolean;
}

export interface AnswerActions {
  retry(message: Message): void;
  /** Lets the reader choose the model of another answer. */
  retryWith(message: Message): void;
  /** Asks for the rest of an answer that broke off. */
  goOn(message: Message): void;
  fork(message: Message): void;
  select(message: Message): void;
  compare(message: Message): void;
}

export class AnswerRow implements Row<AnswerItem> {
  readonly element = h("article", { class: "answer" });
  readonly #thought = h("details", { class: "thought" });
  readonly #thoughtHead = h("summary");
  readonly #thoughtText = new GrowingText(h("div", { class: "thought-text" }));
  readonly #notices = h("div", { class: "notices" });
  readonly #markdown: LazyMarkdown;
  readonly #images = h("div", { class: "images" });
  readonly #end = h("p", { class: "end" });
  readonly #tally = h("p", { class: "tally" });
  readonly #actions: AnswerActions;
  readonly #now: () => number;
  #receipt: HTMLElement | null = null;
  #shown: AnswerItem | null = null;
  #reasoning = "";
  /** What the tally says is going on. */
  #word = "";

  constructor(actions: AnswerActions, now: () => number, textArrived: () => void) {
    this.#markdown = new LazyMarkdown(textArrived);
    this.#actions = actions;
    this.#now = now;
    this.#thought.append(this.#thoughtHead, this.#thoughtText.element);
    this.#thought.addEventListener("toggle", () => this.#showThought());
    this.element.append(this.#markdown.element);
  }

  dispose(): void {
    this.#markdown.dispose();
  }

  get isLive(): boolean {
    return this.element.classList.contains("is-live");
  }

  update(item: AnswerItem): void {
    const old = this.#shown;
    this.#shown = item;
    if (old && old.message === item.message && old.generation === item.generation && sameSiblings(old, item)) {
      const isSame = old.provider === item.provider && old.isDemo === item.isDemo;
      if (isSame && old.isComparable === item.isComparable) return;
    }
    const { generation, provider } = item;
    const isLive = generation !== null && !isSettled(generation.phase);
    const message = isLive ? generation.message : item.message;
    setAttribute(this.element, "data-provider", provider);
    setAttribute(this.element, "data-status", message.status);
    setAttribute(this.element, "aria-label", `answer by ${message.model ?? "the model"}`);
    setAttribute(this.element, "aria-busy", isLive ? "true" : null);
    this.element.classList.toggle("is-live", isLive);
    this.#updateThought(message, generation, isLive);
    this.#updateNotices(generation?.notices ?? []);
    if (isLive) this.#markdown.update(message.content);
    else this.#markdown.finish(message.content);
    this.#updateImages(message);
    this.#updateEnd(isLive ? null : endWords(message));
    if (!isLive) this.#updateReceipt(item);
    // Its figures go on with the clock, not with each token.
    else if (!this.#tally.isConnected || liveWord(generation).word !== this.#word)
      this.#updateTally(message, generation);
  }

  /** Places the tally under the text; called after the frame's content stands. */
  placeTally(): void {
    if (this.isLive)
      this.#tally.style.transform = `translateY(${this.#markdown.element.offsetTop + this.#markdown.element.offsetHeight}px)`;
  }

  /** Seconds and rate go on while nothing arrives. */
  tick(): void {
    const generation = this.#shown?.generation;
    if (generation && this.isLive) this.#updateTally(generation.message, generation);
  }

  #updateThought(message: Message, generation: GenerationState | null, isLive: boolean): void {
    this.#reasoning = reasoningOf(message);
    const tokens = message.tokens_reasoning;
    const isThere = this.#reasoning !== "" || (tokens !== null && tokens > 0);
    this.#place(this.#thought, isThere);
    if (!isThere) return;
    const isThinking = isLive && message.content === "";
    // While it thinks, the seconds of the tally are those of the thought.
    const seconds = isThinking ? 0 : (generation?.thoughtSeconds ?? message.reasoning_duration ?? 0);
    const words = [
      `${isThinking ? "thinking" : "thought"}${seconds < 0.1 ? "" : ` for ${formatSeconds(seconds)}`}`,
      tokens ? `${formatCount(tokens)} tok` : "",
      this.#reasoning === "" && !isThinking ? "not shown by the provider" : "",
    ];
    setText(this.#thoughtHead, words.filter(Boolean).join(" · "));
    if (this.#thought.open) this.#showThought();
  }

  #showThought(): void {
    if (this.#thought.open)
      this.#thoughtText.update(this.#reasoning || "the provider keeps the words of this thought to itself");
  }

  #updateNotices(notices: readonly string[]): void {
    this.#place(this.#notices, notices.length > 0);
    while (this.#notices.childElementCount < notices.length) {
      this.#notices.append(h("p", {}, notices[this.#notices.childElementCount] ?? ""));
    }
  }

  #updateImages(message: Message): void {
    const images = message.parts.filter(part => part.type === "image");
    this.#place(this.#images, images.length > 0);
    for (const part of images.slice(this.#images.querySelectorAll("img").length)) {
      const url = part.url.startsWith("/api/images/") ? part.url : "";
      const image = h("img", {
        src: url,
        alt: message.content || "generated image",
        loading: "lazy",
        decoding: "async",
      });
      this.#images.append(
        h("a", { href: url, target: "_blank", rel: "noopener" }, image),
        h(
          "p",
          { class: "actions" },
          h(
            "a",
            {
              href: url,
              download: imageName(part.image_id, part.media_type),
              "aria-label": `download ${image.alt}`,
            },
            "download",
          ),
        ),
      );
    }
  }

  #updateEnd(end: ReturnType<typeof endWords>): void {
    this.#place(this.#end, end !== null);
    if (end === null) return;
    this.#end.className = `end is-${end.state.word.replace(" ", "-")}`;
    this.#end.replaceChildren(
      h("span", { class: "state" }, `${end.state.glyph} ${end.state.word}`),
      ` · ${end.text} `,
      end.advice && h("span", { class: "advice" }, end.advice),
    );
  }

  #updateTally(message: Message, generation: GenerationState): void {
    this.#receipt?.remove();
    this.#receipt = null;
    if (!this.#tally.isConnected) this.element.append(this.#tally);
    const { glyph, word } = liveWord(generation);
    this.#word = word;
    const since = (time: number) => (this.#now() - time) / 1000;
    const { startedAt, ratedFrom } = generation;
    // The provider's count when it came, else four characters a token: the mark says which.
    const counted = message.tokens_output;
    const characters = lengthOf(message);
    const tokens = counted ?? tokensOf(characters);
    const rated = ratedFrom && since(ratedFrom.at) > 0.5 ? tokensOf(characters - ratedFrom.characters) : 0;
    const rate = this.#shown?.rate;
    const cost = message.cost ?? (rate ? costSoFar(rate.input, tokens, rate.output) : null);
    // What does not fit into the line is left out, from its end.
    const facts = [
      h("span", { class: "model", title: message.model }, shortModel(message.model ?? "")),
      h("span", { class: `state is-${word}` }, `${glyph} ${word}`),
      cost !== null && h("span", { class: "money" }, `${formatCost(cost, message.cost_status ?? "estimated")}…`),
      tokens > 0 && h("span", {}, `${counted === null ? "~" : ""}${formatCount(tokens)} tok`),
      startedAt !== null && h("span", {}, formatSeconds(since(startedAt))),
      ratedFrom && generation.phase === "live" && rated > 1
        ? h("span", {}, `~${Math.round(rated / since(ratedFrom.at))} tok/s`)
        : null,
    ];
    this.#tally.replaceChildren(...facts.filter(fact => fact instanceof Node));
  }

  /** Built anew rather than moved up from the tally: a new element shifts nothing. */
  #updateReceipt({ message, siblings, isDemo, isComparable }: AnswerItem): void {
    this.#tally.remove();
    const rate = formatRate(message.tokens_output, message.duration, message.time_to_first_chunk);
    const facts = [
      h(
        "span",
        { class: "model", title: message.model },
        shortModel(message.model ?? ""),
        isDemo && " (tiny demo model)",
      ),
      h("span", { title: tokensTitle(message) }, formatTokens(message.tokens_input, message.tokens_output)),
      h(
        "span",
        { class: "money", title: describeCost(message.cost_status) },
        formatCost(message.cost, message.cost_status),
      ),
      message.time_to_first_chunk !== null &&
        h(
          "span",
          { title: `to the first token${rate && `, then ${rate}`}` },
          `${formatSeconds(message.time_to_first_chunk)} first`,
        ),
      h("span", {}, rate),
    ].filter(fact => fact instanceof Node && fact.textContent);
    const key = (label: string, act: () => void, name: string | null = null) =>
      h("button", { type: "button", "aria-label": name, onclick: act }, label);
    const more = key("▾", () => this.#actions.retryWith(message), "retry with another model");
    more.className = "narrow";
    const copy = key("copy", () => void copyAnswer(copy, message.content));
    const switcher = siblingKeys(message, siblings, "answer", sibling => this.#actions.select(sibling));
    const receipt = h(
      "p",
      { class: "receipt" },
      h("span", { class: "receipt-facts" }, ...facts),
      h(
        "span",
        { class: "actions" },
        isCut(message) && key("continue", () => this.#actions.goOn(message)),
        message.content && copy,
        key("retry", () => this.#actions.retry(message)),
        more,
        key("fork", () => this.#actions.fork(message)),
        isComparable && key("compare", () => this.#actions.compare(message)),
        switcher,
      ),
    );
    if (this.#receipt) this.#receipt.replaceWith(receipt);
    else this.element.append(receipt);
    this.#receipt = receipt;
  }

  /** Parts stand in a fixed order, each in the page only while it has something to say. */
  #place(part: HTMLElement, isThere: boolean): void {
    if (isThere === part.isConnected && (!isThere || part.parentElement === this.element)) return;
    if (!isThere) return part.remove();
    const order: HTMLElement[] = [this.#thought, this.#notices, this.#markdown.element, this.#images, this.#end];
    const next = order.slice(order.indexOf(part) + 1).find(other => other.parentElement === this.element);
    const last = this.#receipt ?? (this.#tally.parentElement === this.element ? this.#tally : null);
    this.element.insertBefore(part, next ?? last);
    // What is attached anew has not moved: an empty text makes room for a line above it without a shift.
    if (next === this.#markdown.element && next.textContent === "") this.element.insertBefore(next, next.nextSibling);
  }
}

/** Whether it broke off in what it said. */
export function isCut({ status, finish_reason, content }: Message): boolean {
  return content !== "" && (["stopped", "interrupted", "error"].includes(status) || finish_reason === "length");
}

async function copyAnswer(button: HTMLElement, text: string): Promise<void> {
  setText(button, (await copyText(text)) ? "copied" : "can't copy");
  setTimeout(() => setText(button, "copy"), 1500);
}

function tokensOf(characters: number): number {
  return Math.round(characters / 4);
}

/** `image-1f3a….png`: the id is the one name that no two of them have. */
function imageName(id: string, mediaType: string): string {
  return `image-${id}.${/^image\/(\w+)/.exec(mediaType)?.[1] ?? "png"}`;
}

function tokensTitle(message: Message): string {
  const parts: [string, number | null][] = [
    ["in", message.tokens_input],
    ["of those from cache", message.tokens_cache_read],
    ["written to cache", message.tokens_cache_write],
    ["out", message.tokens_output],
    ["of those reasoning", message.tokens_reasoning],
  ];
  return parts
    .filter(([, count]) => count !== null)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function sameSiblings(a: AnswerItem, b: AnswerItem): boolean {
  return (
    a.siblings.length === b.siblings.length && a.siblings.every((sibling, at) => sibling.id === b.siblings[at]?.id)
  );
}
