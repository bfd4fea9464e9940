/**
 * The transcript: the path through the tree, what the page printed, what was not sent yet.
 *
 * Knows how to keep up: a token repaints one row, once a frame; only a change of the path walks the rows.
 */

import type { Message } from "../api/types.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { copyCode } from "../dom/copy-code.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { KeyedList, type Row } from "../dom/keyed-list.ts";
import { loadMarkdown } from "../dom/lazy-markdown.ts";
import { ScrollAnchor } from "../dom/scroll-anchor.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { finishedEnd, spoken } from "../lib/sentences.ts";
import { watch } from "../lib/store.ts";
import type { ServerFacts } from "../state/catalog.ts";
import type { Chat, Printout } from "../state/chat.ts";
import type { Clock } from "../state/clock.ts";
import { type Generation, isSettled } from "../state/generation.ts";
import type { OpenConversation } from "../state/open-conversation.ts";
import type { Outbox } from "../state/outbox.ts";
import { type AnswerActions, type AnswerItem, AnswerRow } from "./answer.ts";
import { bootLines } from "./boot.ts";
import { type PendingActions, type PendingItem, PendingRow, type PromptItem, PromptRow } from "./prompt-row.ts";
import { endWords } from "./state-words.ts";

type Item =
  | { kind: "boot"; key: "boot" }
  | { kind: "state"; key: "state"; current: OpenConversation }
  | ({ kind: "prompt"; key: string } & PromptItem)
  | ({ kind: "answer"; key: string } & AnswerItem)
  | ({ kind: "pending"; key: string } & PendingItem)
  | { kind: "printout"; key: string; printout: Printout };

export interface TranscriptParts {
  chat: Chat;
  facts: ServerFacts;
  outbox: Outbox;
  clock: Clock;
  answers: AnswerActions;
  pending: PendingActions;
}

export class Transcript {
  readonly element = h("div", { class: "transcript-area" });
  readonly #log = h("div", { class: "transcript", role: "log", "aria-label": "transcript", "aria-live": "off" });
  readonly #scroller = h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "conversation" });
  readonly #toEnd = h("button", { class: "to-end", type: "button", hidden: true }, "↓ new");
  readonly #announcer = h("div", { class: "off-screen", "aria-live": "polite" });
  readonly #list: KeyedList<Item>;
  readonly #anchor: ScrollAnchor;
  readonly #parts: TranscriptParts;
  readonly #disposables = new Disposables();
  readonly #watched = new Map<Generation, () => void>();
  readonly #spokenEnds = new Map<string, number>();
  readonly #stale = new Set<string>();
  /** As of the last walk along the path, so that a token need not read the whole tree. */
  readonly #siblings = new Map<string, readonly Message[]>();
  #place = "";
  #endTick: (() => void) | null = null;

