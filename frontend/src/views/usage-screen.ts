/** Usage: what was spent, when and on what, and how sure the bill is. */

import type { SeriesBy, UsageLog, UsageSummary, UsageTotals } from "../api/types.ts";
import { shareBar } from "../components/share-bar.ts";
import { SpendChart } from "../components/spend-chart.ts";
import { Disposables } from "../dom/component.ts";
import { type Child, h, setAttribute } from "../dom/element.ts";
import {
  formatCost,
  formatCount,
  formatDate,
  formatDollars,
  formatSeconds,
  formatShare,
  formatSpend,
  formatTime,
  formatTokens,
} from "../lib/format.ts";
import { atom, watch } from "../lib/store.ts";
import { certainties, changeWords, type Kind, kindsOf, placeOf, RANGES } from "../lib/usage-chart.ts";
import { type UsageAnswer, UsageBook } from "../state/usage-book.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

const CUTS: readonly SeriesBy[] = ["model", "provider", "device", "source"];

export class UsageScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #book: UsageBook;
  readonly #ranges: ReadonlyMap<string, HTMLButtonElement>;
  readonly #cuts: ReadonlyMap<SeriesBy, HTMLButtonElement>;
  readonly #device = h("select", { "aria-label": "device" });
  readonly #state = h("p", { class: "screen-note", role: "status" });
  /** Everything that an answer is shown in. */
  readonly #answer = h("div", { hidden: true });
  readonly #figures = h("dl", { class: "figures" });
  readonly #sure = h("p", { class: "sure" });
  readonly #chart: SpendChart;
  readonly #rows = h("table", { class: "spend-table" });
  readonly #calls: Calls;
  readonly #disposables = new Disposables();

  constructor(parts: ScreenParts) {
    this.#book = new UsageBook(parts.client, parts.clock);
    this.#chart = new SpendChart(() => parts.clock.date());
    this.#calls = new Calls(this.#book, parts);
    const book = this.#book;
    const key = (press: () => void, ...words: Child[]) => h("button", { type: "button", onclick: press }, ...words);
    const word = (kind: "long" | "short", text: string) => h("span", { class: kind }, text);
    this.#ranges = new Map(
      RANGES.map(range => {
        const words = [word("long", range.name), word("short", range.short)];
        return [range.name, key(() => void book.ask({ range }), ...words)];
      }),
    );
    this.#cuts = new Map(CUTS.map(by => [by, key(() => void book.ask({ by }), by)]));
    this.#answer.append(
      this.#figures,
      this.#sure,
      this.#chart.element,
      h(
        "div",
        { class: "switch", role: "group", "aria-label": "cut by" },
        h("span", { class: "dim" }, "by "),
        ...this.#cuts.values(),
      ),
      this.#rows,
      this.#chart.table,
      this.#calls.element,
    );
    this.#disposables.listen(this.#device, "change", () => void book.ask({ deviceId: this.#device.value || null }));
    this.element = h(
      "section",
      { class: "screen usage-screen", "aria-label": "usage" },
      screenHead("usage", parts.leave),
      h(
        "div",
        { class: "switches" },
        h("div", { class: "switch", role: "group", "aria-label": "range" }, ...this.#ranges.values()),
        h("label", { class: "switch" }, h("span", { class: "dim" }, "on "), this.#device),
      ),
      this.#state,
      this.#answer,
    );
    this.#disposables.add(watch([book.question, book.answer, book.error, book.isLoading], () => this.#paint()));
    this.#disposables.add(book.devices.subscribe(() => this.#paintDevices()));
    this.#disposables.add(() => this.#chart.dispose());
    // Whenever something more was spent, it is counted here too.
    this.#disposables.add(parts.commands.facts.today.subscribe(() => void book.load()));
    this.#paintDevices();
    this.#paint();
    void book.load();
    void book.loadDevices();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #paintDevices(): void {
    const devices = this.#book.devices.get();
    const option = (value: string, name: string) => h("option", { value }, name);
    this.#device.replaceChildren(
      option("", "all devices"),
      ...devices.map(({ id, name, is_current }) => option(id, is_current ? `${name} (this one)` : name)),
    );
    this.#device.value = this.#book.question.get().deviceId ?? "";
  }

  #paint(): void {
    const { question, answer, error, isLoading } = this.#book;
    const { range, by } = question.get();
    this.subtitle.set(range.name);
    for (const [name, key] of this.#ranges) setAttribute(key, "aria-pressed", name === range.name ? "true" : "false");
    for (const [name, key] of this.#cuts) setAttribute(key, "aria-pressed", name === by ? "true" : "false");
    const failure = error.get();
    this.#state.hidden = failure === null && answer.get() !== null;
    this.#state.classList.toggle("is-error", failure !== null);
    this.#state.replaceChildren(
      failure ? `▲ ${failure.message} ` : "…",
      ...(failure
        ? [h("button", { type: "button", class: "text-key", onclick: () => void this.#book.load() }, "try again")]
        : []),
    );
    setAttribute(this.element, "aria-busy", isLoading.get() ? "true" : null);
    const shown = answer.get();
    this.#answer.hidden = !shown;
    if (!shown) return;
    const kinds = kindsOf(shown.series);
    this.#paintFigures(shown);
    this.#chart.show(shown.series, kinds);
    this.#paintRows(shown, kinds);
    this.#calls.follow(shown);
  }

  #paintFigures({ question, summary, before }: UsageAnswer): void {
    const { totals } = summary;
    const { cost, unpriced, estimated, tokens_input, tokens_cache_read, tokens_output, tokens_reasoning } = totals;
    const change = changeWords(cost, before?.totals.cost ?? null);
    const cached = tokens_cache_read > 0 && formatShare(tokens_cache_read, tokens_input);
    const thought = tokens_reasoning > 0 && formatShare(tokens_reasoning, tokens_output);
    const figure = (value: string, ...words: (string | false)[]) =>
      h("div", {}, h("dt", {}, ...phrases(words)), h("dd", { class: "money" }, value));
    this.#figures.replaceChildren(
      figure(formatSpend(cost, unpriced, estimated), question.range.name, change),
      figure(formatCount(tokens_input), "tokens in", cached && `${cached} cached`),
      figure(formatCount(tokens_output), "tokens out", thought && `${thought} thinking`),
      figure(formatCount(totals.requests), totals.requests === 1 ? "call" : "calls", failedWords(totals)),
    );
    const sure = certainties(totals);
    this.#sure.replaceChildren(
      ...phrases([
        sure.length > 0 && "how sure:",
        ...sure.map(([sign, requests, words]) => `${sign} ${words} ${formatShare(requests, totals.requests)}`),
      ]),
    );
    setAttribute(this.#sure, "title", sure.map(([, requests, words]) => `${requests} ${words}`).join(", ") || null);
  }

  #paintRows({ question, summary }: UsageAnswer, kinds: readonly Kind[]): void {
    const rows = rowsOf(summary, question.by);
    const most = Math.max(...rows.map(({ cost }) => cost ?? 0), 0);
    this.#rows.replaceChildren(
      h("caption", { class: "off-screen" }, `spent by ${question.by}`),
      h(
        "thead",
        { class: "off-screen" },
        h("tr", {}, ...[question.by, "share", "calls", "tokens", "cost"].map(name => h("th", { scope: "col" }, name))),
      ),
      h("tbody", {}, ...rows.map(row => spendRow(row, most, placeOf(kinds, row.key)))),
    );
    if (rows.length === 0) {
      this.#rows.append(h("tbody", {}, h("tr", {}, h("td", { class: "dim" }, "nothing was asked in this time"))));
    }
  }
}

