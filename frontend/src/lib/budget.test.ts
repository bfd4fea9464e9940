import { expect, test } from "vitest";
import type { Budget, Device } from "../api/types.ts";
import { budgetWords, overBudgetWords, readDollars } from "./budget.ts";

test.each([
  ["5", 5],
  ["$0.50", 0.5],
  ["0,50", 0.5],
  [".5", 0.5],
  [" 12. ", 12],
])("%j are %d dollars", (text, dollars) => expect(readDollars(text)).toBe(dollars));

test.each(["", "0", "-1", "1e3", "five", "1.2.3", "1,000.00", "NaN", "Infinity", "99999999"])("%j is no limit", text =>
  expect(readDollars(text)).toBeNull(),
);

test.each([
  ["overall", null, "$5 a day for everything"],
  ["device", "d1", "$5 a day on phone"],
  ["device", "gone", "$5 a day on gone"],
  ["device", null, "$5 a day on each device"],
  ["model", "gpt", "$5 a day with gpt"],
  ["model", null, "$5 a day with each model"],
] as const)("a budget of scope %s for %s", (scope, subject, words) => {
  const budget: Budget = { id: "b", period: "day", scope, subject, limit: 5, status: [] };
  expect(budgetWords(budget, [{ id: "d1", name: "phone" } as Device], "$5")).toBe(words);
});

test("a refusal says which budget, how full it is and until when", () => {
  const now = new Date(2026, 0, 2);
  const midnight = new Date(2026, 0, 3).toISOString();
  const details = { budget_id: "b", scope: "model", subject: "gpt", period: "day", limit: 0.5, spent: 0.48 };
  expect(overBudgetWords({ ...details, reserved: 0.05, resets_at: midnight }, now)).toBe(
    "$0.50 a day with gpt: $0.48 is spent, up to $0.050 is held back for answers being made. it begins anew 3 jan, 00:00.",
  );
  expect(overBudgetWords({ ...details, scope: "device", subject: "d1" }, now)).toBe(
    "$0.50 a day on this device: $0.48 is spent.",
  );
  expect(overBudgetWords(undefined, now)).toBeNull();
});
