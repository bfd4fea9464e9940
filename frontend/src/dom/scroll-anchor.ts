/**
 * Keeps a scroller at its end while the reader is there, and leaves it alone once they scroll up.
 *
 * Knows geometry only. Whoever changes the content calls `settle()` afterwards, in the same frame. Away from the end
 * the browser itself holds what is read in its place while heights change above it (`overflow-anchor`).
 */

import { Disposables } from "./component.ts";

/** How near one must come to be at the end again: half a line. */
const NEAR_PX = 12;

export class ScrollAnchor {
  readonly #scroller: HTMLElement;
  readonly #changed: (isAtEnd: boolean) => void;
  readonly #disposables = new Disposables();
  #isAtEnd = true;
  #lastTop = 0;
  /** Where the last `settle()` put it. */
  #settledTop = 0;
  #lastEnd = 0;

  constructor(scroller: HTMLElement, content: HTMLElement, changed: (isAtEnd: boolean) => void) {
    this.#scroller = scroller;
    this.#changed = changed;
    this.#leaveToBrowser();
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
    // What shrank may have brought the end back into view.
    if (!this.#isAtEnd && this.#distance <= 1) this.#set(true);
    if (!this.#isAtEnd) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#settledTop = this.#scroller.scrollTop;
  }

  toEnd(): void {
    this.#set(true);
    this.settle();
  }

  /** The reader does something here: it is to stay under their finger. */
  release(): void {
    this.#set(false);
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  /** From what is seen to the end. */
  get #distance(): number {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - clientHeight - scrollTop;
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const end = scrollHeight - clientHeight;
    // Content that grows or shrinks fires this too; only a move upwards from an end that stands is the reader's wish,
    // be it by a pixel: a slow finger must not be pulled back by every token.
    const isUpwards = scrollTop < Math.min(this.#lastTop, this.#settledTop) && end >= this.#lastEnd;
    if (isUpwards && this.#distance > 1) this.#set(false);
    else if (this.#distance <= NEAR_PX) this.#set(true);
    this.#lastTop = scrollTop;
    this.#lastEnd = end;
  }

  #set(isAtEnd: boolean): void {
    if (isAtEnd === this.#isAtEnd) return;
    this.#isAtEnd = isAtEnd;
    this.#leaveToBrowser();
    this.#changed(isAtEnd);
  }

  /** Two that hold the same place would each correct the other. */
  #leaveToBrowser(): void {
    this.#scroller.style.setProperty("overflow-anchor", this.#isAtEnd ? "none" : "auto");
  }
}
