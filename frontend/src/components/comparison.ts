/**
 * Several answers to one prompt: side by side where there is room, else swiped or stepped through.
 *
 * Each is an answer like any other, under a head of its own that stays in view however long the answer. A column that
 * is not in view takes no height: the end of what is read is the end of the transcript. Where one is seen at a time,
 * the next prompt follows the one that is seen.
 */

import type { Message } from "../api/types.ts";
import { Disposables } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { KeyedList, type Row } from "../dom/keyed-list.ts";
import { shortModel } from "../lib/format.ts";
import { isSettled } from "../state/generation.ts";
import { type AnswerActions, type AnswerItem, AnswerRow } from "./answer.ts";
import { type PendingActions, type PendingItem, PendingRow } from "./prompt-row.ts";

export type Column = ({ kind: "answer"; key: string } & AnswerItem) | ({ kind: "pending"; key: string } & PendingItem);

export interface ComparisonItem {
  readonly columns: readonly Column[];
  /** The answer that the next prompt would follow. */
  readonly leafId: string | null;
}

export interface ComparisonActions {
  keep(message: Message): void;
  stop(message: Message): void;
  stopAll(): void;
  /** One answer alone again. */
  close(): void;
}

/** How long nothing scrolled when a swipe is over. */
const SWIPED_MS = 120;

export interface ComparisonParts {
  actions: ComparisonActions;
  answers: AnswerActions;
  pending: PendingActions;
  now(): number;
  /** The text of an answer stands now where it was to come. */
  textArrived(): void;
}