interface SpendRow extends UsageTotals {
  readonly name: string;
  /** What the series calls it. */
  readonly key: string | null;
}

function rowsOf(summary: UsageSummary, by: SeriesBy): SpendRow[] {
  switch (by) {
    case "model":
      return summary.by_model.map(row => ({ ...row, name: row.model, key: row.model }));
    case "provider":
      return (summary.by_provider ?? []).map(row => ({
        ...row,
        name: row.connection ?? row.provider,
        key: row.provider,
      }));
    case "device":
      return (summary.by_device ?? []).map(row => ({
        ...row,
        name: row.name ?? row.device_id ?? "unknown",
        key: row.device_id,
      }));
    case "source":
      return (summary.by_source ?? []).map(row => ({ ...row, name: row.source, key: row.source }));
  }
}

function spendRow(row: SpendRow, most: number, kind: number | null): HTMLElement {
  const sure = certainties(row)
    .map(([, requests, words]) => `${requests} ${words}`)
    .join(", ");
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: row.name }, row.name),
    h("td", { class: "bar" }, shareBar(row.cost ?? 0, most, kind)),
    h("td", { class: "dim is-calls" }, `${formatCount(row.requests)} req`),
    h("td", { class: "dim is-tokens" }, formatTokens(row.tokens_input, row.tokens_output)),
    h("td", { class: "money", title: sure || null }, formatSpend(row.cost, row.unpriced, row.estimated)),
  );
}

