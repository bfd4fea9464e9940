/** A scripted server behind a `fetch` that is handed in, and a clock that moves when a test says so. Tests only. */

import type { Message, StreamEventData } from "../api/types.ts";
import type { Clock } from "../state/clock.ts";
import { blankAnswer } from "../state/open-conversation.ts";

export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(2026, 0, 2, 3, 4, 5);
  }

  after(milliseconds: number, act: () => void): () => void {
    const timer = { at: this.#now + milliseconds, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer);
    };
  }

  /** Moves on, and lets everything that became due run its course. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter(timer => timer !== due);
      this.#now = due.at;
      due.act();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  /** What a page that is killed was waiting for does not happen. */
  forget(): void {
    this.#timers = [];
  }

  get pending(): number {
    return this.#timers.length;
  }
}

/** Until everything that can go on without a timer has gone on. */
export async function settled(): Promise<void> {
  const channel = new MessageChannel();
  for (let turn = 0; turn < 12; turn++) {
    await new Promise<void>(resolve => {
      channel.port1.onmessage = () => resolve();
      channel.port2.postMessage(null);
    });
  }
  channel.port1.close();
}

export interface Call {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
  signal: AbortSignal | undefined;
}

/** A body that the test writes piece by piece, and ends, cuts or leaves silent. */
export class FakeStream {
  readonly response: Response;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  isCancelled = false;

  /** `date`: when the server says it is. */
  constructor(date?: string) {
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        this.#controller = controller;
      },
      cancel: () => {
        this.isCancelled = true;
      },
    });
    const headers = { "Content-Type": "text/event-stream", ...(date && { Date: date }) };
    this.response = new Response(body, { headers });
  }

  follow(signal: AbortSignal | undefined): void {
    signal?.addEventListener("abort", () => this.#controller?.error(new DOMException("aborted", "AbortError")));
  }

  send<Name extends keyof StreamEventData>(id: number, event: Name, data: StreamEventData[Name]): this {
    return this.raw(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  raw(text: string): this {
    this.#controller?.enqueue(new TextEncoder().encode(text));
    return this;
  }

  end(): this {
    this.#controller?.close();
    return this;
  }

  /** Breaks the line once what was sent has been read: an error would drop what is still on its way. */
  cut(): this {
    void settled().then(() => this.#controller?.error(new TypeError("network error")));
    return this;
  }
}

export type Answer = FakeStream | Response | Error | object;

/** Answers each call by the first script that names its method and path; the last one of a path repeats. */
export class FakeServer {
  readonly calls: Call[] = [];
  readonly #scripts = new Map<string, Answer[]>();

  on(method: string, path: string, ...answers: Answer[]): this {
    this.#scripts.set(`${method} ${path}`, answers);
    return this;
  }

  callsTo(method: string, path: string): Call[] {
    return this.calls.filter(call => call.method === method && call.path === path);
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const path = url.split("?")[0] ?? url;
    const call: Call = {
      method: init.method ?? "GET",
      path,
      headers: init.headers as Record<string, string>,
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
      signal: init.signal ?? undefined,
    };
    this.calls.push(call);
    const answers = this.#scripts.get(`${call.method} ${path}`) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) return jsonResponse(404, { error: { type: "not_found", message: `nothing at ${path}` } });
    if (answer instanceof Error) throw answer;
    if (answer instanceof FakeStream) {
      if (call.signal?.aborted) throw new DOMException("aborted", "AbortError");
      answer.follow(call.signal);
      return answer.response;
    }
    return answer instanceof Response ? answer.clone() : jsonResponse(200, answer);
  };
}

export function jsonResponse(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

export function aMessage(change: Partial<Message> = {}): Message {
  return {
    ...blankAnswer("m2", "c1", "m1", "gpt"),
    status: "complete",
    provider: "openai",
    created_at: "2026-11-24T19:42:37.123Z",
    ...change,
  };
}
