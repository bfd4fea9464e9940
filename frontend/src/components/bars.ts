/** The three lines around the transcript: status bar, soft keys and mode line. */

import type { Estimate } from "../api/types.ts";
import type { Command, CommandContext } from "../commands/command.ts";
import { COMMANDS } from "../commands/registry.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { formatCount, formatDollars, formatSpend, shortModel } from "../lib/format.ts";
import { type ReadableAtom, watch } from "../lib/store.ts";
import { reasoningLevels, type ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { CostToSend } from "../state/estimate.ts";
import type { Line } from "../state/line.ts";
import type { Preferences } from "../state/preferences.ts";
import { LIVE, OFFLINE, RESUMING, type StateWord } from "./state-words.ts";

export interface StatusBarActions {
  toggleConversations(): void;
  /** Leaves the screen that is shown. */
  leave(): void;
  home(): void;
  usage(): void;
}

/** ≡, title, what was spent, and how the line to the server is. */
export class StatusBar {
  readonly element = h("header", { class: "status-bar" });
  readonly menu: HTMLButtonElement;
  readonly #title = h("h1", { class: "title" });
  #spend = h("a", { href: "/usage", hidden: true });
  readonly #actions: StatusBarActions;
  readonly #light = h("span", { class: "light", role: "status", "aria-label": "connection" });
  readonly #close = h("button", { type: "button", class: "close", hidden: true }, "×");
  readonly #disposables = new Disposables();

  /** `heading`: what the screen is called that is shown; null while it is a conversation. */
  constructor(
    chat: Chat,
    facts: ServerFacts,
    line: Line,
    heading: ReadableAtom<string | null>,
    actions: StatusBarActions,
  ) {
    this.#actions = actions;
    this.menu = h(
      "button",
      {
        type: "button",
        class: "menu",
        "aria-label": "conversations",
        "aria-controls": "side",
        onclick: () => actions.toggleConversations(),
      },
      "≡",
    );
    const brand = h(
      "a",
      { class: "brand", href: "/", onclick: (event: MouseEvent) => follow(event, actions.home) },
      "LLM ROUTER",
    );
    this.#close.addEventListener("click", () => actions.leave());
    this.element.append(this.menu, brand, this.#title, this.#spend, this.#light, this.#close);
    const paint = onceAFrame(() => {
      this.#paintTitle(chat, heading.get());
      this.#paintSpend(facts);
      this.#paintLight(connectionWord(chat, line));
    });
    const sources = [chat.current, chat.generations, chat.phase, line.isOffline, facts.today, heading];
    this.#disposables.add(watch(sources, paint));
    this.#disposables.add(paint.cancel);
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #paintTitle(chat: Chat, heading: string | null): void {
    const { conversation, status } = chat.current.get();
    const title = conversation?.title || (status === "loading" ? "…" : "new conversation");
    setText(this.#title, heading ?? title);
    this.#close.hidden = heading === null;
    setAttribute(this.#close, "aria-label", `close ${heading?.split(" ")[0]}`);
    const named = heading ?? conversation?.title;
    const page = named ? `${named} · llm router` : "llm router";
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
    const spend = h(
      "a",
      {
        class: "money spend",
        href: "/usage",
        title,
        "aria-label": `spent: ${sum} today`,
        onclick: (event: MouseEvent) => follow(event, this.#actions.usage),
      },
      sum,
      h("span", { class: "wide" }, " today"),
    );
    if (spend.isEqualNode(this.#spend)) return;
    this.#spend.replaceWith(spend);
    this.#spend = spend;
  }

  #paintLight({ glyph, word }: StateWord): void {
    const text = `${glyph} ${word}`;
    if (this.#light.textContent === text) return;
    this.#light.className = `light is-${word}`;
    this.#light.replaceChildren(h("span", { class: "glyph" }, glyph), h("span", { class: "word" }, ` ${word}`));
  }
}

function connectionWord(chat: Chat, line: Line): StateWord {
  if (line.isOffline.get()) return OFFLINE;
  const phase = chat.liveHere()?.state.get().phase;
  return phase === "resuming" ? RESUMING : LIVE;
}

export interface SoftKeyActions {
  conversations(): void;
  commands(): void;
  run(command: Command): void;
}

/** The row above the prompt on a touch screen. Pressing one leaves the keyboard as it is. */
export class SoftKeys {
  readonly element = h("div", { class: "soft-keys", role: "toolbar", "aria-label": "keys" });
  readonly #disposables = new Disposables();

  constructor(context: CommandContext, actions: SoftKeyActions) {
    this.element.append(
      this.#key("≡", "list", "conversations and screens", actions.conversations),
      this.#key("/", "cmd", "all commands", actions.commands),
    );
    for (const command of COMMANDS) {
      const { softKey, summary } = command;
      if (!softKey) continue;
      const button = this.#key(softKey.glyph, softKey.label, summary, () => actions.run(command));
      this.element.append(button);
      const isOn = softKey.isOn?.(context);
      if (!isOn) continue;
      const paint = () => setAttribute(button, "disabled", !isOn.get());
      this.#disposables.add(isOn.subscribe(paint));
      paint();
    }
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  /** Named as it reads: who speaks to the page says what stands on the key. */
  #key(glyph: string, label: string, title: string, act: () => void): HTMLButtonElement {
    const button = h(
      "button",
      { type: "button", class: `key-${label}`, "aria-label": label, title },
      h("span", { class: "glyph" }, glyph),
      ` ${label}`,
    );
    this.#disposables.listen(button, "pointerdown", event => event.preventDefault());
    this.#disposables.listen(button, "click", act);
    return button;
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
  readonly #cost = h("span", { class: "money to-send" });
  readonly #disposables = new Disposables();

  constructor(
    chat: Chat,
    facts: ServerFacts,
    preferences: Preferences,
    costToSend: CostToSend,
    actions: ModeLineActions,
  ) {
    this.#model = h("button", { type: "button", class: "mode-model", onclick: () => actions.model() });
    this.#reasoning = h("button", { type: "button", onclick: () => actions.reasoning() });
    this.#temperature = h("button", { type: "button", onclick: () => actions.temperature() });
    this.element.append(this.#model, this.#reasoning, this.#temperature, this.#context, this.#cost);
    const paint = onceAFrame(() => this.#paint(chat, facts));
    const sources = [chat.current, chat.comparing, chat.editing, facts.catalog, preferences.prompt];
    this.#disposables.add(watch(sources, paint));
    this.#disposables.add(watch(sources, () => costToSend.refresh()));
    this.#disposables.add(paint.cancel);
    this.#disposables.add(costToSend.estimate.subscribe(estimate => this.#paintCost(estimate)));
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #paint(chat: Chat, facts: ServerFacts): void {
    setAttribute(this.element, "aria-busy", facts.catalog.get() === null && "true");
    const { model, reasoning, temperature } = chat.settings();
    const known = facts.model(model);
    const compared = chat.comparing.get();
    if (compared.length > 0) return this.#paintCompared(compared);
    const isUsable = known?.available ?? true;
    setText(
      this.#model,
      model === null
        ? facts.catalog.get()
          ? "▲ no model"
          : "…"
        : `${isUsable ? "" : "▲ "}${shortModel(model)}${known?.is_demo ? " (tiny demo)" : ""}`,
    );
    setAttribute(this.#model, "aria-label", `model: ${model ?? "no model"}${known?.is_demo ? " (tiny demo)" : ""}`);
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
    setAttribute(this.#temperature, "aria-label", temperature === null ? "temp: default" : `temp ${temperature}`);
    this.#paintContext(chat, known?.context_window ?? null);
  }

  #paintCompared(models: readonly string[]): void {
    setText(this.#model, `${models.length}× ${models.join(" + ")}`);
    setAttribute(this.#model, "aria-label", `models: ${models.join(", ")}`);
    setAttribute(this.#model, "title", "the models that answer next, side by side");
    this.#reasoning.hidden = true;
    this.#temperature.hidden = true;
    setText(this.#context, "");
  }

  #paintCost(estimate: Estimate | null): void {
    const { text, title, isWarning } = costWords(estimate);
    setText(this.#cost, text);
    setAttribute(this.#cost, "title", title || null);
    this.#cost.classList.toggle("is-warning", isWarning);
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

/** What sending would cost, or what stands in its way. */
function costWords(estimate: Estimate | null): { text: string; title: string; isWarning: boolean } {
  const models = estimate?.models ?? [];
  if (!estimate || models.length === 0) return { text: "", title: "", isWarning: false };
  const tooSmall = models.find(({ fits }) => fits === false);
  if (tooSmall) {
    return { text: "▲ too long", title: `more than ${tooSmall.model} can read at once`, isWarning: true };
  }
  const costs = models.flatMap(({ cost }) => cost ?? []);
  const unpriced = models.find(({ cost }) => cost === null);
  const sum = (bound: "low" | "likely" | "high") => costs.reduce((total, cost) => total + cost[bound], 0);
  if (unpriced) {
    const title = unpriced.reason ?? `no price of ${unpriced.model} is known`;
    const known = costs.length > 0 ? `~${formatDollars(sum("likely"))}+` : "$?";
    return { text: `${known} to send`, title, isWarning: false };
  }
  const title = [
    `between ${formatDollars(sum("low"))} and ${formatDollars(sum("high"))}`,
    ...models.map(model => `${models.length > 1 ? `${model.model}: ` : ""}${tokenWords(model)}`),
  ].join(" · ");
  const isOver = estimate.budgets.some(({ remaining }) => remaining < sum("likely"));
  if (isOver) return { text: "▲ over budget", title: `${title} · a budget has less left`, isWarning: true };
  return { text: `~${formatDollars(sum("likely"))} to send`, title, isWarning: false };
}

function tokenWords({ tokens_input, tokens_cache_read }: Estimate["models"][number]): string {
  const cached = tokens_cache_read ? `, ${formatCount(tokens_cache_read)} of them likely cached` : "";
  return `${formatCount(tokens_input)} tokens in${cached}`;
}

/** A link that the page itself follows, unless it is to open elsewhere. */
export function follow(event: MouseEvent, act: () => void): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  act();
}
