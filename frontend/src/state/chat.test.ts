import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Catalog, ConversationWithMessages, Model } from "../api/types.ts";
import { aConversation, newPage as openPage } from "../testing/chat-page.ts";
import { aMessage, FakeClock, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { SharedPrompts } from "../testing/shared-prompts.ts";
import { chooseModel, isDemoOnly } from "./catalog.ts";
import type { Chat } from "./chat.ts";
import { Conversations } from "./conversations.ts";
import type { Copies } from "./offline.ts";
import { CLAIM_MS, Outbox, type PromptStore } from "./outbox.ts";
import { DeviceStorage, Preferences } from "./preferences.ts";

const START = { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" };
const STREAM = "/api/chat/stream";

let server: FakeServer;

beforeEach(() => {
  localStorage.clear();
  server = new FakeServer().on("GET", "/api/conversations", { conversations: [], next_cursor: null });
});

const newPage = (store: PromptStore | null = null, copies?: Copies) => openPage(server, store, copies);

const done = (content: string, change = {}) => ({ message: aMessage({ content, ...change }) });
const bodies = () => server.callsTo("POST", STREAM).map(call => call.body);
const shown = (chat: Chat) => chat.path().map(message => message.content);

describe("a first prompt", () => {
  test("makes a conversation, and the address follows", async () => {
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    const { chat, outbox, replaced } = newPage();
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

test("what waits in a conversation that is about to be deleted is not sent, and is there when that is called off", async () => {
  server.on("GET", "/api/conversations/c1", aConversation()).on("POST", STREAM, new FakeStream());
  const { chat, outbox, conversations } = newPage();
  await settled();
  conversations.hide("c1");
  outbox.add("c1", "and then?", { model: null, temperature: null, reasoning: null });
  await chat.wake(false);
  await settled();
  expect(bodies()).toEqual([]);
  conversations.unhide("c1");
  await chat.wake(false);
  await settled();
  expect(bodies()).toMatchObject([{ message: "and then?", conversation_id: "c1" }]);
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
  const answered = () => aConversation({ messages: [aMessage({ parent_id: null, content: "Hi." })] });
  const asked = { message: "two", conversation_id: "c1", parent_id: "m2" };

  function leaveBehind(status: "queued" | "sending") {
    const outbox = new Outbox(new DeviceStorage(localStorage));
    const { key } = outbox.add("c1", "two", { model: null, temperature: null, reasoning: null });
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
    server.on("GET", "/api/conversations/c1", aConversation({ messages }));
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

  test("goes out from wherever the reader is, when its answer ended while nobody looked", async () => {
    server.on("GET", "/api/conversations/c1", answered()).on("POST", STREAM, new FakeStream());
    leaveBehind("queued");
    const { outbox } = newPage();
    await settled();
    expect(bodies()).toEqual([asked]);
    expect(outbox.prompts.get().map(({ status }) => status)).toEqual(["sending"]);
  });

  test("waits with its conversation when that answer is still being made", async () => {
    const messages = [aMessage({ parent_id: null, status: "streaming" })];
    server.on("GET", "/api/conversations/c1", aConversation({ messages })).on("POST", STREAM, new FakeStream());
    leaveBehind("queued");
    const { chat, clock } = newPage();
    await settled();
    expect(bodies()).toEqual([]);
    server.on("GET", "/api/conversations/c1", answered());
    const data = { conversation_id: "c1", message_id: "m2", status: "complete" } as const;
    chat.heard({ event: "message_finished", data });
    await clock.advance(1_000);
    expect(bodies()).toEqual([asked]);
  });

  test("for a conversation that was deleted is shown as a new one's", async () => {
    leaveBehind("queued");
    const { chat, outbox } = newPage();
    await settled();
    chat.openNew();
    expect(outbox.at(chat.current.get().place)).toMatchObject([{ text: "two", status: "failed" }]);
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

describe("two pages of a device", () => {
  const answered = aConversation({ messages: [aMessage({ parent_id: null, content: "Hi." })] });

  async function twoPages() {
    const shared = new SharedPrompts();
    server.on("GET", "/api/conversations/c1", answered);
    const [one, other] = [newPage(shared.at("one")), newPage(shared.at("other"))];
    await one.chat.open("c1");
    await other.chat.open("c1");
    return { shared, one, other };
  }

  test("send a prompt once", async () => {
    const { one, other } = await twoPages();
    server.on("POST", STREAM, new TypeError("down"));
    one.chat.submitPrompt("two");
    await settled();
    expect(other.outbox.at("c1")).toMatchObject([{ text: "two", status: "sending" }]);
    await other.clock.advance(CLAIM_MS * 2);
    void other.chat.wake(true);
    await settled();
    expect(bodies().length).toBe(1);
    expect(other.chat.liveHere()).toBeNull();
    expect(other.chat.canStop.get()).toBe(true);
  });

  test("obey each other: what one stops the other does not send", async () => {
    const { one, other } = await twoPages();
    server.on("POST", STREAM, new TypeError("down"));
    one.chat.submitPrompt("two");
    await settled();
    await other.chat.stop();
    await settled();
    expect(one.chat.liveHere()).toBeNull();
    await one.clock.advance(60_000);
    expect(bodies().length).toBe(1);
    expect(one.outbox.at("c1")).toMatchObject([{ text: "two", status: "failed", error: { type: "cancelled" } }]);
    other.chat.editPending(other.outbox.at("c1")[0]?.key ?? "");
    await settled();
    expect(one.outbox.prompts.get()).toEqual([]);
  });

  test("obey each other: what had reached the server already is stopped there", async () => {
    const { one, other } = await twoPages();
    const stream = new FakeStream();
    server.on("POST", STREAM, stream).on("POST", "/api/messages/m2/stop", aMessage({ status: "stopped" }));
    one.chat.submitPrompt("two");
    await settled();
    await other.chat.stop();
    await settled();
    stream.send(1, "start", START);
    await settled();
    expect(server.callsTo("POST", "/api/messages/m2/stop").length).toBe(1);
    expect(one.outbox.prompts.get()).toEqual([]);
    expect(other.outbox.prompts.get()).toEqual([]);
  });

  test("take over from each other: what a page left behind the next one sends, under its key", async () => {
    const { shared, one, other } = await twoPages();
    server.on("POST", STREAM, new FakeStream());
    one.chat.submitPrompt("two");
    await settled();
    shared.close("one");
    await other.clock.advance(CLAIM_MS);
    expect(bodies().length).toBe(2);
    const keys = server.callsTo("POST", STREAM).map(call => call.headers["Idempotency-Key"]);
    expect(new Set(keys).size).toBe(1);
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
    const list = (message_count: number) => ({ conversations: [aConversation({ message_count })], next_cursor: null });
    server.on("GET", "/api/conversations/c1", aConversation());
    server.on("GET", "/api/conversations", list(2));
    const { chat } = newPage();
    await chat.open("c1");
    await chat.wake(false);
    expect(server.callsTo("GET", "/api/conversations/c1").length).toBe(1);
    const messages = [
      ...aConversation().messages,
      aMessage({ id: "m3", parent_id: "m2", role: "user", content: "from the phone" }),
      aMessage({ id: "m4", parent_id: "m3", content: "Hello, phone." }),
    ];
    server.on("GET", "/api/conversations/c1", aConversation({ active_leaf_id: "m4", messages }));
    server.on("GET", "/api/conversations", list(4));
    await chat.wake(false);
    expect(shown(chat)).toEqual(["hello", "Hi.", "from the phone", "Hello, phone."]);
  });

  test("is followed where it is being answered", async () => {
    const stream = new FakeStream();
    const messages = [
      aMessage({ id: "m1", parent_id: null, role: "user", content: "hello" }),
      aMessage({ status: "streaming", content: "H" }),
    ];
    server.on("GET", "/api/conversations/c1", aConversation({ messages })).on("GET", "/api/messages/m2/stream", stream);
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
      aConversation({ messages: [aMessage({ parent_id: null, status: "streaming" })] }),
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
      .on("GET", "/api/conversations/c1", aConversation())
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
    server.on("PATCH", "/api/conversations/c1", aConversation());
    await chat.selectSibling(aMessage());
    expect(shown(chat)).toEqual(["hello", "Hi."]);
    expect(server.callsTo("PATCH", "/api/conversations/c1")[0]?.body).toEqual({ active_leaf_id: "m2" });
  });
});

describe("a copy on this device", () => {
  const copy = { value: aConversation(), asOf: new Date(2026, 0, 2, 14, 2).getTime() };
  let kept: ConversationWithMessages[];
  const copies: Copies = {
    keepList: async () => undefined,
    keepConversation: async found => void kept.push(found),
    forget: async () => undefined,
    list: async () => ({ value: [copy.value], asOf: copy.asOf }),
    conversation: async id => (id === "c1" ? copy : null),
  };

  beforeEach(() => {
    kept = [];
  });

  test("is shown with its time where the server can't be reached, and replaced when it can", async () => {
    server.on("GET", "/api/conversations/c1", new TypeError("down")).on("GET", "/api/conversations", new TypeError());
    const { chat, conversations } = newPage(null, copies);
    await conversations.refresh();
    expect(conversations.list.get()).toMatchObject({ status: "ready", asOf: copy.asOf, items: [{ id: "c1" }] });
    await chat.open("c1");
    expect(shown(chat)).toEqual(["hello", "Hi."]);
    expect(chat.printouts.get().map(({ text }) => text)).toEqual(["○ as of 14:02 · this device's own copy"]);
    const longer = [
      ...aConversation().messages,
      aMessage({ id: "m3", parent_id: "m2", role: "user", content: "more" }),
      aMessage({ id: "m4", parent_id: "m3", content: "More." }),
    ];
    server.on("GET", "/api/conversations/c1", aConversation({ active_leaf_id: "m4", messages: longer }));
    await chat.wake(true);
    await settled();
    expect(shown(chat)).toEqual(["hello", "Hi.", "more", "More."]);
    expect(chat.printouts.get()).toEqual([]);
    expect(kept.map(({ messages }) => messages.length)).toEqual([4]);
  });

  test("takes prompts, which wait for the end of the conversation as the server has it", async () => {
    server.on("GET", "/api/conversations/c1", new TypeError("down")).on("POST", STREAM, new FakeStream());
    const { chat, outbox } = newPage(null, copies);
    await chat.open("c1");
    chat.submitPrompt("written in a tunnel");
    await settled();
    expect(outbox.at("c1").map(({ status }) => status)).toEqual(["queued"]);
    const longer = [...aConversation().messages, aMessage({ id: "m4", parent_id: "m2", content: "More." })];
    server.on("GET", "/api/conversations/c1", aConversation({ active_leaf_id: "m4", messages: longer }));
    await chat.wake(true);
    await settled();
    expect(bodies()).toEqual([{ message: "written in a tunnel", conversation_id: "c1", parent_id: "m4" }]);
  });

  test("is read while the line is slow", async () => {
    server.on("GET", "/api/conversations/c1", new FakeStream());
    const { chat, clock } = newPage(null, copies);
    void chat.open("c1");
    await clock.advance(1_500);
    expect(shown(chat)).toEqual(["hello", "Hi."]);
    expect(chat.current.get().asOf).toBe(copy.asOf);
  });

  test("of what the server has no more is not shown", async () => {
    const { chat } = newPage(null, copies);
    await chat.open("c1");
    expect(chat.current.get()).toMatchObject({ status: "failed", error: { type: "not_found" } });
  });
});

describe("what was done elsewhere", () => {
  const list = (...conversations: ConversationWithMessages[]) => ({ conversations, next_cursor: null });
  const asked = [
    ...aConversation().messages,
    aMessage({ id: "m3", parent_id: "m2", role: "user", content: "from the phone" }),
    aMessage({ id: "m4", parent_id: "m3", status: "streaming", content: "Hel" }),
  ];
  const longer = aConversation({ active_leaf_id: "m4", messages: asked, message_count: 4 });
  const started = {
    event: "message_started",
    data: { conversation_id: "c1", message_id: "m4", status: "pending" },
  } as const;

  async function openPage() {
    server.on("GET", "/api/conversations/c1", aConversation()).on("GET", "/api/conversations", list(aConversation()));
    const page = newPage();
    await page.chat.open("c1");
    return page;
  }

  test("a prompt is shown, and its answer followed to its end", async () => {
    const { chat, clock } = await openPage();
    const stream = new FakeStream();
    server.on("GET", "/api/conversations/c1", longer).on("GET", "/api/conversations", list(longer));
    server.on("GET", "/api/messages/m4/stream", stream);
    chat.heard(started);
    await clock.advance(1_000);
    expect(shown(chat)).toEqual(["hello", "Hi.", "from the phone", "Hel"]);
    stream.send(1, "start", { ...START, user_message_id: "m3", message_id: "m4" });
    stream.send(2, "done", done("Hello.", { id: "m4", parent_id: "m3" })).end();
    await settled();
    chat.heard({ ...started, event: "message_finished", data: { ...started.data, status: "complete" } });
    await clock.advance(1_000);
    expect(shown(chat)).toEqual(["hello", "Hi.", "from the phone", "Hello."]);
    expect(server.callsTo("GET", "/api/conversations/c1").length).toBe(2);
    expect(clock.pending).toBe(0);
  });

  test("nothing is fetched for what was done here", async () => {
    const { chat, clock } = await openPage();
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    chat.submitPrompt("again");
    await settled();
    chat.heard({ ...started, data: { ...started.data, message_id: "m6" } });
    server.on("GET", "/api/conversations", list(aConversation({ message_count: 4 })));
    await clock.advance(1_000);
    stream.send(1, "start", { ...START, user_message_id: "m5", message_id: "m6" });
    await settled();
    stream.send(2, "done", done("Hi again.", { id: "m6", parent_id: "m5" })).end();
    await settled();
    await clock.advance(1_000);
    expect(server.callsTo("GET", "/api/conversations/c1").length).toBe(1);
    expect(shown(chat)).toEqual(["hello", "Hi.", "again", "Hi again."]);
  });

  test("what was asked elsewhere meanwhile is shown when the answer here has ended", async () => {
    const { chat, clock } = await openPage();
    const stream = new FakeStream();
    server.on("POST", STREAM, stream);
    chat.submitPrompt("again");
    await settled();
    chat.heard(started);
    await clock.advance(1_000);
    stream.send(1, "start", { ...START, user_message_id: "m5", message_id: "m6" });
    const mine = [
      aMessage({ id: "m5", parent_id: "m2", role: "user", content: "again" }),
      aMessage({ id: "m6", parent_id: "m5", content: "Hi again." }),
    ];
    const both = aConversation({ message_count: 6, active_leaf_id: "m6", messages: [...asked, ...mine] });
    server.on("GET", "/api/conversations/c1", both).on("GET", "/api/conversations", list(both));
    server.on("GET", "/api/messages/m4/stream", new FakeStream());
    await settled();
    stream.send(2, "done", done("Hi again.", { id: "m6", parent_id: "m5" })).end();
    await settled();
    await clock.advance(1_000);
    expect(shown(chat)).toEqual(["hello", "Hi.", "again", "Hi again."]);
    expect(chat.current.get().messages.size).toBe(6);
  });

  test("a deletion is said, and its draft goes", async () => {
    const { chat, preferences } = await openPage();
    preferences.keepDraft("c1", "half");
    chat.heard({ event: "conversation_deleted", data: { conversation_id: "c1" } });
    expect(chat.current.get()).toMatchObject({ status: "failed", error: { type: "not_found" } });
    expect(preferences.draft("c1")).toBe("");
  });
});

test("the list is read again until nothing in it is live", async () => {
  const list = (is_live: boolean) => ({ conversations: [aConversation({ is_live })], next_cursor: null });
  server.on("GET", "/api/conversations", list(true), list(true), list(false));
  const clock = new FakeClock();
  const conversations = new Conversations(new ApiClient(server.fetch, "device"), clock);
  await conversations.refresh();
  await clock.advance(60_000);
  expect(conversations.list.get().items[0]?.is_live).toBe(false);
  expect(server.calls.length).toBe(3);
  expect(clock.pending).toBe(0);
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
