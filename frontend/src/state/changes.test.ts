import { beforeEach, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Change } from "../api/types.ts";
import { FakeClock, FakeServer, FakeStream, settled } from "../testing/fake-server.ts";
import { Changes } from "./changes.ts";

const PATH = "/api/events";

let server: FakeServer;
let clock: FakeClock;
let heard: string[];
let changes: Changes;

beforeEach(() => {
  server = new FakeServer();
  clock = new FakeClock();
  heard = [];
  const listener = ({ event, data }: Change) =>
    void heard.push("conversation_id" in data ? `${event} ${data.conversation_id}` : event);
  changes = new Changes(new ApiClient(server.fetch, "device"), clock, listener);
});

const event = (id: number, name: string, data: object = {}) =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const created = (id: number) => event(id, "conversation_created", { conversation_id: `c${id}` });
const lastIds = () => server.callsTo("GET", PATH).map(call => call.headers["Last-Event-ID"]);

test("a cut line resumes behind the last change, and a change told twice is heard once", async () => {
  const [first, second] = [new FakeStream(), new FakeStream()];
  server.on("GET", PATH, first, second);
  changes.open();
  await settled();
  first.raw(event(4, "reset") + created(5)).cut();
  await settled();
  await settled();
  expect(changes.isTold.get()).toBe(false);
  await clock.advance(1_000);
  second.raw(created(5) + created(6));
  await settled();
  expect(heard).toEqual(["reset", "conversation_created c5", "conversation_created c6"]);
  expect(lastIds()).toEqual([undefined, "5"]);
  expect(changes.isTold.get()).toBe(true);
});

test("after a reset with lower ids what follows is heard", async () => {
  const [first, second] = [new FakeStream(), new FakeStream()];
  server.on("GET", PATH, first, second);
  changes.open();
  await settled();
  first.raw(event(900, "reset")).end();
  await settled();
  await clock.advance(1_000);
  second.raw(event(7, "reset") + created(8));
  await settled();
  expect(heard).toEqual(["reset", "reset", "conversation_created c8"]);
});

test("closed while nobody looks, open again behind what was heard", async () => {
  const [first, second] = [new FakeStream(), new FakeStream()];
  server.on("GET", PATH, first, second);
  changes.open();
  await settled();
  first.raw(event(4, "reset"));
  await settled();
  changes.close();
  await settled();
  expect(server.calls[0]?.signal?.aborted).toBe(true);
  expect(clock.pending).toBe(0);
  changes.open();
  await settled();
  expect(lastIds()).toEqual([undefined, "4"]);
});

test("where no stream gets through, what is shown is fetched anew now and then", async () => {
  server.on("GET", PATH, new FakeStream());
  changes.open();
  await clock.advance(30_000);
  expect(heard).toEqual(["reset"]);
  expect(changes.isTold.get()).toBe(false);
});

test("a server that is away is asked less and less, and at once when the network is back", async () => {
  server.on("GET", PATH, new TypeError("down"));
  changes.open();
  await clock.advance(300_000);
  const tries = server.calls.length;
  expect(tries).toBeLessThan(20);
  expect(heard).toEqual([]);
  changes.wake(true);
  await settled();
  expect(server.calls.length).toBe(tries + 1);
});
