/**
 * A keyed list of any length, of which only the rows in sight of a scroller are in the page.
 *
 * Rows of one kind are of one height, measured where they stand, so the place of each is known without it. The row
 * that has the focus stays wherever one scrolls: a keyboard must not fall off the list. The style sheet positions the
 * scroller, the container in it and the rows in that.
 */

import { Disposables, onceAFrame } from "./component.ts";
import { h, setAttribute } from "./element.ts";
import { KeyedList, type Row } from "./keyed-list.ts";

export interface WindowListOptions<T> {
  keyOf(item: T): string;
  kindOf(item: T): string;
  create(item: T): Row<T>;
}

/** What is kept ready above and below of what is seen, pixels: a flick of the finger. */
const MARGIN = 400;
/** Until a row of its kind was measured. */
const GUESSED_HEIGHT = 44;

export class WindowList<T> {
  readonly #container: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #options: WindowListOptions<T>;
  readonly #list: KeyedList<T>;
  readonly #heights = new Map<string, number>();
  readonly #disposables = new Disposables();
  #items: readonly T[] = [];
  /** Where each row begins, and where the last one ends. */
  #tops: number[] = [0];
  /** The places of the rows in the page. */
  #shown: number[] = [];

  constructor(container: HTMLElement, scroller: HTMLElement, options: WindowListOptions<T>) {
    this.#container = container;
    this.#scroller = scroller;
    this.#options = options;
    this.#list = new KeyedList<T>(container, options.keyOf, options.create);
    const paint = onceAFrame(() => this.#paint());
    this.#disposables.listen(scroller, "scroll", paint, { passive: true });
    this.#disposables.add(paint.cancel);
    if (typeof ResizeObserver !== "undefined") {
      // One line high: it tells when the letters change their size.
      const ruler = h("div", { class: "ruler", "aria-hidden": "true" });
      container.before(ruler);
      const observer = new ResizeObserver(paint);
      observer.observe(scroller);
      observer.observe(ruler);
      this.#disposables.add(() => observer.disconnect());
    }
  }

  update(items: readonly T[]): void {
    this.#items = items;
    this.#place();
    this.#paint();
  }

  get(key: string): Row<T> | undefined {
    return this.#list.get(key);
  }

  /** Scrolls no further than is needed to have the row at `index` in sight; it is in the page then. */
  reveal(index: number): void {
    const origin = this.#container.offsetTop;
    const top = origin + (this.#tops[index] ?? 0);
    const bottom = origin + (this.#tops[index + 1] ?? 0);
    const { scrollTop, clientHeight } = this.#scroller;
    const head = Number.parseFloat(getComputedStyle(this.#scroller).scrollPaddingTop) || 0;
    if (top < scrollTop + head) this.#scroller.scrollTop = top - head;
    else if (bottom > scrollTop + clientHeight) this.#scroller.scrollTop = bottom - clientHeight;
    this.#paint();
  }

  dispose(): void {
    this.#list.dispose();
    this.#disposables.dispose();
  }

  #place(): void {
    let top = 0;
    this.#tops = this.#items.map(item => {
      const own = top;
      top += this.#heights.get(this.#options.kindOf(item)) ?? GUESSED_HEIGHT;
      return own;
    });
    this.#tops.push(top);
    this.#container.style.setProperty("block-size", `${top}px`);
  }

  #paint(): void {
    this.#show();
    if (!this.#measure()) return;
    this.#place();
    this.#show();
  }

  #show(): void {
    const from = this.#scroller.scrollTop - this.#container.offsetTop - MARGIN;
    const until = from + this.#scroller.clientHeight + 2 * MARGIN;
    const shown: number[] = [];
    for (let at = Math.max(0, this.#indexAt(from)); at < this.#items.length && (this.#tops[at] ?? 0) < until; at++)
      shown.push(at);
    const focused = this.#focusedIndex();
    if (focused >= 0 && !shown.includes(focused)) shown.push(focused);
    this.#shown = shown.sort((a, b) => a - b);
    this.#list.update(shown.map(at => this.#items[at] as T));
    for (const at of shown) {
      const element = this.#list.get(this.#options.keyOf(this.#items[at] as T))?.element;
      if (!element) continue;
      element.style.setProperty("inset-block-start", `${this.#tops[at]}px`);
      setAttribute(element, "aria-posinset", at + 1);
      setAttribute(element, "aria-setsize", this.#items.length);
    }
  }

  /** Whether a kind turned out to be of another height than it was placed by. */
  #measure(): boolean {
    let isNew = false;
    const seen = new Set<string>();
    for (const at of this.#shown) {
      const item = this.#items[at] as T;
      const kind = this.#options.kindOf(item);
      const height = seen.has(kind) ? 0 : this.#list.get(this.#options.keyOf(item))?.element.offsetHeight;
      if (!height) continue;
      seen.add(kind);
      isNew ||= this.#heights.get(kind) !== height;
      this.#heights.set(kind, height);
    }
    return isNew;
  }

  /** The row at that height. */
  #indexAt(top: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tops[middle + 1] ?? 0) <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #focusedIndex(): number {
    const focused = document.activeElement;
    if (!focused || !this.#container.contains(focused)) return -1;
    return this.#items.findIndex(item => this.#list.get(this.#options.keyOf(item))?.element.contains(focused));
  }
}
