import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Catalog, ConversationWithMessages, Model } from "../api/types.ts";
import { aMessage, FakeClock, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { chooseModel, isDemoOnly, ServerFacts } from "./catalog.ts";
import { Chat } from "./chat.ts";
import { Conversations } from "./conversations.ts";
import { Outbox } from "./outbox.ts";
import { DeviceStorage, Preferences } from "./preferences.ts";

const START = { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" };
const STREAM = "/api/chat/stream";

let server: FakeServer;
let opened: (string | null)[];
let replaced: (string | null)[];

beforeEach(() => {
  localStorage.clear();
  server = new FakeServer().on("GET", "/api/conversations", { conversations: [], next_cursor: null });
  opened = [];
  replaced = [];
});

function newPage() {
  const storage = new DeviceStorage(localStorage);
  const preferences = new Preferences(storage);
  const client = new ApiClient(server.fetch, preferences.deviceId);
  const clock = new FakeClock();
  const outbox = new Outbox(storage);
  const facts = new ServerFacts(client, clock);
  const conversations = new Conversations(client, clock);
  const navigation = {
    open: (id: string | null) => void opened.push(id),
    replace: (id: string | null) => void replaced.push(id),
  };
  const chat = new Chat({ client, clock, outbox, facts, conversations, preferences, navigation });
  chat.openNew();
  return { chat, outbox, clock, preferences, facts };
}

function conversation(change: Partial<ConversationWithMessages> = {}): ConversationWithMessages {
  return {
    id: "c1",
    title: "t",
    model: null,
    system_prompt: null,
    device_id: null,
    active_leaf_id: "m2",
    created_at: "",
    updated_at: "",
    cost: null,
    message_count: 2,
    is_live: false,
    messages: [aMessage({ id: "m1", parent_id: null, role: "user", content: "hello" }), aMessage({ content: "Hi." })],
    ...change,
  };
}

const done = (content: string, change = {}) => ({ message: aMessage({ content, ...change }) });
const bodies = () => server.callsTo("POST", STREAM).map(call => call.body);
const shown = (chat: Chat) => chat.path().map(message => message.content);

describe("a first prompt", () => {
  test("makes a conversation, and the address follows", async () => {
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    const { chat, outbox } = newPage();
    chat.submitPrompt("hello");
    expect(outbox.at(chat.current.get().place).map(prompt => prompt.status)).toEqual(["sending"]);
    await settled();
    stream.send(1, "start", START).send(2, "delta", { text: "Hi" });
    await settled();
    expect(replaced).toEqual(["c1"]);
    expect(outbox.prompts.get()).toEqual([]);
    expect(shown(chat)).toEqual(["hello", ""]);
    expect(chat.liveHere()?.state.get().message.content).toBe("Hi");
    stream.send(3, "done", done("Hi.")).end();
    await settled();
    expect(shown(chat)).toEqual(["hello", "Hi."]);
    expect(chat.liveHere()).toBeNull();
  });

  test("that is refused stays, and is sent anew under another key", async () => {
    const refusal = jsonResponse(503, { error: { type: "no_route", message: "no key" } });
    const stream = new FakeStream();
    server.on("POST", STREAM, refusal, stream);
    const { chat, outbox } = newPage();
    chat.submitPrompt("hello");
    await settled();
    const [kept] = outbox.prompts.get();
    expect(kept).toMatchObject({ text: "hello", status: "failed", error: { message: "no key" } });
    chat.sendPending(kept?.key ?? "");
    await settled();
    stream.send(1, "start", START);
    await settled();
    expect(shown(chat)).toEqual(["hello", ""]);
    const [first, second] = server.callsTo("POST", STREAM).map(call => call.headers["Idempotency-Key"]);
    expect(first).not.toBe(second);
  });

  test("goes back into the prompt when it is to be changed", async () => {
    server.on("POST", STREAM, jsonResponse(400, { error: { type: "invalid_request", message: "no" } }));
    const { chat, outbox } = newPage();
    chat.submitPrompt("hello");
    await settled();
    chat.editPending(outbox.prompts.get()[0]?.key ?? "");
    expect(chat.returned.get()).toEqual({ text: "hello" });
    expect(outbox.prompts.get()).toEqual([]);
  });

  test("survives a reload before the server confirmed it, under its key", async () => {
    server.on("POST", STREAM, new TypeError("down"));
    newPage().chat.submitPrompt("hello");
    await settled();
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    const { chat } = newPage();
    await settled();
    stream.send(1, "start", START);
    await settled();
    expect(shown(chat)).toEqual(["hello", ""]);
    const keys = new Set(server.callsTo("POST", STREAM).map(call => call.headers["Idempotency-Key"]));
    expect(keys.size).toBe(1);
  });
});

describe("the next prompt", () => {
  async function midAnswer() {
    const [first, second] = [new FakeStream(), new FakeStream()];
    server.on("POST", STREAM, first, second);
    const page = newPage();
    page.chat.submitPrompt("one");
    await settled();
    first.send(1, "start", START);
    await settled();
    page.chat.submitPrompt("two");
    page.chat.submitPrompt("three");
    await settled();
    expect(page.outbox.at("c1").map(prompt => prompt.status)).toEqual(["queued", "queued"]);
    return { ...page, first, second };
  }

  test("waits for the answer, then goes out by itself behind it", async () => {
    const { first, second, outbox } = await midAnswer();
    first.send(2, "done", done("Hi.")).end();
    await settled();
    expect(bodies()).toEqual([{ message: "one" }, { message: "two", conversation_id: "c1", parent_id: "m2" }]);
    second.send(1, "start", { ...START, user_message_id: "m3", message_id: "m4" });
    await settled();
    expect(outbox.prompts.get().map(prompt => prompt.text)).toEqual(["three"]);
  });

  test("is held after a failure until it is sent by hand", async () => {
    const { chat, first, outbox } = await midAnswer();
    const message = aMessage({ status: "error", content: "H", error: { type: "upstream_error", message: "cut" } });
    first.send(2, "error", { error: { type: "upstream_error", message: "cut" }, message }).end();
    await settled();
    expect(bodies().length).toBe(1);
    expect(outbox.at("c1").length).toBe(2);
    chat.sendPending(outbox.at("c1")[0]?.key ?? "");
    await settled();
    expect(bodies().length).toBe(2);
  });
});

describe("a prompt that waits", () => {
  const answered = () => conversation({ messages: [aMessage({ parent_id: null, content: "Hi." })] });
  const asked = { message: "two", conversation_id: "c1", parent_id: "m2" };

  function leaveBehind(status: "queued" | "sending") {
    const { outbox, chat } = newPage();
    const { key } = outbox.add("c1", "two", chat.settings());
    if (status === "sending") outbox.change(key, { status, body: asked });
  }

  test("goes out when its answer ended while nobody looked", async () => {
    server.on("GET", "/api/conversations/c1", answered()).on("POST", STREAM, new FakeStream());
    leaveBehind("queued");
    await newPage().chat.open("c1");
    await settled();
    expect(bodies()).toEqual([asked]);
  });

  test("stays where it is when that answer did not come to its end", async () => {
    const messages = [aMessage({ parent_id: null, status: "interrupted" })];
    server.on("GET", "/api/conversations/c1", conversation({ messages }));
    leaveBehind("queued");
    await newPage().chat.open("c1");
    await settled();
    expect(bodies()).toEqual([]);
  });

  test("goes out behind the end of a conversation that is still being opened", async () => {
    server.on("GET", "/api/conversations/c1", answered()).on("POST", STREAM, new FakeStream());
    const { chat } = newPage();
    const isOpen = chat.open("c1");
    chat.submitPrompt("two");
    await isOpen;
    await settled();
    expect(bodies()).toEqual([asked]);
  });

  test("is sent from wherever the reader is, when the page was reloaded before the server had it", async () => {
    server.on("POST", STREAM, new FakeStream());
    leaveBehind("sending");
    newPage();
    await settled();
    expect(bodies()).toEqual([asked]);
  });

  test("is shown nowhere when another page had it taken back", async () => {
    server
      .on("GET", "/api/conversations/c1", answered())
      .on("POST", STREAM, jsonResponse(409, { error: { type: "conflict", message: "no" } }));
    const { chat, outbox } = newPage();
    await chat.open("c1");
    chat.submitPrompt("two");
    outbox.remove(outbox.prompts.get()[0]?.key ?? "");
    await settled();
    expect([...chat.current.get().messages.keys()]).toEqual(["m2"]);
    expect(chat.generations.get().size).toBe(0);
  });
});

describe("a prompt that was refused", () => {
  test("is sent to the model that is named now", async () => {
    server.on("POST", STREAM, jsonResponse(503, { error: { type: "no_route", message: "no key" } }), new FakeStream());
    const { chat, outbox } = newPage();
    await chat.chooseModel("a");
    chat.submitPrompt("hello");
    await settled();
    await chat.chooseModel("b");
    chat.sendPending(outbox.prompts.get()[0]?.key ?? "");
    await settled();
    expect(bodies()).toEqual([
      { message: "hello", model: "a" },
      { message: "hello", model: "b" },
    ]);
  });

  test("or called off, perhaps too late, is never paid twice", async () => {
    server.on("POST", STREAM, new TypeError("down"), new FakeStream());
    const { chat, outbox } = newPage();
    chat.submitPrompt("hello");
    await settled();
    await chat.stop();
    expect(outbox.prompts.get()[0]).toMatchObject({ status: "failed" });
    chat.sendPending(outbox.prompts.get()[0]?.key ?? "");
    await settled();
    const [first, second] = server.callsTo("POST", STREAM).map(call => call.headers["Idempotency-Key"]);
    expect(first).toBe(second);
  });
});

describe("an open conversation", () => {
  test("catches up with what was said elsewhere, and only then asks for it", async () => {
    const list = (updated_at: string) => ({ conversations: [conversation({ updated_at })], next_cursor: null });
    server.on("GET", "/api/conversations/c1", conversation({ updated_at: "1" }));
    server.on("GET", "/api/conversations", list("1"));
    const { chat } = newPage();
    await chat.open("c1");
    await chat.wake(false);
    expect(server.callsTo("GET", "/api/conversations/c1").length).toBe(1);
    const messages = [
      ...conversation().messages,
      aMessage({ id: "m3", parent_id: "m2", role: "user", content: "from the phone" }),
      aMessage({ id: "m4", parent_id: "m3", content: "Hello, phone." }),
    ];
    server.on("GET", "/api/conversations/c1", conversation({ updated_at: "2", active_leaf_id: "m4", messages }));
    server.on("GET", "/api/conversations", list("2"));
    await chat.wake(false);
    expect(shown(chat)).toEqual(["hello", "Hi.", "from the phone", "Hello, phone."]);
  });

  test("is followed where it is being answered", async () => {
    const stream = new FakeStream();
    const messages = [
      aMessage({ id: "m1", parent_id: null, role: "user", content: "hello" }),
      aMessage({ status: "streaming", content: "H" }),
    ];
    server.on("GET", "/api/conversations/c1", conversation({ messages })).on("GET", "/api/messages/m2/stream", stream);
    const { chat } = newPage();
    await chat.open("c1");
    await settled();
    expect(chat.liveHere()?.state.get().phase).toBe("resuming");
    stream.send(1, "start", START).send(2, "delta", { text: "Hi." }).send(3, "done", done("Hi.")).end();
    await settled();
    expect(shown(chat)).toEqual(["hello", "Hi."]);
  });

  test("that is left stops nothing", async () => {
    const stream = new FakeStream();
    server.on(
      "GET",
      "/api/conversations/c1",
      conversation({ messages: [aMessage({ parent_id: null, status: "streaming" })] }),
    );
    server.on("GET", "/api/messages/m2/stream", stream);
    const { chat } = newPage();
    await chat.open("c1");
    await settled();
    chat.openNew();
    await settled();
    expect(stream.isCancelled || server.callsTo("GET", "/api/messages/m2/stream")[0]?.signal?.aborted).toBe(true);
    expect(server.calls.some(call => call.path.endsWith("/stop"))).toBe(false);
    expect(chat.generations.get().size).toBe(0);
  });

  test("that is not there says so", async () => {
    const { chat } = newPage();
    await chat.open("gone");
    expect(chat.current.get()).toMatchObject({ status: "failed", error: { type: "not_found" } });
  });

  test("retry makes a sibling and shows it", async () => {
    const stream = new FakeStream();
    server
      .on("GET", "/api/conversations/c1", conversation())
      .on("POST", "/api/messages/m2/retry", {
        conversation_id: "c1",
        user_message_id: "m1",
        message_id: "m9",
        status: "pending",
      })
      .on("GET", "/api/messages/m9/stream", stream);
    const { chat } = newPage();
    await chat.open("c1");
    await chat.retry(aMessage());
    await settled();
    stream
      .send(1, "start", { ...START, message_id: "m9" })
      .send(2, "done", done("Hello again.", { id: "m9" }))
      .end();
    await settled();
    expect(shown(chat)).toEqual(["hello", "Hello again."]);
    server.on("PATCH", "/api/conversations/c1", conversation());
    await chat.selectSibling(aMessage());
    expect(shown(chat)).toEqual(["hello", "Hi."]);
    expect(server.callsTo("PATCH", "/api/conversations/c1")[0]?.body).toEqual({ active_leaf_id: "m2" });
  });
});

test("the list is read again until nothing in it is live", async () => {
  const list = (is_live: boolean) => ({ conversations: [conversation({ is_live })], next_cursor: null });
  server.on("GET", "/api/conversations", list(true), list(true), list(false));
  const clock = new FakeClock();
  const conversations = new Conversations(new ApiClient(server.fetch, "device"), clock);
  await conversations.refresh();
  await clock.advance(60_000);
  expect(conversations.list.get().items[0]?.is_live).toBe(false);
  expect(server.calls.length).toBe(3);
  expect(clock.pending).toBe(0);
});

test("an image says that it is being made", async () => {
  server.on("POST", "/api/images/generate", jsonResponse(502, { error: { type: "upstream_error", message: "no" } }));
  const { chat } = newPage();
  const isMade = chat.generateImage("a lighthouse");
  expect(chat.printouts.get().map(({ text }) => text)).toEqual([expect.stringContaining("a lighthouse")]);
  await expect(isMade).rejects.toThrow("no");
  expect(chat.printouts.get()).toEqual([]);
});

describe("the model", () => {
  const model = (id: string, change: Partial<Model> = {}) =>
    ({ id, available: true, is_demo: false, generates_images: false, ...change }) as Model;
  const catalog = (models: Model[]): Catalog => ({
    defaults: { chat: "default", image: null },
    connections: [],
    models,
  });

  test("is the first wish that can be used", () => {
    const known = catalog([model("a", { available: false }), model("b"), model("default")]);
    expect(chooseModel(known, [null, "a", "b"])).toBe("b");
    expect(chooseModel(known, ["a"])).toBe("default");
    expect(chooseModel(null, ["a"])).toBe("a");
  });

  test("the demo is named only when nothing else can answer", () => {
    expect(isDemoOnly(catalog([model("d", { is_demo: true }), model("x", { available: false })]))).toBe(true);
    expect(isDemoOnly(catalog([model("d", { is_demo: true }), model("x")]))).toBe(false);
    expect(isDemoOnly(catalog([]))).toBe(false);
  });
});

test("the device keeps its id, drafts and history, and does without a storage", () => {
  const { preferences } = newPage();
  preferences.keepDraft(null, "half a thou");
  preferences.remember("one");
  preferences.remember("two");
  preferences.remember("one");
  const again = newPage().preferences;
  expect(again.deviceId).toBe(preferences.deviceId);
  expect(again.deviceId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  expect(again.draft(null)).toBe("half a thou");
  expect(again.history.get()).toEqual(["two", "one"]);
  const none = new Preferences(new DeviceStorage(null));
  none.keepDraft("c1", "x");
  expect(none.draft("c1")).toBe("");
});
