/**
 * The transcript: the path through the tree, what the page printed, what was not sent yet.
 *
 * Knows how to keep up: a token repaints one row, once a frame; only a change of the path walks the rows. A row far
 * from the reader is a shell of about its height, filled while the page is idle, from the end upwards.
 */

import type { Message } from "../api/types.ts";
import { Disposables, onceAFrame, onceAFrameBehindTyping } from "../dom/component.ts";
import { copyCode } from "../dom/copy-code.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { whenIdle } from "../dom/idle.ts";
import type { Row } from "../dom/keyed-list.ts";
import { LazyList } from "../dom/lazy-list.ts";
import { isMarkdownDecided, loadMarkdown } from "../dom/lazy-markdown.ts";
import { ScrollAnchor } from "../dom/scroll-anchor.ts";
import { areTogether } from "../lib/comparison.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { watch } from "../lib/store.ts";
import type { ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Clock } from "../state/clock.ts";
import type { CostToSend } from "../state/estimate.ts";
import { type Generation, isSettled } from "../state/generation.ts";
import type { OpenConversation } from "../state/open-conversation.ts";
import { isAside, type Outbox, type PendingPrompt } from "../state/outbox.ts";
import type { Preferences } from "../state/preferences.ts";
import type { Printout } from "../state/printouts.ts";
import type { Announcer } from "./announcer.ts";
import { type AnswerActions, type AnswerItem, AnswerRow } from "./answer.ts";
import { bootLines } from "./boot.ts";
import type { Column, ComparisonActions, ComparisonItem, ComparisonRow } from "./comparison.ts";
import {
  type PendingActions,
  type PendingItem,
  PendingRow,
  type PromptActions,
  type PromptItem,
  PromptRow,
} from "./prompt-row.ts";

type Item =
  | { kind: "boot"; key: "boot" }
  | { kind: "state"; key: "state"; current: OpenConversation }
  | ({ kind: "prompt"; key: string } & PromptItem)
  | ({ kind: "answer"; key: string } & AnswerItem)
  | ({ kind: "comparison"; key: string } & ComparisonItem)
  | ({ kind: "pending"; key: string } & PendingItem)
  | { kind: "printout"; key: string; printout: Printout };

/** The rows at the end that are filled at once, when something new stands there. */
const ROWS_AT_END = 2;

export interface TranscriptParts {
  chat: Chat;
  facts: ServerFacts;
  outbox: Outbox;
  preferences: Preferences;
  costToSend: CostToSend;
  clock: Clock;
  prompts: PromptActions;
  answers: AnswerActions;
  comparison: ComparisonActions;
  pending: PendingActions;
}

export class Transcript {
  readonly element = h("div", { class: "transcript-area" });
  readonly #log = h("div", { class: "transcript", role: "log", "aria-label": "transcript", "aria-live": "off" });
  readonly #scroller = h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "conversation" });
  readonly #toEnd = h("button", { class: "to-end", type: "button", hidden: true }, "↓ end");
  readonly #announcer = h("div", { class: "off-screen", "aria-live": "polite" });
  readonly #list: LazyList<Item>;
  readonly #anchor: ScrollAnchor;
  readonly #parts: TranscriptParts;
  readonly #disposables = new Disposables();
  readonly #watched = new Map<Generation, () => void>();
  #reading: Promise<Announcer | null> | null = null;
  readonly #stale = new Set<string>();
  /** What was sent for each answer that is being made, dollars; null until that is known. */
  readonly #inputCosts = new Map<string, number | null>();
  /** As of the last walk along the path, so that a token need not read the whole tree. */
  readonly #siblings = new Map<string, readonly Message[]>();
  /** The message at the end of what is read. */
  #lastId = "";
  /** What shows answers side by side, fetched when the page has time, or when they first are; without it one is read. */
  #comparisonRow: typeof ComparisonRow | null = null;
  /** Whether that is on its way; undefined before it was wished. */
  #isFetchingComparison: boolean | undefined;
  /** The key of the row in which answers stand side by side, where there is one. */
  #comparison = "";
  /** Of the row at the end. */
  #lastKey = "";
  #place = "";
  /** Whose messages are on the screen. */
  #shownPlace: string | null = null;
  #endTick: (() => void) | null = null;
  #endFilling: (() => void) | null = null;

