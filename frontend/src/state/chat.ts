/**
 * The open conversation and everything that may be done to it. The front-end's use cases.
 *
 * Knows the client, the outbox, the running generations and where the reader is. Knows nothing of the DOM:
 * components watch the atoms and call the methods; a URL changes through the `Navigation` that is handed in.
 */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { ChatBody, Conversation, ConversationWithMessages, Message } from "../api/types.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import { chooseModel, type ServerFacts } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import { Generation, type GenerationState, isSettled, type Origin, type Phase } from "./generation.ts";
import { blankAnswer, bodyOf, isNew, newConversation, type OpenConversation } from "./open-conversation.ts";
import type { Outbox } from "./outbox.ts";
import type { Preferences, PromptSettings } from "./preferences.ts";

/** A few lines the page itself prints into the transcript: help, a summary, a complaint. */
export interface Printout {
  readonly id: string;
  /** The message it stands after. */
  readonly after: string | null;
  readonly kind: "notice" | "error";
  readonly text: string;
  /** Two columns under the text. */
  readonly rows: readonly Pair[];
}

export type Pair = readonly [name: string, value: string];

export interface Navigation {
  /** Shows the conversation's address, without opening it again. */
  replace(conversationId: string | null): void;
  open(conversationId: string | null): void;
}

export class Chat {
  readonly current = atom<OpenConversation>(newConversation());
  /** By message id, and by key before the server gave one. */
  readonly generations = atom<ReadonlyMap<string, Generation>>(new Map());
  readonly printouts = atom<readonly Printout[]>([]);
  /** A prompt handed back to be edited. */
  readonly returned = atom<{ text: string } | null>(null);
  /** Of the answer that was last heard of: whoever shows how the line is follows it. */
  readonly phase = atom<Phase | null>(null);

  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #facts: ServerFacts;
  readonly #conversations: Conversations;
  readonly #preferences: Preferences;
  readonly #navigation: Navigation;

  constructor(parts: {
    client: ApiClient;
    clock: Clock;
    outbox: Outbox;
    facts: ServerFacts;
    conversations: Conversations;
    preferences: Preferences;
    navigation: Navigation;
  }) {
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.#outbox = parts.outbox;
    this.#facts = parts.facts;
    this.#conversations = parts.conversations;
    this.#preferences = parts.preferences;
    this.#navigation = parts.navigation;
  }

  // Where the reader is

  async open(id: string): Promise<void> {
    if (this.current.get().id === id && this.current.get().status === "ready") return;
    this.#leave();
    this.current.set({ ...newConversation(id), id, status: "loading" });
    this.#resumeOutbox();
    await this.reload();
  }

  openNew(): void {
    this.#leave();
    // A first prompt that was on its way when the page was reloaded is still on its way.
    const generations = this.generations.get();
    const waiting = this.#outbox.prompts.get().find(({ place, key }) => isNew(place) && !generations.has(key));
    this.current.set(newConversation(waiting?.place));
    this.#resumeOutbox();
  }

  /** Fetches the open conversation again and follows whatever is being answered in it. */
  async reload(): Promise<void> {
    const { id, place } = this.current.get();
    if (id === null) return;
    try {
      const found = await this.#client.conversation(id);
      if (this.current.get().place === place) this.#take(found);
    } catch (error) {
      if (this.current.get().place !== place) return;
      this.current.update(current => ({ ...current, status: "failed", error: toErrorValue(error) }));
    }
  }

  /** The network or the page is back, or another page of this device did something. */
  async wake(isLineSuspect: boolean): Promise<void> {
    for (const generation of this.generations.get().values()) generation.wake(isLineSuspect);
    if (this.current.get().status === "failed") void this.reload();
    await this.#conversations.refresh();
    await this.#catchUp();
  }

