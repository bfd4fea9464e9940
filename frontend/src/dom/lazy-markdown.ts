/**
 * A markdown view that fetches the reader of markdown when the first answer is shown, not before, and shows a
 * long text a piece at a time, so that neither an answer that is opened nor one that is caught up with holds up the page.
 *
 * Should the fetching fail (the server went away), the text stands there plain: readable beats pretty.
 */

import { h } from "./element.ts";
import { whenIdle } from "./idle.ts";
import type { MarkdownView } from "./markdown-view.ts";

type Module = typeof import("./markdown-view.ts");

/** How many characters are read and built in one step. */
const STEP = 2_000;

let module: Module | null = null;
let loading: Promise<Module | null> | null = null;
let isDecided = false;

/** Begins fetching, so that it is here when the first word is. */
export function loadMarkdown(): Promise<Module | null> {
  loading ??= import("./markdown-view.ts").then(
    loaded => {
      module = loaded;
      isDecided = true;
      const warmingUp = loaded.warmUp();
      whenIdle(() => !warmingUp.next().done);
      return loaded;
    },
    () => {
      loading = null;
      isDecided = true;
      return null;
    },
  );
  return loading;
}

/** Whether text has its form when it is given: the reader of markdown is here, or could not be had at the last try. */
export function isMarkdownDecided(): boolean {
  return isDecided;
}

export class LazyMarkdown {
  readonly element = h("div", { class: "markdown" });
  readonly #arrived: () => void;
  #view: MarkdownView | null = null;
  #source = "";
  #shownLength = 0;
  #isFinished = false;
  #callOff: (() => void) | null = null;

  /** `arrived` is called when text appears later than it was given. */
  constructor(arrived: () => void) {
    this.#arrived = arrived;
  }

  update(source: string): void {
    this.#show(source, false);
  }

  finish(source: string): void {
    this.#show(source, true);
  }

  /** Nothing more is going to be shown. */
  dispose(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#source = "";
  }

  #show(source: string, isFinished: boolean): void {
    if (!source.startsWith(this.#source.slice(0, this.#shownLength))) this.#shownLength = 0;
    this.#source = source;
    this.#isFinished = isFinished;
    if (this.#callOff || source === "") return;
    if (module) this.#step(module);
    else void loadMarkdown().then(loaded => this.#begin(loaded));
  }

  #begin(loaded: Module | null): void {
    if (this.#callOff || this.#view) return;
    if (loaded) this.#later(loaded);
    else {
      this.#showPlain();
      this.#arrived();
    }
  }

  /** Shows the next part of the text; the rest follows by itself. */
  #step(loaded: Module): void {
    if (this.#advance(loaded)) this.#later(loaded);
  }

  #later(loaded: Module): void {
    this.#callOff = whenIdle(() => {
      const isMore = this.#advance(loaded);
      if (!isMore) this.#callOff = null;
      this.#arrived();
      return isMore;
    });
  }

  /** Whether there is more to be shown. */
  #advance({ MarkdownView }: Module): boolean {
    if (!this.#view) {
      this.element.replaceChildren();
      this.#view = new MarkdownView(this.element);
    }
    this.#shownLength = Math.min(this.#source.length, this.#shownLength + STEP);
    const isMore = this.#shownLength < this.#source.length;
    try {
      if (this.#isFinished && !isMore) this.#view.finish(this.#source);
      else this.#view.update(this.#source.slice(0, this.#shownLength), !this.#isFinished);
      return isMore;
    } catch (error) {
      // A text that the reader of markdown stumbles over is still a text, and the page goes on.
      reportError(error);
      this.#showPlain();
      return false;
    }
  }

  #showPlain(): void {
    this.#view = null;
    this.element.replaceChildren(h("p", { class: "raw" }, this.#source));
  }
}
