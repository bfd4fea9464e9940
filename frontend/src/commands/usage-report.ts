/** The lines that /usage prints. Pure. */

import type { UsageSummary } from "../api/types.ts";
import { formatCount, formatSpend, formatTokens } from "../lib/format.ts";

export function usageReport({ totals, by_model }: UsageSummary): string {
  const head = `${formatSpend(totals.cost, totals.unpriced, totals.estimated)} in total · ${count(totals.requests)}`;
  const rows = by_model.map(row => [
    row.model,
    count(row.requests),
    formatTokens(row.tokens_input, row.tokens_output),
    formatSpend(row.cost, row.unpriced, row.estimated),
  ]);
  const widths = [0, 1, 2].map(column => Math.max(0, ...rows.map(row => row[column]?.length ?? 0)));
  const lines = rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
  const notes = [
    totals.unpriced > 0 && `+ ${count(totals.unpriced)} with no known price`,
    totals.estimated > 0 && `~ ${count(totals.estimated)} with estimated counts`,
    totals.failed > 0 && `▲ ${count(totals.failed)} failed`,
  ].filter(note => note !== false);
  return [head, ...lines, ...notes].join("\n");
}

function count(requests: number): string {
  return `${formatCount(requests)} ${requests === 1 ? "request" : "requests"}`;
}
