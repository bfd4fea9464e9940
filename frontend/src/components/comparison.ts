/**
 * Several answers to one prompt: side by side where there is room, else swiped or stepped through.
 *
 * Each is an answer like any other, under a head of its own that stays where it is while the answer grows.
 */

import type { Message } from "../api/types.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { KeyedList, type Row } from "../dom/keyed-list.ts";
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
  readonly #steps: HTMLElement;
  readonly #columns = h("div", { class: "columns" });
  readonly #list: KeyedList<Column>;
  readonly #disposables = new Disposables();
  readonly #placeSoon = onceAFrame(() => this.#placeSteps());

  constructor(parts: ComparisonParts) {
    const { actions } = parts;
    const button = (label: string, name: string | null, act: () => void) =>
      h("button", { type: "button", "aria-label": name, onclick: act }, label);
    this.#stopAll = button("stop all", null, actions.stopAll);
    // Shown once it is known that there is more than is seen: what appears anew moves nothing.
    this.#steps = h(
      "span",
      { class: "siblings", hidden: true },
      button("‹", "previous column", () => this.#step(-1)),
      this.#at,
      button("›", "next column", () => this.#step(1)),
    );
    const alone = button("one alone", null, actions.close);
    const keys = h("p", { class: "comparison-keys actions" }, alone, this.#stopAll, this.#steps);
    this.element.append(keys, this.#columns);
    this.#list = new KeyedList<Column>(
      this.#columns,
      column => column.key,
      column => new ColumnRow(column, parts),
    );
    this.#disposables.listen(this.#columns, "scroll", this.#placeSoon, { passive: true });
    this.#disposables.add(this.#placeSoon.cancel);
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(this.#placeSoon);
      observer.observe(this.#columns);
      this.#disposables.add(() => observer.disconnect());
    }
  }

  update({ columns, leafId }: ComparisonItem): void {
    setAttribute(this.element, "aria-label", `${columns.length} answers side by side`);
    this.#list.update(columns);
    for (const column of columns) this.column(column.key)?.mark(column.key === leafId);
    this.#stopAll.hidden = columns.filter(isLive).length < 2;
    this.#placeSoon();
  }

  column(key: string): ColumnRow | null {
    return (this.#list.get(key) as ColumnRow | undefined) ?? null;
  }

  dispose(): void {
    this.#list.dispose();
    this.#disposables.dispose();
  }

  /** Which column is at the left edge, of how many. */
  #placeSteps(): void {
    const { scrollWidth, clientWidth, childElementCount } = this.#columns;
    this.#steps.hidden = scrollWidth <= clientWidth + 1;
    const at = this.#shown();
    setText(this.#at, `${at + 1}/${childElementCount}`);
    const [previous, next] = this.#steps.querySelectorAll("button");
    setAttribute(previous as Element, "aria-disabled", at === 0 && "true");
    setAttribute(next as Element, "aria-disabled", at === childElementCount - 1 && "true");
  }

  #shown(): number {
    const { scrollLeft, scrollWidth, clientWidth, children } = this.#columns;
    if (scrollLeft > 0 && scrollLeft >= scrollWidth - clientWidth - 1) return children.length - 1;
    const lefts = [...children].map(child => Math.abs((child as HTMLElement).offsetLeft - scrollLeft));
    return lefts.indexOf(Math.min(...lefts));
  }

  #step(by: number): void {
    const { children } = this.#columns;
    const to = children[Math.min(children.length - 1, Math.max(0, this.#shown() + by))] as HTMLElement | undefined;
    if (to) this.#columns.scrollTo({ left: to.offsetLeft, behavior: "instant" });
  }
}

function isLive(column: Column): boolean {
  return column.kind === "answer" && column.generation !== null && !isSettled(column.generation.phase);
}

export class ColumnRow implements Row<Column> {
  readonly element = h("div", { class: "column" });
  readonly #row: Row<Column>;
  readonly #name = h("span", { class: "column-name" });
  /** Heard where others see the mark. */
  readonly #mark = h("span", { class: "off-screen" });
  readonly #keep = h("button", { type: "button" }, "keep this one");
  readonly #stop = h("button", { type: "button" }, "stop");
  #message: Message | null = null;

  constructor(column: Column, { actions, answers, pending, now, textArrived }: ComparisonParts) {
    this.#row = (column.kind === "answer"
      ? new AnswerRow(answers, now, textArrived)
      : new PendingRow(column.key, pending)) as Row<never> as Row<Column>;
    this.#keep.addEventListener("click", () => this.#message && actions.keep(this.#message));
    this.#stop.addEventListener("click", () => this.#message && actions.stop(this.#message));
    const keys = h("span", { class: "actions" }, this.#stop, this.#keep);
    this.element.append(h("p", { class: "column-head" }, this.#name, this.#mark, keys), this.#row.element);
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
    const name = column.kind === "answer" ? column.message.model : column.prompt.settings.model;
    setText(this.#name, name ?? "");
    for (const key of [this.#keep, this.#stop]) setAttribute(key, "aria-label", `${key.textContent}: ${name}`);
  }

  /** Says that the next prompt would follow this answer. */
  mark(isLeaf: boolean): void {
    this.element.classList.toggle("is-leaf", isLeaf);
    setText(this.#mark, isLeaf ? "the next prompt follows this one" : "");
  }

  dispose(): void {
    this.#row.dispose?.();
  }
}
