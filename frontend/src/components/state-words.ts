/** State as a glyph with a word, never a colour alone. */

import type { Message } from "../api/types.ts";
import { formatSeconds } from "../lib/format.ts";
import type { GenerationState } from "../state/generation.ts";

export interface StateWord {
  readonly glyph: string;
  readonly word: string;
}

export const LIVE: StateWord = { glyph: "●", word: "live" };
export const RESUMING: StateWord = { glyph: "◐", word: "resuming" };
export const OFFLINE: StateWord = { glyph: "○", word: "offline" };
export const STOPPED: StateWord = { glyph: "■", word: "stopped" };
export const INTERRUPTED: StateWord = { glyph: "▲", word: "interrupted" };
export const ERROR: StateWord = { glyph: "▲", word: "error" };
export const SENDING: StateWord = { glyph: "◌", word: "sending" };
export const QUEUED: StateWord = { glyph: "◌", word: "queued" };
export const HELD: StateWord = { glyph: "◌", word: "held" };

/** The state of an answer that is still being made. */
export function liveWord(state: GenerationState): StateWord {
  if (state.isOffline) return OFFLINE;
  if (state.phase === "live") return LIVE;
  return state.phase === "resuming" ? RESUMING : SENDING;
}

/** What there is to say of how an answer ended, and what to press then; null when it simply ended. */
export function endWords(message: Message): { state: StateWord; text: string; advice: string } | null {
  const because = message.error ? endSentence(message.error.message) : "";
  const isSaid = /\bkept\b/.test(because);
  const kept = message.content === "" ? "nothing was said yet." : isSaid ? "" : "what was said is kept.";
  const text = [because, kept].filter(Boolean).join(" ");
  switch (message.status) {
    case "stopped":
      return { state: STOPPED, text: kept, advice: "" };
    case "interrupted":
      return { state: INTERRUPTED, text, advice: adviceFor(message) };
    case "error":
      return { state: ERROR, text, advice: adviceFor(message) };
  }
  if (message.finish_reason === "length")
    return { state: { glyph: "▲", word: "cut short" }, text: "the answer reached its token limit.", advice: "" };
  if (message.finish_reason === "content_filter") {
    return { state: { glyph: "▲", word: "filtered" }, text: "the provider's filter ended this answer.", advice: "" };
  }
  return null;
}

/** When to ask again; providers that are asked too often say how long to wait. */
function adviceFor({ error, content }: Message): string {
  const wait = error?.details?.retry_after_seconds;
  if (typeof wait === "number") return `press retry in ${formatSeconds(wait)}.`;
  return content === "" ? "press retry to ask again." : "press continue for the rest, or retry to ask again.";
}

export function endSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
