/**
 * What may be done to the open conversation. The front-end's use cases, and all that components and commands know.
 *
 *   Chat ─► Upkeep ─► Answers ─► Reading          what is open, and who follows it
 *      │       └────► Sender ─► Outbox            what is to be sent
 *      └──► Branches, Printouts
 *
 * Knows what the next prompt is sent with, and what becomes of one that waits. Knows nothing of the DOM: components
 * watch the atoms and call the methods.
 */

import type { ApiClient } from "../api/client.ts";
import type { Change, Message } from "../api/types.ts";
import { type ImageOptions, writeImageArgument } from "../lib/image-argument.ts";
import { type Atom, atom, type ReadableAtom, watch } from "../lib/store.ts";
import { Answers } from "./answers.ts";
import { Branches } from "./branches.ts";
import { chooseModel, type ServerFacts } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { Conversations } from "./conversations.ts";
import type { Generation, Phase } from "./generation.ts";
import type { Copies } from "./offline.ts";
import { GO_ON, isMade, newConversation, type OpenConversation } from "./open-conversation.ts";
import { isAside, type Outbox, type PromptWish } from "./outbox.ts";
import type { Edit, ImageWish, Preferences, PromptSettings } from "./preferences.ts";
import { type Pair, type Printout, Printouts } from "./printouts.ts";
import { type Navigation, Reading } from "./reading.ts";
import { Sender } from "./sender.ts";
import { Upkeep } from "./upkeep.ts";

export interface ChatParts {
  client: ApiClient;
  clock: Clock;
  outbox: Outbox;
  facts: ServerFacts;
  conversations: Conversations;
  preferences: Preferences;
  navigation: Navigation;
  copies?: Copies;
}

export class Chat {
  readonly current: Atom<OpenConversation>;
  /** By message id, and by key before the server gave one. */
  readonly generations: Atom<ReadonlyMap<string, Generation>>;
  readonly printouts: ReadableAtom<readonly Printout[]>;
  /** A prompt handed back to be edited. */
  readonly returned = atom<{ text: string } | null>(null);
  /** The prompt that is being edited: what is sent next becomes a sibling of it. */
  readonly editing: ReadableAtom<Edit | null>;
  /** The models that the next prompt goes to, where that is more than one. */
  readonly comparing = atom<readonly string[]>([]);
  /** Of the answer that was last heard of: whoever shows how the line is follows it. */
  readonly phase: ReadableAtom<Phase | null>;
  /** Whether there is something to stop here: an answer, or a prompt that another page of this device is sending. */
  readonly canStop: ReadableAtom<boolean>;

  readonly #parts: ChatParts;
  readonly #reading: Reading;
  readonly #branches: Branches;
  readonly #printouts = new Printouts();
  readonly #answers: Answers;
  readonly #sender: Sender;
  readonly #upkeep: Upkeep;
  /** What was chosen on this page, by conversation: the server may not have heard of it, or tell of what was before. */
  readonly #models = new Map<string, string>();