  constructor(parts: TranscriptParts) {
    this.#parts = parts;
    this.#scroller.append(this.#log);
    this.element.append(this.#scroller, this.#toEnd, this.#announcer);
    this.#list = new KeyedList<Item>(
      this.#log,
      item => item.key,
      item => this.#createRow(item),
    );
    this.#anchor = new ScrollAnchor(this.#scroller, this.#log, isAtEnd => {
      this.#toEnd.hidden = isAtEnd;
    });
    this.#disposables.add(() => this.#anchor.dispose());
    this.#disposables.listen(this.#toEnd, "click", () => this.toEnd());
    this.#disposables.listen(this.#log, "click", event => void copyCode(event));

    const paint = onceAFrame(() => this.#paint());
    const { chat, facts, outbox } = parts;
    const sources = [
      chat.current,
      chat.generations,
      chat.printouts,
      outbox.prompts,
      facts.catalog,
      facts.health,
      facts.error,
    ];
    this.#disposables.add(watch(sources, paint));
    this.#disposables.add(paint.cancel);
    paint();
  }

  toEnd(): void {
    this.#anchor.toEnd();
  }

  dispose(): void {
    for (const leave of this.#watched.values()) leave();
    this.#endTick?.();
    this.#list.dispose();
    this.#disposables.dispose();
  }

  #paint(): void {
    const current = this.#parts.chat.current.get();
    this.#watchGenerations();
    this.#list.update(this.#items(current));
    this.#placeTallies();
    if (current.place !== this.#place) {
      this.#place = current.place;
      this.#anchor.toEnd();
    }
    this.#anchor.settle();
  }

  readonly #paintLive = onceAFrame(() => {
    for (const id of this.#stale) {
      const row = this.#list.get(id);
      const generation = this.#parts.chat.generations.get().get(id);
      const message = this.#parts.chat.current.get().messages.get(id);
      if (row && generation && message)
        row.update({ kind: "answer", key: id, ...this.#answerItem(message, generation) });
      const prompt = this.#parts.outbox.get(id);
      if (row && generation && prompt)
        row.update({ kind: "pending", key: id, prompt, generation: generation.state.get(), isHeld: false });
      if (generation) this.#announce(id, generation.state.get().message, isSettled(generation.state.get().phase));
    }
    this.#stale.clear();
    this.#placeTallies();
    this.#anchor.settle();
  });

  #watchGenerations(): void {
    const generations = this.#parts.chat.generations.get();
    const running = new Set([...generations.values()].filter(generation => !isSettled(generation.state.get().phase)));
    for (const [generation, leave] of this.#watched) {
      if (running.has(generation)) continue;
      leave();
      this.#watched.delete(generation);
      const { message, phase } = generation.state.get();
      if (isSettled(phase)) this.#announce(message.id, message, true);
      else setAttribute(this.#log, "aria-busy", null);
    }
    for (const generation of running) {
      if (this.#watched.has(generation)) continue;
      const leave = generation.state.subscribe(({ message }) => {
        this.#stale.add(message.id);
        this.#paintLive();
      });
      this.#watched.set(generation, leave);
    }
    if (running.size === 0) {
      this.#endTick?.();
      this.#endTick = null;
    } else this.#endTick ??= this.#tick();
  }

  /** The seconds of a running answer go on while nothing arrives. */
  #tick(): () => void {
    let callOff = () => {};
    const again = () => {
      for (const id of this.#parts.chat.generations.get().keys()) {
        const row = this.#list.get(id);
        if (row instanceof AnswerRow) row.tick();
      }
      callOff = this.#parts.clock.after(200, again);
    };
    callOff = this.#parts.clock.after(200, again);
    return () => callOff();
  }

  #items(current: OpenConversation): Item[] {
    const { chat, outbox } = this.#parts;
    const generations = chat.generations.get();
    const tree = new MessageTree(current.messages.values());
    const path = tree.pathTo(current.activeLeafId);
    const pending = outbox.at(current.place);
    const printouts = chat.printouts.get();
    const items: Item[] = [];
    this.#siblings.clear();
    if (current.status !== "ready") items.push({ kind: "state", key: "state", current });
    else if (path.length === 0 && pending.length === 0) items.push({ kind: "boot", key: "boot" });
    const print = (after: string | null) => {
      for (const printout of printouts) {
        if (printout.after === after) items.push({ kind: "printout", key: printout.id, printout });
      }
    };
    print(null);
    for (const message of path) {
      const siblings = tree.siblingsOf(message);
      if (message.role === "user") items.push({ kind: "prompt", key: message.id, message, siblings });
      else {
        const generation = generations.get(message.id) ?? null;
        this.#siblings.set(message.id, siblings);
        items.push({ kind: "answer", key: message.id, ...this.#answerItem(message, generation) });
      }
      print(message.id);
    }
    const isHeld = current.status === "ready" && chat.liveHere() === null;
    for (const prompt of pending) {
      const generation = generations.get(prompt.key)?.state.get() ?? null;
      items.push({ kind: "pending", key: prompt.key, prompt, generation, isHeld });
    }
    return items;
  }

  #answerItem(message: Message, generation: Generation | null): AnswerItem {
    const model = this.#parts.facts.model(message.model);
    const provider = message.provider ?? model?.provider ?? "";
    const siblings = this.#siblings.get(message.id) ?? [];
    return {
      message,
      generation: generation?.state.get() ?? null,
      siblings,
      provider,
      isDemo: model?.is_demo ?? false,
    };
  }

  #createRow(item: Item): Row<Item> {
    const { answers, pending, clock } = this.#parts;
    switch (item.kind) {
      case "prompt":
        return new PromptRow(answers.select) as Row<never> as Row<Item>;
      case "answer":
        return new AnswerRow(
          answers,
          () => clock.now(),
          () => {
            this.#placeTallies();
            this.#anchor.settle();
          },
        ) as Row<never> as Row<Item>;
      case "pending":
        void loadMarkdown();
        return new PendingRow(item.key, pending) as Row<never> as Row<Item>;
      case "printout":
        return this.#printoutRow(item.printout);
      case "boot": {
        const element = h("div", { class: "boot" });
        return { element, update: () => element.replaceChildren(...bootLines(this.#parts.facts)) };
      }
      case "state": {
        const element = h("div", { class: "boot" });
        return {
          element,
          update: next => next.kind === "state" && element.replaceChildren(...this.#stateLines(next.current)),
        };
      }
    }
  }

  #printoutRow(printout: Printout): Row<Item> {
    const close = () => this.#parts.chat.dismiss(printout.id);
    const element = h(
      "div",
      { class: `printout is-${printout.kind}`, role: printout.kind === "error" ? "alert" : "status" },
      printout.text && h("p", {}, printout.kind === "error" ? `▲ ${printout.text}` : printout.text),
      printout.rows.length > 0 &&
        h("dl", {}, ...printout.rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      h("button", { type: "button", class: "close", "aria-label": "dismiss", onclick: close }, "×"),
    );
    return { element, update: () => undefined };
  }

  #stateLines({ status, error, id }: OpenConversation): HTMLElement[] {
    if (status === "loading") return [h("p", { class: "boot-line" }, "…")];
    const isGone = error?.type === "not_found";
    const words = isGone
      ? "this conversation is not there. it may have been deleted."
      : (error?.message ?? "it can't be opened");
    const retry = h("button", { type: "button", onclick: () => void this.#parts.chat.reload() }, "retry");
    return [
      h("p", { class: "boot-advice", role: "alert" }, `▲ ${words} `),
      isGone || id === null ? h("p", {}, "/new starts another one.") : h("p", {}, retry),
    ];
  }

  #placeTallies(): void {
    for (const id of this.#parts.chat.generations.get().keys()) {
      const row = this.#list.get(id);
      if (row instanceof AnswerRow) row.placeTally();
    }
  }

  /** Reads out finished sentences, and how it ended. */
  #announce(id: string, message: Message, isEnded: boolean): void {
    const from = this.#spokenEnds.get(id) ?? 0;
    const end = isEnded ? message.content.length : finishedEnd(message.content, from);
    const sentence = end > from ? spoken(message.content.slice(from, end)) : "";
    this.#spokenEnds.set(id, isEnded ? Number.MAX_SAFE_INTEGER : end);
    const ended = isEnded && from !== Number.MAX_SAFE_INTEGER ? endWords(message) : null;
    const words = ended ? `${sentence} ${ended.state.word}. ${ended.text}`.trim() : sentence;
    if (words) setText(this.#announcer, words);
    setAttribute(this.#log, "aria-busy", isEnded ? null : "true");
  }
}
