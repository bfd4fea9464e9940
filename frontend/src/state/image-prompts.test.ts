/** A prompt for an image is as safe as any other: kept before it is sent, sent under one key, shown until it is there. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Model } from "../api/types.ts";
import { aConversation, newPage as openPage } from "../testing/chat-page.ts";
import { aMessage, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { SharedPrompts } from "../testing/shared-prompts.ts";
import type { Chat } from "./chat.ts";
import type { PromptStore } from "./outbox.ts";

const GENERATE = "/api/images/generate";
const TAKEN = jsonResponse(202, { conversation_id: "c1", user_message_id: "m3", message_id: "m4", status: "pending" });
const LIGHTHOUSE = { size: "1024x1536", quality: "low", model: "painter" };

let server: FakeServer;

beforeEach(() => {
  localStorage.clear();
  server = new FakeServer().on("GET", "/api/conversations", { conversations: [], next_cursor: null });
});

const newPage = (store: PromptStore | null = null) => openPage(server, store);
const asked = () => server.callsTo("POST", GENERATE);
const keys = () => asked().map(call => call.headers["Idempotency-Key"]);
const shown = (chat: Chat) => chat.path().map(message => message.content);

test("becomes an answer like others, that can be stopped while it is made", async () => {
  const stream = new FakeStream();
  server.on("GET", "/api/conversations/c1", aConversation());
  server.on("POST", GENERATE, TAKEN).on("GET", "/api/messages/m4/stream", stream);
  server.on("POST", "/api/messages/m4/stop", aMessage({ id: "m4", parent_id: "m3", status: "stopped" }));
  const { chat, outbox } = newPage();
  await chat.open("c1");
  chat.submitImage("a lighthouse", LIGHTHOUSE);
  expect(outbox.at("c1")).toMatchObject([{ text: "a lighthouse", status: "sending" }]);
  await settled();
  const body = { prompt: "a lighthouse", conversation_id: "c1", parent_id: "m2", ...LIGHTHOUSE };
  expect(asked()).toMatchObject([{ body, headers: { Prefer: "respond-async" } }]);
  expect(outbox.prompts.get()).toEqual([]);
  expect(shown(chat)).toEqual(["hello", "Hi.", "a lighthouse", ""]);
  expect(chat.canStop.get()).toBe(true);
  await chat.stop();
  expect(chat.path().at(-1)?.status).toBe("stopped");
});

test("is asked for again under its key, after an outage and by the page that is opened then", async () => {
  server.on("POST", GENERATE, new TypeError("down"));
  const { chat, outbox, clock } = newPage();
  chat.submitImage("a lighthouse", LIGHTHOUSE);
  await settled();
  await clock.advance(2_000);
  expect(asked().length).toBeGreaterThan(1);
  expect(chat.liveHere()?.state.get()).toMatchObject({ phase: "sending", isOffline: true });
  server.on("POST", GENERATE, TAKEN);
  const next = newPage();
  await settled();
  expect(new Set(keys())).toEqual(new Set([outbox.prompts.get()[0]?.key]));
  expect(new Set(asked().map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(next.outbox.prompts.get()).toEqual([]);
  expect(shown(next.chat)).toEqual(["a lighthouse", ""]);
});

test("waits behind the answer that is being made", async () => {
  const stream = new FakeStream();
  server.on("POST", "/api/chat/stream", stream).on("POST", GENERATE, TAKEN);
  const { chat, outbox } = newPage();
  chat.submitPrompt("hello");
  await settled();
  stream.send(1, "start", { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" });
  await settled();
  chat.submitImage("a lighthouse");
  await settled();
  expect(outbox.at("c1")).toMatchObject([{ status: "queued", image: {} }]);
  expect(asked()).toEqual([]);
  stream.send(2, "done", { message: aMessage({ content: "Hi." }) }).end();
  await settled();
  expect(asked()).toMatchObject([{ body: { prompt: "a lighthouse", conversation_id: "c1", parent_id: "m2" } }]);
});

test("without room in a budget stays, and is let through this once where the reader says so", async () => {
  server.on("POST", GENERATE, jsonResponse(402, { error: { type: "budget_exceeded", message: "no room" } }), TAKEN);
  const { chat, outbox } = newPage();
  chat.submitImage("a lighthouse", LIGHTHOUSE);
  await settled();
  const [kept] = outbox.prompts.get();
  expect(kept).toMatchObject({ text: "a lighthouse", status: "failed", error: { type: "budget_exceeded" } });
  chat.sendPending(kept?.key ?? "", true);
  await settled();
  expect(asked()[1]?.body).toEqual({ prompt: "a lighthouse", ...LIGHTHOUSE, budget_override: true });
  const [first, second] = keys();
  expect(second).not.toBe(first);
  expect(outbox.prompts.get()).toEqual([]);
});

test("called off while nothing is known of it, it can be tried again, once paid", async () => {
  server.on("POST", GENERATE, new TypeError("down"));
  const { chat, outbox, preferences } = newPage();
  preferences.prompt.update(prompt => ({ ...prompt, model: "talker" }));
  chat.submitImage("a lighthouse");
  await settled();
  await chat.stop();
  const [kept] = outbox.prompts.get();
  expect(kept).toMatchObject({ status: "failed", error: { type: "cancelled" } });
  server.on("POST", GENERATE, TAKEN);
  chat.sendPending(kept?.key ?? "");
  await settled();
  expect(asked().map(({ body }) => body)).toEqual([{ prompt: "a lighthouse" }, { prompt: "a lighthouse" }]);
  const [first, second] = keys();
  expect(second).toBe(first);
});

test("goes back into the composer as it was written", async () => {
  server.on("POST", GENERATE, jsonResponse(400, { error: { type: "invalid_request", message: "no" } }));
  const { chat, outbox } = newPage();
  chat.submitImage("a lighthouse", LIGHTHOUSE);
  await settled();
  chat.editPending(outbox.prompts.get()[0]?.key ?? "");
  expect(chat.returned.get()).toEqual({
    text: "/image size=1024x1536 quality=low model=painter a lighthouse",
  });
  expect(outbox.prompts.get()).toEqual([]);
});

test("that can't reach the server is taken back, and asked for no more", async () => {
  server.on("POST", GENERATE, new TypeError("down"));
  const { chat, outbox, clock } = newPage();
  chat.submitImage("a lighthouse", LIGHTHOUSE);
  chat.editPending(outbox.prompts.get()[0]?.key ?? "");
  expect(chat.returned.get()).toBeNull();
  await settled();
  chat.editPending(outbox.prompts.get()[0]?.key ?? "");
  expect(chat.returned.get()?.text).toContain("a lighthouse");
  expect(outbox.prompts.get()).toEqual([]);
  expect(chat.canStop.get()).toBe(false);
  const { length } = asked();
  await clock.advance(60_000);
  expect(asked()).toHaveLength(length);
});

test("is asked for by one of the pages of a device", async () => {
  const shared = new SharedPrompts();
  server.on("GET", "/api/conversations/c1", aConversation()).on("POST", GENERATE, new TypeError("down"));
  const [one, other] = [newPage(shared.at("one")), newPage(shared.at("other"))];
  await one.chat.open("c1");
  await other.chat.open("c1");
  one.chat.submitImage("a lighthouse", LIGHTHOUSE);
  await settled();
  expect(other.outbox.at("c1")).toMatchObject([{ status: "sending", image: { size: "1024x1536" } }]);
  expect(asked()).toHaveLength(1);
  expect(other.chat.canStop.get()).toBe(true);
  one.outbox.letGo();
  shared.close("one");
  server.on("POST", GENERATE, TAKEN);
  await other.clock.advance(20_000);
  expect(shown(other.chat)).toEqual(["hello", "Hi.", "a lighthouse", ""]);
  expect(new Set(keys()).size).toBe(1);
});

describe("an image that was made", () => {
  const image = { type: "image", image_id: "i1", media_type: "image/png", url: "/api/images/i1" } as const;

  async function opened() {
    const { messages } = aConversation();
    const painted = aMessage({ id: "m6", parent_id: "m5", model: "painter", parts: [image] });
    const prompt = aMessage({ id: "m5", parent_id: "m2", role: "user", content: "a lighthouse" });
    const conversation = aConversation({ messages: [...messages, prompt, painted], active_leaf_id: "m6" });
    server.on("GET", "/api/conversations/c1", conversation).on("POST", GENERATE, TAKEN);
    const page = newPage();
    page.preferences.prompt.update(chosen => ({ ...chosen, model: "talker" }));
    await page.chat.open("c1");
    return { ...page, painted };
  }

  test.each([
    [undefined, "painter"],
    ["etcher", "etcher"],
  ])("is made again by an image model, never asked of one that chats: %s", async (wished, model) => {
    const { chat, painted } = await opened();
    chat.retry(painted, wished);
    await settled();
    const body = { prompt: "a lighthouse", conversation_id: "c1", parent_id: "m2", model };
    expect(asked().map(call => call.body)).toEqual([body]);
    expect(server.calls.filter(({ path }) => /retry|stream/.test(path) && !path.includes("m4"))).toEqual([]);
    expect(shown(chat)).toEqual(["hello", "Hi.", "a lighthouse", ""]);
  });

  test("has the size and quality again that it had, and so has its prompt when it is edited", async () => {
    server.on("POST", GENERATE, TAKEN).on("GET", "/api/messages/m4/stream", new FakeStream());
    const { chat } = newPage();
    chat.submitImage("a lighthouse", LIGHTHOUSE);
    await settled();
    const painted = aMessage({ id: "m4", parent_id: "m3", model: "painter", parts: [image] });
    const prompt = aMessage({ id: "m3", parent_id: null, role: "user", content: "a lighthouse" });
    server.on("GET", "/api/conversations/c1", aConversation({ messages: [prompt, painted], active_leaf_id: "m4" }));
    const next = newPage();
    await next.chat.open("c1");
    next.chat.edit("m3");
    expect(next.chat.editing.get()?.text).toBe("/image size=1024x1536 quality=low model=painter a lighthouse");
    next.chat.retry(painted);
    await settled();
    expect(asked().at(-1)?.body).toMatchObject({ prompt: "a lighthouse", parent_id: null, ...LIGHTHOUSE });
  });

  test("that failed is one all the same, as its model says", async () => {
    const { chat, facts } = await opened();
    facts.catalog.set({
      defaults: { chat: null, image: "painter" },
      connections: [],
      models: [{ id: "painter", generates_images: true } as Model],
    });
    expect(chat.isImage(aMessage({ model: "painter", status: "error" }))).toBe(true);
    expect(chat.isImage(aMessage({ model: "talker" }))).toBe(false);
  });

  test("has a prompt that is edited as one for an image, and replaced by one", async () => {
    const { chat } = await opened();
    chat.edit("m5");
    expect(chat.editing.get()).toEqual({ id: "m5", text: "/image model=painter a lighthouse" });
    chat.submitImage("a lighthouse at dusk", { model: "painter" });
    expect(chat.editing.get()).toBeNull();
    await settled();
    const body = { prompt: "a lighthouse at dusk", conversation_id: "c1", parent_id: "m2", model: "painter" };
    expect(asked().map(call => call.body)).toEqual([body]);
  });

  test("refused in place of another goes back to be edited there", async () => {
    const { chat, outbox } = await opened();
    server.on("POST", GENERATE, jsonResponse(400, { error: { type: "invalid_request", message: "no" } }));
    chat.edit("m5");
    chat.submitImage("a lighthouse at dusk", { model: "painter" });
    await settled();
    chat.editPending(outbox.prompts.get()[0]?.key ?? "");
    expect(chat.editing.get()).toEqual({ id: "m5", text: "/image model=painter a lighthouse at dusk" });
  });
});
