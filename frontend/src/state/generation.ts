/**
 * Follows one answer from the prompt to its end, over every kind of line.
 *
 *                 start                cut, silence, sleep
 *   idle ─► sending ─────────► live ────────────────────► resuming
 *              │  ▲              │ ▲                          │  │
 *     refused  │  └─ no answer:  │ └──────────────────────────┘  │
 *              │     same key    │         an event              │
 *              ▼                 ▼                               ▼
 *            error      done │ stopped │ interrupted │ error ◄───┘
 *
 * No phase is without a way out: a broken line is tried again behind the last event that was seen, with a growing
 * pause, at once when the network or the page comes back. A line that stands and tells nothing, or holds everything
 * back until the end, as some proxies do, is helped out: the message itself is polled beside it.
 * Leaving is not stopping: `leave()` only stops following.
 *
 * Knows the client, time and the fold. Knows nothing of the screen or of conversations.
 */

import { type ApiClient, ApiError, isAbort, NetworkError, toErrorValue } from "../api/client.ts";
import type {
  ChatBody,
  ErrorValue,
  ImageBody,
  Message,
  RetryBody,
  StreamEvent,
  StreamEventData,
  Submitted,
} from "../api/types.ts";
import { emptyFold, type Fold, foldEvent } from "../lib/event-fold.ts";
import { type Atom, atom, type ReadableAtom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";
import { SILENCE_MS, STALE_MS, StreamLine } from "./stream-line.ts";

export type Phase = "idle" | "sending" | "live" | "resuming" | "done" | "stopped" | "interrupted" | "error";

export interface GenerationState {
  readonly phase: Phase;
  /** What is to be shown now. Its id is the server's from `start` on. */
  readonly message: Message;
  readonly notices: readonly string[];
  /** Why the server did not take the prompt. An answer that failed later carries its error itself. */
  readonly refusal: ErrorValue | null;
  /** No answer from the server at the last try. */
  readonly isOffline: boolean;
  /** By this page's clock, milliseconds; null until it is known, or where it can't be known here. */
  readonly startedAt: number | null;
  readonly firstChunkAt: number | null;
  readonly thoughtSeconds: number | null;
  /** From where on its text came as it was made, and not at once because this page came late: what a rate is taken of. */
  readonly ratedFrom: { readonly at: number; readonly characters: number } | null;
}

export type Origin =
  /** A prompt to be sent under its key. */
  | { kind: "submit"; body: ChatBody; key: string; placeholder: Message }
  /** An image to be asked for under its key. */
  | { kind: "image"; body: ImageBody; key: string; placeholder: Message }
  /** Another answer beside the one `of`, or an answer to the prompt `of`; asked for under its key. */
  | { kind: "retry"; of: string; body: RetryBody; key: string; placeholder: Message }
  /** An answer the server is making; `isNew` when it was asked for just now. */
  | { kind: "attach"; message: Message; isNew: boolean };

export interface GenerationListener {
  /** The server has the prompt: it can't get lost any more. */
  started(start: StreamEventData["start"]): void;
  /** The end, whichever; not called after `leave()`. */
  ended(state: GenerationState): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** How often a message is polled while its stream does not get through. */
const POLL_MS = 2_000;
/** A prompt's stream begins with `start` at once; a line that has not brought it by now may be held back. */
const START_MS = 6_000;
/** What comes so soon on a line that was joined late was made before it. */
const TOLD_AGAIN_MS = 1_000;

const TERMINAL: Partial<Record<Message["status"], Phase>> = {
  complete: "done",
  stopped: "stopped",
  interrupted: "interrupted",
  error: "error",
};

export function isSettled(phase: Phase): boolean {
  return phase === "done" || phase === "stopped" || phase === "interrupted" || phase === "error";
}

export class Generation {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #origin: Origin;
  readonly #listener: GenerationListener;
  readonly #state: Atom<GenerationState>;

  #fold: Fold;
  /** The message as it was fetched; shown where it tells more than the events seen so far. */
  #fetched: Message | null;
  #messageId: string | null;
  readonly #line: StreamLine;
  #polling: AbortController | null = null;
  #failures = 0;
  #openedAt = 0;
  /** Whether the last line stood and told nothing. */
  #isHeldBack = false;
  #isLeft = false;
  #isStopWanted = false;

  constructor(client: ApiClient, clock: Clock, origin: Origin, listener: GenerationListener) {
    this.#client = client;
    this.#clock = clock;
    this.#origin = origin;
    this.#listener = listener;
    const message = origin.kind === "attach" ? origin.message : origin.placeholder;
    this.#fold = emptyFold(message);
    this.#fetched = origin.kind === "attach" ? origin.message : null;
    this.#messageId = origin.kind === "attach" ? origin.message.id : null;
    this.#line = new StreamLine(clock);
    this.#state = atom<GenerationState>({
      phase: "idle",
      message,
      notices: [],
      refusal: null,
      isOffline: false,
      startedAt: this.#isSeenFromStart ? clock.now() : null,
      firstChunkAt: null,
      thoughtSeconds: null,
      ratedFrom: null,
    });
  }

  get state(): ReadableAtom<GenerationState> {
    return this.#state;
  }

  /** Whether it is a prompt that the server is not known to have. */
  get isUnconfirmed(): boolean {
    return this.#messageId === null && !this.#isOver;
  }

  /** Follows the answer to its end. To be called once; never rejects. */
  async run(): Promise<void> {
    this.#patch({ phase: this.#isSeenFromStart ? "sending" : "resuming" });
    while (!this.#isOver) {
      const seen = this.#fold.lastEventId;
      try {
        await this.#followOnce();
        if (!this.#isOver) await this.#afterCut(seen, null);
      } catch (error) {
        if (!this.#isOver) await this.#afterCut(seen, error);
      }
    }
  }

  /** The network or the page is back. `isLineSuspect` when the old line can't be trusted whatever it looks like. */
  wake(isLineSuspect = false): void {
    this.#failures = 0;
    this.#line.wake(isLineSuspect && this.#state.get().phase === "live");
  }

  /** Stops following; the server goes on. */
  leave(): void {
    this.#isLeft = true;
    this.#polling?.abort();
    this.#line.drop();
  }

  /** Stops the answer. What was said is kept. */
  async stop(): Promise<void> {
    if (isSettled(this.#state.get().phase)) return;
    if (this.#messageId === null) {
      // The server may have it or not. In a pause it is not being sent: then it need not be.
      this.#isStopWanted = true;
      if (this.#line.isPaused) this.#callOff();
      return;
    }
    const message = await this.#client.stop(this.#messageId);
    if (TERMINAL[message.status]) this.#settle(message);
  }

  #callOff(): void {
    this.#refuse({ type: "cancelled", message: "called off before the server confirmed it" });
  }

  get #isOver(): boolean {
    return this.#isLeft || isSettled(this.#state.get().phase);
  }

  async #followOnce(): Promise<void> {
    let beside = new AbortController();
    const helpOutAfter = (milliseconds: number) =>
      this.#clock.after(milliseconds, () => void this.#pollBeside(beside.signal));
    let callOff = helpOutAfter(this.#isHeldBack ? 0 : this.#messageId === null ? START_MS : STALE_MS);
    try {
      await this.#line.read<StreamEvent>(signal => this.#open(signal), {
        // The line stands, however long the model is silent.
        opened: () => {
          this.#openedAt = this.#clock.now();
          this.#patch({ isOffline: false });
        },
        bytes: () => {
          callOff();
          beside.abort();
          beside = new AbortController();
          callOff = helpOutAfter(STALE_MS);
        },
        event: event => this.#isOver || this.#apply(event),
      });
    } finally {
      callOff();
      beside.abort();
    }
  }

  async #open(signal: AbortSignal): Promise<Response | null> {
    const origin = this.#origin;
    if (this.#messageId === null && origin.kind === "submit")
      return this.#client.chatStream(origin.body, origin.key, { signal });
    if (this.#messageId === null) this.#confirm(await this.#ask(signal));
    const response = await this.#client.messageStream(this.#messageId ?? "", this.#fold.lastEventId, { signal });
    this.#dateStart(response?.headers.get("Date") ?? null);
    return response;
  }

  /** Both times are the server's: what this device thinks of the time of day is nothing to it. Seconds are whole in a header. */
  #dateStart(date: string | null): void {
    if (this.#state.get().startedAt !== null || date === null) return;
    const elapsed = Date.parse(date) - Date.parse(this.#fold.message.created_at);
    if (!Number.isNaN(elapsed)) this.#patch({ startedAt: this.#clock.now() - Math.max(0, elapsed) });
  }

  /** Sends what is to be answered without opening a stream. */
  #ask(signal: AbortSignal): Promise<Submitted> {
    const origin = this.#origin as Exclude<Origin, { kind: "attach" }>;
    switch (origin.kind) {
      case "submit":
        return this.#client.chatSubmit(origin.body, origin.key, { signal });
      case "image":
        return this.#client.generateImage(origin.body, origin.key, { signal });
      case "retry":
        return this.#client.retry(origin.of, origin.body, origin.key, { signal });
    }
  }

  #confirm(submitted: Submitted): void {
    if (this.#isOver || this.#messageId !== null || this.#origin.kind === "attach") return;
    this.#start({ ...submitted, model: this.#origin.body.model ?? "" });
  }

  /** What no stream brings is asked for: who the answer is, under the key of its prompt, and then how far it is. */
  async #pollBeside(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isOver) {
      if (this.#messageId !== null) await this.#poll(signal);
      else if (!this.#isStopWanted) await this.#submit(signal);
      await this.#elapsed(POLL_MS, signal);
    }
  }

  #elapsed(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        callOff();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const callOff = this.#clock.after(milliseconds, end);
      signal.addEventListener("abort", end);
    });
  }

  async #submit(signal: AbortSignal): Promise<void> {
    try {
      this.#confirm(await this.#ask(signal));
    } catch {
      // The first request is still out, and tells what is wrong.
    }
  }

  #apply(event: StreamEvent): void {
    if (event.event === "start" && this.#messageId === null) this.#start(event.data);
    const before = this.#fold;
    this.#fold = foldEvent(before, event);
    if (this.#fold === before) return;
    this.#failures = 0;
    if (this.#fold.isEnded) return this.#settle(this.#fold.message);
    const now = this.#clock.now();
    const { firstChunkAt, thoughtSeconds, ratedFrom } = this.#state.get();
    const isContent = event.event === "delta" || event.event === "reasoning";
    const hasThought = this.#fold.message.parts[0]?.type === "reasoning";
    const first = firstChunkAt ?? (isContent && this.#isSeenFromStart ? now : null);
    this.#patch({
      phase: "live",
      isOffline: false,
      message: this.#shown(),
      notices: this.#fold.notices,
      firstChunkAt: first,
      // Measured only where it was seen from its beginning.
      thoughtSeconds:
        thoughtSeconds ?? (event.event === "delta" && hasThought && first !== null ? (now - first) / 1000 : null),
      ratedFrom: ratedFrom ?? (isContent ? this.#rateFrom(now) : null),
    });
  }

  #rateFrom(at: number): GenerationState["ratedFrom"] {
    if (this.#isSeenFromStart) return { at, characters: 0 };
    const characters = lengthOf(this.#fold.message);
    const isNews = at - this.#openedAt >= TOLD_AGAIN_MS && characters > (this.#fetched ? lengthOf(this.#fetched) : 0);
    return isNews ? { at, characters } : null;
  }

  get #isSeenFromStart(): boolean {
    return this.#origin.kind !== "attach" || this.#origin.isNew;
  }

  #start(start: StreamEventData["start"]): void {
    this.#messageId = start.message_id;
    this.#listener.started(start);
    if (this.#isStopWanted) void this.stop().catch(() => undefined);
  }

  /** Whichever tells more: an answer never shrinks while it is being made. */
  #shown(): Message {
    const folded = this.#fold.message;
    const fetched = this.#fetched;
    return fetched && lengthOf(fetched) > lengthOf(folded) ? { ...fetched, status: "streaming" } : folded;
  }

  async #afterCut(seenBefore: number, error: unknown): Promise<void> {
    if (error instanceof ApiError && !isPassing(error)) return this.#refuse(error.error);
    if (this.#isStopWanted && this.#messageId === null) return this.#callOff();
    const isNew = this.#fold.lastEventId > seenBefore;
    // A server that is not there holds nothing back.
    this.#isHeldBack = !isNew && (error === null || isAbort(error));
    this.#patch({
      phase: this.#messageId === null ? "sending" : "resuming",
      isOffline: error instanceof NetworkError,
    });
    let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures = isNew ? 0 : this.#failures + 1;
    if (this.#messageId !== null && !isNew && (await this.#poll())) pause = Math.min(pause, POLL_MS);
    if (error instanceof ApiError && error.retryAfterSeconds) pause = Math.max(pause, error.retryAfterSeconds * 1000);
    if (!this.#isOver) await this.#line.pause(pause);
  }

  /** Asks for the message itself; whether the server answered. */
  async #poll(beside?: AbortSignal): Promise<boolean> {
    const request = new AbortController();
    const giveUp = () => request.abort();
    const callOff = this.#clock.after(SILENCE_MS, giveUp);
    beside?.addEventListener("abort", giveUp);
    this.#polling = request;
    try {
      const message = await this.#client.message(this.#messageId ?? "", { signal: request.signal });
      if (this.#isOver) return true;
      if (!this.#fetched || lengthOf(message) >= lengthOf(this.#fetched)) this.#fetched = message;
      if (TERMINAL[message.status]) this.#settle(message);
      else this.#patch({ message: this.#shown(), isOffline: false });
      return true;
    } catch (error) {
      if (error instanceof ApiError && !isPassing(error) && !this.#isOver) this.#refuse(error.error);
      if (error instanceof NetworkError) this.#patch({ isOffline: true });
      return false;
    } finally {
      callOff();
      beside?.removeEventListener("abort", giveUp);
      this.#polling = null;
    }
  }

  #settle(message: Message): void {
    if (this.#isOver) return;
    this.#patch({ phase: TERMINAL[message.status] ?? "error", message, isOffline: false });
    this.#end();
  }

  #refuse(refusal: ErrorValue): void {
    if (this.#isOver) return;
    this.#patch({ phase: "error", refusal, isOffline: false });
    this.#end();
  }

  #end(): void {
    this.#polling?.abort();
    this.#line.drop();
    this.#listener.ended(this.#state.get());
  }

  #patch(change: Partial<GenerationState>): void {
    this.#state.update(state => ({ ...state, ...change }));
  }
}

/** All that was said and thought, in characters. */
export function lengthOf({ content, parts }: Message): number {
  return content.length + parts.reduce((sum, part) => sum + (part.type === "reasoning" ? part.text.length : 0), 0);
}

/** Whether asking again, under the same key, may help: the server is not up yet, or a proxy stands before nothing. */
function isPassing(error: ApiError): boolean {
  return error.status >= 500 && error.error.type === "http";
}

/** A failure of `stop()` or the like in plain words. */
export function describeFailure(error: unknown): string {
  return isAbort(error) ? "called off" : toErrorValue(error).message;
}
