import { describe, expect, test } from "vitest";
import type { ConversationWithMessages, Message } from "../api/types.ts";
import { aMessage } from "../testing/fake-server.ts";
import { asJson, asMarkdown, fileName } from "./export.ts";

const prompt = (id: string, parent: string | null, content: string) =>
  aMessage({ id, parent_id: parent, role: "user", content, model: null });

function conversation(messages: Message[], change: Partial<ConversationWithMessages> = {}): ConversationWithMessages {
  return {
    id: "c1",
    title: "rust\nlifetimes",
    model: null,
    system_prompt: null,
    device_id: null,
    active_leaf_id: messages.at(-1)?.id ?? null,
    created_at: "2026-11-24T19:42:37.123Z",
    updated_at: "2026-11-24T19:42:37.123Z",
    cost: null,
    message_count: messages.length,
    is_live: false,
    messages,
    ...change,
  };
}

describe("as Markdown", () => {
  test("the branch that is read, and no other", () => {
    const messages = [
      prompt("1", null, "why?"),
      aMessage({
        id: "2",
        parent_id: "1",
        content: "**so**",
        tokens_input: 1200,
        tokens_output: 3,
        cost: 0.42,
        cost_status: "estimated",
      }),
      aMessage({ id: "3", parent_id: "1", content: "another" }),
    ];
    const text = asMarkdown(conversation(messages, { active_leaf_id: "2", system_prompt: "be kind" }));
    expect(text).toBe(
      [
        "# rust lifetimes",
        "",
        "2026-11-24T19:42:37.123Z · c1",
        "",
        "## system",
        "",
        "be kind",
        "",
        "## prompt",
        "",
        "why?",
        "",
        "## gpt",
        "",
        "**so**",
        "",
        "*1.2k→3 tok · ~$0.42*",
        "",
      ].join("\n"),
    );
  });

  test("says how an answer ended that did not simply end, and where its image is", () => {
    const parts = [{ type: "image", image_id: "i", media_type: "image/png", url: "/api/images/i" } as const];
    const error = { type: "upstream_error", message: "it\nbroke" };
    const text = asMarkdown(
      conversation([prompt("1", null, "a cat"), aMessage({ id: "2", parent_id: "1", parts, status: "error", error })]),
    );
    expect(text).toContain("![image](/api/images/i)");
    expect(text).toContain("*error · it broke*");
  });

  test("of nothing there is a title", () => {
    expect(asMarkdown(conversation([], { title: "" }))).toContain("# untitled\n");
  });
});

test("as JSON it is the whole tree", () => {
  const whole = conversation([prompt("1", null, "why?"), aMessage({ id: "2", parent_id: "1" })]);
  expect(JSON.parse(asJson(whole))).toEqual(whole);
});

test.each([
  ["rust lifetimes", "rust-lifetimes.md"],
  ["../../etc/passwd", "etc-passwd.md"],
  ["C:\\Windows\\system32", "c-windows-system32.md"],
  ["a\u0000b\nc\u202ed", "a-b-c-d.md"],
  ["CON", "conversation-con.md"],
  ["  ...  ", "conversation.md"],
  ["", "conversation.md"],
  ["Überblick: Straße №5?", "überblick-straße-5.md"],
  ["質問", "質問.md"],
  [".hidden", "hidden.md"],
])("%j is saved as %s", (title, name) => expect(fileName(title, "markdown")).toBe(name));

test("a long title makes a name that is not", () => {
  const name = fileName("x".repeat(500), "json");
  expect(name).toBe(`${"x".repeat(60)}.json`);
});
