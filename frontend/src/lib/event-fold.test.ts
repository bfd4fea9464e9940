import { describe, expect, test } from "vitest";
import type { StreamEvent } from "../api/types.ts";
import { aMessage } from "../testing/fake-server.ts";
import { emptyFold, type Fold, foldEvent, reasoningOf } from "./event-fold.ts";

const usage = {
  tokens_input: 9,
  tokens_output: 4,
  tokens_cache_read: null,
  tokens_cache_write: null,
  tokens_reasoning: 2,
  cost: 0.1,
  cost_status: "exact" as const,
};
const whole = aMessage({ content: "Hello.", status: "complete" });
const EVENTS: StreamEvent[] = [
  { id: 1, event: "start", data: { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" } },
  { id: 2, event: "notice", data: { text: "trying again" } },
  { id: 3, event: "reasoning", data: { text: "hm" } },
  { id: 4, event: "reasoning", data: { text: "m." } },
  { id: 5, event: "delta", data: { text: "Hel" } },
  { id: 6, event: "usage", data: usage },
  { id: 7, event: "delta", data: { text: "lo." } },
  { id: 8, event: "done", data: { message: whole } },
];

const fold = (events: readonly StreamEvent[], from: Fold = emptyFold(aMessage({ id: "?", content: "stored part" }))) =>
  events.reduce(foldEvent, from);

describe("foldEvent", () => {
  test("joins neighbours and keeps the order of kinds", () => {
    const { message, notices, lastEventId } = fold(EVENTS.slice(0, 7));
    expect(message).toMatchObject({
      id: "m2",
      parent_id: "m1",
      status: "streaming",
      content: "Hello.",
      tokens_reasoning: 2,
      cost: 0.1,
    });
    expect(message.parts).toEqual([
      { type: "reasoning", text: "hmm." },
      { type: "text", text: "Hello." },
    ]);
    expect(reasoningOf(message)).toBe("hmm.");
    expect(notices).toEqual(["trying again"]);
    expect(lastEventId).toBe(7);
  });

  test("the end replaces everything, and nothing comes after it", () => {
    const ended = fold(EVENTS);
    expect(ended.message).toBe(whole);
    expect(ended.isEnded).toBe(true);
    expect(foldEvent(ended, { id: 99, event: "delta", data: { text: "!" } })).toBe(ended);
  });

  test("tells the same at every cut with a repeated stretch", () => {
    for (let at = 0; at <= EVENTS.length; at++) {
      for (let back = 0; back <= at; back++) {
        expect(fold(EVENTS.slice(at - back), fold(EVENTS.slice(0, at)))).toEqual(fold(EVENTS));
      }
    }
  });

  test("ids may jump, as they do after a crash", () => {
    const { message } = fold([
      ...EVENTS.slice(0, 5),
      {
        id: 5000,
        event: "error",
        data: {
          error: { type: "interrupted", message: "" },
          message: aMessage({ status: "interrupted", content: "Hel" }),
        },
      },
    ]);
    expect(message.status).toBe("interrupted");
  });
});