  /** Shows what was said in the open conversation elsewhere: a prompt must not go out behind an old end of it. */
  async #catchUp(): Promise<void> {
    const seen = this.current.get();
    const listed = this.#conversations.list.get().items.find(conversation => conversation.id === seen.id);
    if (!listed || seen.status !== "ready" || this.liveHere()) return;
    if (listed.updated_at === seen.conversation?.updated_at) return;
    // It was shown well enough: should this fail, the next time will do.
    const found = await this.#client.conversation(listed.id).catch(() => null);
    // What happened here meanwhile is newer than what was asked for.
    if (found && this.current.get() === seen) this.#take(found);
  }

  #take(found: ConversationWithMessages): void {
    this.#show(found);
    for (const message of found.messages) {
      const isLive = message.status === "pending" || message.status === "streaming";
      if (isLive && !this.generations.get().has(message.id))
        this.#follow({ kind: "attach", message, isNew: false }, found.id);
    }
    this.#resumeOutbox();
    this.#sendNext();
  }

  path(): Message[] {
    const { messages, activeLeafId } = this.current.get();
    return new MessageTree(messages.values()).pathTo(activeLeafId);
  }

  // What the next prompt is sent with

  settings(): PromptSettings {
    const wishes = this.#preferences.prompt.get();
    const model = chooseModel(this.#facts.catalog.get(), [this.current.get().conversation?.model, wishes.model]);
    const known = this.#facts.model(model);
    return {
      model,
      temperature: known?.supports_temperature === false ? null : wishes.temperature,
      reasoning: wishes.reasoning && known?.reasoning_levels?.includes(wishes.reasoning) ? wishes.reasoning : null,
    };
  }

  async chooseModel(model: string): Promise<void> {
    this.#preferences.prompt.update(prompt => ({ ...prompt, model }));
    const { id } = this.current.get();
    if (id !== null) this.#changed(await this.#client.updateConversation(id, { model }));
  }

  // Prompts

  /** Sends a prompt, or queues it behind the answer that is being made. It is kept until the server has it. */
  submitPrompt(text: string): void {
    const { place, status } = this.current.get();
    this.#preferences.remember(text);
    const prompt = this.#outbox.add(place, text, this.settings());
    // Behind a held prompt this one waits too: what was typed first is asked first.
    const waiting = this.#outbox.at(place).filter(other => other.key !== prompt.key && other.status !== "failed");
    if (waiting.length === 0 && status === "ready" && !this.liveHere()) this.sendPending(prompt.key);
  }

  /** Sends a queued or refused prompt now, at the end of the path that is shown; a refused one to the model named now. */
  sendPending(key: string): void {
    const prompt = this.#outbox.get(key);
    if (!prompt || this.generations.get().has(key)) return;
    const { id, place, activeLeafId } = this.current.get();
    if (prompt.place !== place) return;
    const leaf = this.path().at(-1)?.id ?? activeLeafId;
    const settings = prompt.status === "failed" ? this.settings() : prompt.settings;
    const body = bodyOf(prompt.text, settings, id, leaf);
    // A refused prompt changed the server nowhere. One that was called off may be there: the same again pays once.
    const mayBeThere = prompt.error?.type === "cancelled" && JSON.stringify(body) === JSON.stringify(prompt.body);
    const next = prompt.body === null || mayBeThere ? key : randomUuid();
    this.#outbox.change(key, { key: next, settings, status: "sending", error: null, body });
    this.#submit(next, body, place);
  }

  /** Takes an unsent prompt back into the composer. */
  editPending(key: string): void {
    const prompt = this.#outbox.get(key);
    if (!prompt || this.generations.get().has(key)) return;
    this.#outbox.remove(key);
    this.returned.set({ text: prompt.text });
  }

  /** The generation that runs in the open conversation, if one does; the latest of several. */
  liveHere(): Generation | null {
    const { place, messages } = this.current.get();
    for (const [name, generation] of [...this.generations.get()].reverse()) {
      if (isSettled(generation.state.get().phase)) continue;
      if (messages.has(name) || this.#outbox.get(name)?.place === place) return generation;
    }
    return null;
  }

  async stop(): Promise<void> {
    await this.liveHere()?.stop();
  }

  /** Asks for another answer beside this one, with what the mode line says. */
  async retry(message: Message): Promise<void> {
    const { place } = this.current.get();
    const { model, temperature, reasoning } = this.settings();
    const submitted = await this.#client.retry(message.id, {
      ...(model !== null && { model }),
      ...(temperature !== null && { temperature }),
      ...(reasoning !== null && { reasoning }),
    });
    if (this.current.get().place !== place) return;
    const answer = blankAnswer(submitted.message_id, submitted.conversation_id, message.parent_id, model);
    this.#put([answer], answer.id);
    this.#follow({ kind: "attach", message: answer, isNew: true }, place);
  }

  // The tree

  /** Shows the branch through `message`, and lets the server know which one is read. */
  async selectSibling(message: Message): Promise<void> {
    const { id, messages } = this.current.get();
    const leaf = new MessageTree(messages.values()).latestLeaf(message.id) ?? message;
    this.current.update(current => ({ ...current, activeLeafId: leaf.id }));
    if (id !== null) await this.#client.updateConversation(id, { active_leaf_id: leaf.id });
  }

  /** A new conversation that begins with this one up to `messageId`, or with all of it. */
  async clone(messageId?: string): Promise<void> {
    const { id } = this.current.get();
    if (id === null) return;
    const copy = await this.#client.cloneConversation(id, messageId);
    void this.#conversations.refresh();
    this.#navigation.open(copy.id);
  }

  async rename(id: string, title: string): Promise<void> {
    this.#changed(await this.#client.updateConversation(id, { title }));
  }

  async remove(id: string): Promise<void> {
    await this.#client.deleteConversation(id);
    this.#conversations.remove(id);
    for (const prompt of this.#outbox.at(id)) this.#outbox.remove(prompt.key);
    if (this.current.get().id === id) this.#navigation.open(null);
  }

  /** Adds to the system prompt, from the next prompt on. A conversation that is not there yet is made for it. */
  async appendSystemText(text: string): Promise<void> {
    const { id } = this.current.get();
    if (id !== null) return this.#changed(await this.#client.appendSystemText(id, text));
    const { model } = this.settings();
    const made = await this.#client.createConversation({ system_prompt: text, ...(model !== null && { model }) });
    this.#settleIn(made.id);
    this.#show(made);
    void this.#conversations.refresh();
  }

  async generateImage(prompt: string): Promise<void> {
    const { id, place } = this.current.get();
    this.#preferences.remember(prompt);
    const waiting = this.#print("notice", `◌ making an image of “${prompt}”. it may take a minute`, []);
    try {
      const made = await this.#client.generateImage({ prompt, ...(id !== null && { conversation_id: id }) });
      void this.#facts.refreshToday();
      void this.#conversations.refresh();
      if (this.current.get().place !== place) return;
      this.#settleIn(made.conversation_id);
      await this.reload();
    } finally {
      this.dismiss(waiting);
    }
  }

  // Words of the page itself

  print(text: string, rows: readonly Pair[] = []): void {
    this.#print("notice", text, rows);
  }

  complain(text: string): void {
    this.#print("error", text, []);
  }

  dismiss(id: string): void {
    this.printouts.update(printouts => printouts.filter(printout => printout.id !== id));
  }

  #print(kind: Printout["kind"], text: string, rows: readonly Pair[]): string {
    const id = randomUuid();
    const after = this.path().at(-1)?.id ?? null;
    this.printouts.update(printouts => [...printouts, { id, after, kind, text, rows }]);
    return id;
  }

  #submit(key: string, body: ChatBody, place: string): void {
    const placeholder = blankAnswer(key, body.conversation_id ?? "", null, body.model ?? null);
    this.#follow({ kind: "submit", body, key, placeholder }, place);
  }

  #follow(origin: Origin, place: string): void {
    let name = origin.kind === "submit" ? origin.key : origin.message.id;
    let home = place;
    const generation: Generation = new Generation(this.#client, this.#clock, origin, {
      started: start => {
        if (origin.kind !== "submit") return;
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

  /** The server has the prompt: its two messages take their place in the tree. */
  #arrive(
    origin: Extract<Origin, { kind: "submit" }>,
    id: string,
    userId: string,
    answerId: string,
    place: string,
  ): void {
    this.#outbox.remove(origin.key);
    const { body } = origin;
    if (this.current.get().place === place) {
      this.#settleIn(id);
      const parent = body.parent_id ?? null;
      const prompt: Message = { ...blankAnswer(userId, id, parent, null), role: "user", content: body.message };
      const answer = blankAnswer(answerId, id, userId, body.model ?? null);
      this.#put([{ ...prompt, status: "complete" }, answer], answerId);
    } else {
      // The reader went elsewhere meanwhile; the server goes on alone.
      this.#outbox.move(place, id);
      this.generations.get().get(answerId)?.leave();
      this.#forget(answerId);
    }
    void this.#refreshList(id);
  }

  #ended(state: GenerationState, name: string, place: string): void {
    const { message, refusal, phase } = state;
    const prompt = this.#outbox.get(name);
    if (refusal && prompt) {
      this.#outbox.change(name, { status: "failed", error: refusal });
      this.#forget(name);
    } else if (!this.current.get().messages.has(message.id)) {
      // Another page of this device took the prompt back, or the reader is elsewhere.
      this.#forget(name);
    } else {
      // A refusal without a prompt: the answer itself can't be asked for any more.
      this.#put([refusal ? { ...message, status: "error", error: refusal } : message]);
    }
    void this.#facts.refreshToday();
    void this.#refreshList(place);
    // After a stop or a failure the queue waits: the next prompt was written for an answer that did not come.
    if (phase === "done") this.#sendNext();
    // The same entries in a new map: those who watch it learn that one of them is settled.
    this.generations.update(generations => new Map(generations));
  }

  /** Sends what waits for the answer that ends the path, once that is whole. */
  #sendNext(): void {
    if (this.liveHere() || this.path().at(-1)?.status !== "complete") return;
    const next = this.#outbox.at(this.current.get().place).find(waiting => waiting.status === "queued");
    if (next) this.sendPending(next.key);
  }

  /** Prompts that were on their way when the page went are sent again under their key, wherever they belong. */
  #resumeOutbox(): void {
    const { place, status } = this.current.get();
    for (const { key, place: home, status: sent, body } of this.#outbox.prompts.get()) {
      if (sent !== "sending" || !body || this.generations.get().has(key)) continue;
      // Where it is to be shown it waits until there is something to be shown in.
      if (home !== place || status === "ready") this.#submit(key, body, home);
    }
  }

  async #refreshList(id: string): Promise<void> {
    await this.#conversations.refresh();
    const found = this.#conversations.list.get().items.find(conversation => conversation.id === id);
    if (found && this.current.get().id === id) this.current.update(current => ({ ...current, conversation: found }));
  }

  #leave(): void {
    for (const [name, generation] of this.generations.get()) {
      // One that the server has not confirmed is followed until it has.
      if (this.#outbox.get(name)) continue;
      generation.leave();
      this.#forget(name);
    }
    this.printouts.set([]);
  }

  #show(found: ConversationWithMessages): void {
    const { messages, ...conversation } = found;
    this.current.set({
      ...this.current.get(),
      conversation,
      messages: new Map(messages.map(message => [message.id, message])),
      activeLeafId: found.active_leaf_id,
      status: "ready",
      error: null,
    });
  }

  /** The open conversation is `id` on the server, from now on if not before. */
  #settleIn(id: string): void {
    const { place } = this.current.get();
    if (place === id) return;
    this.#outbox.move(place, id);
    this.#navigation.replace(id);
    this.current.update(current => ({ ...current, formerPlace: place, place: id, id }));
  }

  #put(messages: readonly Message[], activeLeafId?: string): void {
    this.current.update(current => ({
      ...current,
      messages: new Map([...current.messages, ...messages.map(message => [message.id, message] as const)]),
      activeLeafId: activeLeafId ?? current.activeLeafId,
    }));
  }

  #changed(conversation: Conversation): void {
    this.#conversations.change(conversation.id, conversation);
    if (this.current.get().id === conversation.id) this.current.update(current => ({ ...current, conversation }));
  }

  #rename(from: string, to: string, generation: Generation): void {
    const generations = new Map(this.generations.get());
    generations.delete(from);
    this.generations.set(generations.set(to, generation));
  }

  #forget(name: string): void {
    const generations = new Map(this.generations.get());
    generations.delete(name);
    this.generations.set(generations);
  }
}
