/** Bars of what was spent, stacked: plain SVG, drawn to the width there is, and the same numbers as a table. */

import type { Bucket, UsageSeries } from "../api/types.ts";
import { Disposables, onceAFrame } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { formatDate, formatDollars, formatSpend, formatTime } from "../lib/format.ts";
import { type Bar, barsOf, ceilingOf, type Kind } from "../lib/usage-chart.ts";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 192;

export class SpendChart {
  readonly element = h("figure", { class: "chart" });
  /** The numbers that the bars are drawn from. */
  readonly table = h("details");
  readonly #plot = h("div", { class: "plot" });
  readonly #axis = h("div", { class: "axis", "aria-hidden": "true" });
  readonly #days = h("div", { class: "days", "aria-hidden": "true" });
  readonly #reading = h("p", { class: "reading dim", "aria-hidden": "true" });
  readonly #rows = h("table");
  readonly #now: () => Date;
  readonly #disposables = new Disposables();
  #bars: readonly Bar[] = [];
  #kinds: readonly Kind[] = [];
  #bucket: Bucket = "day";
  #shown: UsageSeries | null = null;

  constructor(now: () => Date) {
    this.#now = now;
    this.element.append(this.#axis, this.#plot, this.#days, this.#reading);
    this.table.append(
      h("summary", {}, "as a table"),
      h("div", { class: "table", tabindex: 0, role: "region", "aria-label": "what was spent, as a table" }, this.#rows),
    );
    const draw = onceAFrame(() => this.#draw());
    this.#disposables.add(draw.cancel);
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(draw);
      observer.observe(this.#plot);
      this.#disposables.add(() => observer.disconnect());
    }
    const read = (event: PointerEvent) => this.#read(event);
    this.#disposables.listen(this.#plot, "pointermove", read);
    this.#disposables.listen(this.#plot, "pointerdown", read);
    // A finger covers what it touches: what it read stays when it is lifted.
    const forget = (event: PointerEvent) => event.pointerType === "mouse" && this.#say(null);
    this.#disposables.listen(this.#plot, "pointerleave", forget);
  }

  /** `kinds` are those of the series, in the order of their colours. */
  show(series: UsageSeries, kinds: readonly Kind[]): void {
    if (series === this.#shown) return;
    this.#shown = series;
    this.#bucket = series.bucket;
    setAttribute(this.element, "aria-label", `what was spent, by ${series.bucket}: the numbers are in the table`);
    this.#kinds = kinds;
    this.#bars = barsOf(series, kinds);
    // Of nothing there is no axis.
    this.element.hidden = this.#bars.every(bar => bar.segments.length === 0);
    this.table.hidden = this.#bars.every(bar => bar.totals.requests === 0);
    this.#tabulate();
    this.#say(null);
    this.#draw();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #draw(): void {
    const width = this.#plot.clientWidth;
    if (width === 0) return;
    const ceiling = ceilingOf(Math.max(...this.#bars.map(total), 0));
    this.#axis.replaceChildren(
      ...[1, 0.5].map(part => h("span", {}, formatDollars(ceiling * part))),
      h("span", {}, "$0"),
    );
    const pitch = width / Math.max(this.#bars.length, 1);
    // At least two thirds of the way is bar; a gap is never more than a character.
    const thickness = Math.max(1, Math.min(pitch * 0.66, pitch - 1, 40));
    const svg = vector("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" });
    for (const part of [0, 0.5]) {
      svg.append(vector("line", { class: "grid", x1: 0, x2: width, y1: HEIGHT * part + 0.5, y2: HEIGHT * part + 0.5 }));
    }
    for (const [at, bar] of this.#bars.entries()) {
      let top = HEIGHT;
      for (const { kind, cost } of bar.segments) {
        // What was spent is seen, however little it was.
        const height = Math.max(1, (cost / ceiling) * HEIGHT);
        top -= height;
        const x = at * pitch + (pitch - thickness) / 2;
        svg.append(vector("rect", { class: `kind-${kind}`, x, y: top, width: thickness, height }));
      }
    }
    this.#plot.replaceChildren(svg);
    const [first, middle, last] = [0, Math.floor(this.#bars.length / 2), this.#bars.length - 1].map(at => {
      const bar = this.#bars[at];
      return bar ? this.#name(bar) : "";
    });
    this.#days.replaceChildren(
      ...[first, this.#bars.length > 4 ? middle : "", this.#bars.length > 1 ? last : ""].map(name =>
        h("span", {}, name),
      ),
    );
  }

  #name({ start }: Bar): string {
    if (this.#bucket === "hour") return formatTime(start);
    if (this.#bucket === "month") {
      return start.toLocaleDateString("en", { month: "short", year: "2-digit" }).toLowerCase();
    }
    return start.toDateString() === this.#now().toDateString() ? "today" : formatDate(start, this.#now());
  }

  #read(event: PointerEvent): void {
    const { left, width } = this.#plot.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * this.#bars.length);
    this.#say(this.#bars[Math.min(Math.max(at, 0), this.#bars.length - 1)] ?? null);
  }

  #say(bar: Bar | null): void {
    const parts = (bar?.segments ?? [])
      .toReversed()
      .map(({ kind, cost }) => `${this.#kinds[kind]?.name ?? ""} ${formatDollars(cost)}`);
    setText(this.#reading, bar ? [`${this.#name(bar)} ${spent(bar)}`, ...parts].join(" · ") : "\u00a0");
  }

  #tabulate(): void {
    const head = ["when", ...this.#kinds.map(({ name }) => name), "in all"];
    const row = (bar: Bar) => {
      const costs = new Map(bar.segments.map(({ kind, cost }) => [kind, cost]));
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, this.#name(bar)),
        ...this.#kinds.map((_, kind) => h("td", {}, costs.has(kind) ? formatDollars(costs.get(kind) ?? 0) : "")),
        h("td", { class: "money" }, spent(bar)),
      );
    };
    const busy = this.#bars.filter(bar => bar.totals.requests > 0);
    this.#rows.replaceChildren(
      h("thead", {}, h("tr", {}, ...head.map(name => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...busy.toReversed().map(row)),
    );
  }
}

function spent({ totals }: Bar): string {
  return formatSpend(totals.cost, totals.unpriced, totals.estimated);
}

function total(bar: Bar): number {
  return bar.segments.reduce((sum, { cost }) => sum + cost, 0);
}

function vector(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
