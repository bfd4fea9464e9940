/** The three lines around the transcript: status bar, soft keys and mode line. */

import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { formatCount, formatSpend } from "../lib/format.ts";
import { watch } from "../lib/store.ts";
import { reasoningLevels, type ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Line } from "../state/line.ts";
import type { Preferences } from "../state/preferences.ts";
import { LIVE, OFFLINE, RESUMING, type StateWord } from "./state-words.ts";

export interface StatusBarActions {
  toggleConversations(): void;
  home(): void;
}

/** ≡, title, what was spent, and how the line to the server is. */
export class StatusBar {
  readonly element = h("header", { class: "status-bar" });
  readonly menu: HTMLButtonElement;
  readonly #title = h("h1", { class: "title" });
  #spend = h("span", { class: "money spend" });
  readonly #light = h("span", { class: "light", role: "status", "aria-label": "connection" });
  readonly #disposables = new Disposables();

  constructor(chat: Chat, facts: ServerFacts, line: Line, actions: StatusBarActions) {
    this.menu = h(
      "button",
      {
        type: "button",
        class: "menu",
        "aria-label": "conversations",
        "aria-expanded": "false",
        "aria-controls": "conversations",
        onclick: () => actions.toggleConversations(),
      },
      "≡",
    );
    const brand = h(
      "a",
      { class: "brand", href: "/", onclick: (event: MouseEvent) => follow(event, actions.home) },
      "LLM ROUTER",
    );
    this.element.append(this.menu, brand, this.#title, this.#spend, this.#light);
    const paint = onceAFrame(() => {
      this.#paintTitle(chat);
      this.#paintSpend(facts);
      this.#paintLight(connectionWord(chat, line));
    });
    const sources = [chat.current, chat.generations, chat.phase, line.isOffline, facts.today];
    this.#disposables.add(watch(sources, paint));
    this.#disposables.add(paint.cancel);
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #paintTitle(chat: Chat): void {
    const { conversation, status } = chat.current.get();
    const title = conversation?.title || (status === "loading" ? "…" : "new conversation");
    setText(this.#title, title);
    const page = conversation?.title ? `${conversation.title} · llm router` : "llm router";
    if (document.title !== page) document.title = page;
  }

  /** Built anew when it is another sum: a new element moves nothing. */
  #paintSpend(facts: ServerFacts): void {
    const totals = facts.today.get()?.totals;
    if (!totals) return;
    const { unpriced, estimated } = totals;
    const notes = [
      unpriced > 0 && `${unpriced} without a known price`,
      estimated > 0 && `${estimated} with estimated counts`,
    ];
    const title = ["spent today", ...notes.filter(Boolean)].join(", ");
    const sum = formatSpend(totals.cost, unpriced, estimated);
    const spend = h("span", { class: "money spend", title }, sum, h("span", { class: "wide" }, " today"));
    if (spend.isEqualNode(this.#spend)) return;
    this.#spend.replaceWith(spend);
    this.#spend = spend;
  }

  #paintLight({ glyph, word }: StateWord): void {
    const text = `${glyph} ${word}`;
    if (this.#light.textContent === text) return;
    this.#light.className = `light is-${word}`;
    this.#light.replaceChildren(h("span", { class: "glyph" }, glyph), ` ${word}`);
  }
}

function connectionWord(chat: Chat, line: Line): StateWord {
  if (line.isOffline.get()) return OFFLINE;
  const phase = chat.liveHere()?.state.get().phase;
  return phase === "resuming" ? RESUMING : LIVE;
}

export interface SoftKeyActions {
  commands(): void;
  history(): void;
  model(): void;
  stop(): void;
}

/** The row above the prompt on a touch screen. Pressing one leaves the keyboard as it is. */
export class SoftKeys {
  readonly element = h("div", { class: "soft-keys", role: "toolbar", "aria-label": "keys" });
  readonly #stop: HTMLButtonElement;
  readonly #disposables = new Disposables();

  constructor(chat: Chat, actions: SoftKeyActions) {
    const key = (glyph: string, label: string, name: string, act: () => void) => {
      const button = h(
        "button",
        { type: "button", "aria-label": name },
        h("span", { class: "glyph" }, glyph),
        ` ${label}`,
      );
      this.#disposables.listen(button, "pointerdown", event => event.preventDefault());
      this.#disposables.listen(button, "click", act);
      return button;
    };
    this.#stop = key("■", "stop", "stop", actions.stop);
    this.element.append(
      key("/", "cmd", "commands", actions.commands),
      key("↑", "hist", "history", actions.history),
      key("⌘", "model", "model", actions.model),
      this.#stop,
    );
    const paint = () => setAttribute(this.#stop, "disabled", chat.liveHere() === null);
    this.#disposables.add(watch([chat.current, chat.generations], paint));
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

export interface ModeLineActions {
  model(): void;
  reasoning(): void;
  temperature(): void;
}

/** What will happen on enter. Only what is true: a fact the catalog does not know is not shown. */
export class ModeLine {
  readonly element = h("div", { class: "mode-line" });
  readonly #model: HTMLButtonElement;
  readonly #reasoning: HTMLButtonElement;
  readonly #temperature: HTMLButtonElement;
  readonly #context = h("span", { class: "context" });
  readonly #disposables = new Disposables();

  constructor(chat: Chat, facts: ServerFacts, preferences: Preferences, actions: ModeLineActions) {
    this.#model = h("button", { type: "button", class: "mode-model", onclick: () => actions.model() });
    this.#reasoning = h("button", { type: "button", onclick: () => actions.reasoning() });
    this.#temperature = h("button", { type: "button", onclick: () => actions.temperature() });
    this.element.append(this.#model, this.#reasoning, this.#temperature, this.#context);
    const paint = onceAFrame(() => this.#paint(chat, facts));
    this.#disposables.add(watch([chat.current, facts.catalog, preferences.prompt], paint));
    this.#disposables.add(paint.cancel);
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #paint(chat: Chat, facts: ServerFacts): void {
    const { model, reasoning, temperature } = chat.settings();
    const known = facts.model(model);
    const isUsable = known?.available ?? true;
    setText(
      this.#model,
      model === null
        ? facts.catalog.get()
          ? "▲ no model"
          : "…"
        : `${isUsable ? "" : "▲ "}${model}${known?.is_demo ? " (tiny demo)" : ""}`,
    );
    setAttribute(this.#model, "aria-label", `model: ${model ?? "none"}`);
    setAttribute(
      this.#model,
      "title",
      isUsable ? "the model that answers next" : (known?.unavailable_reason ?? "not available"),
    );
    this.#reasoning.hidden = reasoningLevels(known).length === 0;
    setText(this.#reasoning, reasoning ?? "reasoning");
    this.#reasoning.classList.toggle("is-default", reasoning === null);
    setAttribute(this.#reasoning, "aria-label", `reasoning: ${reasoning ?? "default"}`);
    setAttribute(this.#reasoning, "title", "how long it thinks");
    this.#temperature.hidden = known?.supports_temperature === false || known === undefined;
    setText(this.#temperature, temperature === null ? "temp" : `temp ${temperature}`);
    this.#temperature.classList.toggle("is-default", temperature === null);
    setAttribute(this.#temperature, "aria-label", `temperature: ${temperature ?? "default"}`);
    this.#paintContext(chat, known?.context_window ?? null);
  }

  /** What the last exchange took of the window: the next prompt adds to it. */
  #paintContext(chat: Chat, window: number | null): void {
    const last = chat.path().findLast(message => message.role === "assistant" && message.tokens_input !== null);
    const used = last ? (last.tokens_input ?? 0) + (last.tokens_output ?? 0) : 0;
    const text = window === null ? (used > 0 ? formatCount(used) : "") : `${formatCount(used)}/${formatCount(window)}`;
    setText(this.#context, text && `ctx ${text}`);
    setAttribute(this.#context, "title", "context used by the last exchange, of the model's window");
  }
}

/** A link that the page itself follows, unless it is to open elsewhere. */
export function follow(event: MouseEvent, act: () => void): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  act();
}
