/** Numbers and times as words on the screen. Unknown is shown as unknown, never as zero. */

import type { CostStatus } from "../api/types.ts";

/** `348`, `1.2k`, `12k`, `3.1M`. */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  // Rounded before the unit is chosen, or 999,999 would read 1000k.
  const [value, unit] = count < 999_500 ? [count / 1000, "k"] : [count / 1_000_000, "M"];
  const rounded = value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
  return rounded + unit;
}

/** `1.2k→348 tok`; a side that is not known is `?`; nothing when neither is. */
export function formatTokens(tokensInput: number | null, tokensOutput: number | null): string {
  if (tokensInput === null && tokensOutput === null) return "";
  const side = (count: number | null) => (count === null ? "?" : formatCount(count));
  return `${side(tokensInput)}→${side(tokensOutput)} tok`;
}

/** `$0.0089`, `$0.42`, `$11.84`: two digits that say something, at least cents. */
export function formatDollars(dollars: number): string {
  if (dollars === 0) return "$0";
  const size = Math.abs(dollars);
  if (size < 0.000_001) return "<$0.000001";
  const digits = size >= 0.1 ? 2 : Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(size))));
  return `${dollars < 0 ? "-" : ""}$${size.toFixed(digits)}`;
}

/** `$0.42`, `<$0.01`: no more than cents, for a column that is run over with the eyes. */
export function formatCents(dollars: number): string {
  return dollars > 0 && dollars < 0.01 ? "<$0.01" : dollars === 0 ? "$0" : `$${dollars.toFixed(2)}`;
}

/** Dollars: `input` and so many tokens at `price` a million, summed in whole nano-dollars as a bill is. */
export function costSoFar(input: number, tokens: number, price: number): number {
  return (Math.round(input * 1e9) + Math.round(tokens * price * 1000)) / 1e9;
}

/** The cost with the mark of how sure it is: `$0.0089` exact, `≤$…` bounded, `~$…` estimated, `$?` unpriced. */
export function formatCost(cost: number | null, status: CostStatus | null): string {
  if (cost === null) return status === null ? "" : "$?";
  const mark = status === "estimated" ? "~" : status === "bounded" ? "≤" : "";
  return mark + formatDollars(cost);
}

/** The same in words, for a tooltip and a screen reader. */
export function describeCost(status: CostStatus | null): string {
  switch (status) {
    case "exact":
      return "exact cost";
    case "bounded":
      return "cost, at most: a part of the price is known only up to a bound";
    case "estimated":
      return "estimated cost: the provider never sent its counts";
    case "unpriced":
      return "no price is known for this model";
    case null:
      return "cost not known yet";
  }
}

/** A sum over many answers; `+` says that some of them have no known price. */
export function formatSpend(cost: number | null, unpriced: number, estimated: number): string {
  if (cost === null) return unpriced > 0 ? "$?" : "$0";
  return `${estimated > 0 ? "~" : ""}${formatDollars(cost)}${unpriced > 0 ? "+" : ""}`;
}

/** `0.6 s`, `4.1 s`, `42 s`, `3 min 20 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 100) return `${whole} s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)} min${rest ? ` ${rest} s` : ""}`;
}

/** `71 tok/s`, over the time after the first chunk; nothing where that is not known or too short to mean much. */
export function formatRate(tokens: number | null, duration: number | null, timeToFirstChunk: number | null): string {
  if (tokens === null || duration === null || timeToFirstChunk === null || tokens < 2) return "";
  const seconds = duration - timeToFirstChunk;
  if (seconds < 0.05) return "";
  const rate = tokens / seconds;
  return `${rate < 9.95 ? rate.toFixed(1) : formatCount(Math.round(rate))} tok/s`;
}

/** A model's name where there is little room: of a long one what its maker calls it, `…/deepseek-r1-0528`. */
export function shortModel(id: string): string {
  return id.length > 28 && id.includes("/") ? `…/${id.slice(id.lastIndexOf("/") + 1)}` : id;
}

/** Dollars per million tokens, in and out: `$3 / $15 per M`. */
export function formatPrice(price: { input: number | null; output: number | null } | null): string {
  if (price === null || (price.input === null && price.output === null)) return "price unknown";
  if (price.input === 0 && price.output === 0) return "free";
  const side = (dollars: number | null) => (dollars === null ? "?" : formatRateOf(dollars));
  return `${side(price.input)} / ${side(price.output)} per M`;
}

/** A price of something, without zeros that say nothing: `$3`, `$0.075`. */
export function formatRateOf(dollars: number): string {
  return `$${trimZeros(dollars.toFixed(4))}`;
}

/** `24 nov`, with the year where it is another one. */
export function formatDate(time: Date, now: Date): string {
  const day = `${time.getDate()} ${(MONTHS[time.getMonth()] ?? "").slice(0, 3)}`;
  return time.getFullYear() === now.getFullYear() ? day : `${day} ${time.getFullYear()}`;
}

/** `14:02`, by the reader's clock. */
export function formatTime(time: Date): string {
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

/** `61 %`; what is more than nothing is not called nothing, nor what is less than all all. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "";
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 1) return "<1 %";
  if (part < whole && percent > 99) return ">99 %";
  return `${Math.round(percent)} %`;
}

/** The heading a conversation stands under: `today`, `yesterday`, `this week`, `november`, `november 2025`. */
export function formatDay(time: string, now: Date): string {
  const then = new Date(time);
  const days = Math.round((startOfDay(now) - startOfDay(then)) / 86_400_000);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days < 7) return "this week";
  const month = MONTHS[then.getMonth()] ?? "";
  if (then.getFullYear() !== now.getFullYear()) return `${month} ${then.getFullYear()}`;
  return then.getMonth() === now.getMonth() ? "this month" : month;
}

const MONTHS = "january february march april may june july august september october november december".split(" ");

function startOfDay(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}

function trimZeros(number: string): string {
  return number.includes(".") ? number.replace(/\.?0+$/, "") : number;
}
