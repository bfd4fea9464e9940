/**
 * The open conversation and everything that may be done to it. The front-end's use cases.
 *
 * Knows the client, the outbox, the running generations and where the reader is. Knows nothing of the DOM:
 * components watch the atoms and call the methods; a URL changes through the `Navigation` that is handed in.
 */

import { type ApiClient, ApiError, toErrorValue } from "../api/client.ts";
import type { Change, Conversation, ConversationWithMessages, ImageBody, Message } from "../api/types.ts";
import { formatDate, formatTime } from "../lib/format.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";
import { chooseModel, type ServerFacts } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import { Generation, type GenerationState, isSettled, type Origin, type Phase } from "./generation.ts";
import type { Copies } from "./offline.ts";
import { blankAnswer, newConversation, type OpenConversation } from "./open-conversation.ts";
import { isAside, type Outbox, type PromptWish } from "./outbox.ts";
import type { Edit, Preferences, PromptSettings } from "./preferences.ts";
import { Sender } from "./sender.ts";

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

/** What is asked of a model that broke off. */
const GO_ON = "Continue exactly where you stopped.";

/** How long an empty screen is looked at while there is a copy to read. */
const COPY_AFTER_MS = 1_500;

export class Chat {
  readonly current = atom<OpenConversation>(newConversation());
  /** By message id, and by key before the server gave one. */
  readonly generations = atom<ReadonlyMap<string, Generation>>(new Map());
  readonly printouts = atom<readonly Printout[]>([]);
  /** A prompt handed back to be edited. */
  readonly returned = atom<{ text: string } | null>(null);
  /** The prompt that is being edited: what is sent next becomes a sibling of it. */
  readonly editing = atom<Edit | null>(null);
  /** The models that the next prompt goes to, where that is more than one. */
  readonly comparing = atom<readonly string[]>([]);
  /** Of the answer that was last heard of: whoever shows how the line is follows it. */
  readonly phase = atom<Phase | null>(null);

  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #facts: ServerFacts;
  readonly #conversations: Conversations;
  readonly #preferences: Preferences;
  readonly #navigation: Navigation;
  readonly #copies: Copies | null;
  readonly #sender: Sender;
  /** The line that says how old the copy is. */
  #copyNote = "";

