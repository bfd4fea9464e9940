/** The conversations, newest first, by day, however many: a column on a desktop, a drawer on a phone. */

import type { Conversation } from "../api/types.ts";
import { Disposables, onceAFrameBehindTyping } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import type { Row } from "../dom/keyed-list.ts";
import { WindowList } from "../dom/window-list.ts";
import { formatCents, formatDay } from "../lib/format.ts";
import { watch } from "../lib/store.ts";
import type { Chat } from "../state/chat.ts";
import type { Conversations } from "../state/conversations.ts";
import { follow } from "./bars.ts";

export interface ConversationActions {
  open(id: string): void;
  openNew(): void;
  rename(conversation: Conversation): void;
  remove(conversation: Conversation): void;
  /** Lets the reader choose what to do with it. */
  manage(conversation: Conversation): void;
}

type Item = { key: string; day: string } | { key: string; conversation: Conversation };

export class ConversationList {
  readonly element = h("nav", { class: "conversations", "aria-label": "conversations" });
  readonly filter = h("input", {
    type: "search",
    class: "conversations-filter",
    "aria-label": "filter conversations",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  /** One stop of the tab key, however many rows: it leads to the row that had the focus last, and to that row's keys. */
  readonly #rows = h("ul", { class: "conversation-rows", role: "list", tabindex: 0 });
  readonly #found = h("p", { class: "off-screen", role: "status" });
  readonly #more = h("p", { class: "conversations-more" });
  readonly scroller = h("div", { class: "conversations-scroller" }, this.#rows, this.#more, this.#found);
  readonly #list: WindowList<Item>;
  readonly #conversations: Conversations;
  readonly #chat: Chat;
  readonly #disposables = new Disposables();
  #items: readonly Item[] = [];
  /** The row that had the focus last; else the tab key leads to the open conversation. */
  #lastKey = "";
  /** What the items were made of: the list may be long, and most changes are of something else. */
  #madeOf = { day: "", all: [] as readonly Conversation[], text: "", found: [] as readonly Conversation[] };
  /** What each conversation stands under today. */
  #days = new WeakMap<Conversation, string>();

  constructor(conversations: Conversations, chat: Chat, actions: ConversationActions) {
    this.#conversations = conversations;
    this.#chat = chat;
    const fresh = h(
      "button",
      { type: "button", class: "new", "aria-label": "new conversation", onclick: () => actions.openNew() },
      h("span", { class: "glyph" }, "+"),
      " new",
    );
    const head = h("div", { class: "conversations-head" }, fresh, this.filter);
    this.element.append(head, this.scroller);
    this.#list = new WindowList<Item>(this.#rows, this.scroller, {
      keyOf: item => item.key,
      kindOf: item => ("day" in item ? "day" : "conversation"),
      create: item =>
        ("day" in item
          ? dayRow()
          : new ConversationRow(actions, item => this.#stateOf(item))) as Row<never> as Row<Item>,
    });
    const paint = onceAFrameBehindTyping(() => this.#paint());
    this.#disposables.add(watch([conversations.list, chat.current, chat.generations], paint));
    this.#disposables.add(paint.cancel);
    this.#disposables.listen(this.filter, "input", () => {
      // What is filtered has to be here; what comes later is filtered as it comes.
      if (this.filter.value.trim()) void conversations.all();
      paint();
    });
    this.#disposables.listen(this.filter, "keydown", event => this.#typed(event as KeyboardEvent));
    this.#disposables.listen(this.#rows, "keydown", event => this.#moved(event as KeyboardEvent));
    this.#disposables.listen(this.#rows, "focusin", event => this.#entered(event.target as HTMLElement));
    this.#disposables.listen(this.#rows, "focusout", event => this.#left(event.target as HTMLElement));
    // The next page is asked for before the end of this one is seen.
    if (typeof IntersectionObserver !== "undefined") {
      const observer = new IntersectionObserver(
        entries => entries.some(entry => entry.isIntersecting) && void conversations.more(),
        { root: this.scroller, rootMargin: "400px" },
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
    if (event.key === "Escape" && this.filter.value) {
      this.filter.value = "";
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
    const last = this.#items.length - 1;
    const page = row ? Math.max(1, Math.floor(this.scroller.clientHeight / row.offsetHeight) - 1) : 0;
    const [from, step] =
      {
        ArrowDown: [at + 1, 1],
        ArrowUp: [at - 1, -1],
        PageDown: [Math.min(last, at + page), -1],
        PageUp: [Math.max(0, at - page), 1],
        Home: [0, 1],
        End: [last, -1],
      }[event.key] ?? [];
    if (!row || from === undefined || step === undefined) return;
    event.preventDefault();
    if (!this.#focus(from, step) && step < 0) this.filter.focus();
  }

  #entered(target: HTMLElement): void {
    if (target === this.#rows) {
      // A press between the rows means none of them.
      if (!target.matches(":focus-visible")) return;
      if (!this.reveal(this.#lastKey || this.#chat.current.get().id)) this.#focus(0, 1);
      return;
    }
    const row = target.closest("li");
    this.#lastKey = this.#items[Number(row?.getAttribute("aria-posinset")) - 1]?.key ?? "";
    this.#rows.tabIndex = -1;
    setStops(row, 0);
  }

  #left(target: HTMLElement): void {
    this.#rows.tabIndex = 0;
    setStops(target.closest("li"), -1);
  }

  /** Gives the focus to a conversation; whether it is listed. */
  reveal(id: string | null): boolean {
    this.#paint();
    return this.#focus(
      this.#items.findIndex(({ key }) => key === id),
      1,
    );
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
    const text = this.filter.value.trim().toLowerCase();
    this.#find(items, text);
    this.#list.update(this.#items);
    const isWhole = nextCursor === null && status === "ready";
    setAttribute(
      this.filter,
      "placeholder",
      status === "loading" && items.length === 0
        ? "/ filter conversations"
        : `/ filter ${items.length.toLocaleString("en")}${nextCursor ? "+" : ""} conversation${items.length === 1 ? "" : "s"}`,
    );
    this.#more.hidden = isWhole && this.#items.length > 0;
    setText(this.#found, text && isWhole ? `${this.#madeOf.found.length} found` : "");
    setText(
      this.#more,
      status === "failed"
        ? "▲ the list can't be read · press to try again"
        : !isWhole
          ? "…"
          : text
            ? "nothing fits"
            : "nothing here yet",
    );
  }

  /** Makes the items of what fits `text`; a text that only grew is looked for in what was found before. */
  #find(all: readonly Conversation[], text: string): void {
    const last = this.#madeOf;
    const now = new Date();
    const day = now.toDateString();
    if (day === last.day && all === last.all && text === last.text) return;
    if (day !== last.day) this.#days = new WeakMap();
    const words = text.split(/\s+/);
    const searched = all === last.all && text.startsWith(last.text) ? last.found : all;
    const found = searched.filter(({ title }) => words.every(word => title.toLowerCase().includes(word)));
    this.#madeOf = { day, all, text, found };
    this.#items = itemsOf(found, now, this.#days);
  }
}

/** Whether the tab key stops at what can be pressed in `row`. */
function setStops(row: HTMLElement | null, tabIndex: 0 | -1): void {
  for (const it of row?.querySelectorAll<HTMLElement>("a, button") ?? []) it.tabIndex = tabIndex;
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

/** Nothing where nothing was asked; of a conversation with answers an unknown cost is one. */
function costOf({ cost, message_count }: Conversation): string {
  if (message_count < 2) return "";
  return cost === null ? "$?" : formatCents(cost);
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
  readonly #keys: readonly { readonly what: string; readonly key: HTMLElement }[];
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
    const key = (what: string, word: string, run: () => void) => ({
      what,
      key: h("button", { type: "button", onclick: run }, word),
    });
    const rename = act(actions.rename);
    const remove = act(actions.remove);
    // Under a finger nothing may come up that was not there: it gets one key that stays, and the rest in a sheet.
    const isTouched = matchMedia("(any-pointer: coarse)").matches;
    this.#keys = isTouched
      ? [key("more of", "⋯", act(actions.manage))]
      : [key("rename", "rename", rename), key("delete", "delete", remove)];
    const keys = h("span", { class: isTouched ? "conversation-more" : "conversation-keys" });
    keys.append(...this.#keys.map(({ key }) => key));
    this.element.append(this.#link, keys);
    setStops(this.element, -1);
  }

  update({ conversation }: Extract<Item, { conversation: Conversation }>): void {
    this.#conversation = conversation;
    const { isCurrent, isLive } = this.#stateOf(conversation);
    const title = conversation.title || "untitled";
    setAttribute(this.#link, "href", `/c/${conversation.id}`);
    setAttribute(this.#link, "aria-current", isCurrent ? "page" : null);
    setText(this.#title, title);
    setText(this.#mark, isCurrent ? "▌" : isLive ? "◐" : "");
    setText(this.#cost, isLive ? "live" : costOf(conversation));
    for (const { what, key } of this.#keys) setAttribute(key, "aria-label", `${what} ${title}`);
    this.element.classList.toggle("is-current", isCurrent);
    this.element.classList.toggle("is-live", isLive);
  }
}
