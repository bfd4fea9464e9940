/** Models: what there is, what it costs and can do, and where each fact is from. */

import type { Catalog, Model } from "../api/types.ts";
import { Disposables } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { formatCount, formatRateOf, formatTime } from "../lib/format.ts";
import { abilities, commonSource, factsOf, type Sorting, type SortKey, sortModels } from "../lib/model-table.ts";
import { atom, watch } from "../lib/store.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

const COLUMNS: readonly (readonly [SortKey, string, string])[] = [
  ["model", "model", ""],
  ["input", "in", "dollars per million tokens in"],
  ["output", "out", "dollars per million tokens out"],
  ["context", "context", "tokens it can read at once"],
];

export class ModelsScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #parts: ScreenParts;
  readonly #filter = h("input", {
    type: "search",
    class: "filter",
    "aria-label": "filter models",
    placeholder: "filter: a name, vision, tools",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
  });
  /** While there is no list: why. */
  readonly #state = h("p", { class: "screen-note", role: "status" });
  readonly #notes = h("details", { class: "screen-note" });
  readonly #count = h("p", { class: "off-screen", role: "status" });
  readonly #heads: ReadonlyMap<SortKey, HTMLTableCellElement>;
  readonly #body = h("tbody");
  readonly #opened = new Set<string>();
  readonly #disposables = new Disposables();
  #sorting: Sorting = { key: "model", isDescending: false };

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    const heads = COLUMNS.map(([key, name, title]) => {
      const press = () => this.#sortBy(key);
      const button = h("button", { type: "button", title: title || null, onclick: press }, name);
      return [key, h("th", { scope: "col", class: `is-${key}` }, button)] as const;
    });
    this.#heads = new Map(heads);
    const table = h(
      "table",
      { class: "models-table" },
      h("caption", { class: "off-screen" }, "models with their prices per million tokens"),
      h(
        "thead",
        {},
        h("tr", {}, ...heads.map(([, head]) => head), h("th", { scope: "col", class: "is-abilities" }, "can do")),
      ),
      this.#body,
    );
    this.element = h(
      "section",
      { class: "screen models-screen", "aria-label": "models" },
      screenHead("models", parts.leave),
      this.#filter,
      this.#count,
      this.#state,
      table,
      this.#notes,
    );
    this.#disposables.listen(this.#filter, "input", () => this.#paint());
    const { facts, chat, preferences } = parts.commands;
    this.#disposables.add(watch([facts.catalog, facts.error, chat.current, preferences.prompt], () => this.#paint()));
    this.#paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #sortBy(key: SortKey): void {
    this.#sorting = { key, isDescending: this.#sorting.key === key && !this.#sorting.isDescending };
    this.#paint();
  }

  #paint(): void {
    const catalog = this.#parts.commands.facts.catalog.get();
    for (const [key, head] of this.#heads) {
      const direction = this.#sorting.isDescending ? "descending" : "ascending";
      setAttribute(head, "aria-sort", key === this.#sorting.key ? direction : null);
    }
    this.#state.hidden = catalog !== null;
    this.#notes.hidden = catalog === null;
    if (!catalog) return setText(this.#state, this.#parts.commands.facts.error.get()?.message ?? "…");
    const shown = sortModels(catalog.models, this.#filter.value, this.#sorting);
    const usable = catalog.models.filter(model => model.available).length;
    this.subtitle.set(`${usable} can be used`);
    setText(this.#count, `${shown.length} models`);
    this.#notes.replaceChildren(...this.#noteLines(catalog));
    const focused = document.activeElement?.closest<HTMLElement>("[data-model]")?.dataset.model;
    this.#body.replaceChildren(...shown.flatMap(model => this.#rows(model)));
    if (shown.length === 0) this.#body.append(h("tr", {}, h("td", { colspan: 5, class: "dim" }, "nothing fits")));
    // A row that had the focus has it still.
    if (focused !== undefined) this.#keyOf(focused)?.focus({ preventScroll: true });
  }

  #keyOf(id: string): HTMLElement | null {
    return this.#body.querySelector<HTMLElement>(`[data-model="${CSS.escape(id)}"] button`);
  }

  #noteLines(catalog: Catalog): HTMLElement[] {
    const lists = catalog.connections.map(({ name, configured, list, listed_at, error }) => {
      const when = listed_at ? `, asked at ${formatTime(new Date(listed_at))}` : "";
      const origin = {
        live: `its own list${when}`,
        bundled: "as known when this was made",
        configured: "as configured",
      };
      const words = error ? `▲ ${name}: ${error}` : configured ? `${name}: ${origin[list]}` : `○ ${name}: not set up`;
      return h("p", { class: error && configured ? "is-error" : null }, words);
    });
    const prices = catalog.prices_version
      ? `prices as of ${catalog.prices_version}, in dollars per million tokens`
      : "";
    return [h("summary", {}, "where this is from"), ...lists, ...(prices ? [h("p", {}, prices)] : [])];
  }

  #rows(model: Model): HTMLElement[] {
    const { chat } = this.#parts.commands;
    const isCurrent = chat.settings().model === model.id;
    const isOpen = this.#opened.has(model.id);
    const toggle = () => {
      if (isOpen) this.#opened.delete(model.id);
      else this.#opened.add(model.id);
      this.#paint();
    };
    const name = h(
      "button",
      { type: "button", class: "row-key", "aria-expanded": String(isOpen) },
      h("span", { class: "glyph", "aria-hidden": "true" }, isCurrent ? "▌" : isOpen ? "▾" : "▸"),
      h("span", {}, model.id),
      isCurrent && h("span", { class: "off-screen" }, ", chosen"),
    );
    const price = (side: "input" | "output") => {
      if (model.is_demo) return "free";
      const rate = model.price?.[side] ?? null;
      return rate === null ? "?" : formatRateOf(rate);
    };
    // The name is the key; a tap anywhere in its row is one on it.
    const row = h(
      "tr",
      { "data-model": model.id, class: model.available ? null : "is-unavailable", onclick: toggle },
      h("th", { scope: "row" }, name),
      h("td", { class: "money is-input", "data-label": "in" }, price("input")),
      h("td", { class: "money is-output", "data-label": "out" }, price("output")),
      h(
        "td",
        { class: "is-context", "data-label": "context" },
        model.context_window === null ? "?" : formatCount(model.context_window),
      ),
      h(
        "td",
        { class: "is-abilities" },
        model.available ? abilities(model).join(" · ") : `▲ ${model.unavailable_reason ?? "not available"}`,
      ),
    );
    return isOpen ? [row, this.#detail(model, isCurrent)] : [row];
  }

  #detail(model: Model, isCurrent: boolean): HTMLElement {
    const { chat } = this.#parts.commands;
    const use = () => {
      if (model.generates_images) this.#parts.write(`/image model=${model.id} `);
      else
        chat.chooseModel(model.id).catch((error: unknown) => {
          this.#parts.notices.say(error instanceof Error ? error.message : String(error), { kind: "error" });
        });
    };
    const words = model.generates_images ? "write a prompt for it" : isCurrent ? "answers next" : "use it";
    const facts = factsOf(model);
    const common = commonSource(facts);
    const isMixed = facts.some(({ source }) => source !== null && source !== common);
    const origin = [
      model.label === model.id ? "" : model.label,
      model.connection,
      common ? `${common}${isMixed ? ", where nothing else is said" : ""}` : "",
    ];
    return h(
      "tr",
      { class: "model-detail", "data-model": model.id },
      h(
        "td",
        { colspan: 5 },
        h("p", {}, origin.filter(Boolean).join(" · ")),
        model.available
          ? h("button", { type: "button", class: "text-key", disabled: isCurrent, onclick: use }, words)
          : h("p", { class: "is-error" }, `▲ ${model.unavailable_reason ?? "not available"}`),
        h(
          "dl",
          { class: "facts" },
          ...facts.flatMap(({ name, value, source }) => [
            h("dt", {}, name),
            h("dd", {}, value, source && source !== common ? h("span", { class: "dim" }, ` ${source}`) : null),
          ]),
        ),
      ),
    );
  }
}
