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
 * No phase is without a way out: a broken line is tried again with a growing pause, at once when the network
 * or the page comes back, and where streams don't get through at all the message is polled instead.
 * Leaving is not stopping: `leave()` only stops following.
 *
 * Knows the client, time and the fold. Knows nothing of the screen or of conversations.
 */

import { type ApiClient, ApiError, isAbort, NetworkError, toErrorValue } from "../api/client.ts";
import { readEvents } from "../api/event-stream.ts";
import type { ChatBody, ErrorValue, Message, StreamEvent, StreamEventData } from "../api/types.ts";
import { emptyFold, type Fold, foldEvent } from "../lib/event-fold.ts";
import { type Atom, atom, type ReadableAtom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";

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
  /** By this page's clock, milliseconds; null until it happened. */
  readonly startedAt: number;
  readonly firstChunkAt: number | null;
  readonly thoughtSeconds: number | null;
}

export type Origin =
  /** A prompt to be sent under its key. */
  | { kind: "submit"; body: ChatBody; key: string; placeholder: Message }
  /** An answer the server is making; `isNew` when it was asked for just now. */
  | { kind: "attach"; message: Message; isNew: boolean };

export interface GenerationListener {
  /** The server has the prompt: it can't get lost any more. */
  started(start: StreamEventData["start"]): void;
  /** The end, whichever; not called after `leave()`. */
  ended(state: GenerationState): void;
}

