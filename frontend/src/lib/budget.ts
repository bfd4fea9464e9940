/** A budget in words, also where it refuses, and the dollars somebody wrote. Pure. */

import type { Budget, Device, ErrorValue } from "../api/types.ts";
import { formatDate, formatDollars, formatTime } from "./format.ts";

/** `$5 a day on each device`, `$0.50 a month with gpt-5.1`. */
export function budgetWords(budget: Budget, devices: readonly Device[], formatted: string): string {
  return [`${formatted} ${periodWords(budget.period)}`, subjectWords(budget, devices)].filter(Boolean).join(" ");
}

function subjectWords({ scope, subject }: Budget, devices: readonly Device[]): string {
  if (scope === "overall") return "for everything";
  if (scope === "device") {
    return subject === null ? "on each device" : `on ${devices.find(({ id }) => id === subject)?.name ?? subject}`;
  }
  return subject === null ? "with each model" : `with ${subject}`;
}

/** The dollars in `text`; null where they are none, or nothing. A comma is a point. */
export function readDollars(text: string): number | null {
  const plain = text.trim().replace(/^\$/, "").replace(",", ".");
  if (!/^\d+(\.\d{0,9})?$|^\.\d{1,9}$/.test(plain)) return null;
  const dollars = Number(plain);
  return dollars > 0 && dollars <= 1_000_000 ? dollars : null;
}

/** What a prompt is told that a budget has no room for: which, how full it is, until when. Null where it is not said. */
export function overBudgetWords(details: ErrorValue["details"], now: Date): string | null {
  const { period, scope, subject, limit, spent, reserved, resets_at } = (details ?? {}) as Partial<Refusal>;
  if (period === undefined || typeof limit !== "number" || typeof spent !== "number") return null;
  // A device's budget refuses what that device sends.
  const whose = scope === "device" ? "on this device" : scope === "model" ? `with ${subject}` : "for everything";
  const held = reserved ? `, up to ${formatDollars(reserved)} is held back for answers being made` : "";
  const until = resets_at
    ? ` it begins anew ${formatDate(new Date(resets_at), now)}, ${formatTime(new Date(resets_at))}.`
    : "";
  return `${formatDollars(limit)} ${periodWords(period)} ${whose}: ${formatDollars(spent)} is spent${held}.${until}`;
}

interface Refusal extends Pick<Budget, "period" | "scope" | "subject" | "limit"> {
  spent: number;
  reserved: number;
  resets_at: string;
}

function periodWords(period: Budget["period"]): string {
  return period === "day" ? "a day" : "a month";
}
