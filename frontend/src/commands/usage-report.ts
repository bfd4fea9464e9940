/** What /usage prints: a sum, a row a model, and how sure all that is. Pure. */

import type { UsageSummary } from "../api/types.ts";
import { formatCount, formatSpend, formatTokens } from "../lib/format.ts";
import type { Pair } from "../state/chat.ts";

export interface UsageReport {
  readonly head: string;
  readonly rows: readonly Pair[];
  readonly notes: readonly Pair[];
}

export function usageReport({ totals, by_model }: UsageSummary): UsageReport {
  const notes: [number, Pair][] = [
    [totals.unpriced, ["+", `${count(totals.unpriced)} without a known price`]],
    [totals.estimated, ["~", `${count(totals.estimated)} with estimated counts`]],
    [totals.failed, ["▲", `${count(totals.failed)} failed`]],
  ];
  return {
    head: `${formatSpend(totals.cost, totals.unpriced, totals.estimated)} in total · ${count(totals.requests)}`,
    rows: by_model.map(row => [
      row.model,
      [
        formatSpend(row.cost, row.unpriced, row.estimated),
        count(row.requests),
        formatTokens(row.tokens_input, row.tokens_output),
      ].join(" · "),
    ]),
    notes: notes.filter(([requests]) => requests > 0).map(([, note]) => note),
  };
}

function count(requests: number): string {
  return `${formatCount(requests)} ${requests === 1 ? "request" : "requests"}`;
}
