/**
 * A markdown view that fetches the reader of markdown when the first answer is shown, not before.
 *
 * Should that fail (the server went away), the text stands there plain: readable beats pretty.
 */

import { h } from "./element.ts";
import type { MarkdownView } from "./markdown-view.ts";

type Module = typeof import("./markdown-view.ts");

let module: Module | null = null;
let loading: Promise<Module | null> | null = null;

/** Begins fetching, so that it is here when the first word is. */
export function loadMarkdown(): Promise<Module | null> {
  loading ??= import("./markdown-view.ts").then(
    loaded => {
      module = loaded;
      return loaded;
    },
    () => {
      loading = null;
      return null;
    },
  );
  return loading;
}

export class LazyMarkdown {
  readonly element = h("div", { class: "markdown" });
  readonly #arrived: () => void;
  #view: MarkdownView | null = null;
  #source = "";
  #isFinished = false;

  /** `arrived` is called when text appears that was waiting for the reader. */
  constructor(arrived: () => void) {
    this.#arrived = arrived;
  }

  update(source: string): void {
    this.#show(source, false);
  }

  finish(source: string): void {
    this.#show(source, true);
  }

  #show(source: string, isFinished: boolean): void {
    this.#source = source;
    this.#isFinished = isFinished;
    if (module) this.#paint(module);
    else if (source !== "") {
      void loadMarkdown().then(loaded => {
        if (loaded) this.#paint(loaded);
        else this.element.replaceChildren(h("p", { class: "raw" }, this.#source));
        this.#arrived();
      });
    }
  }

  #paint({ MarkdownView }: Module): void {
    if (!this.#view) {
      this.element.replaceChildren();
      this.#view = new MarkdownView(this.element);
    }
    if (this.#isFinished) this.#view.finish(this.#source);
    else this.#view.update(this.#source);
  }
}
