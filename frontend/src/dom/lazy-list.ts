/**
 * A keyed list of any length in a scroller, of which only what is near is built at once.
 *
 * Rows stand in groups. A group far from what is seen is one empty element of about the height of its rows; near,
 * its rows are made, and each is filled in turn, some in each frame. `fillOne` goes on with the rest, from the end
 * upwards, whenever the page has time: so that all of it can be found, read out and scrolled through before long.
 */

import { onceAFrame } from "./component.ts";
import { h } from "./element.ts";
import { KeyedList, type Row } from "./keyed-list.ts";

export interface LazyListOptions<T> {
  keyOf(item: T): string;
  create(item: T): Row<T>;
  /** How many characters it is going to show: what its height is guessed from. */
  lengthOf(item: T): number;
  /** Whether a new group may begin with it. What may come and go in between must not: all groups after it would change. */
  isCounted(item: T): boolean;
  /** Heights changed. Called before they are painted. */
  resized(): void;
}

const GROUP_SIZE = 20;
/** How far outside of what is seen rows are filled, so that scrolling meets no empty ones. */
const NEAR = "150% 0px";
/** A guess of a row's height: what its characters make on a phone, and what stands around them. */
const COLUMNS = 44;
const LINES_AROUND = 3;
const LINE_REM = 1.5;
const LINE_PX = 24;
/** What filling may take of a frame, milliseconds. */
const FRAME_MS = 8;

export class LazyList<T> {
  readonly #options: LazyListOptions<T>;
  readonly #near: Near;
  readonly #groups: KeyedList<Group<T>>;
  /** In the order they stand. */
  #rows: GroupRow<T>[] = [];

  constructor(container: HTMLElement, scroller: HTMLElement, options: LazyListOptions<T>) {
    this.#options = options;
    this.#near = new Near(scroller, () => options.resized());
    this.#groups = new KeyedList<Group<T>>(
      container,
      group => group.key,
      () => new GroupRow(options, this.#near),
    );
  }

  update(items: readonly T[]): void {
    const groups = this.#divide(items);
    this.#groups.update(groups);
    this.#rows = groups.map(({ key }) => this.#groups.get(key) as GroupRow<T>);
  }

  /** The row itself; undefined while it is not filled. */
  get(key: string): Row<T> | undefined {
    for (let at = this.#rows.length; at-- > 0; ) {
      const row = this.#rows[at]?.get(key);
      if (row) return row;
    }
    return undefined;
  }

