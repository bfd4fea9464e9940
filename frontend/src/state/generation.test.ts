import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import { aMessage, FakeClock, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { Generation, type GenerationListener, type GenerationState, type Origin } from "./generation.ts";

const START = { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" };
const BODY = { message: "hello" };
const RESUME = "/api/messages/m2/stream";

let server: FakeServer;
let clock: FakeClock;
let phases: string[];
let started: number;
let ended: GenerationState[];

beforeEach(() => {
  server = new FakeServer();
  clock = new FakeClock();
  phases = [];
  started = 0;
  ended = [];
});

function follow(origin: Origin): Generation {
  const listener: GenerationListener = { started: () => started++, ended: state => ended.push(state) };
  const generation = new Generation(new ApiClient(server.fetch, "device"), clock, origin, listener);
  generation.state.subscribe(({ phase }) => phases.at(-1) !== phase && phases.push(phase));
  void generation.run();
  return generation;
}

const submit = () =>
  follow({ kind: "submit", body: BODY, key: "key-1", placeholder: aMessage({ id: "key-1", status: "pending" }) });
const attach = (content = "") =>
  follow({ kind: "attach", message: aMessage({ status: "streaming", content }), isNew: false });
const text = (generation: Generation) => generation.state.get().message.content;
const complete = (content: string) => ({ message: aMessage({ content }) });

describe("a prompt", () => {
  test("is sent once, under its key, and streams to its end", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", stream);
    const generation = submit();
    await settled();
    stream.send(1, "start", START).send(2, "delta", { text: "Hel" });
    await settled();
    expect(text(generation)).toBe("Hel");
    expect(generation.state.get()).toMatchObject({
      startedAt: 0,
      firstChunkAt: 0,
      ratedFrom: { at: 0, characters: 0 },
    });
    stream.send(3, "delta", { text: "lo." }).send(4, "done", complete("Hello.")).end();
    await settled();
    expect(phases).toEqual(["sending", "live", "done"]);
    expect(text(generation)).toBe("Hello.");
    expect(ended.length).toBe(1);
    const [call, ...others] = server.calls;
    expect(others).toEqual([]);
    expect(call?.headers).toMatchObject({
      "Idempotency-Key": "key-1",
      "X-Device-ID": "device",
      "Content-Type": "application/json",
    });
    expect(call?.body).toEqual(BODY);
    expect(clock.pending).toBe(0);
  });

  test("that meets no server is sent again under the same key", async () => {
    const stream = new FakeStream();
    server.on(
      "POST",
      "/api/chat/stream",
      new TypeError("refused"),
      new Response("bad gateway", { status: 502 }),
      stream,
    );
    const generation = submit();
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "sending", isOffline: true });
    await clock.advance(2_000);
    stream.send(1, "start", START).send(2, "done", complete("Hi.")).end();
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "done", isOffline: false });
    const keys = server.callsTo("POST", "/api/chat/stream").map(call => call.headers["Idempotency-Key"]);
    expect(keys).toEqual(["key-1", "key-1", "key-1"]);
    expect(started).toBe(1);
  });

  test("that was cut before its start was seen attaches by its key", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", new FakeStream().raw(": hello\n\n").cut(), stream);
    submit();
    await settled();
    await settled();
    await clock.advance(500);
    stream.send(1, "start", START).send(2, "done", complete("Hi.")).end();
    await settled();
    expect(phases).toEqual(["sending", "live", "done"]);
  });

  test("that is refused says why, and is not sent again", async () => {
    server.on("POST", "/api/chat/stream", jsonResponse(503, { error: { type: "no_route", message: "no key" } }));
    submit();
    await settled();
    expect(ended[0]).toMatchObject({ phase: "error", refusal: { type: "no_route", message: "no key" } });
    expect(server.calls.length).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test("whose stream is held back is submitted beside it, and its answer polled until the stream brings all at once", async () => {
    const stream = new FakeStream();
    server
      .on("POST", "/api/chat/stream", stream)
      .on("POST", "/api/chat/submit", { ...START, status: "pending" })
      .on("GET", "/api/messages/m2", aMessage({ status: "streaming", content: "Half" }));
    const generation = submit();
    await settled();
    await clock.advance(6_000 + 2_000);
    expect(server.callsTo("POST", "/api/chat/submit").map(call => call.headers["Idempotency-Key"])).toEqual(["key-1"]);
    expect(started).toBe(1);
    expect(text(generation)).toBe("Half");
    stream.send(1, "start", START).send(2, "delta", { text: "Half and " }).send(3, "delta", { text: "half." });
    await settled();
    expect(text(generation)).toBe("Half and half.");
    expect(generation.state.get().phase).toBe("live");
    const polls = server.callsTo("GET", "/api/messages/m2").length;
    await clock.advance(10_000);
    expect(server.callsTo("GET", "/api/messages/m2").length).toBe(polls);
    stream.send(4, "done", complete("Half and half.")).end();
    await settled();
    expect(generation.state.get().phase).toBe("done");
    expect(started).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test("whose stream never comes through is answered all the same", async () => {
    server
      .on("POST", "/api/chat/stream", new FakeStream())
      .on("POST", "/api/chat/submit", { ...START, status: "pending" })
      .on("GET", RESUME, new FakeStream(), new FakeStream(), new FakeStream())
      .on(
        "GET",
        "/api/messages/m2",
        ...Array.from({ length: 40 }, (_, at) => aMessage({ status: "streaming", content: "word ".repeat(at + 1) })),
        aMessage({ content: "All of it." }),
      );
    const generation = submit();
    await settled();
    let before = text(generation);
    for (let seconds = 10; seconds <= 60; seconds += 10) {
      await clock.advance(10_000);
      expect(text(generation).length).toBeGreaterThan(before.length);
      before = text(generation);
    }
    await clock.advance(120_000);
    expect(generation.state.get().phase).toBe("done");
    expect(text(generation)).toBe("All of it.");
    expect(clock.pending).toBe(0);
  });
});

describe("a line", () => {
  test("cut at every event resumes after the last one, and no character is lost or doubled", async () => {
    const words = ["The ", "borrow ", "checker ", "is ", "the ", "judge."];
    for (let cut = 1; cut <= words.length; cut++) {
      server = new FakeServer();
      const [first, second] = [new FakeStream(), new FakeStream()];
      server.on("POST", "/api/chat/stream", first).on("GET", RESUME, second);
      server.on("GET", "/api/messages/m2", aMessage({ status: "streaming", content: "" }));
      const generation = submit();
      await settled();
      first.send(1, "start", START);
      for (const [at, word] of words.slice(0, cut).entries()) first.send(at + 2, "delta", { text: word });
      // The next one arrives in part: an event that was not whole was not seen.
      first.raw(`id: ${cut + 2}\nevent: delta\ndata: {"te`).cut();
      await settled();
      await settled();
      expect(generation.state.get().phase).toBe("resuming");
      await clock.advance(500);
      expect(server.callsTo("GET", RESUME)[0]?.headers["Last-Event-ID"]).toBe(String(cut + 1));
      // A server may well tell the last one again.
      for (const [at, word] of words.entries()) if (at + 2 >= cut + 1) second.send(at + 2, "delta", { text: word });
      await settled();
      expect(text(generation)).toBe(words.join(""));
      second.send(99, "done", complete(words.join(""))).end();
      await settled();
      expect(generation.state.get().phase).toBe("done");
    }
  });

  test("that is silent for 30 s is dropped, heartbeats keep it", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", stream).on("GET", RESUME, new FakeStream());
    server.on("GET", "/api/messages/m2", aMessage({ status: "streaming" }));
    const generation = submit();
    await settled();
    stream.send(1, "start", START);
    await settled();
    for (let beat = 0; beat < 4; beat++) {
      await clock.advance(15_000);
      stream.raw(": heartbeat\n\n");
      await settled();
    }
    expect(generation.state.get().phase).toBe("live");
    await clock.advance(30_000);
    expect(generation.state.get().phase).toBe("resuming");
    await clock.advance(500);
    expect(server.callsTo("GET", RESUME).length).toBe(1);
  });

  test("is tried again at once when the network is back", async () => {
    const stream = new FakeStream();
    const down = new TypeError("down");
    server.on("POST", "/api/chat/stream", new FakeStream().send(1, "start", START).cut());
    server.on("GET", RESUME, down, down, down, down, stream).on("GET", "/api/messages/m2", down);
    const generation = submit();
    await settled();
    await settled();
    await clock.advance(500 + 500 + 1_000 + 2_000);
    expect(generation.state.get()).toMatchObject({ phase: "resuming", isOffline: true });
    const before = server.callsTo("GET", RESUME).length;
    generation.wake();
    await settled();
    expect(server.callsTo("GET", RESUME).length).toBe(before + 1);
  });

  test("of a page that slept is replaced when it wakes", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", stream).on("GET", RESUME, new FakeStream());
    server.on("GET", "/api/messages/m2", aMessage({ status: "streaming", content: "a" }));
    const generation = submit();
    await settled();
    stream.send(1, "start", START).send(2, "delta", { text: "a" });
    await settled();
    generation.wake();
    await settled();
    expect(generation.state.get().phase).toBe("live");
    await clock.advance(20_000);
    generation.wake();
    await settled();
    expect(generation.state.get().phase).toBe("resuming");
  });

  test("pauses grow, and not for ever", async () => {
    server.on("GET", RESUME, new TypeError("down")).on("GET", "/api/messages/m2", new TypeError("down"));
    attach();
    await settled();
    await clock.advance(120_000);
    const tries = server.callsTo("GET", RESUME).length;
    expect(tries).toBeGreaterThan(8);
    expect(tries).toBeLessThan(16);
  });
});