  constructor(parts: TranscriptParts) {
    this.#parts = parts;
    this.#scroller.append(this.#log);
    this.element.append(this.#scroller, this.#toEnd, this.#announcer);
    this.#list = new LazyList<Item>(this.#log, this.#scroller, {
      keyOf: item => item.key,
      create: item => this.#createRow(item),
      lengthOf: item => ("message" in item ? item.message.content.length : 0),
      isCounted: item => "message" in item || item.kind === "comparison",
      resized: () => this.#anchor.settle(),
    });
    this.#anchor = new ScrollAnchor(this.#scroller, this.#log, isAtEnd => {
      this.#toEnd.hidden = isAtEnd;
      setText(this.#toEnd, "↓ end");
    });
    this.#disposables.add(() => this.#anchor.dispose());
    this.#disposables.listen(this.#toEnd, "click", () => this.toEnd());
    this.#disposables.listen(this.#log, "click", event => {
      void copyCode(event);
      // A thought that opens pushes what is under it, and not its own line.
      if (event.target instanceof Element && event.target.closest("summary")) this.#anchor.release();
    });

    const paint = this.#paintSoon;
    const { chat, facts, outbox, preferences } = parts;
    const sources = [
      chat.current,
      chat.generations,
      chat.editing,
      preferences.sideBySide,
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
    this.#endFilling?.();
    this.#list.dispose();
    this.#disposables.dispose();
  }

  #paint(): void {
    const current = this.#parts.chat.current.get();
    this.#watchGenerations();
    const isOpening = current.status === "ready" && ![current.place, current.formerPlace].includes(this.#shownPlace);
    // Rows that get their text one after the other push each other about: what gives it its form is fetched beside the
    // conversation, and waited for.
    const fetching = current.id === null ? null : loadMarkdown();
    if (isOpening && current.id !== null && !isMarkdownDecided()) {
      void fetching?.then(this.#paintSoon);
      return;
    }
    const wasCompared = this.#comparison !== "";
    const items = this.#items(current);
    if (isOpening && this.#isFetchingComparison) return;
    this.#list.update(items);
    const last = items.at(-1)?.key ?? "";
    if (last !== this.#lastKey) this.#isNews();
    this.#lastKey = last;
    // A conversation that is opened fills its rows frame by frame; in one that stands open nothing may flicker.
    if (!isOpening) this.#list.fillEnd(ROWS_AT_END);
    if (current.status === "ready") this.#shownPlace = current.place;
    this.#placeTallies();
    // Of several columns one is left: it is another row, and where the reader was in it nobody knows.
    if (current.place !== this.#place || (wasCompared && this.#comparison === "")) {
      this.#place = current.place;
      this.#anchor.toEnd();
    }
    this.#anchor.settle();
    this.#fillWhenIdle();
  }

  /** Something arrived at the end, be it in view or not. */
  #isNews(): void {
    if (!this.#anchor.isAtEnd) setText(this.#toEnd, "↓ new");
  }

  /** All of it is to be found, read out and scrolled through before long. What answers need is here before the first. */
  #fillWhenIdle(): void {
    this.#endFilling?.();
    this.#endFilling = null;
    const { chat, facts } = this.#parts;
    // The first lines come first: they are waited for, and a thin line is shared.
    if (chat.current.get().id === null && !facts.isComplete) return;
    const fetching = whenIdle(() => {
      void loadMarkdown().then(() => {
        this.#canCompare();
        if (this.#endFilling === fetching) this.#endFilling = whenIdle(() => this.#list.fillOne());
      });
      return false;
    });
    this.#endFilling = fetching;
  }

  readonly #paintSoon = onceAFrame(() => this.#paint());

  readonly #paintLive = onceAFrameBehindTyping(() => {
    for (const id of this.#stale) {
      const row = this.#row(id);
      const generation = this.#parts.chat.generations.get().get(id);
      const message = this.#parts.chat.current.get().messages.get(id);
      if (row && generation && message)
        row.update({ kind: "answer", key: id, ...this.#answerItem(message, generation) });
      const prompt = this.#parts.outbox.get(id);
      if (row && generation && prompt)
        row.update({ kind: "pending", key: id, prompt, generation: generation.state.get(), heldBy: null });
      if (generation) this.#isNews();
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
      for (const id of this.#parts.chat.generations.get().keys()) this.#answer(id)?.tick();
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
    this.#siblings.clear();
    const columns = this.#columns(current, tree, path, pending);
    const editedId = chat.editing.get()?.id;
    const printouts = chat.printouts.get();
    const items: Item[] = [];
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
      if (message.role === "user") {
        items.push({ kind: "prompt", key: message.id, message, siblings, isEdited: message.id === editedId });
      } else if (message === path.at(-1) && columns.length > 1) {
        items.push({ kind: "comparison", key: this.#comparison, columns, leafId: message.id });
      } else {
        const generation = generations.get(message.id) ?? null;
        this.#siblings.set(message.id, siblings);
        items.push({ kind: "answer", key: message.id, ...this.#answerItem(message, generation) });
      }
      print(message.id);
    }
    const isWaiting = current.status !== "ready" || current.asOf !== null || chat.liveHere() !== null;
    const heldBy = isWaiting ? null : (path.at(-1)?.status ?? "complete");
    const inColumns = new Set(columns.map(({ key }) => key));
    for (const prompt of pending) {
      if (inColumns.has(prompt.key)) continue;
      items.push({ kind: "pending", key: prompt.key, ...this.#pendingItem(prompt, isAside(prompt) ? null : heldBy) });
    }
    return items;
  }

  /** The answers to the last prompt where they are read side by side, those that are asked for included. */
  #columns(
    { status }: OpenConversation,
    tree: MessageTree<Message>,
    path: readonly Message[],
    pending: readonly PendingPrompt[],
  ): Column[] {
    const last = path.at(-1);
    this.#comparison = "";
    this.#lastId = last?.id ?? "";
    if (status !== "ready" || last?.role !== "assistant" || last.parent_id === null) return [];
    const promptId = last.parent_id;
    const { generations } = this.#parts.chat;
    const answers = tree.siblingsOf(last);
    const asked = pending.filter(({ again }) => again === promptId);
    const isWished = this.#parts.preferences.sideBySide.get()[promptId];
    if (!(isWished ?? (asked.length > 0 || areTogether(answers))) || !this.#canCompare()) return [];
    this.#comparison = `comparison-${promptId}`;
    return [
      ...answers.map((message): Column => {
        const item = this.#answerItem(message, generations.get().get(message.id) ?? null);
        return { kind: "answer", key: message.id, ...item };
      }),
      ...asked.map((prompt): Column => ({ kind: "pending", key: prompt.key, ...this.#pendingItem(prompt, null) })),
    ];
  }

  /** Fetches what it takes; whether it is here. */
  #canCompare(): boolean {
    if (this.#isFetchingComparison === undefined) {
      this.#isFetchingComparison = true;
      const ended = (found: typeof ComparisonRow | null) => {
        this.#comparisonRow = found;
        this.#isFetchingComparison = false;
        this.#paintSoon();
      };
      void import("./comparison.ts").then(
        module => ended(module.ComparisonRow),
        () => ended(null),
      );
    }
    return this.#comparisonRow !== null;
  }

  #pendingItem(prompt: PendingPrompt, heldBy: PendingItem["heldBy"]): PendingItem {
    return { prompt, generation: this.#parts.chat.generations.get().get(prompt.key)?.state.get() ?? null, heldBy };
  }

  #answerItem(message: Message, generation: Generation | null): AnswerItem {
    const model = this.#parts.facts.model(message.model);
    const provider = message.provider ?? model?.provider ?? "";
    const siblings = this.#siblings.get(message.id) ?? [];
    const isLive = generation !== null && !isSettled(generation.state.get().phase);
    const input = isLive ? this.#inputCost(message) : null;
    const output = model?.price?.output ?? null;
    return {
      message,
      generation: generation?.state.get() ?? null,
      siblings,
      provider,
      rate: input === null || output === null ? null : { input, output },
      isDemo: model?.is_demo ?? false,
      isComparable: message.id === this.#lastId && siblings.length > 1,
    };
  }

  /** Asked for once, when the answer begins. */
  #inputCost(message: Message): number | null {
    const { id } = message;
    if (!this.#inputCosts.has(id)) {
      this.#inputCosts.set(id, null);
      void this.#parts.costToSend.inputOf(message).then(cost => {
        this.#inputCosts.set(id, cost);
        this.#stale.add(id);
        this.#paintLive();
      });
    }
    return this.#inputCosts.get(id) ?? null;
  }

  #createRow(item: Item): Row<Item> {
    const { prompts, answers, comparison, pending, clock } = this.#parts;
    const now = () => clock.now();
    const textArrived = () => {
      this.#placeTallies();
      this.#anchor.settle();
    };
    switch (item.kind) {
      case "prompt":
        return new PromptRow(prompts) as Row<never> as Row<Item>;
      case "answer":
        return new AnswerRow(answers, now, textArrived) as Row<never> as Row<Item>;
      case "comparison":
        return new (this.#comparisonRow as typeof ComparisonRow)({
          actions: comparison,
          answers,
          pending,
          now,
          textArrived,
        }) as Row<never> as Row<Item>;
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
      printout.text && h("p", {}, printout.kind === "error" && h("span", { class: "state" }, "▲ "), printout.text),
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
      h("p", { class: "boot-advice is-error", role: "alert" }, h("span", { class: "state" }, "▲ "), words),
      isGone || id === null ? h("p", {}, "/new starts another one.") : h("p", {}, retry),
    ];
  }

  #placeTallies(): void {
    for (const id of this.#parts.chat.generations.get().keys()) this.#answer(id)?.placeTally();
  }

  #answer(id: string): AnswerRow | null {
    const row = this.#row(id);
    return row instanceof AnswerRow ? row : null;
  }

  /** The row itself, in a column or not. */
  #row(id: string): Row<Item> | null {
    const comparison = this.#list.get(this.#comparison);
    const isCompared = this.#comparisonRow && comparison instanceof this.#comparisonRow;
    const column = isCompared ? comparison.column(id) : null;
    return column ? (column.inner as Row<never> as Row<Item>) : (this.#list.get(id) ?? null);
  }

  /** Whether it stands beside the answer that is read out: nobody follows two voices at once. */
  #isBeside(id: string): boolean {
    return this.#comparison !== "" && id !== this.#lastId;
  }

  /** Reads out finished sentences, and how it ended. */
  #announce(id: string, message: Message, isEnded: boolean): void {
    this.#reading ??= import("./announcer.ts").then(
      ({ Announcer }) => new Announcer(this.#announcer),
      () => null,
    );
    const isBeside = this.#isBeside(id);
    void this.#reading.then(announcer => announcer?.announce(message, isEnded, isBeside));
    if (isBeside) return;
    setAttribute(this.#log, "aria-busy", isEnded ? null : "true");
  }
}