  /** Fills the last `count` rows. */
  fillEnd(count: number): void {
    for (let at = this.#rows.length, left = count; at-- > 0 && left > 0; ) left -= this.#rows[at]?.fillEnd(left) ?? 0;
  }

  /** Fills the last row that is not; whether there was one. */
  fillOne(): boolean {
    const isFilled = this.#rows.findLast(group => !group.isFilled)?.fillOne() ?? false;
    if (isFilled) this.#options.resized();
    return isFilled;
  }

  dispose(): void {
    this.#groups.dispose();
    this.#near.dispose();
  }

  #divide(items: readonly T[]): Group<T>[] {
    const groups: Group<T>[] = [];
    let counted = 0;
    for (const item of items) {
      if (groups.length === 0 || (this.#options.isCounted(item) && counted % GROUP_SIZE === 0 && counted > 0))
        groups.push({ key: String(groups.length), items: [] });
      groups.at(-1)?.items.push(item);
      if (this.#options.isCounted(item)) counted += 1;
    }
    return groups;
  }
}

interface Group<T> {
  readonly key: string;
  readonly items: T[];
}

class GroupRow<T> implements Row<Group<T>> {
  readonly element = h("div", { class: "rows" });
  readonly #options: LazyListOptions<T>;
  readonly #near: Near;
  #items: readonly T[] = [];
  /** Null while it is far away. */
  #list: KeyedList<T> | null = null;

  constructor(options: LazyListOptions<T>, near: Near) {
    this.#options = options;
    this.#near = near;
    near.watch(this.element, () => this.#open());
  }

  get isFilled(): boolean {
    return this.#list !== null && this.#items.every(item => this.#row(item)?.inner);
  }

  update({ items }: Group<T>): void {
    this.#items = items;
    this.#list?.update(items);
    const height = heightOf(items.reduce((sum, item) => sum + lengthWithFrame(this.#options.lengthOf(item)), 0));
    this.element.style.setProperty("contain-intrinsic-block-size", `auto ${height}`);
    if (!this.#list) this.element.style.setProperty("block-size", height);
  }

  get(key: string): Row<T> | undefined {
    return (this.#list?.get(key) as LazyRow<T> | undefined)?.inner ?? undefined;
  }

  /** How many rows of those there are. */
  fillEnd(count: number): number {
    this.#open();
    const last = this.#items.slice(-count);
    for (const item of last) this.#row(item)?.fill();
    return last.length;
  }

  fillOne(): boolean {
    this.#open();
    for (let at = this.#items.length; at-- > 0; ) if (this.#row(this.#items[at] as T)?.fill()) return true;
    return false;
  }

  dispose(): void {
    this.#near.forget(this.element);
    this.#list?.dispose();
  }

  #row(item: T): LazyRow<T> | undefined {
    return this.#list?.get(this.#options.keyOf(item)) as LazyRow<T> | undefined;
  }

  #open(): void {
    if (this.#list) return;
    this.#near.forget(this.element);
    this.#list = new KeyedList<T>(this.element, this.#options.keyOf, () => new LazyRow(this.#options, this.#near));
    this.#list.update(this.#items);
    this.element.style.removeProperty("block-size");
  }
}

/** A row that is an element of about its height until it is filled. */
class LazyRow<T> implements Row<T> {
  readonly element = h("div", { class: "row" });
  readonly #options: LazyListOptions<T>;
  readonly #near: Near;
  #item: T | null = null;
  #inner: Row<T> | null = null;

  constructor(options: LazyListOptions<T>, near: Near) {
    this.#options = options;
    this.#near = near;
    near.watch(this.element, () => this.fill());
  }

  get inner(): Row<T> | null {
    return this.#inner;
  }

  update(item: T): void {
    if (this.#item === null) {
      const height = heightOf(lengthWithFrame(this.#options.lengthOf(item)));
      this.element.style.setProperty("block-size", height);
    }
    this.#item = item;
    this.#inner?.update(item);
  }

  /** Whether it was empty until now. */
  fill(): boolean {
    if (this.#inner || this.#item === null) return false;
    this.#near.forget(this.element);
    this.#inner = this.#options.create(this.#item);
    this.#inner.update(this.#item);
    this.element.append(this.#inner.element);
    this.element.style.removeProperty("block-size");
    return true;
  }

  dispose(): void {
    this.#near.forget(this.element);
    this.#inner?.dispose?.();
  }
}

/**
 * Builds what came near to what a scroller shows, some of it in each frame: the nearest first, or at the end of
 * everything the last first, since there each height that turns out other than guessed moves what is above it.
 */
class Near {
  readonly #waiting = new Map<Element, () => void>();
  readonly #due = new Map<Element, number>();
  readonly #scroller: HTMLElement;
  readonly #built: () => void;
  readonly #observer: IntersectionObserver | null = null;
  readonly #buildSome = onceAFrame(() => this.#build());

  constructor(scroller: HTMLElement, built: () => void) {
    this.#scroller = scroller;
    this.#built = built;
    if (typeof IntersectionObserver === "undefined") return;
    const tell = (entries: IntersectionObserverEntry[]) => {
      for (const { isIntersecting, target, boundingClientRect, rootBounds } of entries) {
        if (isIntersecting) this.#due.set(target, this.#rank(boundingClientRect, rootBounds));
        else this.#due.delete(target);
      }
      if (this.#due.size > 0) this.#buildSome();
    };
    this.#observer = new IntersectionObserver(tell, { root: scroller, rootMargin: NEAR });
  }

  watch(element: Element, build: () => void): void {
    this.#waiting.set(element, build);
    this.#observer?.observe(element);
  }

  forget(element: Element): void {
    this.#due.delete(element);
    if (this.#waiting.delete(element)) this.#observer?.unobserve(element);
  }

  dispose(): void {
    this.#buildSome.cancel();
    this.#observer?.disconnect();
    this.#waiting.clear();
  }

  #rank(row: DOMRectReadOnly, seen: DOMRectReadOnly | null): number {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    if (!seen || scrollHeight - scrollTop - clientHeight <= LINE_PX) return -row.bottom;
    return Math.abs(row.top + row.bottom - seen.top - seen.bottom);
  }

  #build(): void {
    const end = performance.now() + FRAME_MS;
    for (const [element] of [...this.#due].sort(([, a], [, b]) => a - b)) {
      if (performance.now() > end) break;
      this.#waiting.get(element)?.();
    }
    if (this.#due.size > 0) this.#buildSome();
    this.#built();
  }
}

function lengthWithFrame(length: number): number {
  return length + LINES_AROUND * COLUMNS;
}

function heightOf(length: number): string {
  return `${Math.ceil(length / COLUMNS) * LINE_REM}rem`;
}
