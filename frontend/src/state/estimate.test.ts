import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Catalog, Estimate } from "../api/types.ts";
import { FakeClock, FakeServer, FakeStream, settled } from "../testing/fake-server.ts";
import { ServerFacts } from "./catalog.ts";
import { Chat } from "./chat.ts";
import { Conversations } from "./conversations.ts";
import { CostToSend } from "./estimate.ts";
import { Line } from "./line.ts";
import { Outbox } from "./outbox.ts";
import { DeviceStorage, Preferences } from "./preferences.ts";

const PATH = "/api/chat/estimate";
const answer = (likely: number): Estimate => ({
  tokens_input: { likely: 10, low: 9, high: 12 },
  basis: "counted",
  models: [
    {
      model: "gpt",
      available: true,
      context_window: null,
      fits: true,
      tokens_input: 10,
      tokens_cache_read: 0,
      cost: { likely, low: likely, high: likely },
    },
  ],
  budgets: [],
});

let server: FakeServer;
let chat: Chat;
let clock: FakeClock;
let line: Line;
let cost: CostToSend;
beforeEach(() => {
  localStorage.clear();
  server = new FakeServer().on("POST", PATH, answer(1));
  clock = new FakeClock();
  line = new Line(server.fetch, clock);
  const client = new ApiClient(line.fetch, "device");
  ({ chat } = made(client));
  cost = new CostToSend({ client, clock, line, chat });
});

const likely = () => cost.estimate.get()?.models[0]?.cost?.likely ?? null;

describe("what sending would cost", () => {
  test("is asked once the writing pauses, and for the last words only", async () => {
    for (const text of ["w", "wh", "why"]) {
      cost.write(text);
      await clock.advance(100);
    }
    expect(server.callsTo("POST", PATH)).toEqual([]);
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH).map(call => call.body)).toEqual([{ message: "why", models: ["gpt"] }]);
    expect(likely()).toBe(1);
  });

  test("stays while the next answer is on its way, and goes with the words", async () => {
    cost.write("why");
    await clock.advance(1_000);
    cost.write("why not");
    expect(likely()).toBe(1);
    cost.write("");
    expect(likely()).toBeNull();
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH).length).toBe(1);
  });

  test("is the sum of all models that are asked, and known while the words are on their way", async () => {
    const [model] = answer(1).models;
    server.on("POST", PATH, { ...answer(1), models: [model, { ...answer(2).models[0] }] });
    chat.comparing.set(["gpt", "claude"]);
    cost.write("why ");
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH)[0]?.body).toMatchObject({ models: ["gpt", "claude"] });
    cost.write("");
    expect(cost.likelyOf("why")).toBe(3);
    expect(cost.likelyOf("why not")).toBeUndefined();
    server.on("POST", PATH, { ...answer(1), models: [model, { ...model, cost: null }] });
    cost.write("when", ["a", "b"]);
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH)[1]?.body).toMatchObject({ models: ["a", "b"] });
    expect(cost.likelyOf("when")).toBeUndefined();
  });

  test("counts what is said and sent before it, and what an edited prompt would follow", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", stream);
    chat.submitPrompt("first");
    await settled();
    const ids = { conversation_id: "c1", user_message_id: "m1", message_id: "m2" };
    stream.send(1, "start", { ...ids, model: "gpt" }).send(2, "delta", { text: "so far" });
    await settled();
    chat.submitPrompt("second");
    cost.write("third");
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH).at(-1)?.body).toEqual({
      message: "so far\n\nsecond\n\nthird",
      models: ["gpt"],
      conversation_id: "c1",
      parent_id: "m1",
    });
    chat.edit("m1");
    cost.refresh();
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH).at(-1)?.body).toMatchObject({ message: "third", parent_id: null });
  });

  test("of what was sent for an answer is asked for with the prompt at its place", async () => {
    const stream = new FakeStream();
    const [model] = answer(1).models;
    const sent = { likely: 0.25, low: 0.25, high: 0.25 };
    server
      .on("POST", "/api/chat/stream", stream)
      .on("POST", PATH, { ...answer(1), models: [{ ...model, cost_input: sent }] }, new Error("cut"));
    chat.submitPrompt("first");
    await settled();
    stream.send(1, "start", { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" });
    await settled();
    const made = chat.current.get().messages.get("m2");
    if (!made) throw new Error("there is no answer");
    expect(await cost.inputOf(made)).toBe(0.25);
    expect(server.callsTo("POST", PATH).map(call => call.body)).toEqual([
      { message: "first", models: ["gpt"], conversation_id: "c1", parent_id: null },
    ]);
    expect(await cost.inputOf(made)).toBeNull();
    expect(await cost.inputOf({ ...made, parent_id: "elsewhere" })).toBeNull();
  });

  test("a late answer to earlier words is nobody's", async () => {
    let release: (response: Response) => void = () => undefined;
    const held = new Promise<Response>(resolve => {
      release = resolve;
    });
    const slow = async (url: string, init: RequestInit) => {
      const response = await server.fetch(url, init);
      return server.callsTo("POST", PATH).length === 1 ? held : response;
    };
    const client = new ApiClient(slow, "device");
    const { chat } = made(client);
    cost = new CostToSend({ client, clock, line, chat });
    server.on("POST", PATH, answer(1), answer(2));
    cost.write("first");
    await clock.advance(1_000);
    cost.write("second");
    await clock.advance(1_000);
    expect(likely()).toBe(2);
    release(new Response(JSON.stringify(answer(9))));
    await settled();
    expect(likely()).toBe(2);
  });

  test("without a network or an answer nothing is known, and nothing is complained of", async () => {
    server.on("POST", PATH, new Error("cut"));
    cost.write("why");
    await clock.advance(1_000);
    expect(likely()).toBeNull();
    const calls = server.callsTo("POST", PATH).length;
    expect(line.isOffline.get()).toBe(true);
    cost.write("why not");
    await clock.advance(1_000);
    expect(server.callsTo("POST", PATH).length).toBe(calls);
  });
});

function made(client: ApiClient): { chat: Chat } {
  const storage = new DeviceStorage(localStorage);
  const facts = new ServerFacts(client, clock);
  facts.catalog.set({ defaults: { chat: "gpt", image: null }, connections: [], models: [] } as Catalog);
  const conversations = new Conversations(client, clock);
  const navigation = { open: () => undefined, replace: () => undefined };
  const outbox = new Outbox(storage);
  const preferences = new Preferences(storage);
  return { chat: new Chat({ client, clock, outbox, facts, conversations, preferences, navigation }) };
}