export class ComparisonRow implements Row<ComparisonItem> {
  readonly element = h("section", { class: "comparison" });
  readonly #stopAll: HTMLElement;
  readonly #at = h("span");
  readonly #previous: HTMLElement;
  readonly #next: HTMLElement;
  /** Holds the head of the one column that is seen: within what scrolls sideways it could not stay on top. */
  readonly #top: HTMLElement;
  readonly #columns = h("div", { class: "columns" });
  readonly #list: KeyedList<Column>;
  readonly #answers: AnswerActions;
  readonly #disposables = new Disposables();
  #shown: ComparisonItem = { columns: [], leafId: null };
  /** The leaf that was brought into view, or became it there. */
  #followed: string | null = null;
  #swiping: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ComparisonParts) {
    const { actions, answers } = parts;
    this.#answers = answers;
    const button = (label: string, name: string | null, act: () => void) =>
      h("button", { type: "button", "aria-label": name, onclick: act }, label);
    this.#stopAll = button("stop all", null, actions.stopAll);
    this.#previous = button("‹", "previous column", () => this.#step(-1));
    this.#next = button("›", "next column", () => this.#step(1));
    const steps = h("span", { class: "siblings" }, this.#previous, this.#at, this.#next);
    // A guess, until it is known what is seen: on a phone nothing need make room for it later.
    const isNarrow = typeof matchMedia === "function" && matchMedia("(max-width: 40rem)").matches;
    this.#top = h("div", { class: "comparison-top", hidden: !isNarrow }, steps);
    this.element.classList.toggle("is-one-by-one", isNarrow);
    const keys = h("p", { class: "comparison-keys actions" }, button("show one", null, actions.close), this.#stopAll);
    this.element.append(keys, this.#top, this.#columns);
    this.#list = new KeyedList<Column>(
      this.#columns,
      column => column.key,
      column => new ColumnRow(column, parts),
    );
    const swiped = () => {
      // Who looks for something in a column that takes no height must not push them all upwards.
      this.#columns.scrollTop = 0;
      clearTimeout(this.#swiping);
      this.#swiping = setTimeout(() => this.#look(), SWIPED_MS);
    };
    this.#disposables.listen(this.#columns, "scroll", swiped, { passive: true });
    this.#disposables.add(() => clearTimeout(this.#swiping));
    if (typeof ResizeObserver !== "undefined") {
      let width = 0;
      const observer = new ResizeObserver(() => {
        if (this.#columns.clientWidth !== width) this.#look();
        width = this.#columns.clientWidth;
      });
      observer.observe(this.#columns);
      this.#disposables.add(() => observer.disconnect());
    }
  }

  update(item: ComparisonItem): void {
    this.#shown = item;
    const { columns, leafId } = item;
    setAttribute(this.element, "aria-label", `${columns.length} answers side by side`);
    this.#list.update(columns);
    for (const column of columns) this.column(column.key)?.mark(column.key === leafId);
    this.#stopAll.hidden = columns.filter(isLive).length < 2;
    if (this.element.isConnected) this.#look();
    // What is seen is found out once it is laid out; what says so has its width by then.
    else setText(this.#at, `1/${columns.length}`);
  }

  column(key: string): ColumnRow | null {
    return (this.#list.get(key) as ColumnRow | undefined) ?? null;
  }

  dispose(): void {
    this.#list.dispose();
    this.#disposables.dispose();
  }

  get #rows(): ColumnRow[] {
    return this.#shown.columns.flatMap(({ key }) => this.column(key) ?? []);
  }

  /** Finds out what is seen, and brings the rest in line with it. */
  #look(): void {
    const { scrollWidth, clientWidth } = this.#columns;
    if (clientWidth === 0) return;
    const rows = this.#rows;
    const isWhole = scrollWidth <= clientWidth + 1;
    const isOneByOne = !isWhole && (rows[0]?.element.offsetWidth ?? 0) > clientWidth / 2;
    if (isOneByOne) this.#bringLeafIntoView();
    // Measured before anything is changed: in between, the transcript might be so short that it scrolls.
    const away = rows.map(row => !isWhole && this.#isAway(row));
    const at = Math.max(0, away.indexOf(false));
    this.#columns.classList.toggle("is-whole", isWhole);
    this.element.classList.toggle("is-one-by-one", isOneByOne);
    this.#top.hidden = isWhole;
    setText(this.#at, `${at + 1}/${rows.length}`);
    setAttribute(this.#previous, "aria-disabled", at === 0 && "true");
    setAttribute(this.#next, "aria-disabled", away.indexOf(true, at) < 0 && "true");
    for (const [place, row] of rows.entries()) {
      row.element.classList.toggle("is-away", away[place]);
      row.placeHead(isOneByOne && place === at ? this.#top : null);
    }
    const seen = this.#shown.columns[at];
    if (!isOneByOne || seen?.kind !== "answer" || seen.key === this.#shown.leafId) return;
    this.#followed = seen.key;
    this.#answers.select(seen.message);
  }

  #bringLeafIntoView(): void {
    const { leafId } = this.#shown;
    if (leafId === null || leafId === this.#followed) return;
    this.#followed = leafId;
    this.#scrollTo(this.column(leafId));
  }

  /** Whether more than half of it is beside what is seen. */
  #isAway({ element }: ColumnRow): boolean {
    const { scrollLeft, clientWidth } = this.#columns;
    const left = element.offsetLeft - scrollLeft;
    const seen = Math.min(left + element.offsetWidth, clientWidth) - Math.max(left, 0);
    return seen < element.offsetWidth / 2;
  }

  #step(by: number): void {
    const rows = this.#rows;
    this.#scrollTo(rows[rows.findIndex(row => !this.#isAway(row)) + by]);
    this.#look();
  }

  #scrollTo(row: ColumnRow | null | undefined): void {
    if (row) this.#columns.scrollTo({ left: row.element.offsetLeft, behavior: "instant" });
  }
}

function isLive(column: Column): boolean {
  return column.kind === "answer" && column.generation !== null && !isSettled(column.generation.phase);
}

export class ColumnRow implements Row<Column> {
  readonly element = h("div", { class: "column" });
  readonly #head: HTMLElement;
  readonly #row: Row<Column>;
  readonly #name = h("span", { class: "column-name" });
  readonly #mark = h("span", { class: "column-mark", title: "the next prompt follows this answer" });
  readonly #keep = h("button", { type: "button" }, "keep");
  readonly #stop = h("button", { type: "button" }, "stop");
  #message: Message | null = null;

  constructor(column: Column, { actions, answers, pending, now, textArrived }: ComparisonParts) {
    this.#row = (column.kind === "answer"
      ? new AnswerRow(answers, now, textArrived)
      : new PendingRow(column.key, pending)) as Row<never> as Row<Column>;
    this.#keep.addEventListener("click", () => this.#message && actions.keep(this.#message));
    this.#stop.addEventListener("click", () => this.#message && actions.stop(this.#message));
    const keys = h("span", { class: "actions" }, this.#stop, this.#keep);
    this.#head = h("p", { class: "column-head" }, this.#name, this.#mark, keys);
    this.element.append(this.#head, this.#row.element);
  }

  /** The answer itself, or what is still to be sent. */
  get inner(): Row<Column> {
    return this.#row;
  }

  update(column: Column): void {
    this.#row.update(column);
    this.#message = column.kind === "answer" ? column.message : null;
    this.#stop.hidden = !isLive(column);
    this.#keep.hidden = column.kind !== "answer" || isLive(column);
    const name = (column.kind === "answer" ? column.message.model : column.prompt.settings.model) ?? "";
    setText(this.#name, shortModel(name));
    setAttribute(this.#name, "title", name);
    setAttribute(this.#keep, "aria-label", `keep this one: ${name}`);
    setAttribute(this.#stop, "aria-label", `stop: ${name}`);
  }

  /** Says that the next prompt would follow this answer. */
  mark(isLeaf: boolean): void {
    this.element.classList.toggle("is-leaf", isLeaf);
    setText(this.#mark, isLeaf ? "goes on here" : "");
  }

  /** Its head stands first in `top`; null is its place over the answer. */
  placeHead(top: HTMLElement | null): void {
    const place = top ?? this.element;
    if (this.#head.parentElement !== place) place.prepend(this.#head);
  }

  dispose(): void {
    this.#head.remove();
    this.#row.dispose?.();
  }
}
