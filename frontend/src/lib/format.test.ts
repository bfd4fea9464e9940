import { describe, expect, test } from "vitest";
import {
  costSoFar,
  formatCents,
  formatCost,
  formatCount,
  formatDate,
  formatDay,
  formatDollars,
  formatPrice,
  formatRate,
  formatRateOf,
  formatSeconds,
  formatShare,
  formatSpend,
  formatTime,
  formatTokens,
  shortModel,
} from "./format.ts";

describe("format", () => {
  test.each([
    ["openrouter/deepseek/deepseek-r1-0528", "…/deepseek-r1-0528"],
    ["openai-priced/gpt-5.1", "openai-priced/gpt-5.1"],
    ["a-name-of-many-words-without-a-maker", "a-name-of-many-words-without-a-maker"],
  ])("model %s is %s", (id, text) => expect(shortModel(id)).toBe(text));
  test("what was spent so far is summed as a bill is", () => {
    expect(costSoFar(0.1, 200_000, 1)).toBe(0.3);
    expect(costSoFar(0, 3, 0.1)).toBe(0.0000003);
  });
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1k"],
    [1234, "1.2k"],
    [12_345, "12k"],
    [999_499, "999k"],
    [999_999, "1M"],
    [3_100_000, "3.1M"],
  ])("count %d is %s", (count, text) => expect(formatCount(count)).toBe(text));
  test.each([
    [0, "$0"],
    [0.0089, "$0.0089"],
    [0.00012, "$0.00012"],
    [0.42, "$0.42"],
    [0.05, "$0.050"],
    [11.84, "$11.84"],
    [0.000_000_4, "<$0.000001"],
    [-0.5, "-$0.50"],
  ])("%d dollars are %s", (dollars, text) => expect(formatDollars(dollars)).toBe(text));
  test.each([
    [0, "$0"],
    [0.000013, "<$0.01"],
    [0.0099, "<$0.01"],
    [0.01, "$0.01"],
    [0.996, "$1.00"],
    [12.3, "$12.30"],
  ])("%d dollars are %s in a list", (dollars, text) => expect(formatCents(dollars)).toBe(text));
  test("a cost says how sure it is", () => {
    expect(formatCost(0.0021, "exact")).toBe("$0.0021");
    expect(formatCost(0.0021, "estimated")).toBe("~$0.0021");
    expect(formatCost(0.0021, "bounded")).toBe("≤$0.0021");
    expect(formatCost(null, "unpriced")).toBe("$?");
    expect(formatCost(null, null)).toBe("");
  });
  test("a sum with unpriced parts is not passed off as the whole", () => {
    expect(formatSpend(0.42, 0, 0)).toBe("$0.42");
    expect(formatSpend(0.42, 2, 1)).toBe("~$0.42+");
    expect(formatSpend(null, 2, 0)).toBe("$?");
    expect(formatSpend(null, 0, 0)).toBe("$0");
  });
  test("an unknown side of the tokens is a question mark", () => {
    expect(formatTokens(1234, 348)).toBe("1.2k→348 tok");
    expect(formatTokens(null, 3)).toBe("?→3 tok");
    expect(formatTokens(null, null)).toBe("");
  });
  test.each([
    [0.6, "0.6 s"],
    [4.06, "4.1 s"],
    [42.4, "42 s"],
    [200, "3 min 20 s"],
    [180, "3 min"],
  ])("%d seconds are %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
  test("a rate counts from the first chunk, and is left out where it would mean nothing", () => {
    expect(formatRate(348, 5.5, 0.6)).toBe("71 tok/s");
    expect(formatRate(5, 2, 1)).toBe("5.0 tok/s");
    expect(formatRate(348, 0.6, 0.6)).toBe("");
    expect(formatRate(null, 5, 1)).toBe("");
  });
  test("a price that is not known is not free", () => {
    expect(formatPrice({ input: 3, output: 15 })).toBe("$3 / $15 per M");
    expect(formatPrice({ input: 0.075, output: null })).toBe("$0.075 / ? per M");
    expect(formatPrice({ input: 0, output: 0 })).toBe("free");
    expect(formatPrice(null)).toBe("price unknown");
  });
  test("days", () => {
    const now = new Date(2026, 10, 24, 12);
    const at = (...date: [number, number, number]) => formatDay(new Date(...date, 9).toISOString(), now);
    expect([
      at(2026, 10, 24),
      at(2026, 10, 23),
      at(2026, 10, 20),
      at(2026, 10, 2),
      at(2026, 9, 2),
      at(2025, 10, 2),
    ]).toEqual(["today", "yesterday", "this week", "this month", "october", "november 2025"]);
  });
});

describe("what the screens say", () => {
  test.each([
    [0, 10, "0 %"],
    [1, 1000, "<1 %"],
    [61, 100, "61 %"],
    [999, 1000, ">99 %"],
    [10, 10, "100 %"],
    [0, 0, ""],
  ])("%d of %d is %j", (part, whole, words) => expect(formatShare(part, whole)).toBe(words));

  test.each([
    [3, "$3"],
    [0.075, "$0.075"],
    [22.5, "$22.5"],
    [0, "$0"],
  ])("a price of %d is %s", (dollars, words) => expect(formatRateOf(dollars)).toBe(words));

  test("a day has its year where it is another one", () => {
    const now = new Date(2026, 10, 24);
    expect(formatDate(new Date(2026, 9, 5), now)).toBe("5 oct");
    expect(formatDate(new Date(2025, 9, 5), now)).toBe("5 oct 2025");
    expect(formatTime(new Date(2026, 9, 5, 4, 2))).toBe("04:02");
  });
});
