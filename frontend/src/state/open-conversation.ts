/** The conversation that is open on this page, and what stands in it until the server tells more. Values only. */

import type { Conversation, ErrorValue, Message, RetryBody } from "../api/types.ts";
import { randomUuid } from "../lib/uuid.ts";
import type { PendingPrompt, PromptBody } from "./outbox.ts";
import type { PromptSettings } from "./preferences.ts";

export interface OpenConversation {
  /** The conversation's id, or the page's own name for a new one. */
  readonly place: string;
  /** Null while it is not on the server. */
  readonly id: string | null;
  /** The place it had before the server gave it an id here. */
  readonly formerPlace: string | null;
  readonly conversation: Conversation | null;
  readonly messages: ReadonlyMap<string, Message>;
  readonly activeLeafId: string | null;
  readonly status: "loading" | "ready" | "failed";
  readonly error: ErrorValue | null;
  /** When this device's own copy was made, where that is what is shown; milliseconds since 1970. */
  readonly asOf: number | null;
}

const NEW = "new-";

export function newConversation(place = NEW + randomUuid()): OpenConversation {
  return {
    place,
    id: null,
    formerPlace: null,
    conversation: null,
    messages: new Map(),
    activeLeafId: null,
    status: "ready",
    error: null,
    asOf: null,
  };
}

/** Whether `place` is the page's own name. */
export function isNew(place: string): boolean {
  return place.startsWith(NEW);
}

/**
 * What is sent for a prompt, behind `leaf` of the conversation `id` unless it has a place of its own, or in a new one
 * (null).
 */
export function bodyOf(prompt: PendingPrompt, id: string | null, leaf: string | undefined): PromptBody {
  const { text, settings, again, image, parentId = leaf } = prompt;
  const wishes = wishesOf(settings);
  if (again !== undefined) return wishes;
  const place = id === null ? {} : { conversation_id: id, ...(parentId !== undefined && { parent_id: parentId }) };
  return image ? { prompt: text, ...place, ...wishes, ...image } : { message: text, ...place, ...wishes };
}

/** What is not left to the server or the model. */
function wishesOf({ model, temperature, reasoning }: PromptSettings): RetryBody {
  return {
    ...(model !== null && { model }),
    ...(temperature !== null && { temperature }),
    ...(reasoning !== null && { reasoning }),
  };
}

/** What is asked of a model that broke off. */
export const GO_ON = "Continue exactly where you stopped.";

/** Whether nobody wrote it: the page asked for the rest of an answer. */
export function isGoOn(text: string): boolean {
  return text === GO_ON;
}

/** Whether it is an answer that is still being made. */
export function isMade({ status }: Message): boolean {
  return status === "pending" || status === "streaming";
}

/** An answer of which nothing is known yet. */
export function blankAnswer(
  id: string,
  conversationId: string,
  parentId: string | null,
  model: string | null,
): Message {
  return {
    id,
    conversation_id: conversationId,
    parent_id: parentId,
    role: "assistant",
    content: "",
    parts: [],
    status: "pending",
    model,
    provider: null,
    response_model: null,
    temperature: null,
    reasoning: null,
    tokens_input: null,
    tokens_output: null,
    tokens_cache_read: null,
    tokens_cache_write: null,
    tokens_reasoning: null,
    cost: null,
    cost_status: null,
    finish_reason: null,
    error: null,
    time_to_first_chunk: null,
    duration: null,
    created_at: new Date().toISOString(),
  };
}