  constructor(parts: ChatParts) {
    const { client, clock, outbox, conversations, preferences, navigation } = parts;
    this.#parts = parts;
    const reading = new Reading(outbox, conversations, navigation);
    const branches = new Branches(client, preferences, reading);
    const answers: Answers = new Answers(parts, reading, {
      arrived: (id, isBeside) => this.#arrived(id, isBeside),
      ended: (place, phase) => this.#ended(place, phase),
    });
    this.#sender = new Sender(client, clock, outbox, {
      current: reading.current,
      generations: answers.generations,
      isHidden: place => conversations.isHidden(place),
      path: () => reading.path(),
      settings: () => this.settings(),
      liveHere: () => this.liveHere(),
      follow: (origin, place) => answers.follow(origin, place),
    });
    this.#upkeep = new Upkeep({
      ...parts,
      ...{ reading, branches, answers, printouts: this.#printouts, sender: this.#sender },
    });
    this.#reading = reading;
    this.#branches = branches;
    this.#answers = answers;
    this.current = reading.current;
    this.generations = answers.generations;
    this.phase = answers.phase;
    this.editing = branches.editing;
    this.printouts = this.#printouts.list;
    const canStop = atom(false);
    this.canStop = canStop;
    watch([this.current, this.generations, outbox.prompts], () =>
      canStop.set(this.liveHere() !== null || this.#sender.sentByAnother().length > 0),
    );
    void outbox.ready.then(() => this.#adopt());
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

  #leave(): void {
    this.#answers.leave();
    this.#printouts.list.set([]);
    this.#branches.editing.set(null);
    this.comparing.set([]);
  }

  /** The outbox is read: what waits in it is shown and sent. */
  #adopt(): void {
    const { id, place } = this.current.get();
    const waiting = this.#sender.waitingPlace();
    if (id === null && waiting && this.#parts.outbox.at(place).length === 0) this.current.set(newConversation(waiting));
    this.#sender.sendAll();
  }

  /** Fetches the open conversation again. */
  reload(): Promise<void> {
    return this.#upkeep.reload();
  }

  /** The network or the page is back, or another page of this device did something. */
  wake(isLineSuspect: boolean): Promise<void> {
    return this.#upkeep.wake(isLineSuspect);
  }

  /** Something was done on the server, here or on another page or device. */
  heard(change: Change): void {
    this.#upkeep.heard(change);
  }

  path(): Message[] {
    return this.#reading.path();
  }

  /** What the next prompt would follow: the last message that is whole, and what is still to be said before it. */
  ahead(): { parentId: string | null | undefined; before: readonly string[] } {
    const { edited } = this.#branches;
    if (edited) return { parentId: edited.parent_id, before: [] };
    const path = this.path();
    const whole = path.findLast(message => !isMade(message));
    const live = path.at(-1) === whole ? "" : (this.liveHere()?.state.get().message.content ?? "");
    const queued = this.#parts.outbox
      .at(this.current.get().place)
      .filter(prompt => prompt.status !== "failed" && !isAside(prompt));
    return { parentId: whole?.id, before: [live, ...queued.map(({ text }) => text)].filter(Boolean) };
  }

  // What the next prompt is sent with

  /** Of the next prompt; where it goes to `asked` and not to the model that is chosen, of that. */
  settings(asked?: string): PromptSettings {
    const { facts, preferences } = this.#parts;
    const wishes = preferences.prompt.get();
    const { id, conversation } = this.current.get();
    const chosen = [this.#models.get(id ?? ""), conversation?.model, wishes.model];
    const model = asked ?? chooseModel(facts.catalog.get(), chosen);
    const known = facts.model(model);
    return {
      model,
      temperature: known?.supports_temperature === false ? null : wishes.temperature,
      reasoning: wishes.reasoning && known?.reasoning_levels?.includes(wishes.reasoning) ? wishes.reasoning : null,
    };
  }

  async chooseModel(model: string): Promise<void> {
    this.comparing.set([]);
    const { id } = this.current.get();
    if (id !== null) this.#models.set(id, model);
    this.#parts.preferences.prompt.update(prompt => ({ ...prompt, model }));
    if (id !== null) this.#reading.changed(await this.#parts.client.updateConversation(id, { model }));
  }

  /** Adds to the system prompt, from the next prompt on. A conversation that is not there yet is made for it. */
  async appendSystemText(text: string): Promise<void> {
    const { client, conversations } = this.#parts;
    const { id } = this.current.get();
    if (id !== null) return this.#reading.changed(await client.appendSystemText(id, text));
    const { model } = this.settings();
    const made = await client.createConversation({ system_prompt: text, ...(model !== null && { model }) });
    this.#reading.settleIn(made.id);
    this.#reading.show(made);
    void conversations.refresh();
  }

  // Prompts

  /**
   * Sends a prompt, or queues it behind the answer that is being made; in place of the one that is being edited, and
   * to all models that are compared. It is kept until the server has it. `estimate`: what that may cost, dollars.
   */
  submitPrompt(text: string, estimate?: number): void {
    const { edited } = this.#branches;
    const [first, ...others] = this.comparing.get();
    this.stopEditing();
    this.comparing.set([]);
    this.#send(text, this.settings(first), {
      ...(edited && { parentId: edited.parent_id }),
      ...(others.length > 0 && { others: others.map(model => this.settings(model)) }),
      ...(estimate !== undefined && { estimate }),
    });
  }

  /** Asks for an image as a prompt asks for an answer; in place of the prompt that is being edited. */
  submitImage(text: string, { model = null, ...image }: ImageOptions = {}): void {
    const { edited } = this.#branches;
    this.stopEditing();
    this.#sendImage(text, model, { image, ...(edited && { parentId: edited.parent_id }) });
  }

  #sendImage(text: string, model: string | null, wish: PromptWish): void {
    this.#send(text, { model, temperature: null, reasoning: null }, wish);
  }

  /**
   * Asks for another answer beside this one, by `model` or whatever the mode line says. An image is asked for with its
   * prompt, which gets a sibling, by `model` or the one that made it, in the size and
   * quality that this device knows.
   */
  retry(message: Message, model?: string): void {
    const prompt = this.current.get().messages.get(message.parent_id ?? "");
    const text = prompt?.content ?? "";
    if (!this.isImage(message)) return this.#send(text, this.settings(model), { again: message.id });
    this.#sendImage(text, model ?? message.model, {
      image: this.#wishOf(message),
      parentId: prompt?.parent_id ?? null,
    });
  }

  /** Whether the answer is an image, or was to become one. */
  isImage({ model, parts }: Message): boolean {
    return parts.some(({ type }) => type === "image") || this.#parts.facts.model(model)?.generates_images === true;
  }

  /** Asks for the rest of an answer that broke off. What was said is sent along, so any model can go on. */
  goOn(message: Message): void {
    this.#send(GO_ON, this.settings(), { parentId: message.id });
  }

  #send(text: string, settings: PromptSettings, wish: PromptWish): void {
    const { outbox } = this.#parts;
    const { place, status, asOf } = this.current.get();
    const prompt = outbox.add(place, text, settings, wish);
    if (isAside(prompt)) return this.#sender.sendAsides();
    // Behind a held prompt this one waits too: what was typed first is asked first. A copy may have an old end.
    const waiting = outbox.at(place).filter(other => other.status !== "failed" && !isAside(other));
    if (waiting.length === 1 && status === "ready" && asOf === null && !this.liveHere()) this.sendPending(prompt.key);
  }

  /** Sends a queued or refused prompt now; with `isOverBudget` this once whatever the budgets say. */
  sendPending(key: string, isOverBudget = false): void {
    this.#sender.send(key, isOverBudget);
  }

  /** Takes an unsent prompt back into the composer, with what was wished for it. */
  editPending(key: string): void {
    const { outbox } = this.#parts;
    const prompt = outbox.get(key);
    if (!prompt || this.#isOnItsWay(key)) return;
    outbox.remove(key);
    const { image, settings } = prompt;
    const text = asTyped(prompt.text, image && { ...image, model: settings.model });
    const models = [settings, ...(prompt.others ?? [])].flatMap(({ model }) => model ?? []);
    if (models.length > 1) this.comparing.set(models);
    const messages = [...this.current.get().messages.values()];
    // Any prompt behind the same answer will do: what is sent for it becomes a sibling of all of them.
    const edited = messages.find(({ role, parent_id }) => role === "user" && parent_id === prompt.parentId);
    if (edited) this.edit(edited.id, text);
    else this.returned.set({ text });
  }

  /** Gives an unsent prompt up. Its text stays in the history. */
  removePending(key: string): void {
    if (!this.#isOnItsWay(key)) this.#parts.outbox.remove(key);
  }

  /** One that can't reach the server is not: it can be taken back. */
  #isOnItsWay(key: string): boolean {
    const generation = this.generations.get().get(key);
    return generation !== undefined && !generation.state.get().isOffline;
  }

  // Answers

  /** The generation that runs in the open conversation, if one does; the latest of several. */
  liveHere(): Generation | null {
    return this.#answers.liveHere().at(-1) ?? null;
  }

  /** Stops one answer, or all that is being answered here. */
  async stop(messageId?: string): Promise<void> {
    if (messageId !== undefined) return this.generations.get().get(messageId)?.stop();
    const live = this.#answers.liveHere();
    if (live.length > 0) return void (await Promise.all(live.map(generation => generation.stop())));
    const error = { type: "cancelled", message: "called off before the server confirmed it" };
    for (const { key } of this.#sender.sentByAnother()) this.#parts.outbox.change(key, { status: "failed", error });
  }

  #arrived(conversationId: string, isBeside: boolean): void {
    // Of several answers that were asked for at once the next prompt follows the first, until one is kept.
    const first = this.path().at(-1);
    if (isBeside && first) this.#branches.select(first).catch(() => undefined);
    this.#sender.sendAsides();
    void this.#upkeep.refreshList(conversationId);
  }

  #ended(place: string, phase: Phase): void {
    void this.#upkeep.settle(place);
    // After a stop or a failure the queue waits: the next prompt was written for an answer that did not come.
    if (phase === "done") this.#sender.sendNext();
  }

  // The tree

  /** What is sent next becomes a sibling of this prompt. Its text, or what became of it, is to be changed first. */
  edit(id: string, text = this.#asTyped(id)): void {
    this.#branches.editing.set({ id, text });
  }

  #asTyped(id: string): string {
    const { messages } = this.current.get();
    const image = [...messages.values()].find(answer => answer.parent_id === id && this.isImage(answer));
    return asTyped(messages.get(id)?.content ?? "", image && { ...this.#wishOf(image), model: image.model });
  }

  #wishOf({ id }: Message): ImageWish {
    return this.#parts.preferences.imageWishes.get()[id] ?? {};
  }

  stopEditing(): void {
    this.#branches.stopEditing();
  }

  /** Whether the answers to a prompt are read side by side, until the reader says otherwise. */
  showSideBySide(promptId: string, isShown: boolean): void {
    this.#parts.preferences.showSideBySide(promptId, isShown);
  }

  /** Shows the branch before or after the one that is read, where it last parted from others. */
  stepSibling(by: -1 | 1): Promise<void> {
    return this.#branches.step(by);
  }

  /** Goes on with one of several answers, and with its model. */
  keep(message: Message): Promise<void> {
    const { id } = this.current.get();
    if (id !== null && message.model !== null) this.#models.set(id, message.model);
    if (message.parent_id !== null) this.showSideBySide(message.parent_id, false);
    return this.#branches.select(message, message.model);
  }

  /** Shows the branch through `message`, and lets the server know which one is read. */
  selectSibling(message: Message): Promise<void> {
    return this.#branches.select(message);
  }

  /** A new conversation that begins with this one up to `messageId`, or with all of it. */
  async clone(messageId?: string): Promise<void> {
    const { client, conversations, navigation } = this.#parts;
    const { id, conversation } = this.current.get();
    if (id === null) return;
    const { title } = conversation ?? {};
    const copy = await client.cloneConversation(id, messageId);
    void conversations.refresh();
    navigation.open(copy.id);
    const text = `a copy of “${title || "untitled"}”${messageId ? ", up to here" : ""}. the old one stays as it is`;
    this.#printouts.print({ after: copy.active_leaf_id, kind: "notice", text, rows: [] });
  }

  async rename(id: string, title: string): Promise<void> {
    this.#reading.changed(await this.#parts.client.updateConversation(id, { title }));
  }

  // Words of the page itself

  print(text: string, rows: readonly Pair[] = []): void {
    this.#print("notice", text, rows);
  }

  /** One complaint at a time: the last. */
  complain(text: string): void {
    this.forgetComplaints();
    this.#print("error", text, []);
  }

  /** What was complained about has been put right. */
  forgetComplaints(): void {
    for (const { id, kind } of this.printouts.get()) if (kind === "error") this.dismiss(id);
  }

  #print(kind: Printout["kind"], text: string, rows: readonly Pair[]): void {
    this.#printouts.print({ after: this.path().at(-1)?.id ?? null, kind, text, rows });
  }

  dismiss(id: string): void {
    this.#printouts.dismiss(id);
  }
}

/** A prompt as it is written to be sent; with `image` one for an image. */
function asTyped(text: string, image?: ImageOptions): string {
  if (image) return `/image ${writeImageArgument(text, image)}`;
  return text.startsWith("/") ? `/${text}` : text;
}
