/** The conversations, newest first, by day, however many: a column on a desktop, a drawer on a phone. */

import type { Conversation } from "../api/types.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import type { Row } from "../dom/keyed-list.ts";
import { WindowList } from "../dom/window-list.ts";
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

type Item = { key: string; day: string } | { key: string; conversation: Conversation };

export class ConversationList {
  readonly element = h("nav", { class: "conversations", "aria-label": "conversations" });
  readonly #filter = h("input", {
    type: "search",
    class: "conversations-filter",
    "aria-label": "filter conversations",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  readonly #rows = h("ul", { class: "conversation-rows", role: "list" });
  readonly #more = h("p", { class: "conversations-more" });
  readonly #list: WindowList<Item>;
  readonly #conversations: Conversations;
  readonly #chat: Chat;
  readonly #disposables = new Disposables();
  #items: readonly Item[] = [];
  /** What the items were made of: the list may be long, and most changes are of something else. */
  #madeOf: readonly unknown[] = [];
  /** What each conversation stands under today. */
  #days = new WeakMap<Conversation, string>();

  constructor(conversations: Conversations, chat: Chat, actions: ConversationActions) {
    this.#conversations = conversations;
    this.#chat = chat;
    const fresh = h(
      "button",
      { type: "button", class: "new", onclick: () => actions.openNew() },
      h("span", { class: "glyph" }, "+"),
      " new conversation",
    );
    const head = h("div", { class: "conversations-head" }, fresh, this.#filter);
    this.element.append(head, this.#rows, this.#more);
    this.#list = new WindowList<Item>(this.#rows, this.element, {
      keyOf: item => item.key,
      kindOf: item => ("day" in item ? "day" : "conversation"),
      create: item =>
        ("day" in item
          ? dayRow()
          : new ConversationRow(actions, item => this.#stateOf(item))) as Row<never> as Row<Item>,
    });
    const paint = onceAFrame(() => this.#paint());
    this.#disposables.add(watch([conversations.list, chat.current, chat.generations], paint));
    this.#disposables.add(paint.cancel);
    this.#disposables.listen(this.#filter, "input", () => {
      // What is filtered has to be here; what comes later is filtered as it comes.
      if (this.#filter.value.trim()) void conversations.all();
      paint();
    });
    this.#disposables.listen(this.#filter, "keydown", event => this.#typed(event as KeyboardEvent));
    this.#disposables.listen(this.#rows, "keydown", event => this.#moved(event as KeyboardEvent));
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
    this.#paint();
  }

  dispose(): void {
    this.#list.dispose();
    this.#disposables.dispose();
  }

  /** Esc empties the filter before it closes anything; ↓ and enter go to the first that was found. */
  #typed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.#filter.value) {
      this.#filter.value = "";
      this.#paint();
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      this.#paint();
      this.#focus(0, 1);
    } else return;
    event.preventDefault();
  }

  #moved(event: KeyboardEvent): void {
    const row = event.target instanceof Element ? event.target.closest("li") : null;
    const at = Number(row?.getAttribute("aria-posinset")) - 1;
    const [from, step] =
      { ArrowDown: [at + 1, 1], ArrowUp: [at - 1, -1], Home: [0, 1], End: [this.#items.length - 1, -1] }[event.key] ??
      [];
    if (!row || from === undefined || step === undefined) return;
    event.preventDefault();
    if (!this.#focus(from, step) && step < 0) this.#filter.focus();
  }

  /** Gives the focus to the first conversation from `at` on; whether there is one. */
  #focus(at: number, step: number): boolean {
    let index = at;
    while (this.#items[index] && "day" in (this.#items[index] as Item)) index += step;
    const item = this.#items[index];
    if (!item) return false;
    this.#list.reveal(index);
    this.#list.get(item.key)?.element.querySelector("a")?.focus({ preventScroll: true });
    return true;
  }

  #stateOf(conversation: Conversation): ConversationState {
    const isCurrent = conversation.id === this.#chat.current.get().id;
    return { isCurrent, isLive: isCurrent ? this.#chat.liveHere() !== null : conversation.is_live };
  }

  #paint(): void {
    const { items, nextCursor, status } = this.#conversations.list.get();
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const now = new Date();
    const madeOf = [now.toDateString(), items, words.join(" ")];
    if (madeOf[0] !== this.#madeOf[0]) this.#days = new WeakMap();
    if (madeOf.some((part, at) => part !== this.#madeOf[at])) {
      this.#madeOf = madeOf;
      const found = items.filter(({ title }) => words.every(word => title.toLowerCase().includes(word)));
      this.#items = itemsOf(found, now, this.#days);
    }
    this.#list.update(this.#items);
    const isWhole = nextCursor === null && status === "ready";
    setAttribute(
      this.#filter,
      "placeholder",
      status === "loading" && items.length === 0
        ? "/ filter conversations"
        : `/ filter ${items.length.toLocaleString("en")}${nextCursor ? "+" : ""} conversations`,
    );
    this.#more.hidden = isWhole && this.#items.length > 0;
    setText(
      this.#more,
      status === "failed"
        ? "▲ the list can't be read · press to try again"
        : !isWhole
          ? "…"
          : words.length > 0
            ? "nothing fits"
            : "nothing here yet",
    );
  }
}

interface ConversationState {
  readonly isCurrent: boolean;
  readonly isLive: boolean;
}

/** The conversations with a row before the first of each day. `days` remembers what was worked out. */
function itemsOf(conversations: readonly Conversation[], now: Date, days: WeakMap<Conversation, string>): Item[] {
  // An order that jumps back in time would make a day twice; keys must not repeat.
  const seen = new Set<string>();
  const items: Item[] = [];
  for (const conversation of conversations) {
    const day = days.get(conversation) ?? formatDay(conversation.updated_at, now);
    days.set(conversation, day);
    if (!seen.has(day)) items.push({ key: `day ${day}`, day });
    seen.add(day);
    items.push({ key: conversation.id, conversation });
  }
  return items;
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

  readonly #stateOf: (conversation: Conversation) => ConversationState;

  constructor(actions: ConversationActions, stateOf: (conversation: Conversation) => ConversationState) {
    this.#stateOf = stateOf;
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

  update({ conversation }: Extract<Item, { conversation: Conversation }>): void {
    this.#conversation = conversation;
    const { isCurrent, isLive } = this.#stateOf(conversation);
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