describe("an answer that is being made when the page opens", () => {
  test("is told again from the start, and never shows less than was stored", async () => {
    const stream = new FakeStream();
    server.on("GET", RESUME, stream);
    const generation = attach("The borrow ");
    await settled();
    expect(server.calls[0]?.headers["Last-Event-ID"]).toBe("0");
    const seen: string[] = [];
    generation.state.subscribe(() => seen.push(text(generation)));
    stream.send(1, "start", START).send(2, "delta", { text: "The " }).send(3, "delta", { text: "borrow checker" });
    await settled();
    expect(seen.every(shown => shown.length >= "The borrow ".length)).toBe(true);
    expect(text(generation)).toBe("The borrow checker");
    expect(phases).toEqual(["resuming", "live"]);
  });

  test("has run since the server began it, by the server's clock, and its rate is that of what came since", async () => {
    const stream = new FakeStream("Tue, 24 Nov 2026 19:42:45 GMT");
    server.on("GET", RESUME, stream);
    const generation = attach("The borrow ");
    expect(generation.state.get().startedAt).toBeNull();
    await settled();
    await clock.advance(100);
    stream.send(1, "start", START).send(2, "reasoning", { text: "Hm." }).send(3, "delta", { text: "The borrow check" });
    await settled();
    const elapsed = clock.now() - (generation.state.get().startedAt ?? Number.NaN);
    expect(elapsed).toBe(7_877 + 100);
    expect(generation.state.get()).toMatchObject({ firstChunkAt: null, thoughtSeconds: null, ratedFrom: null });
    await clock.advance(1_000);
    stream.send(4, "delta", { text: "er" });
    await settled();
    expect(generation.state.get().ratedFrom).toEqual({ at: 1_100, characters: "Hm.The borrow checker".length });
  });

  test("has run for a time that nobody knows where the server does not say what time it is", async () => {
    const stream = new FakeStream();
    server.on("GET", RESUME, stream);
    const generation = attach("The ");
    stream.send(1, "start", START).send(2, "delta", { text: "The borrow" });
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "live", startedAt: null });
  });

  test("that ended meanwhile is fetched", async () => {
    server
      .on("GET", RESUME, new Response(null, { status: 204 }))
      .on("GET", "/api/messages/m2", aMessage({ content: "All.", status: "stopped" }));
    const generation = attach("A");
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "stopped", message: { content: "All." } });
  });

  test("that is gone says so", async () => {
    server.on("GET", RESUME, jsonResponse(404, { error: { type: "not_found", message: "no such message" } }));
    const generation = attach("A");
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "error", refusal: { type: "not_found" } });
  });

  test("is left without being stopped", async () => {
    const stream = new FakeStream();
    server.on("GET", RESUME, stream);
    const generation = attach();
    await settled();
    generation.leave();
    await settled();
    expect(ended).toEqual([]);
    expect(server.calls.every(call => call.method === "GET")).toBe(true);
    expect(server.calls[0]?.signal?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe("stop", () => {
  test("asks the server, and shows what it kept", async () => {
    const stream = new FakeStream();
    server
      .on("POST", "/api/chat/stream", stream)
      .on("POST", "/api/messages/m2/stop", aMessage({ status: "stopped", content: "Hel" }));
    const generation = submit();
    await settled();
    stream.send(1, "start", START).send(2, "delta", { text: "Hel" });
    await settled();
    await generation.stop();
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "stopped", message: { content: "Hel" } });
    expect(ended.length).toBe(1);
  });

  test("before the start is known stops as soon as it is", async () => {
    const stream = new FakeStream();
    server.on("POST", "/api/chat/stream", stream).on("POST", "/api/messages/m2/stop", aMessage({ status: "stopped" }));
    const generation = submit();
    await settled();
    await generation.stop();
    stream.send(1, "start", START);
    await settled();
    expect(generation.state.get().phase).toBe("stopped");
  });

  test("while the server can't be reached gives the prompt back", async () => {
    server.on("POST", "/api/chat/stream", new TypeError("down"));
    const generation = submit();
    await settled();
    await generation.stop();
    await settled();
    expect(generation.state.get()).toMatchObject({ phase: "error", refusal: { type: "cancelled" } });
    expect(clock.pending).toBe(0);
  });

  test("while nothing answers holds as soon as that line is given up", async () => {
    server.on("POST", "/api/chat/stream", new FakeStream());
    const generation = submit();
    await settled();
    await generation.stop();
    await clock.advance(30_000);
    expect(generation.state.get()).toMatchObject({ phase: "error", refusal: { type: "cancelled" } });
    expect(server.calls.length).toBe(1);
  });
});
