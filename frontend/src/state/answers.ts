/**
 * The answers that are followed here, from the prompt that is being sent to the message that is whole.
 *
 * Knows where each belongs in what is read, and what the outbox is to keep until the server has it. Knows nothing of
 * when a prompt is sent, or of what is brought up to date when an answer has ended: the listener is told.
 */

import type { ApiClient } from "../api/client.ts";
import type { Message } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";
import { Generation, type GenerationState, isSettled, type Origin, type Phase } from "./generation.ts";
import { blankAnswer } from "./open-conversation.ts";
import type { Outbox } from "./outbox.ts";
import type { Preferences } from "./preferences.ts";
import type { Reading } from "./reading.ts";

export interface AnswersListener {
  /** The server has the prompt. `isBeside`: its answer is one of several that were asked for at once, and shown here. */
  arrived(conversationId: string, isBeside: boolean): void;
  /** The end of an answer in `place`, or of the prompt that the server did not take. */
  ended(place: string, phase: Phase): void;
}

export class Answers {
  /** By message id, and by key before the server gave one. */
  readonly generations = atom<ReadonlyMap<string, Generation>>(new Map());
  /** Of the answer that was last heard of. */
  readonly phase = atom<Phase | null>(null);
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #preferences: Preferences;
  readonly #reading: Reading;
  readonly #listener: AnswersListener;

  constructor(
    parts: { client: ApiClient; clock: Clock; outbox: Outbox; preferences: Preferences },
    reading: Reading,
    listener: AnswersListener,
  ) {
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.#outbox = parts.outbox;
    this.#preferences = parts.preferences;
    this.#reading = reading;
    this.#listener = listener;
  }

  /** Whether it is, or was just now, followed here. */
  has(name: string): boolean {
    return this.generations.get().has(name);
  }

  /** Those that run in the open conversation, the latest last. */
  liveHere(): Generation[] {
    const { place, messages } = this.#reading.current.get();
    const isHere = (name: string) => messages.has(name) || this.#outbox.get(name)?.place === place;
    return [...this.generations.get()].flatMap(([name, generation]) =>
      !isSettled(generation.state.get().phase) && isHere(name) ? [generation] : [],
    );
  }

  /** Whether a prompt is on its way whose messages may be on the server, and are not known to be ours. */
  isSendingHere(): boolean {
    const { place } = this.#reading.current.get();
    return [...this.generations.get().keys()].some(name => this.#outbox.get(name)?.place === place);
  }

  follow(origin: Origin, place: string): void {
    let name = origin.kind === "attach" ? origin.message.id : origin.key;
    let home = place;
    const generation: Generation = new Generation(this.#client, this.#clock, origin, {
      started: start => {
        if (origin.kind === "attach") return;
        this.#rename(name, start.message_id, generation);
        name = start.message_id;
        this.#arrive(origin, start.conversation_id, start.user_message_id, start.message_id, home);
        home = start.conversation_id;
      },
      ended: state => this.#ended(state, name, home),
    });
    this.generations.update(generations => new Map(generations).set(name, generation));
    generation.state.subscribe(state => this.phase.set(state.phase));
    void generation.run();
  }

  /** The reader goes elsewhere: the server goes on alone. */
  leave(): void {
    for (const [name, generation] of this.generations.get()) {
      // One that the server has not confirmed is followed until it has.
      if (this.#outbox.get(name)) continue;
      generation.leave();
      this.#forget(name);
    }
  }

  /** The server has it: prompt and answer take their place in the tree, and the other models are asked. */
  #arrive(
    origin: Exclude<Origin, { kind: "attach" }>,
    id: string,
    userId: string,
    answerId: string,
    place: string,
  ): void {
    const { text = "", others = [], image } = this.#outbox.get(origin.key) ?? {};
    this.#outbox.remove(origin.key);
    // Should this happen again, after a crash, they are the same under the same keys.
    for (const [at, settings] of others.entries())
      this.#outbox.add(id, text, settings, { again: userId }, `${origin.key}-${at + 1}`);
    if (image) this.#preferences.keepImageWish(answerId, image);
    const isRetry = origin.kind === "retry" && origin.of !== userId;
    if (others.length > 0) this.#preferences.showSideBySide(userId, true);
    else if (isRetry && !this.#preferences.sideBySide.get()[userId]) this.#preferences.showSideBySide(userId, false);
    const isShown = this.#reading.current.get().place === place;
    const isBeside = isShown && origin.kind === "retry" && origin.of === userId;
    if (isShown) {
      this.#reading.settleIn(id);
      const answer = blankAnswer(answerId, id, userId, origin.body.model ?? null);
      if (origin.kind === "retry") this.#reading.put([answer], isBeside ? undefined : answerId);
      else {
        const parent = origin.body.parent_id ?? null;
        const content = origin.kind === "image" ? origin.body.prompt : origin.body.message;
        const prompt: Message = { ...blankAnswer(userId, id, parent, null), role: "user", content };
        this.#reading.put([{ ...prompt, status: "complete" }, answer], answerId);
      }
    } else {
      // The reader went elsewhere meanwhile; the server goes on alone.
      this.#outbox.move(place, id);
      this.generations.get().get(answerId)?.leave();
      this.#forget(answerId);
    }
    this.#listener.arrived(id, isBeside);
  }

  #ended({ message, refusal, phase }: GenerationState, name: string, place: string): void {
    const prompt = this.#outbox.get(name);
    if (refusal && prompt) {
      this.#outbox.change(name, { status: "failed", error: refusal });
      this.#forget(name);
    } else if (!this.#reading.current.get().messages.has(message.id)) {
      // Another page of this device took the prompt back, or the reader is elsewhere.
      this.#forget(name);
    } else {
      // A refusal without a prompt: the answer itself can't be asked for any more.
      this.#reading.put([refusal ? { ...message, status: "error", error: refusal } : message]);
    }
    this.#listener.ended(place, phase);
    // The same entries in a new map: those who watch it learn that one of them is settled.
    this.generations.update(generations => new Map(generations));
  }

  #rename(from: string, to: string, generation: Generation): void {
    const generations = new Map(this.generations.get());
    generations.get(to)?.leave();
    generations.delete(from);
    this.generations.set(generations.set(to, generation));
  }

  #forget(name: string): void {
    const generations = new Map(this.generations.get());
    generations.delete(name);
    this.generations.set(generations);
  }
}