/** Twice the server's heartbeat: a line silent for so long is dead. */
const SILENCE_MS = 30_000;
/** A page that slept this long without a byte missed a heartbeat at least. */
const STALE_MS = 17_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** How often a message is polled while streams don't get through. */
const POLL_MS = 2_000;
/** Silent tries in a row before streams count as blocked. */
const SILENT_TRIES = 2;

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
  #connection: AbortController | null = null;
  #endPause: (() => void) | null = null;
  #lastBytesAt: number;
  #failures = 0;
  #silentTries = 0;
  #isLeft = false;
  #isStopWanted = false;

  constructor(client: ApiClient, clock: Clock, origin: Origin, listener: GenerationListener) {
    this.#client = client;
    this.#clock = clock;
    this.#origin = origin;
    this.#listener = listener;
    const message = origin.kind === "submit" ? origin.placeholder : origin.message;
    this.#fold = emptyFold(message);
    this.#fetched = origin.kind === "attach" ? origin.message : null;
    this.#messageId = origin.kind === "attach" ? origin.message.id : null;
    this.#lastBytesAt = clock.now();
    this.#state = atom<GenerationState>({
      phase: "idle",
      message,
      notices: [],
      refusal: null,
      isOffline: false,
      startedAt: clock.now(),
      firstChunkAt: null,
      thoughtSeconds: null,
    });
  }

  get state(): ReadableAtom<GenerationState> {
    return this.#state;
  }

  /** Follows the answer to its end. To be called once; never rejects. */
  async run(): Promise<void> {
    this.#patch({ phase: this.#origin.kind === "submit" || this.#origin.isNew ? "sending" : "resuming" });
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
    this.#endPause?.();
    const isStale = this.#clock.now() - this.#lastBytesAt > STALE_MS;
    if (isStale || (isLineSuspect && this.#state.get().phase === "live")) this.#connection?.abort();
  }

  /** Stops following; the server goes on. */
  leave(): void {
    this.#isLeft = true;
    this.#connection?.abort();
    this.#endPause?.();
  }

  /** Stops the answer. What was said is kept. */
  async stop(): Promise<void> {
    if (isSettled(this.#state.get().phase)) return;
    if (this.#messageId === null) {
      // The server may have it or not. In a pause it is not being sent: then it need not be.
      this.#isStopWanted = true;
      if (this.#endPause) this.#callOff();
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
    const connection = new AbortController();
    this.#connection = connection;
    let callOff = this.#clock.after(SILENCE_MS, () => connection.abort());
    const onBytes = () => {
      callOff();
      callOff = this.#clock.after(SILENCE_MS, () => connection.abort());
      this.#lastBytesAt = this.#clock.now();
    };
    this.#lastBytesAt = this.#clock.now();
    try {
      const response = await this.#open(connection.signal);
      if (response === null) return;
      onBytes();
      // The line stands, however long the model is silent.
      this.#patch({ isOffline: false });
      for await (const event of readEvents(response, onBytes)) {
        if (this.#isOver) return;
        this.#apply(event);
      }
    } finally {
      callOff();
      this.#connection = null;
    }
  }

  async #open(signal: AbortSignal): Promise<Response | null> {
    if (this.#messageId !== null)
      return this.#client.messageStream(this.#messageId, this.#fold.lastEventId, { signal });
    const { body, key } = this.#origin as Extract<Origin, { kind: "submit" }>;
    if (this.#silentTries < SILENT_TRIES) return this.#client.chatStream(body, key, { signal });
    // The prompt goes out, but no stream comes back: ask for the answer to be made, then poll it.
    const submitted = await this.#client.chatSubmit(body, key, { signal });
    this.#start({ ...submitted, model: body.model ?? "" });
    return null;
  }

  #apply(event: StreamEvent): void {
    if (event.event === "start" && this.#messageId === null) this.#start(event.data);
    const before = this.#fold;
    this.#fold = foldEvent(before, event);
    if (this.#fold === before) return;
    this.#failures = 0;
    this.#silentTries = 0;
    if (this.#fold.isEnded) return this.#settle(this.#fold.message);
    const now = this.#clock.now();
    const { firstChunkAt, startedAt, thoughtSeconds } = this.#state.get();
    const isContent = event.event === "delta" || event.event === "reasoning";
    const hasThought = this.#fold.message.parts[0]?.type === "reasoning";
    const first = firstChunkAt ?? (isContent ? now : null);
    this.#patch({
      phase: "live",
      isOffline: false,
      message: this.#shown(),
      notices: this.#fold.notices,
      firstChunkAt: first,
      // Measured only where it was seen from its beginning.
      thoughtSeconds:
        thoughtSeconds ??
        (event.event === "delta" && hasThought && this.#isSeenFromStart ? (now - (first ?? startedAt)) / 1000 : null),
    });
  }

  get #isSeenFromStart(): boolean {
    return this.#origin.kind === "submit" || this.#origin.isNew;
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
    return fetched && fetched.content.length > folded.content.length ? { ...fetched, status: "streaming" } : folded;
  }

  async #afterCut(seenBefore: number, error: unknown): Promise<void> {
    if (error instanceof ApiError && !isPassing(error)) return this.#refuse(error.error);
    if (this.#isStopWanted && this.#messageId === null) return this.#callOff();
    const isNew = this.#fold.lastEventId > seenBefore;
    // Silent is a line that stood and told nothing; a server that is not there blocks no streams.
    const wasSilent = !isNew && (error === null || isAbort(error));
    this.#silentTries = isNew ? 0 : this.#silentTries + Number(wasSilent);
    this.#patch({
      phase: this.#messageId === null ? "sending" : "resuming",
      isOffline: error instanceof NetworkError,
    });
    let pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures = isNew ? 0 : this.#failures + 1;
    if (this.#messageId !== null && !isNew && (await this.#poll())) pause = Math.min(pause, POLL_MS);
    if (error instanceof ApiError && error.retryAfterSeconds) pause = Math.max(pause, error.retryAfterSeconds * 1000);
    if (!this.#isOver) await this.#pause(pause);
  }

  /** Asks for the message itself; whether the server answered. */
  async #poll(): Promise<boolean> {
    const connection = new AbortController();
    this.#connection = connection;
    const callOff = this.#clock.after(SILENCE_MS, () => connection.abort());
    try {
      const message = await this.#client.message(this.#messageId ?? "", { signal: connection.signal });
      if (this.#isOver) return true;
      this.#fetched = message;
      if (TERMINAL[message.status]) this.#settle(message);
      else this.#patch({ message: this.#shown(), isOffline: false });
      return true;
    } catch (error) {
      if (error instanceof ApiError && !isPassing(error) && !this.#isOver) this.#refuse(error.error);
      if (error instanceof NetworkError) this.#patch({ isOffline: true });
      return false;
    } finally {
      callOff();
      this.#connection = null;
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const callOff = this.#clock.after(milliseconds, () => this.#endPause?.());
      this.#endPause = () => {
        callOff();
        this.#endPause = null;
        resolve();
      };
    });
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
    this.#connection?.abort();
    this.#endPause?.();
    this.#listener.ended(this.#state.get());
  }

  #patch(change: Partial<GenerationState>): void {
    this.#state.update(state => ({ ...state, ...change }));
  }
}

/** Whether asking again, under the same key, may help: the server is not up yet, or a proxy stands before nothing. */
function isPassing(error: ApiError): boolean {
  return error.status >= 500 && error.error.type === "http";
}

/** A failure of `stop()` or the like in plain words. */
export function describeFailure(error: unknown): string {
  return isAbort(error) ? "called off" : toErrorValue(error).message;
}
