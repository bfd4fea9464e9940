/** Plain text that grows, however long: lines that are whole are never touched again. */

import { h } from "./element.ts";

/** From how many characters on whole lines are settled. */
const LONG = 2_000;

export class GrowingText {
  readonly element: HTMLElement;
  #shown = "";
  #settledLength = 0;
  #tail: HTMLElement | null = null;

  constructor(element: HTMLElement) {
    this.element = element;
  }

  update(text: string): void {
    if (text === this.#shown) return;
    if (!text.startsWith(this.#shown)) {
      this.element.replaceChildren();
      this.#settledLength = 0;
      this.#tail = null;
    }
    this.#shown = text;
    this.#tail?.remove();
    const end = text.lastIndexOf("\n") + 1;
    if (end - this.#settledLength >= LONG) {
      this.element.append(piece(text.slice(this.#settledLength, end)));
      this.#settledLength = end;
    }
    this.#tail = piece(text.slice(this.#settledLength));
    this.element.append(this.#tail);
  }
}

function piece(text: string): HTMLElement {
  return h("span", { class: "piece" }, text);
}
