import { describe, expect, test } from "vitest";
import type { UsageSeries, UsageTotals } from "../api/types.ts";
import { barsOf, ceilingOf, certainties, changeWords, kindsOf, placeOf, RANGES, REST } from "./usage-chart.ts";

const totals = (cost: number | null, change: Partial<UsageTotals> = {}): UsageTotals => ({
  requests: 1,
  failed: 0,
  exact: 1,
  bounded: 0,
  estimated: 0,
  unpriced: 0,
  tokens_input: 1,
  tokens_output: 1,
  tokens_cache_read: 0,
  tokens_cache_write: 0,
  tokens_reasoning: 0,
  cost,
  ...change,
});
const series = (...buckets: Record<string, number | null>[]): UsageSeries => ({
  bucket: "day",
  by: "model",
  since: null,
  until: null,
  time_zone: "UTC",
  buckets: buckets.map((parts, day) => ({
    start: `2026-11-${String(day + 1).padStart(2, "0")}T00:00:00.000Z`,
    totals: totals(1),
    parts: Object.entries(parts).map(([key, cost]) => ({ ...totals(cost), key, name: key })),
  })),
});

test("the dearest kinds come first, and the rest is one", () => {
  const kinds = kindsOf(series({ a: 1, b: 5, c: 2, d: 0.5, e: 0.25 }, { a: 3, f: 0.125, g: 0.0625 }));
  expect(kinds.map(({ name }) => name)).toEqual(["b", "a", "c", "d", "e", REST]);
  expect(kinds.at(-1)?.cost).toBe(0.1875);
});

test("six kinds need no rest", () => {
  expect(kindsOf(series({ a: 6, b: 5, c: 4, d: 3, e: 2, f: 1 })).map(({ name }) => name)).not.toContain(REST);
});

test("a stack holds what was spent, and nothing for what has no price", () => {
  const data = series({ a: 1, b: null }, {}, { a: 2, b: 3, c: 1, d: 1, e: 1, f: 0.5, g: 0.5 });
  const kinds = kindsOf(data);
  const bars = barsOf(data, kinds);
  expect(bars.map(bar => bar.segments.reduce((sum, { cost }) => sum + cost, 0))).toEqual([1, 0, 9]);
  expect(bars[1]?.segments).toEqual([]);
  expect(bars[2]?.segments.at(-1)).toEqual({ kind: 5, cost: 1 });
});

test("a row has the colour of its bar", () => {
  const many = kindsOf(series({ a: 7, b: 6, c: 5, d: 4, e: 3, f: 2, g: 1 }));
  expect(["a", "e", "f", "g"].map(key => placeOf(many, key))).toEqual([0, 4, 5, 5]);
  expect(placeOf(kindsOf(series({ a: 1 })), "b")).toBeNull();
});

test.each([
  [0, 1],
  [0.0009, 0.001],
  [0.42, 0.5],
  [1, 1],
  [1.01, 2],
  [11.84, 20],
  [0.59, 0.6],
  [51, 60],
  [85, 100],
])("over %d the axis ends at %d", (most, end) => expect(ceilingOf(most)).toBeCloseTo(end, 10));

test.each([
  [1.18, 1, "▲ 18 %"],
  [0.82, 1, "▼ 18 %"],
  [1, 1, "as before"],
  [5, 0, ""],
  [null, 1, ""],
  [100, 1, "▲ >999 %"],
])("from %d, before %d: %s", (now, before, words) => expect(changeWords(now, before)).toBe(words));

test("how sure it is: only what occurs, from sure to unknown", () => {
  expect(certainties(totals(1, { exact: 0, bounded: 2, estimated: 1, unpriced: 3 }))).toEqual([
    ["≤", 2, "at most"],
    ["~", 1, "estimated"],
    ["$?", 3, "without a known price"],
  ]);
});

describe("ranges", () => {
  const now = new Date(2026, 2, 30, 15, 4);
  test.each([
    ["today", new Date(2026, 2, 30)],
    ["7 days", new Date(2026, 2, 24)],
    ["30 days", new Date(2026, 2, 1)],
    ["12 months", new Date(2025, 3, 1)],
    ["all", null],
  ])("%s", (name, since) => expect(RANGES.find(range => range.name === name)?.since(now)).toEqual(since));
});