/** Each in one piece; what stands between them is the style sheet's, which knows where lines end. */
function phrases(words: readonly (string | false)[]): (Node | string)[] {
  return words.filter((word): word is string => Boolean(word)).flatMap(word => [h("span", {}, word), " "]);
}

function failedWords({ failed }: UsageTotals): string {
  return failed > 0 ? `▲ ${formatCount(failed)} failed` : "";
}

function callEnd({ status, error_type }: UsageLog): HTMLElement {
  return status === "cancelled"
    ? h("span", { class: "dim call-end" }, "■ stopped")
    : h("span", { class: "is-error call-end" }, `▲ ${error_type ?? status}`);
}

/** The calls one by one, fetched when they are opened. */
class Calls {
  readonly element: HTMLDetailsElement;
  readonly #book: UsageBook;
  readonly #parts: ScreenParts;
  readonly #list = h("ol", { class: "calls" });
  readonly #more = h("button", { type: "button", class: "text-key", hidden: true }, "more");
  readonly #csv = h("a", { download: "llm-router-usage.csv" }, "all of them as csv");
  #cursor: string | null = null;
  #shown: UsageAnswer | null = null;

  constructor(book: UsageBook, parts: ScreenParts) {
    this.#book = book;
    this.#parts = parts;
    this.element = h(
      "details",
      { class: "calls-area" },
      h("summary", {}, "the calls, one by one"),
      h("p", {}, this.#csv),
      this.#list,
      this.#more,
    );
    this.element.addEventListener(
      "toggle",
      () => this.element.open && this.#list.childElementCount === 0 && this.#load(),
    );
    this.#more.addEventListener("click", () => this.#load());
  }

  /** Another question has other calls. */
  follow(answer: UsageAnswer): void {
    if (answer === this.#shown) return;
    this.#shown = answer;
    this.#cursor = null;
    this.#list.replaceChildren();
    setAttribute(this.#csv, "href", this.#book.csvAddress());
    if (this.element.open) this.#load();
  }

  #load(): void {
    const shown = this.#shown;
    this.#more.disabled = true;
    this.#book
      .logs(this.#cursor)
      .then(({ logs, next_cursor }) => {
        if (this.#shown !== shown) return;
        this.#cursor = next_cursor;
        this.#list.append(...logs.map(log => this.#row(log)));
        if (this.#list.childElementCount === 0) this.#list.append(h("li", { class: "dim" }, "none"));
        this.#more.hidden = next_cursor === null;
      })
      .catch((error: unknown) => {
        this.#parts.notices.say(error instanceof Error ? error.message : String(error), { kind: "error" });
      })
      .finally(() => {
        this.#more.disabled = false;
      });
  }

  #row(log: UsageLog): HTMLElement {
    const time = new Date(log.timestamp);
    const now = this.#parts.clock.date();
    const { surface } = this.#parts.commands;
    const facts = [log.duration === null ? "" : formatSeconds(log.duration), log.device_name ?? "", log.source];
    const id = log.conversation_id;
    const model: Child = id
      ? h("button", { type: "button", class: "text-key", onclick: () => surface.open(id) }, log.model)
      : log.model;
    return h(
      "li",
      {},
      h("time", { datetime: log.timestamp }, `${formatDate(time, now)} ${formatTime(time)}`),
      h("span", { class: "call-model" }, model),
      h("span", { class: "dim call-tokens" }, formatTokens(log.tokens_input, log.tokens_output)),
      h("span", { class: "dim call-facts" }, facts.filter(Boolean).join(" · ")),
      log.status !== "complete" && callEnd(log),
      h(
        "span",
        {
          class: "money",
          title: log.cost === null ? "no price is known" : `${formatDollars(log.cost)}, ${log.cost_status}`,
        },
        formatCost(log.cost, log.cost_status),
      ),
    );
  }
}
