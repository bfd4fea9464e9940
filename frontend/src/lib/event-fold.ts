/**
 * Folds the events of one answer into its message: what the server folds too, said again for the screen.
 *
 * Knows nothing of connections. Events that were seen before are passed over by their id, so a stream may be
 * resumed anywhere; a gap can't be seen from here, since after a crash ids jump (docs/events.md).
 */

import type { Message, Part, StreamEvent } from "../api/types.ts";

export interface Fold {
  readonly message: Message;
  readonly notices: readonly string[];
  readonly lastEventId: number;
  readonly isEnded: boolean;
}

/** A fold that has seen nothing. What `message` holds already of text is not carried over: the stream tells it again. */
export function emptyFold(message: Message): Fold {
  return { message: { ...message, content: "", parts: [] }, notices: [], lastEventId: 0, isEnded: false };
}

export function foldEvent(fold: Fold, event: StreamEvent): Fold {
  if (fold.isEnded || event.id <= fold.lastEventId) return fold;
  const next = { ...fold, lastEventId: event.id };
  const message = fold.message;
  switch (event.event) {
    case "start": {
      const { conversation_id, message_id, user_message_id, model } = event.data;
      const parent_id = user_message_id ?? message.parent_id;
      return {
        ...next,
        message: { ...message, id: message_id, conversation_id, parent_id, model, status: "streaming" },
      };
    }
    case "delta": {
      const { text } = event.data;
      const parts = appendText(message.parts, "text", text);
      return { ...next, message: { ...message, status: "streaming", content: message.content + text, parts } };
    }
    case "reasoning": {
      const parts = appendText(message.parts, "reasoning", event.data.text);
      return { ...next, message: { ...message, status: "streaming", parts } };
    }
    case "notice":
      return { ...next, notices: [...fold.notices, event.data.text] };
    case "usage":
      return { ...next, message: { ...message, ...event.data } };
    case "done":
    case "error":
      return { ...next, message: event.data.message, isEnded: true };
    default:
      return next; // a kind this page does not know yet
  }
}

/** The model's thinking, joined. */
export function reasoningOf(message: Message): string {
  let text = "";
  for (const part of message.parts) if (part.type === "reasoning") text += part.text;
  return text;
}

function appendText(parts: readonly Part[], type: "text" | "reasoning", text: string): Part[] {
  const last = parts.at(-1);
  if (last?.type === type) return [...parts.slice(0, -1), { ...last, text: last.text + text }];
  return [...parts, { type, text }];
}
