/** The conversations, newest first, by day: a column on a desktop, a drawer on a phone. */

import type { Conversation } from "../api/types.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { KeyedList, type Row } from "../dom/keyed-list.ts";
import { formatCost, formatDay } from "../lib/format.ts";
import { watch } from "../lib/store.ts";
import type { Chat } from "../state/chat.ts";
import type { Conversations } from "../state/conversations.ts";
import { follow } from "./bars.ts";

export interface ConversationActions {
  open(id: string): void;
  openNew(): void;
  rename(conversation: Conversation): void;
  remove(conversation: Conversation): void;
}

type Item =
  | { key: string; day: string }
  | { key: string; conversation: Conversation; isCurrent: boolean; isLive: boolean };

export class ConversationList {
  readonly element = h("nav", { class: "conversations", id: "conversations", "aria-label": "conversations" });
  readonly #rows = h("ul", { class: "conversation-rows" });
  readonly #more = h("p", { class: "conversations-more" });
  readonly #list: KeyedList<Item>;
  readonly #disposables = new Disposables();

  constructor(conversations: Conversations, chat: Chat, actions: ConversationActions) {
    const fresh = h(
      "button",
      { type: "button", class: "new", onclick: () => actions.openNew() },
      h("span", { class: "glyph" }, "+"),
      " new conversation",
    );
    this.element.append(fresh, this.#rows, this.#more);
    this.#list = new KeyedList<Item>(
      this.#rows,
      item => item.key,
      item => ("day" in item ? dayRow() : new ConversationRow(actions)) as Row<never> as Row<Item>,
    );
    const paint = onceAFrame(() => this.#paint(conversations, chat));
    this.#disposables.add(watch([conversations.list, chat.current, chat.generations], paint));
    this.#disposables.add(paint.cancel);
    // The next page is asked for before the end of this one is seen.
    if (typeof IntersectionObserver !== "undefined") {
      const observer = new IntersectionObserver(
        entries => entries.some(entry => entry.isIntersecting) && void conversations.more(),
        { root: this.element, rootMargin: "400px" },
      );
      observer.observe(this.#more);
      this.#disposables.add(() => observer.disconnect());
    }
    this.#disposables.listen(
      this.#more,
      "click",
      () => void (conversations.list.get().nextCursor ? conversations.more() : conversations.refresh()),
    );
    paint();
  }

  dispose(): void {
    this.#list.dispose();
    this.#disposables.dispose();
  }

  #paint(conversations: Conversations, chat: Chat): void {
    const { items, nextCursor, status } = conversations.list.get();
    const current = chat.current.get().id;
    const isLiveHere = chat.liveHere() !== null;
    const now = new Date();
    const rows: Item[] = [];
    let day = "";
    for (const conversation of items) {
      const own = formatDay(conversation.updated_at, now);
      if (own !== day) rows.push({ key: `day ${own}`, day: own });
      day = own;
      const isCurrent = conversation.id === current;
      rows.push({
        key: conversation.id,
        conversation,
        isCurrent,
        isLive: isCurrent ? isLiveHere : conversation.is_live,
      });
    }
    // An order that jumps back in time would make a day twice; keys must not repeat.
    const seen = new Set<string>();
    this.#list.update(rows.filter(row => !seen.has(row.key) && seen.add(row.key)));
    this.#more.hidden = nextCursor === null && status === "ready" && items.length > 0;
    setText(
      this.#more,
      status === "failed"
        ? "▲ the list can't be read · press to try again"
        : nextCursor || status === "loading"
          ? "…"
          : items.length
            ? ""
            : "nothing here yet",
    );
  }
}

function dayRow(): Row<Extract<Item, { day: string }>> {
  const element = h("li", { class: "day" });
  return { element, update: ({ day }) => setText(element, day) };
}

class ConversationRow implements Row<Extract<Item, { conversation: Conversation }>> {
  readonly element = h("li", { class: "conversation" });
  readonly #title = h("span", { class: "conversation-title" });
  readonly #cost = h("span", { class: "conversation-cost" });
  readonly #mark = h("span", { class: "conversation-mark", "aria-hidden": "true" });
  readonly #link = h("a");
  readonly #rename: HTMLElement;
  readonly #remove: HTMLElement;
  #conversation: Conversation | null = null;

  constructor(actions: ConversationActions) {
    const act = (what: (conversation: Conversation) => void) => () => this.#conversation && what(this.#conversation);
    this.#link.append(this.#mark, this.#title, this.#cost);
    this.#link.addEventListener("click", event =>
      follow(
        event,
        act(conversation => actions.open(conversation.id)),
      ),
    );
    this.#rename = h("button", { type: "button", onclick: act(actions.rename) }, "rename");
    this.#remove = h("button", { type: "button", onclick: act(actions.remove) }, "delete");
    this.element.append(this.#link, h("span", { class: "conversation-keys" }, this.#rename, this.#remove));
  }

  update({ conversation, isCurrent, isLive }: Extract<Item, { conversation: Conversation }>): void {
    this.#conversation = conversation;
    const title = conversation.title || "untitled";
    setAttribute(this.#link, "href", `/c/${conversation.id}`);
    setAttribute(this.#link, "aria-current", isCurrent ? "page" : null);
    setText(this.#title, title);
    setText(this.#mark, isCurrent ? "▌" : isLive ? "◐" : "");
    setText(this.#cost, isLive ? "live" : conversation.cost === null ? "" : formatCost(conversation.cost, "exact"));
    setAttribute(this.#rename, "aria-label", `rename ${title}`);
    setAttribute(this.#remove, "aria-label", `delete ${title}`);
    this.element.classList.toggle("is-current", isCurrent);
    this.element.classList.toggle("is-live", isLive);
  }
}
