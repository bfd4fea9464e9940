/**
 * Sends what waits in the outbox: each place's prompts one after the other, in the order they were written, and each
 * from one page of this device only. What has its place in the tree already (a branch, another answer) waits for none.
 *
 *   queued ─claimed─► sending ─confirmed by the server─► off the outbox
 *      ▲                 │
 *      └── edited ◄── failed: refused, or called off here or on another page
 *
 * Knows the outbox, the client, and by way of the `Desk` what the reader has open. Knows nothing of how an answer is
 * followed.
 */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { ConversationWithMessages, Message } from "../api/types.ts";
import { MessageTree } from "../lib/message-tree.ts";
import type { ReadableAtom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import type { Clock } from "./clock.ts";
import type { Generation, Origin } from "./generation.ts";
import { blankAnswer, bodyOf, isNew, newConversation, type OpenConversation } from "./open-conversation.ts";
import { CLAIM_MS, isAside, type Outbox, type PendingPrompt, type PromptBody } from "./outbox.ts";
import type { PromptSettings } from "./preferences.ts";

/** What the reader has before them. */
export interface Desk {
  readonly current: ReadableAtom<OpenConversation>;
  /** By message id, and by key before the server gave one. */
  readonly generations: ReadableAtom<ReadonlyMap<string, Generation>>;
  /** Whether the conversation is about to be deleted. */
  isHidden(place: string): boolean;
  path(): Message[];
  /** Of the next prompt. */
  settings(): PromptSettings;
  liveHere(): Generation | null;
  follow(origin: Origin, place: string): void;
}

export class Sender {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #desk: Desk;
  /** Prompts of which it is being found out whether this page may send them. */
  readonly #claiming = new Set<string>();
  #isToLookAgain = false;

  constructor(client: ApiClient, clock: Clock, outbox: Outbox, desk: Desk) {
    this.#client = client;
    this.#clock = clock;
    this.#outbox = outbox;
    this.#desk = desk;
    outbox.prompts.subscribe(() => this.#obey());
  }

  /** The place of a first prompt that was on its way when the page was reloaded: it still is. */
  waitingPlace(): string | undefined {
    return this.#outbox.prompts.get().find(({ place, key }) => isNew(place) && !this.#isFollowed(key))?.place;
  }

  /** Those of the open conversation that another page is sending. */
  sentByAnother(): PendingPrompt[] {
    const { place } = this.#desk.current.get();
    return this.#outbox.at(place).filter(({ key, status }) => status === "sending" && !this.#isFollowed(key));
  }

  /**
   * Sends a queued or refused prompt now, at the end of the path that is shown unless it has a place of its own; a
   * refused one to the model named now, unless it is one of several that are asked. `isOverBudget` lets this once
   * through whatever the budgets say.
   */
  send(key: string, isOverBudget = false): void {
    const { id, place, activeLeafId, asOf } = this.#desk.current.get();
    // A copy may have an old end.
    if (this.#outbox.get(key)?.place !== place || asOf !== null) return;
    this.#claim(key, prompt => {
      // Meanwhile the reader may be elsewhere; then it is sent where it belongs another time.
      if (prompt.status === "sending" || !this.#isOpen(prompt.place)) return this.#outbox.release(key);
      const leaf = this.#desk.path().at(-1)?.id ?? activeLeafId ?? undefined;
      const isForAny = !prompt.again && !prompt.others && !prompt.image;
      const settings = prompt.status === "failed" && isForAny ? this.#desk.settings() : prompt.settings;
      this.#send({ ...prompt, settings }, id, leaf, isOverBudget);
    });
  }

  /** Sends what has its place in the tree already. */
  sendAsides(): void {
    const { place, status, asOf } = this.#desk.current.get();
    for (const prompt of this.#outbox.prompts.get()) {
      const isShown = prompt.place !== place || (status === "ready" && asOf === null);
      if (prompt.status !== "queued" || !isAside(prompt) || isNew(prompt.place) || !isShown) continue;
      this.#claim(prompt.key, claimed => {
        if (claimed.status !== "queued") return this.#outbox.release(prompt.key);
        this.#send(claimed, claimed.place, undefined);
      });
    }
  }

  /** All that can be sent now. */
  sendAll(): void {
    this.resume();
    this.sendNext();
    void this.sendElsewhere();
  }

  /** Prompts that were on their way when the page went are sent again under their key, wherever they belong. */
  resume(): void {
    const { place, status } = this.#desk.current.get();
    for (const { key, place: home, status: sent, body } of this.#outbox.prompts.get()) {
      if (sent !== "sending" || !body || this.#isFollowed(key)) continue;
      // Where it is to be shown it waits until there is something to be shown in.
      if (home !== place || status === "ready") this.#submit(key, body, home);
    }
  }

  /** Sends what waits for the answer that ends the path, once that is whole. */
  sendNext(): void {
    this.sendAsides();
    const { id, place, status, asOf } = this.#desk.current.get();
    const last = this.#desk.path().at(-1);
    if (id === null || status !== "ready" || asOf !== null || this.#desk.liveHere() || !isWhole(last)) return;
    const next = this.#firstAt(place);
    if (next?.status === "queued") this.send(next.key);
  }

  /** Sends what waits behind whole answers of conversations that are not open here. */
  async sendElsewhere(): Promise<void> {
    const places = new Set(this.#outbox.prompts.get().map(prompt => prompt.place));
    for (const place of places) {
      const first = this.#firstAt(place);
      if (isNew(place) || this.#isOpen(place) || this.#desk.isHidden(place) || first?.status !== "queued") continue;
      const found = await this.#client.conversation(place).catch(toErrorValue);
      if ("messages" in found) this.#continue(found, first.key);
      else if (found.type === "not_found") this.bringHome(place);
    }
  }

  /** Their conversation was deleted elsewhere, what was written for it was not: it is shown as a new one's. */
  bringHome(place: string): void {
    const home = newConversation().place;
    const error = { type: "not_found", message: "the conversation it was written for was deleted" };
    for (const { key, again } of this.#outbox.at(place)) {
      // Without its prompt another answer is nothing.
      if (again !== undefined) this.#outbox.remove(key);
      else this.#outbox.change(key, { place: home, status: "failed", error });
    }
  }

  #continue({ id, messages, active_leaf_id }: ConversationWithMessages, key: string): void {
    const leaf = new MessageTree(messages).pathTo(active_leaf_id).at(-1);
    if (this.#isOpen(id) || !isWhole(leaf)) return;
    this.#claim(key, prompt => {
      if (prompt.status !== "queued") return this.#outbox.release(key);
      this.#send(prompt, id, leaf?.id);
    });
  }

  /** `leaf`: the end of the conversation `id`, for a prompt that has no place of its own. */
  #send(prompt: PendingPrompt, id: string | null, leaf: string | undefined, isOverBudget = false): void {
    const { key, place, settings } = prompt;
    const body: PromptBody = { ...bodyOf(prompt, id, leaf), ...(isOverBudget && { budget_override: true }) };
    // A refused prompt changed the server nowhere. One that was called off may be there: the same again pays once.
    const mayBeThere = prompt.error?.type === "cancelled" && JSON.stringify(body) === JSON.stringify(prompt.body);
    const next = prompt.body === null || mayBeThere ? key : randomUuid();
    this.#outbox.change(key, { key: next, settings, status: "sending", error: null, body });
    this.#submit(next, body, place);
  }

  #submit(key: string, body: PromptBody, place: string): void {
    this.#claim(key, prompt => {
      if (prompt.status !== "sending") return this.#outbox.release(key);
      const placeholder = blankAnswer(key, isNew(place) ? "" : place, null, body.model ?? null);
      if ("message" in body) this.#desk.follow({ kind: "submit", body, key, placeholder }, place);
      else if ("prompt" in body) this.#desk.follow({ kind: "image", body, key, placeholder }, place);
      else this.#desk.follow({ kind: "retry", of: prompt.again ?? "", body, key, placeholder }, place);
    });
  }

  /** Does `act` with a prompt that this page may send. One that another page sends is looked at again later. */
  #claim(key: string, act: (prompt: PendingPrompt) => void): void {
    if (this.#claiming.has(key) || this.#isFollowed(key)) return;
    const go = (isMine: boolean) => {
      this.#claiming.delete(key);
      const prompt = this.#outbox.get(key);
      if (isMine && prompt && !this.#isFollowed(key)) act(prompt);
      else if (isMine) this.#outbox.release(key);
      else if (prompt) this.#lookAgain();
    };
    const claim = this.#outbox.claim(key);
    if (claim === true) return go(true);
    this.#claiming.add(key);
    void claim.then(go);
  }

  /** When the claims of a page that was closed have run out. */
  #lookAgain(): void {
    if (this.#isToLookAgain) return;
    this.#isToLookAgain = true;
    this.#clock.after(CLAIM_MS, () => {
      this.#isToLookAgain = false;
      this.sendAll();
    });
  }

  /** Another page of this device may have taken a prompt back, or left one behind. */
  #obey(): void {
    for (const [name, generation] of this.#desk.generations.get()) {
      const isTakenBack = generation.isUnconfirmed && this.#outbox.get(name)?.status !== "sending";
      if (isTakenBack) void generation.stop().catch(() => undefined);
    }
    this.resume();
  }

  /** The first in the queue. A refused prompt holds up no other. */
  #firstAt(place: string): PendingPrompt | undefined {
    return this.#outbox.at(place).find(prompt => prompt.status !== "failed" && !isAside(prompt));
  }

  #isFollowed(key: string): boolean {
    return this.#desk.generations.get().has(key);
  }

  #isOpen(place: string): boolean {
    return this.#desk.current.get().place === place;
  }
}

/** Whether the next prompt may follow it. */
function isWhole(last: Message | undefined): boolean {
  return last === undefined || last.status === "complete";
}
