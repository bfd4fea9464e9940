/** One answer over a line that breaks at random bytes, again and again: what is shown only ever grows, to the very text. */

import { expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import { aMessage, FakeClock, jsonResponse, settled } from "../testing/fake-server.ts";
import { Generation } from "./generation.ts";

/** Numbers in [0, 1) from a seed (mulberry32), so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const WORDS = [
  "The ",
  "naïve ",
  "borrow\n",
  "⚡️ ",
  "判断 ",
  "checker",
  "👩‍👩‍👧 ",
  "\n\n",
  "data: ",
  "id: 7\n",
  "`x`",
  "\r\n",
];

class UnreliableServer {
  readonly text: string;
  readonly #frames: Uint8Array[];
  readonly #next: () => number;
  cuts = 0;

  constructor(next: () => number) {
    this.#next = next;
    const pieces = Array.from({ length: 60 }, () => WORDS[Math.floor(next() * WORDS.length)] ?? "");
    this.text = pieces.join("");
    const start = { conversation_id: "c1", user_message_id: "m1", message_id: "m2", model: "gpt" };
    const events: [string, object][] = [
      ["start", start],
      ...pieces.map((text): [string, object] => ["delta", { text }]),
      ["done", { message: aMessage({ content: this.text }) }],
    ];
    this.#frames = events.map(([name, data], at) =>
      new TextEncoder().encode(`id: ${at + 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
    );
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (url === "/api/messages/m2") return this.#message();
    if (this.#next() < 0.15) throw new TypeError("refused");
    const after = Number((init.headers as Record<string, string>)["Last-Event-ID"] ?? 0);
    if (after >= this.#frames.length) return new Response(null, { status: 204 });
    return new Response(this.#body(after, init.signal ?? undefined));
  };

  #message(): Response {
    if (this.#next() < 0.5) throw new TypeError("refused");
    const content = this.text.slice(0, Math.floor(this.#next() * this.text.length));
    return jsonResponse(200, aMessage({ status: "streaming", content }));
  }

  /** What is left, from the last event told or the one before it, in pieces of any size, up to some byte. */
  #body(after: number, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const frames = this.#frames.slice(Math.max(0, after - (this.#next() < 0.3 ? 1 : 0)));
    const bytes = Uint8Array.from(frames.flatMap(frame => [...frame]));
    const end = Math.floor(this.#next() ** 3 * 3_000);
    const ending = this.#next();
    let at = 0;
    return new ReadableStream({
      start(controller) {
        signal?.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
      },
      pull: controller => {
        if (at >= Math.min(end, bytes.length)) {
          this.cuts += 1;
          if (ending < 0.4 || at >= bytes.length) controller.close();
          else if (ending < 0.9) controller.error(new TypeError("network error"));
          else return new Promise(() => undefined); // falls silent
          return;
        }
        const size = Math.min(1 + Math.floor(this.#next() * 90), Math.min(end, bytes.length) - at);
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
      },
    });
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))("no character is lost, doubled or moved: %i", async seed => {
  const next = random(seed);
  const server = new UnreliableServer(next);
  const clock = new FakeClock();
  const body = { message: "hello" };
  const placeholder = aMessage({ id: "key", status: "pending" });
  let ends = 0;
  const generation = new Generation(
    new ApiClient(server.fetch, "device"),
    clock,
    { kind: "submit", body, key: "key", placeholder },
    { started: () => undefined, ended: () => ends++ },
  );
  const shown = [""];
  generation.state.subscribe(({ message }) => shown.push(message.content));
  void generation.run();
  for (let turn = 0; turn < 500 && ends === 0; turn++) {
    await settled();
    if (next() < 0.2) generation.wake(next() < 0.5);
    await clock.advance(next() * 8_000);
  }
  expect(generation.state.get().phase).toBe("done");
  expect(shown.at(-1)).toBe(server.text);
  for (const [at, text] of shown.entries()) {
    expect(server.text.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThanOrEqual(shown[at - 1]?.length ?? 0);
  }
  expect(ends).toBe(1);
  expect(clock.pending).toBe(0);
});
