/** All conversations, by day, with a filter. The list itself is the drawer's. */

import { ConversationList } from "../components/conversation-list.ts";
import { ask } from "../components/picker.ts";
import { Disposables } from "../dom/component.ts";
import { h } from "../dom/element.ts";
import { formatCount } from "../lib/format.ts";
import { atom } from "../lib/store.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

export class ConversationsScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #disposables = new Disposables();

  constructor(parts: ScreenParts) {
    const { chat, conversations, removals, surface } = parts.commands;
    const list = new ConversationList(conversations, chat, {
      open: id => surface.open(id),
      openNew: () => surface.open(null),
      rename: conversation =>
        void ask("a new title", conversation.title)
          .then(title => (title ? chat.rename(conversation.id, title) : undefined))
          .catch((error: unknown) => {
            parts.notices.say(error instanceof Error ? error.message : String(error), { kind: "error" });
          }),
      remove: conversation => removals.remove(conversation),
    });
    // The drawer's own list is on the page as well.
    list.element.setAttribute("aria-label", "all conversations");
    this.element = h(
      "section",
      { class: "screen conversations-screen", "aria-label": "conversations" },
      screenHead("conversations", parts.leave),
      list.element,
    );
    const count = () => {
      const { items, nextCursor } = conversations.list.get();
      this.subtitle.set(`${formatCount(items.length)}${nextCursor === null ? "" : "+"}`);
    };
    this.#disposables.add(conversations.list.subscribe(count));
    this.#disposables.add(() => list.dispose());
    count();
    void conversations.refresh();
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}
