/**
 * Keeps the open conversation, and the list of them, as the server has them: after it is opened, when the page wakes,
 * and when something was done elsewhere. Without a server, and until it answers, this device's own copy is shown.
 *
 * Knows the client, the copies, and who is to be told when there is something new. Knows nothing of how a prompt is
 * sent or an answer followed.
 */

import { type ApiClient, ApiError, toErrorValue } from "../api/client.ts";
import type { Change, ConversationWithMessages } from "../api/types.ts";
import { formatDate, formatTime } from "../lib/format.ts";
import type { Answers } from "./answers.ts";
import type { Branches } from "./branches.ts";
import type { ServerFacts } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import type { Copies } from "./offline.ts";
import { isMade, type OpenConversation } from "./open-conversation.ts";
import type { Preferences } from "./preferences.ts";
import type { Printouts } from "./printouts.ts";
import type { Reading } from "./reading.ts";
import type { Sender } from "./sender.ts";

/** How long an empty screen is looked at while there is a copy to read. */
const COPY_AFTER_MS = 1_500;

export interface UpkeepParts {
  client: ApiClient;
  clock: Clock;
  facts: ServerFacts;
  conversations: Conversations;
  preferences: Preferences;
  copies?: Copies;
  reading: Reading;
  answers: Answers;
  branches: Branches;
  printouts: Printouts;
  sender: Sender;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  /** The line that says how old the copy is. */
  #copyNote = "";

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /**
   * Fetches the open conversation again and follows whatever is being answered in it. Until that is there, or where the
   * server can't be reached, this device's own copy is shown.
   */
  async reload(): Promise<void> {
    const { client, clock, copies, reading } = this.#parts;
    const { id, place } = reading.current.get();
    if (id === null) return;
    const isStillOpen = () => reading.current.get().place === place;
    const callOff = clock.after(COPY_AFTER_MS, () => void this.#showCopy(id));
    try {
      const found = await client.conversation(id);
      if (isStillOpen()) this.#take(found);
    } catch (error) {
      if (error instanceof ApiError) {
        if (error.status === 404) void copies?.forget(id);
      } else if (await this.#showCopy(id)) return;
      if (isStillOpen())
        reading.current.update(current => ({ ...current, status: "failed", error: toErrorValue(error), asOf: null }));
    } finally {
      callOff();
    }
  }

  /** Whether there is one, and it is what is shown now. */
  async #showCopy(id: string): Promise<boolean> {
    const { clock, copies, printouts, reading } = this.#parts;
    const copy = await copies?.conversation(id);
    const { status, asOf } = reading.current.get();
    if (!copy || reading.current.get().id !== id || status === "ready") return copy != null && asOf !== null;
    reading.show(copy.value, copy.asOf);
    const [made, now] = [new Date(copy.asOf), clock.date()];
    const day = made.toDateString() === now.toDateString() ? "" : `${formatDate(made, now)}, `;
    const text = `○ as of ${day}${formatTime(made)} · this device's own copy`;
    this.#copyNote = printouts.print({ after: reading.path().at(-1)?.id ?? null, kind: "notice", text, rows: [] });
    return true;
  }

  #keepCopy(): void {
    const { conversation, messages, activeLeafId, asOf } = this.#parts.reading.current.get();
    const whole = [...messages.values()];
    if (!conversation || asOf !== null || whole.some(isMade)) return;
    void this.#parts.copies?.keepConversation({ ...conversation, active_leaf_id: activeLeafId, messages: whole });
  }

  /** The network or the page is back, or another page of this device did something. */
  async wake(isLineSuspect: boolean): Promise<void> {
    const { answers, conversations, reading, sender } = this.#parts;
    for (const generation of answers.generations.get().values()) generation.wake(isLineSuspect);
    const { status, asOf } = reading.current.get();
    if (status === "failed" || asOf !== null) void this.reload();
    await conversations.refresh();
    await this.#catchUp();
    await sender.sendElsewhere();
  }

  /** Something was done on the server, here or on another page or device. */
  heard(change: Change): void {
    if (change.event === "reset") void this.wake(false);
    else if (change.event === "conversation_deleted") this.#gone(change.data.conversation_id);
    else void this.#follows(change);
  }

  async #follows({ event, data }: Exclude<Change, { event: "reset" }>): Promise<void> {
    const { answers, facts, reading, sender } = this.#parts;
    await this.refreshList(data.conversation_id);
    if (event === "message_finished" && !answers.has(data.message_id)) void facts.refreshToday();
    if (data.conversation_id === reading.current.get().id) await this.#catchUp();
    else if (event === "message_finished") await sender.sendElsewhere();
  }

  #gone(id: string): void {
    const { conversations, copies, preferences, reading, sender } = this.#parts;
    void copies?.forget(id);
    preferences.keepDraft(id, "");
    preferences.keepEdit(id, null);
    if (conversations.isHidden(id)) return; // deleted on this page, which sees to the rest
    conversations.remove(id);
    sender.bringHome(id);
    const error = { type: "not_found", message: "this conversation was deleted, on another page or device" };
    if (reading.current.get().id === id) reading.current.update(current => ({ ...current, status: "failed", error }));
  }

  /** An answer came to its end in the conversation `id`: what the server says of both is fetched, and kept. */
  async settle(id: string): Promise<void> {
    void this.#parts.facts.refreshToday();
    await this.refreshList(id);
    this.#keepCopy();
    await this.#catchUp();
  }

  /** Shows what was said in the open conversation elsewhere: a prompt must not go out behind an old end of it. */
  async #catchUp(): Promise<void> {
    const { answers, client, reading } = this.#parts;
    const seen = reading.current.get();
    if (seen.status !== "ready" || seen.asOf !== null || answers.isSendingHere() || !this.#isBehind(seen)) return;
    // It was shown well enough: should this fail, the next time will do.
    const found = await client.conversation(seen.id ?? "").catch(() => null);
    // What happened here meanwhile is newer than what was asked for.
    if (found && reading.current.get() === seen) this.#take(found);
  }

  /** Whether the server lists more of it than is shown, or an answer that nobody follows may have gone on. */
  #isBehind({ id, messages }: OpenConversation): boolean {
    const { answers, conversations } = this.#parts;
    const listed = conversations.list.get().items.find(conversation => conversation.id === id);
    if (!listed) return false;
    if (listed.message_count > messages.size) return true;
    return [...messages.values()].some(message => isMade(message) && !answers.has(message.id));
  }

  #take(found: ConversationWithMessages): void {
    const { answers, branches, printouts, reading, sender } = this.#parts;
    reading.show(found, null, answers.liveHere().length > 0);
    printouts.dismiss(this.#copyNote);
    for (const message of found.messages) {
      if (isMade(message) && !answers.has(message.id))
        answers.follow({ kind: "attach", message, isNew: false }, found.id);
    }
    this.#keepCopy();
    branches.resumeEditing();
    sender.resume();
    sender.sendNext();
  }

  /** Fetches the list; what it says of `id` counts for the open conversation too. */
  async refreshList(id: string): Promise<void> {
    const { conversations, reading } = this.#parts;
    const { conversation } = reading.current.get();
    await conversations.refreshSoon();
    const found = conversations.list.get().items.find(listed => listed.id === id);
    const now = reading.current.get();
    // What was changed here meanwhile is newer than what was listed.
    if (!found || now.id !== id || now.conversation !== conversation) return;
    reading.current.set({ ...now, conversation: found });
  }
}
