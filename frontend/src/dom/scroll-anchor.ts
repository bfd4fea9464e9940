/**
 * Keeps a scroller at its end while the reader is there, and leaves it alone once they scroll up.
 *
 * Knows geometry only. Whoever changes the content calls `settle()` afterwards, in the same frame.
 */

import { Disposables } from "./component.ts";

/** How far from the end still counts as being there: half a line, for fractions of pixels and zoom. */
const NEAR_PX = 12;

export class ScrollAnchor {
  readonly #scroller: HTMLElement;
  readonly #changed: (isAtEnd: boolean) => void;
  readonly #disposables = new Disposables();
  #isAtEnd = true;
  #lastTop = 0;

  constructor(scroller: HTMLElement, content: HTMLElement, changed: (isAtEnd: boolean) => void) {
    this.#scroller = scroller;
    this.#changed = changed;
    this.#disposables.listen(scroller, "scroll", () => this.#scrolled(), { passive: true });
    // The keyboard opens, the prompt grows, an image arrives: the end moves without anybody scrolling.
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(() => this.settle());
      observer.observe(scroller);
      observer.observe(content);
      this.#disposables.add(() => observer.disconnect());
    }
  }

  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  settle(): void {
    if (this.#isAtEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  toEnd(): void {
    this.#set(true);
    this.settle();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const isNear = scrollHeight - clientHeight - scrollTop <= NEAR_PX;
    // Content that grows fires this too; only a move upwards is the reader's wish.
    if (isNear) this.#set(true);
    else if (scrollTop < this.#lastTop) this.#set(false);
    this.#lastTop = scrollTop;
  }

  #set(isAtEnd: boolean): void {
    if (isAtEnd === this.#isAtEnd) return;
    this.#isAtEnd = isAtEnd;
    this.#changed(isAtEnd);
  }
}
