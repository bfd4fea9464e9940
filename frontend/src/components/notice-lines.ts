/** The lines above the prompt: what the page has to say, each with its key and a key to close it. */

import { Disposables } from "../dom/component.ts";
import { h, setText } from "../dom/element.ts";
import { KeyedList } from "../dom/keyed-list.ts";
import type { Notice, Notices } from "../state/notices.ts";

export class NoticeLines {
  readonly element = h("div", { class: "notice-lines", role: "status", "aria-label": "notices" });
  readonly #disposables = new Disposables();

  constructor(notices: Notices) {
    const list = new KeyedList<Notice>(
      this.element,
      notice => notice.id,
      notice => row(notice, notices),
    );
    this.#disposables.add(notices.list.subscribe(all => list.update(all)));
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

function row({ id, kind, text, key }: Notice, notices: Notices) {
  const words = h("span", { class: "notice-text" });
  // It does not go from under a finger, a pointer or the focus.
  const hold = () => notices.hold(id);
  const release = () => element.matches(":hover") || element.contains(document.activeElement) || notices.release(id);
  const element: HTMLElement = h(
    "p",
    {
      class: kind === "error" ? "notice-line is-error" : "notice-line",
      onpointerenter: hold,
      onfocusin: hold,
      onpointerleave: release,
      onfocusout: release,
    },
    h("span", { class: "glyph", "aria-hidden": "true" }, kind === "error" ? "▲" : "·"),
    words,
    key && h("button", { type: "button", class: "notice-key", onclick: () => key.run() }, key.label),
    h("button", { type: "button", class: "close", "aria-label": "close", onclick: () => notices.dismiss(id) }, "×"),
  );
  setText(words, text);
  return { element, update: () => undefined };
}
