/**
 * All conversations, by day, with a filter. The list itself is the drawer's.
 *
 * Where the reader was in it is kept in the history's entry, so that going back from a conversation finds it again.
 */

import { ConversationList } from "../components/conversation-list.ts";
import { Disposables } from "../dom/component.ts";
import { h } from "../dom/element.ts";
import { formatCount } from "../lib/format.ts";
import { atom } from "../lib/store.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

/** The row that was opened, what the list was filtered by, and how far it was scrolled. */
interface Place {
  readonly id: string;
  readonly filter: string;
  readonly scrollTop: number;
}

export class ConversationsScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #list: ConversationList;
  readonly #disposables = new Disposables();

  constructor(parts: ScreenParts) {
    const { chat, conversations } = parts.commands;
    const list = new ConversationList(conversations, chat, {
      ...parts.conversationActions,
      open: id => {
        const place: Place = { id, filter: list.filter.value, scrollTop: list.scroller.scrollTop };
        history.replaceState({ ...history.state, place }, "");
        parts.conversationActions.open(id);
      },
    });
    this.#list = list;
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

  takeFocus(): boolean {
    const { place } = (history.state ?? {}) as { place?: Place };
    if (!place) return false;
    this.#list.filter.value = place.filter;
    // Where everything stands is known when it was shown once.
    if (!this.#list.reveal(place.id)) return false;
    this.#list.scroller.scrollTop = place.scrollTop;
    return true;
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}
