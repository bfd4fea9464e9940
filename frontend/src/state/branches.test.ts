import { beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../api/types.ts";
import { aConversation, newPage } from "../testing/chat-page.ts";
import { aMessage, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { SharedPrompts } from "../testing/shared-prompts.ts";
import type { Chat } from "./chat.ts";

const STREAM = "/api/chat/stream";
const RETRY = "/api/messages/m1/retry";
const OVER_BUDGET = { type: "budget_exceeded", message: "no room", details: { period: "day", limit: 1, spent: 1 } };

let server: FakeServer;

beforeEach(() => {
  localStorage.clear();
  server = new FakeServer()
    .on("GET", "/api/conversations", { conversations: [], next_cursor: null })
    .on("PATCH", "/api/conversations/c1", aConversation());
});

const shown = (chat: Chat) => chat.path().map(message => message.content);
const start = (user: string, answer: string) => ({
  conversation_id: "c1",
  user_message_id: user,
  message_id: answer,
  model: "gpt",
});
const submitted = (answer: string) => ({ ...start("m1", answer), status: "pending" });
const bodies = (path: string) => server.callsTo("POST", path).map(call => call.body);
const keys = (path: string) => server.callsTo("POST", path).map(call => call.headers["Idempotency-Key"]);
const message = (id: string, parent_id: string | null, change: Partial<Message> = {}) =>
  aMessage({ id, parent_id, ...change });

async function opened(change = {}) {
  server.on("GET", "/api/conversations/c1", aConversation(change));
  const page = newPage(server);
  await page.chat.open("c1");
  return page;
}

test("of two quick steps the server hears one after the other, so that the second holds", async () => {
  const siblings = ["m2", "m3", "m4"].map(id => message(id, "m1"));
  const { chat } = await opened({
    messages: [message("m1", null, { role: "user" }), ...siblings],
    active_leaf_id: "m2",
  });
  const told = () => server.callsTo("PATCH", "/api/conversations/c1").map(call => call.body);
  const steps = [chat.stepSibling(1), chat.stepSibling(1)];
  expect(shown(chat).length).toBe(2);
  await Promise.resolve();
  expect(told()).toEqual([{ active_leaf_id: "m3" }]);
  await Promise.all(steps);
  expect(told()).toEqual([{ active_leaf_id: "m3" }, { active_leaf_id: "m4" }]);
});

test("a model that was chosen is asked at once, and no older word of the server's takes it back", async () => {
  const stream = new FakeStream();
  server.on("POST", STREAM, stream).on("PATCH", "/api/conversations/c1", aConversation({ model: "old" }));
  const { chat } = await opened({ model: "old" });
  const choosing = chat.chooseModel("new");
  expect(chat.settings().model).toBe("new");
  await choosing;
  chat.submitPrompt("hello");
  await settled();
  expect(bodies(STREAM)).toMatchObject([{ model: "new" }]);
});

describe("a prompt that is edited", () => {
  test("goes out beside the one it was, a first one as another beginning", async () => {
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    const { chat } = await opened();
    chat.edit("m1");
    expect(chat.editing.get()).toEqual({ id: "m1", text: "hello" });
    chat.submitPrompt("hello there");
    expect(chat.editing.get()).toBeNull();
    await settled();
    stream.send(1, "start", start("m3", "m4"));
    await settled();
    expect(bodies(STREAM)).toEqual([{ message: "hello there", conversation_id: "c1", parent_id: null }]);
    expect(shown(chat)).toEqual(["hello there", ""]);
    await chat.stepSibling(-1);
    expect(shown(chat)).toEqual(["hello", "Hi."]);
  });

  test("waits for no answer, nor for what is queued", async () => {
    server.on("POST", STREAM, new FakeStream()).on("GET", "/api/messages/m2/stream", new FakeStream());
    const { chat, outbox } = await opened({
      messages: [message("m1", null, { role: "user", content: "hello" }), message("m2", "m1", { status: "streaming" })],
    });
    chat.submitPrompt("behind it");
    chat.edit("m1");
    chat.submitPrompt("hello there");
    await settled();
    expect(bodies(STREAM)).toMatchObject([{ message: "hello there", parent_id: null }]);
    expect(outbox.prompts.get().map(({ text, status }) => [text, status])).toEqual([
      ["behind it", "queued"],
      ["hello there", "sending"],
    ]);
  });

  test("keeps its place through a reload and a refusal", async () => {
    server.on("POST", STREAM, new TypeError("down"));
    const { chat } = await opened();
    chat.edit("m1");
    chat.submitPrompt("hello there");
    await settled();
    server.on("POST", STREAM, jsonResponse(402, { error: OVER_BUDGET }));
    const next = await opened();
    await settled();
    const [refused] = next.outbox.prompts.get();
    expect(refused).toMatchObject({ status: "failed", text: "hello there", parentId: null });
    expect(new Set(keys(STREAM)).size).toBe(1);
    server.on("POST", STREAM, new FakeStream());
    next.chat.sendPending(refused?.key ?? "", true);
    await settled();
    expect(bodies(STREAM).at(-1)).toEqual({
      message: "hello there",
      conversation_id: "c1",
      parent_id: null,
      budget_override: true,
    });
    expect(new Set(keys(STREAM)).size).toBe(2);
  });

  test("that is taken back from the outbox is being edited again", async () => {
    server.on("POST", STREAM, jsonResponse(400, { error: { type: "invalid_request", message: "no" } }));
    const { chat, outbox } = await opened();
    chat.edit("m1");
    chat.submitPrompt("hello there");
    await settled();
    chat.editPending(outbox.prompts.get()[0]?.key ?? "");
    expect(chat.editing.get()).toEqual({ id: "m1", text: "hello there" });
    expect(outbox.prompts.get()).toEqual([]);
  });
});

describe("an answer that broke off", () => {
  test("goes on as a child of itself, by whichever model is chosen", async () => {
    server.on("POST", STREAM, new FakeStream());
    const { chat, preferences } = await opened({
      messages: [
        message("m1", null, { role: "user", content: "hello" }),
        message("m2", "m1", { content: "Once upon", status: "interrupted" }),
      ],
    });
    const answer = chat.path().at(-1) as Message;
    chat.goOn(answer);
    await settled();
    expect(bodies(STREAM)).toEqual([
      { message: "Continue exactly where you stopped.", conversation_id: "c1", parent_id: "m2" },
    ]);
    expect(preferences.history.get()).toEqual([]);
  });
});

describe("another answer", () => {
  test("is asked for again under its key when the line breaks, also after a reload", async () => {
    server.on("POST", "/api/messages/m2/retry", new TypeError("down"));
    const { chat, outbox } = await opened();
    chat.retry(aMessage(), "claude");
    await settled();
    expect(outbox.prompts.get()).toMatchObject([{ status: "sending", again: "m2" }]);
    const stream = new FakeStream();
    server.on("POST", "/api/messages/m2/retry", submitted("m9")).on("GET", "/api/messages/m9/stream", stream);
    const asked = message("m9", "m1", { status: "pending" });
    const next = await opened({ messages: [...aConversation().messages, asked], active_leaf_id: "m9" });
    await settled();
    stream.send(1, "start", start("m1", "m9")).send(2, "done", { message: message("m9", "m1", { content: "Ho." }) });
    await settled();
    expect(shown(next.chat)).toEqual(["hello", "Ho."]);
    expect(next.outbox.prompts.get()).toEqual([]);
    expect(new Set(keys("/api/messages/m2/retry")).size).toBe(1);
    expect(bodies("/api/messages/m2/retry").at(-1)).toEqual({ model: "claude" });
  });
});

test("a prompt that begins with a slash is edited as it would be typed", async () => {
  const { chat } = await opened({ messages: [message("m1", null, { role: "user", content: "/etc/hosts?" })] });
  chat.edit("m1");
  expect(chat.editing.get()?.text).toBe("//etc/hosts?");
});

describe("several models at once", () => {
  /** The prompt is on the server with its first answer; both others are asked for. */
  async function compared(second: object = submitted("m3"), third: object = submitted("m4")) {
    const streams = [new FakeStream(), new FakeStream(), new FakeStream()];
    const [first] = streams;
    server
      .on("POST", STREAM, first as FakeStream)
      .on("POST", RETRY, second, third)
      .on("GET", "/api/messages/m3/stream", streams[1] as FakeStream)
      .on("GET", "/api/messages/m4/stream", streams[2] as FakeStream);
    const page = newPage(server);
    page.chat.comparing.set(["a", "b", "c"]);
    page.chat.submitPrompt("who are you?");
    await settled();
    first?.send(1, "start", start("m1", "m2"));
    await settled();
    return { ...page, streams };
  }

  test("are asked the same, each once, and stream side by side", async () => {
    const { chat, outbox, preferences, streams } = await compared();
    expect(bodies(STREAM)).toEqual([{ message: "who are you?", model: "a" }]);
    expect(bodies(RETRY)).toEqual([{ model: "b" }, { model: "c" }]);
    expect(new Set([...keys(STREAM), ...keys(RETRY)]).size).toBe(3);
    expect(outbox.prompts.get()).toEqual([]);
    expect(chat.comparing.get()).toEqual([]);
    expect(preferences.sideBySide.get()).toEqual({ m1: true });
    for (const [at, stream] of streams.entries()) {
      if (at > 0) stream.send(1, "start", start("m1", `m${at + 2}`));
      stream.send(2, "delta", { text: `by ${at}` });
    }
    await settled();
    const said = [...chat.generations.get().values()].map(({ state }) => state.get().message.content);
    expect(said).toEqual(["by 0", "by 1", "by 2"]);
    // Until one is kept, the next prompt would follow the first.
    expect(chat.path().at(-1)?.id).toBe("m2");
    expect(server.callsTo("PATCH", "/api/conversations/c1").at(-1)?.body).toEqual({ active_leaf_id: "m2" });
    await chat.keep(message("m3", "m1", { model: "b" }));
    expect(chat.path().at(-1)?.id).toBe("m3");
    expect(server.callsTo("PATCH", "/api/conversations/c1").at(-1)?.body).toEqual({ active_leaf_id: "m3", model: "b" });
    expect(preferences.sideBySide.get()).toEqual({ m1: false });
  });

  test("are stopped one by one, or all", async () => {
    const stops = ["m2", "m3", "m4"].map(id => `/api/messages/${id}/stop`);
    for (const [at, path] of stops.entries())
      server.on("POST", path, message(`m${at + 2}`, "m1", { status: "stopped" }));
    const { chat } = await compared();
    await chat.stop("m3");
    expect(stops.map(path => server.callsTo("POST", path).length)).toEqual([0, 1, 0]);
    await chat.stop();
    expect(stops.map(path => server.callsTo("POST", path).length)).toEqual([1, 1, 1]);
    expect(chat.canStop.get()).toBe(false);
  });

  test("one that is refused hurts no other, and can be sent whatever the budgets say", async () => {
    const { chat, outbox } = await compared(jsonResponse(402, { error: OVER_BUDGET }));
    expect(chat.generations.get().size).toBe(2);
    const [refused] = outbox.prompts.get();
    expect(refused).toMatchObject({ status: "failed", again: "m1", settings: { model: "b" } });
    server.on("POST", RETRY, submitted("m3"));
    chat.sendPending(refused?.key ?? "", true);
    await settled();
    expect(bodies(RETRY).at(-1)).toEqual({ model: "b", budget_override: true });
    expect(outbox.prompts.get()).toEqual([]);
  });

  test("the others are asked after a reload, under the keys they had", async () => {
    const shared = new SharedPrompts();
    server
      .on("POST", STREAM, new FakeStream().send(1, "start", start("m1", "m2")))
      .on("POST", RETRY, new TypeError("down"));
    const page = newPage(server, shared.at("one"));
    await page.outbox.ready;
    page.chat.comparing.set(["a", "b"]);
    page.chat.submitPrompt("who are you?");
    await settled();
    expect(bodies(RETRY)).toEqual([{ model: "b" }]);
    shared.close("one");
    server
      .on("GET", "/api/conversations/c1", aConversation())
      .on("POST", RETRY, submitted("m3"))
      .on("GET", "/api/messages/m3/stream", new FakeStream());
    const next = newPage(server, shared.at("two"));
    await next.outbox.ready;
    await next.chat.open("c1");
    await settled();
    expect(next.outbox.prompts.get()).toEqual([]);
    expect(bodies(RETRY)).toEqual([{ model: "b" }, { model: "b" }]);
    expect(new Set(keys(RETRY)).size).toBe(1);
    expect(bodies(STREAM).length).toBe(1);
  });

  test("a page that died in between asks for them again under the same keys", async () => {
    server.on("POST", STREAM, new FakeStream());
    const page = newPage(server);
    page.chat.comparing.set(["a", "b"]);
    page.chat.submitPrompt("who are you?");
    const [asItWas] = page.outbox.prompts.get();
    for (let life = 0; life < 2; life++) {
      server
        .on("POST", STREAM, new FakeStream().send(1, "start", start("m1", "m2")))
        .on("POST", RETRY, submitted("m3"))
        .on("GET", "/api/messages/m3/stream", new FakeStream());
      localStorage.setItem("llm-router.outbox", JSON.stringify([asItWas]));
      newPage(server);
      await settled();
    }
    expect(bodies(RETRY)).toEqual([{ model: "b" }, { model: "b" }]);
    expect(new Set(keys(RETRY))).toEqual(new Set([`${asItWas?.key}-1`]));
  });

  test("a prompt that waits goes to all of them once it is its turn", async () => {
    server.on("GET", "/api/messages/m2/stream", new FakeStream());
    const { chat, outbox } = await opened({
      messages: [message("m1", null, { role: "user", content: "hello" }), message("m2", "m1", { status: "streaming" })],
    });
    chat.comparing.set(["a", "b"]);
    chat.submitPrompt("and you?", 0.004);
    const [waiting] = outbox.prompts.get();
    expect(waiting).toMatchObject({ status: "queued", estimate: 0.004, others: [{ model: "b" }] });
    chat.editPending(waiting?.key ?? "");
    expect(chat.returned.get()).toEqual({ text: "and you?" });
    expect(chat.comparing.get()).toEqual(["a", "b"]);
  });
});