  constructor(parts: {
    client: ApiClient;
    clock: Clock;
    outbox: Outbox;
    facts: ServerFacts;
    conversations: Conversations;
    preferences: Preferences;
    navigation: Navigation;
    copies?: Copies;
  }) {
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.#outbox = parts.outbox;
    this.#facts = parts.facts;
    this.#conversations = parts.conversations;
    this.#preferences = parts.preferences;
    this.#navigation = parts.navigation;
    this.#copies = parts.copies ?? null;
    this.#sender = new Sender(parts.client, parts.clock, parts.outbox, {
      current: this.current,
      generations: this.generations,
      path: () => this.path(),
      settings: () => this.settings(),
      liveHere: () => this.liveHere(),
      follow: (origin, place) => this.#follow(origin, place),
    });
    void this.#outbox.ready.then(() => this.#adopt());
  }

  // Where the reader is

  async open(id: string): Promise<void> {
    if (this.current.get().id === id && this.current.get().status === "ready") return;
    this.#leave();
    this.current.set({ ...newConversation(id), id, status: "loading" });
    this.#sender.resume();
    await this.reload();
  }

  openNew(): void {
    this.#leave();
    this.current.set(newConversation(this.#sender.waitingPlace()));
    this.#sender.resume();
  }

  /** The outbox is read: what waits in it is shown and sent. */
  #adopt(): void {
    const { id, place } = this.current.get();
    const waiting = this.#sender.waitingPlace();
    if (id === null && waiting && this.#outbox.at(place).length === 0) this.current.set(newConversation(waiting));
    this.#sender.sendAll();
  }

  /**
   * Fetches the open conversation again and follows whatever is being answered in it. Until that is there, or where the
   * server can't be reached, this device's own copy is shown.
   */
  async reload(): Promise<void> {
    const { id, place } = this.current.get();
    if (id === null) return;
    const isStillOpen = () => this.current.get().place === place;
    const callOff = this.#clock.after(COPY_AFTER_MS, () => void this.#showCopy(id));
    try {
      const found = await this.#client.conversation(id);
      if (isStillOpen()) this.#take(found);
    } catch (error) {
      if (error instanceof ApiError) {
        if (error.status === 404) void this.#copies?.forget(id);
      } else if (await this.#showCopy(id)) return;
      if (isStillOpen())
        this.current.update(current => ({ ...current, status: "failed", error: toErrorValue(error), asOf: null }));
    } finally {
      callOff();
    }
  }

  /** Whether there is one, and it is what is shown now. */
  async #showCopy(id: string): Promise<boolean> {
    const copy = await this.#copies?.conversation(id);
    const { status, asOf } = this.current.get();
    if (!copy || this.current.get().id !== id || status === "ready") return copy != null && asOf !== null;
    this.#show(copy.value, copy.asOf);
    const [made, now] = [new Date(copy.asOf), this.#clock.date()];
    const day = made.toDateString() === now.toDateString() ? "" : `${formatDate(made, now)}, `;
    this.#copyNote = this.#print("notice", `○ as of ${day}${formatTime(made)} · this device's own copy`, []);
    return true;
  }

  #keepCopy(): void {
    const { conversation, messages, activeLeafId, asOf } = this.current.get();
    const whole = [...messages.values()];
    if (!conversation || asOf !== null || whole.some(isMade)) return;
    void this.#copies?.keepConversation({ ...conversation, active_leaf_id: activeLeafId, messages: whole });
  }

  /** The network or the page is back, or another page of this device did something. */
  async wake(isLineSuspect: boolean): Promise<void> {
    for (const generation of this.generations.get().values()) generation.wake(isLineSuspect);
    const { status, asOf } = this.current.get();
    if (status === "failed" || asOf !== null) void this.reload();
    await this.#conversations.refresh();
    await this.#catchUp();
    await this.#sender.sendElsewhere();
  }

  /** Something was done on the server, here or on another page or device. */
  heard(change: Change): void {
    if (change.event === "reset") void this.wake(false);
    else if (change.event === "conversation_deleted") this.#gone(change.data.conversation_id);
    else void this.#follows(change);
  }

  async #follows({ event, data }: Exclude<Change, { event: "reset" }>): Promise<void> {
    await this.#refreshList(data.conversation_id);
    if (event === "message_finished" && !this.#isMine(data.message_id)) void this.#facts.refreshToday();
    if (data.conversation_id === this.current.get().id) await this.#catchUp();
    else if (event === "message_finished") await this.#sender.sendElsewhere();
  }

  /** Whether an answer is, or was just now, followed here. */
  #isMine(messageId: string): boolean {
    return this.generations.get().has(messageId);
  }

  #gone(id: string): void {
    void this.#copies?.forget(id);
    this.#preferences.keepDraft(id, "");
    this.#preferences.keepEdit(id, null);
    if (this.#conversations.isHidden(id)) return; // deleted on this page, which sees to the rest
    this.#conversations.remove(id);
    this.#sender.bringHome(id);
    const error = { type: "not_found", message: "this conversation was deleted, on another page or device" };
    if (this.current.get().id === id) this.current.update(current => ({ ...current, status: "failed", error }));
  }

  /** Shows what was said in the open conversation elsewhere: a prompt must not go out behind an old end of it. */
  async #catchUp(): Promise<void> {
    const seen = this.current.get();
    if (seen.status !== "ready" || seen.asOf !== null || this.#isSendingHere() || !this.#isBehind(seen)) return;
    // It was shown well enough: should this fail, the next time will do.
    const found = await this.#client.conversation(seen.id ?? "").catch(() => null);
    // What happened here meanwhile is newer than what was asked for.
    if (found && this.current.get() === seen) this.#take(found);
  }

  /** Whether the server lists more of it than is shown, or an answer that nobody follows may have gone on. */
  #isBehind({ id, messages }: OpenConversation): boolean {
    const listed = this.#conversations.list.get().items.find(conversation => conversation.id === id);
    if (!listed) return false;
    if (listed.message_count > messages.size) return true;
    return [...messages.values()].some(message => isMade(message) && !this.generations.get().has(message.id));
  }

  /** Whether a prompt is on its way whose messages may be on the server, and are not known to be ours. */
  #isSendingHere(): boolean {
    const { place } = this.current.get();
    return [...this.generations.get().keys()].some(name => this.#outbox.get(name)?.place === place);
  }

  #take(found: ConversationWithMessages): void {
    this.#show(found);
    this.dismiss(this.#copyNote);
    for (const message of found.messages) {
      if (isMade(message) && !this.generations.get().has(message.id))
        this.#follow({ kind: "attach", message, isNew: false }, found.id);
    }
    this.#keepCopy();
    const edit = this.#preferences.edit(found.id);
    if (edit && !this.editing.get() && this.current.get().messages.has(edit.id)) this.editing.set(edit);
    this.#sender.resume();
    this.#sender.sendNext();
  }

  path(): Message[] {
    const { messages, activeLeafId } = this.current.get();
    return new MessageTree(messages.values()).pathTo(activeLeafId);
  }

  /** What the next prompt would follow: the last message that is whole, and what is still to be said before it. */
  ahead(): { parentId: string | null | undefined; before: readonly string[] } {
    const { place, messages } = this.current.get();
    const edited = messages.get(this.editing.get()?.id ?? "");
    if (edited) return { parentId: edited.parent_id, before: [] };
    const path = this.path();
    const whole = path.findLast(message => !isMade(message));
    const live = path.at(-1) === whole ? "" : (this.liveHere()?.state.get().message.content ?? "");
    const queued = this.#outbox.at(place).filter(prompt => prompt.status !== "failed" && !isAside(prompt));
    return { parentId: whole?.id, before: [live, ...queued.map(({ text }) => text)].filter(Boolean) };
  }

  // What the next prompt is sent with

  /** Of the next prompt; where it goes to `asked` and not to the model that is chosen, of that. */
  settings(asked?: string): PromptSettings {
    const wishes = this.#preferences.prompt.get();
    const chosen = [this.current.get().conversation?.model, wishes.model];
    const model = asked ?? chooseModel(this.#facts.catalog.get(), chosen);
    const known = this.#facts.model(model);
    return {
      model,
      temperature: known?.supports_temperature === false ? null : wishes.temperature,
      reasoning: wishes.reasoning && known?.reasoning_levels?.includes(wishes.reasoning) ? wishes.reasoning : null,
    };
  }

  async chooseModel(model: string): Promise<void> {
    this.comparing.set([]);
    this.#preferences.prompt.update(prompt => ({ ...prompt, model }));
    const { id } = this.current.get();
    if (id !== null) this.#changed(await this.#client.updateConversation(id, { model }));
  }

  // Prompts

  /**
   * Sends a prompt, or queues it behind the answer that is being made; in place of the one that is being edited, and
   * to all models that are compared. It is kept until the server has it. `estimate`: what that may cost, dollars.
   */
  submitPrompt(text: string, estimate?: number): void {
    this.#preferences.remember(text);
    const edited = this.current.get().messages.get(this.editing.get()?.id ?? "");
    const [first, ...others] = this.comparing.get();
    this.stopEditing();
    this.comparing.set([]);
    this.#send(text, this.settings(first), {
      ...(edited && { parentId: edited.parent_id }),
      ...(others.length > 0 && { others: others.map(model => this.settings(model)) }),
      ...(estimate !== undefined && { estimate }),
    });
  }

  #send(text: string, settings: PromptSettings, wish: PromptWish): void {
    const { place, status, asOf } = this.current.get();
    const prompt = this.#outbox.add(place, text, settings, wish);
    if (isAside(prompt)) return this.#sender.sendAsides();
    // Behind a held prompt this one waits too: what was typed first is asked first. A copy may have an old end.
    const waiting = this.#outbox.at(place).filter(other => other.status !== "failed" && !isAside(other));
    if (waiting.length === 1 && status === "ready" && asOf === null && !this.liveHere()) this.sendPending(prompt.key);
  }

  /** Sends a queued or refused prompt now; with `isOverBudget` this once whatever the budgets say. */
  sendPending(key: string, isOverBudget = false): void {
    this.#sender.send(key, isOverBudget);
  }

  /** Takes an unsent prompt back into the composer, with what was wished for it. */
  editPending(key: string): void {
    const prompt = this.#outbox.get(key);
    if (!prompt || this.generations.get().has(key)) return;
    this.#outbox.remove(key);
    const models = [prompt.settings, ...(prompt.others ?? [])].flatMap(({ model }) => model ?? []);
    if (models.length > 1) this.comparing.set(models);
    const messages = [...this.current.get().messages.values()];
    // Any prompt behind the same answer will do: what is sent for it becomes a sibling of all of them.
    const edited = messages.find(({ role, parent_id }) => role === "user" && parent_id === prompt.parentId);
    if (edited) this.edit(edited.id, prompt.text);
    else this.returned.set({ text: prompt.text });
  }

  /** Gives an unsent prompt up. Its text stays in the history. */
  removePending(key: string): void {
    if (!this.generations.get().has(key)) this.#outbox.remove(key);
  }

  /** The generation that runs in the open conversation, if one does; the latest of several. */
  liveHere(): Generation | null {
    return this.#allLiveHere().at(-1) ?? null;
  }

  #allLiveHere(): Generation[] {
    const { place, messages } = this.current.get();
    const isHere = (name: string) => messages.has(name) || this.#outbox.get(name)?.place === place;
    return [...this.generations.get()].flatMap(([name, generation]) =>
      !isSettled(generation.state.get().phase) && isHere(name) ? [generation] : [],
    );
  }

  /** Whether there is something to stop here: an answer, or a prompt that another page of this device is sending. */
  canStop(): boolean {
    return this.liveHere() !== null || this.#sender.sentByAnother().length > 0;
  }

  /** Stops one answer, or all that is being answered here. */
  async stop(messageId?: string): Promise<void> {
    if (messageId !== undefined) return this.generations.get().get(messageId)?.stop();
    const live = this.#allLiveHere();
    if (live.length > 0) return void (await Promise.all(live.map(generation => generation.stop())));
    const error = { type: "cancelled", message: "called off before the server confirmed it" };
    for (const { key } of this.#sender.sentByAnother()) this.#outbox.change(key, { status: "failed", error });
  }

  /** Asks for another answer beside this one, by `model` or whatever the mode line says. */
  retry(message: Message, model?: string): void {
    const prompt = this.current.get().messages.get(message.parent_id ?? "");
    this.#send(prompt?.content ?? "", this.settings(model), { again: message.id });
  }

  /** Asks for the rest of an answer that broke off. What was said is sent along, so any model can go on. */
  goOn(message: Message): void {
    this.#send(GO_ON, this.settings(), { parentId: message.id });
  }

  // The tree

  /** What is sent next becomes a sibling of this prompt. Its text, or what became of it, is to be changed first. */
  edit(id: string, text = this.current.get().messages.get(id)?.content ?? ""): void {
    this.editing.set({ id, text });
  }

  stopEditing(): void {
    this.editing.set(null);
    // Last: whoever writes it keeps it as it is put down.
    const { id } = this.current.get();
    if (id !== null) this.#preferences.keepEdit(id, null);
  }

  /** Whether the answers to a prompt are read side by side, until the reader says otherwise. */
  showSideBySide(promptId: string, isShown: boolean): void {
    this.#preferences.showSideBySide(promptId, isShown);
  }

  /** Shows the branch before or after the one that is read, where it last parted from others. */
  async stepSibling(by: -1 | 1): Promise<void> {
    const tree = new MessageTree(this.current.get().messages.values());
    const parted = this.path().findLast(message => tree.siblingsOf(message).length > 1);
    if (!parted) return;
    const siblings = tree.siblingsOf(parted);
    const to = siblings[siblings.indexOf(parted) + by];
    if (to) await this.selectSibling(to);
  }

  /** Goes on with one of several answers, and with its model. */
  async keep(message: Message): Promise<void> {
    if (message.parent_id !== null) this.showSideBySide(message.parent_id, false);
    await this.#select(message, message.model);
  }

  /** Shows the branch through `message`, and lets the server know which one is read. */
  selectSibling(message: Message): Promise<void> {
    return this.#select(message, null);
  }

  async #select(message: Message, model: string | null): Promise<void> {
    const { id, messages } = this.current.get();
    const leaf = new MessageTree(messages.values()).latestLeaf(message.id) ?? message;
    this.current.update(current => ({ ...current, activeLeafId: leaf.id }));
    if (id === null) return;
    this.#changed(await this.#client.updateConversation(id, { active_leaf_id: leaf.id, ...(model && { model }) }));
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

  async generateImage(prompt: string, options: Omit<ImageBody, "prompt" | "conversation_id"> = {}): Promise<void> {
    const { id, place } = this.current.get();
    this.#preferences.remember(prompt);
    const waiting = this.#print("notice", `◌ making an image of “${prompt}”. it may take a minute`, []);
    try {
      const made = await this.#client.generateImage({
        prompt,
        ...options,
        ...(id !== null && { conversation_id: id }),
      });
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

  #follow(origin: Origin, place: string): void {
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

  /** The server has it: prompt and answer take their place in the tree, and the other models are asked. */
  #arrive(
    origin: Exclude<Origin, { kind: "attach" }>,
    id: string,
    userId: string,
    answerId: string,
    place: string,
  ): void {
    const { text = "", others = [] } = this.#outbox.get(origin.key) ?? {};
    this.#outbox.remove(origin.key);
    // Should this happen again, after a crash, they are the same under the same keys.
    for (const [at, settings] of others.entries())
      this.#outbox.add(id, text, settings, { again: userId }, `${origin.key}-${at + 1}`);
    const isRetry = origin.kind === "retry" && origin.of !== userId;
    if (others.length > 0) this.showSideBySide(userId, true);
    else if (isRetry && !this.#preferences.sideBySide.get()[userId]) this.showSideBySide(userId, false);
    const { body } = origin;
    if (this.current.get().place === place) {
      this.#settleIn(id);
      const answer = blankAnswer(answerId, id, userId, body.model ?? null);
      if (origin.kind === "retry" && origin.of === userId) {
        this.#put([answer]);
        this.#stayAtFirst();
      } else if (origin.kind === "retry") this.#put([answer], answerId);
      else {
        const parent = origin.body.parent_id ?? null;
        const prompt: Message = {
          ...blankAnswer(userId, id, parent, null),
          role: "user",
          content: origin.body.message,
        };
        this.#put([{ ...prompt, status: "complete" }, answer], answerId);
      }
    } else {
      // The reader went elsewhere meanwhile; the server goes on alone.
      this.#outbox.move(place, id);
      this.generations.get().get(answerId)?.leave();
      this.#forget(answerId);
    }
    this.#sender.sendAsides();
    void this.#refreshList(id);
  }

  /** Of several answers that were asked for at once the next prompt follows the first, until one is kept. */
  #stayAtFirst(): void {
    const first = this.path().at(-1);
    if (first) this.#select(first, first.model).catch(() => undefined);
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
    void this.#refreshList(place).then(() => {
      this.#keepCopy();
      return this.#catchUp();
    });
    // After a stop or a failure the queue waits: the next prompt was written for an answer that did not come.
    if (phase === "done") this.#sender.sendNext();
    // The same entries in a new map: those who watch it learn that one of them is settled.
    this.generations.update(generations => new Map(generations));
  }

  async #refreshList(id: string): Promise<void> {
    const { conversation } = this.current.get();
    await this.#conversations.refreshSoon();
    const found = this.#conversations.list.get().items.find(listed => listed.id === id);
    const now = this.current.get();
    // What was changed here meanwhile is newer than what was listed.
    if (!found || now.id !== id || now.conversation !== conversation) return;
    // Of several models that are being asked the server names the last.
    const model = this.liveHere() && conversation ? conversation.model : found.model;
    this.current.set({ ...now, conversation: { ...found, model } });
  }

  #leave(): void {
    for (const [name, generation] of this.generations.get()) {
      // One that the server has not confirmed is followed until it has.
      if (this.#outbox.get(name)) continue;
      generation.leave();
      this.#forget(name);
    }
    this.printouts.set([]);
    this.editing.set(null);
    this.comparing.set([]);
  }

  #show(found: ConversationWithMessages, asOf: number | null = null): void {
    const { messages, ...conversation } = found;
    const byId = new Map(messages.map(message => [message.id, message]));
    const { activeLeafId } = this.current.get();
    // Who watches an answer is not taken to one that was asked for elsewhere.
    const stays = this.liveHere() !== null && activeLeafId !== null && byId.has(activeLeafId);
    this.current.set({
      ...this.current.get(),
      conversation,
      messages: byId,
      activeLeafId: stays ? activeLeafId : found.active_leaf_id,
      status: "ready",
      error: null,
      asOf,
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

function isMade({ status }: Message): boolean {
  return status === "pending" || status === "streaming";
}
