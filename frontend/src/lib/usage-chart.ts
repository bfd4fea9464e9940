/** What was spent as bars: ranges, ceilings, stacks. Pure: numbers in, numbers out. */

import type { Bucket, UsageSeries, UsageTotals } from "../api/types.ts";

export interface Range {
  readonly name: string;
  /** The same where there is little room. */
  readonly short: string;
  readonly bucket: Bucket;
  /** Where it begins, at midnight; null is everything. */
  since(now: Date): Date | null;
}

const daysAgo = (days: number) => (now: Date) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);

export const RANGES: readonly Range[] = [
  { name: "today", short: "today", bucket: "hour", since: daysAgo(0) },
  { name: "7 days", short: "7d", bucket: "day", since: daysAgo(6) },
  { name: "30 days", short: "30d", bucket: "day", since: daysAgo(29) },
  { name: "90 days", short: "90d", bucket: "day", since: daysAgo(89) },
  {
    name: "12 months",
    short: "12m",
    bucket: "month",
    since: now => new Date(now.getFullYear(), now.getMonth() - 11, 1),
  },
  { name: "all", short: "all", bucket: "month", since: () => null },
];

/** How many kinds a stack shows by themselves; the rest is one more. */
export const KINDS = 5;
export const REST = "others";

export interface Kind {
  readonly key: string;
  readonly name: string;
  /** Null where no cost of it is known. */
  readonly cost: number | null;
}

/** The dearest kinds of the whole series, dearest first, and the rest as one. */
export function kindsOf(series: UsageSeries): Kind[] {
  const costs = new Map<string, Kind>();
  for (const bucket of series.buckets) {
    for (const { key, name, cost } of bucket.parts) {
      const id = key ?? "";
      const before = costs.get(id);
      costs.set(id, { key: id, name: name || key || "unknown", cost: sum(before?.cost ?? null, cost) });
    }
  }
  const sorted = [...costs.values()].sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0) || (a.name < b.name ? -1 : 1));
  if (sorted.length <= KINDS + 1) return sorted;
  const rest = sorted.slice(KINDS).reduce((all: number | null, { cost }) => sum(all, cost), null);
  return [...sorted.slice(0, KINDS), { key: REST, name: REST, cost: rest }];
}

/** Where among `kinds` that is which the series calls `key`; null where no bar shows it. */
export function placeOf(kinds: readonly Kind[], key: string | null): number | null {
  const at = kinds.findIndex(kind => kind.key === (key ?? ""));
  if (at >= 0) return at;
  return kinds.at(-1)?.key === REST ? kinds.length - 1 : null;
}

/** What is known of both; null where nothing is. */
function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

export interface Segment {
  /** Which of the kinds. */
  readonly kind: number;
  readonly cost: number;
}

export interface Bar {
  readonly start: Date;
  readonly totals: UsageTotals;
  readonly segments: readonly Segment[];
}

/** A stack for each bucket, its kinds in the order of `kinds`. */
export function barsOf(series: UsageSeries, kinds: readonly Kind[]): Bar[] {
  return series.buckets.map(({ start, totals, parts }) => {
    const costs = kinds.map(() => 0);
    for (const { key, cost } of parts) {
      const at = placeOf(kinds, key);
      if (at !== null) costs[at] = (costs[at] ?? 0) + (cost ?? 0);
    }
    const segments = costs.map((cost, kind) => ({ kind, cost })).filter(({ cost }) => cost > 0);
    return { start: new Date(start), totals, segments };
  });
}

/** The least round number that is not below `most`, with a half that is round too. */
export function ceilingOf(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find(factor => factor * power >= most * (1 - 1e-9)) ?? 10;
  return step * power;
}

/** How much more or less than before: `▲ 18 %`, `▼ 4 %`; nothing where there was nothing to compare with. */
export function changeWords(now: number | null, before: number | null): string {
  if (now === null || before === null || before <= 0) return "";
  const percent = Math.round((now / before - 1) * 100);
  if (percent === 0) return "as before";
  return `${percent > 0 ? "▲" : "▼"} ${Math.abs(percent) > 999 ? ">999" : Math.abs(percent)} %`;
}

/** How sure the bill is, in the order from sure to unknown; only what occurs. */
export function certainties(totals: UsageTotals): (readonly [sign: string, requests: number, words: string])[] {
  const { exact = 0, bounded = 0, estimated, unpriced } = totals;
  const all = [
    ["$", exact, "exact"],
    ["≤", bounded, "at most"],
    ["~", estimated, "estimated"],
    ["$?", unpriced, "without a known price"],
  ] as const;
  return all.filter(([, requests]) => requests > 0);
}
