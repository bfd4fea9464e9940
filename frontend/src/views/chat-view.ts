/** The chat screen: status bar, conversations, transcript, prompt; and what each key of it does. */

import type { Conversation } from "../api/types.ts";
import { readInput } from "../commands/input.ts";
import { COMMANDS, type Command, CommandError, type Surface } from "../commands/registry.ts";
import { ModeLine, SoftKeys, StatusBar } from "../components/bars.ts";
import { Composer } from "../components/composer.ts";
import { ConversationList } from "../components/conversation-list.ts";
import { ask, type Choice, confirm, openPicker } from "../components/picker.ts";
import { Transcript } from "../components/transcript.ts";
import { Disposables } from "../dom/component.ts";
import { h, setAttribute } from "../dom/element.ts";
import { formatPrice } from "../lib/format.ts";
import { reasoningLevels, type ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Clock } from "../state/clock.ts";
import type { Conversations } from "../state/conversations.ts";
import { describeFailure } from "../state/generation.ts";
import type { Line } from "../state/line.ts";
import type { Outbox } from "../state/outbox.ts";
import { type Preferences, THEMES } from "../state/preferences.ts";

/** Where the conversations are a column and not a drawer; the style sheets say the same. */
const WIDE = "(min-width: 56rem)";

export interface ChatViewParts {
  chat: Chat;
  facts: ServerFacts;
  conversations: Conversations;
  outbox: Outbox;
  preferences: Preferences;
  clock: Clock;
  line: Line;
  open(conversationId: string | null): void;
}

export class ChatView {
  readonly element = h("div", { class: "app" });
  readonly #parts: ChatViewParts;
  readonly #composer: Composer;
  readonly #main = h("main", { class: "main" });
  readonly #foot = h("footer", { class: "foot" });
  readonly #transcript: Transcript;
  readonly #bar: StatusBar;
  readonly #disposables = new Disposables();

  constructor(parts: ChatViewParts) {
    this.#parts = parts;
    const { chat, facts, conversations, outbox, preferences, clock, line } = parts;
    const stop = () => this.#try(() => chat.stop());
    this.#bar = new StatusBar(chat, facts, line, {
      toggleConversations: () => this.#toggleDrawer(),
      home: () => this.#open(null),
    });
    const list = new ConversationList(conversations, chat, {
      open: id => this.#open(id),
      openNew: () => this.#open(null),
      rename: conversation => this.#try(() => this.#rename(conversation)),
      remove: conversation => this.#try(() => this.#remove(conversation)),
    });
    this.#transcript = new Transcript({
      chat,
      facts,
      outbox,
      clock,
      answers: {
        retry: message => this.#try(() => chat.retry(message)),
        fork: message => this.#try(() => chat.clone(message.id)),
        select: message => this.#try(() => chat.selectSibling(message)),
      },
      pending: { send: key => chat.sendPending(key), edit: key => chat.editPending(key) },
    });
    const context = { chat, facts, preferences, surface: this.#surface() };
    this.#composer = new Composer({ chat, preferences, context, submit: text => this.#submit(text), stop });
    const softKeys = new SoftKeys(chat, {
      commands: () => (this.#composer.value.trim() ? this.#pickAnything() : this.#composer.write("/")),
      history: () => this.#pickHistory(),
      model: () => this.#pickModel(),
      stop,
    });
    const modeLine = new ModeLine(chat, facts, preferences, {
      model: () => this.#pickModel(),
      reasoning: () => this.#pickReasoning(),
      temperature: () => this.#pickTemperature(),
    });
    const veil = h("div", { class: "veil", onclick: () => this.#closeDrawer() });
    this.#main.append(this.#transcript.element);
    this.#foot.append(softKeys.element, this.#composer.element, modeLine.element);
    this.element.append(this.#bar.element, list.element, veil, this.#main, this.#foot);
    for (const part of [this.#bar, list, this.#transcript, this.#composer, softKeys, modeLine]) {
      this.#disposables.add(() => part.dispose());
    }
    this.#disposables.listen(document, "keydown", event => this.#pressed(event as KeyboardEvent));
    this.#disposables.listen(window, "popstate", () => this.#setDrawer(isDrawerState()));
    this.#disposables.listen(matchMedia(WIDE), "change", () => this.#setDrawer(false));
    // After a reload the drawer is closed: its entry in the history is one of the page.
    if (isDrawerState()) history.replaceState(null, "");
  }

  focus(): void {
    this.#composer.focus();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #pressed(event: KeyboardEvent): void {
    // An input method closes its own window with Esc.
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.#pickAnything();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      if (this.#isDrawerOpen) this.#closeDrawer();
      else if (this.#parts.chat.liveHere()) this.#try(() => this.#parts.chat.stop());
      else return;
      event.preventDefault();
    }
  }

  // The prompt

  async #submit(text: string): Promise<boolean> {
    const { chat, facts, preferences } = this.#parts;
    const input = readInput(text);
    if (input.kind === "prompt") {
      chat.submitPrompt(input.text);
      this.#transcript.toEnd();
      return true;
    }
    if (input.kind === "unknown") {
      const hint = input.suggestion ? `did you mean /${input.suggestion}?` : "/help shows those there are.";
      chat.complain(`there is no command /${input.name}. ${hint} to send a prompt that begins with a slash, type //`);
      this.#transcript.toEnd();
      return false;
    }
    try {
      await input.command.run({ chat, facts, preferences, surface: this.#surface() }, input.argument);
      return true;
    } catch (error) {
      chat.complain(error instanceof CommandError ? error.message : describeFailure(error));
      return false;
    } finally {
      this.#transcript.toEnd();
    }
  }

  /** Does it; a failure is said in the transcript. */
  #try(act: () => void | Promise<void>): void {
    Promise.resolve()
      .then(act)
      .catch((error: unknown) => this.#parts.chat.complain(describeFailure(error)));
  }

  #surface(): Surface {
    return {
      pickModel: () => this.#pickModel(),
      pickReasoning: () => this.#pickReasoning(),
      pickTemperature: () => this.#pickTemperature(),
      pickTheme: () => this.#pickTheme(),
      openNew: () => this.#open(null),
      confirm,
      ask,
    };
  }

  // Pickers

  #pickModel(): void {
    const { chat, facts } = this.#parts;
    const current = chat.settings().model;
    const models = (facts.catalog.get()?.models ?? []).filter(model => !model.generates_images);
    const order = [...new Set(models.map(model => model.connection))];
    const choices = models
      .toSorted(
        (a, b) =>
          order.indexOf(a.connection) - order.indexOf(b.connection) || Number(b.available) - Number(a.available),
      )
      .map(
        (model): Choice => ({
          label: model.id,
          detail: model.is_demo ? "tiny demo model · free" : formatPrice(model.price),
          group: model.connection,
          keywords: `${model.label} ${model.connection}`,
          disabledReason: model.available ? null : (model.unavailable_reason ?? "not available"),
          isCurrent: model.id === current,
          run: () => this.#try(() => chat.chooseModel(model.id)),
        }),
      );
    openPicker("model", choices, facts.catalog.get() ? "nothing fits" : "the list of models is not here yet");
  }

  #pickReasoning(): void {
    const { chat, facts, preferences } = this.#parts;
    const { model, reasoning } = chat.settings();
    const choose = (level: string | null) => () =>
      preferences.prompt.update(prompt => ({ ...prompt, reasoning: level }));
    openPicker("reasoning", [
      { label: "default", detail: "as the provider likes", isCurrent: reasoning === null, run: choose(null) },
      ...reasoningLevels(facts.model(model)).map(level => ({
        label: level,
        isCurrent: reasoning === level,
        run: choose(level),
      })),
    ]);
  }

  #pickTemperature(): void {
    const { chat, preferences } = this.#parts;
    const { temperature } = chat.settings();
    const words: [number | null, string][] = [
      [null, "as the provider likes"],
      [0, "the likeliest word"],
      [0.3, ""],
      [0.7, ""],
      [1, ""],
      [1.3, "wild"],
    ];
    openPicker(
      "temperature",
      words.map(([value, detail]) => ({
        label: value === null ? "default" : String(value),
        detail,
        isCurrent: temperature === value,
        run: () => preferences.prompt.update(prompt => ({ ...prompt, temperature: value })),
      })),
    );
  }

  #pickTheme(): void {
    const { theme } = this.#parts.preferences;
    openPicker(
      "theme",
      THEMES.map(name => ({
        label: name,
        detail: name === "auto" ? "as the system: tokyo-night or paper" : "",
        isCurrent: theme.get() === name,
        run: () => theme.set(name),
      })),
    );
  }

  #pickHistory(): void {
    const history = this.#parts.preferences.history.get().toReversed();
    const choices = history.map(prompt => ({
      label: prompt.replace(/\s+/g, " "),
      run: () => this.#write(prompt),
    }));
    openPicker("history", choices, "no prompts yet");
  }

  /** The palette: every command, every conversation that is loaded. */
  #pickAnything(): void {
    const commands = COMMANDS.map(
      (command): Choice => ({
        label: `/${command.name}`,
        detail: command.summary,
        group: "commands",
        keywords: command.summary,
        run: () => this.#runFromPalette(command),
      }),
    );
    const conversations = this.#parts.conversations.list.get().items.map(
      (conversation): Choice => ({
        label: conversation.title || "untitled",
        group: "conversations",
        isCurrent: false,
        run: () => this.#open(conversation.id),
      }),
    );
    openPicker("everything", [...commands, ...conversations]);
  }

  #runFromPalette(command: Command): void {
    if (command.argument?.startsWith("<") || command.name === "system") this.#write(`/${command.name} `);
    else void this.#submit(`/${command.name}`);
  }

  /** Puts `text` into the prompt. What was being written there can be had back from the history. */
  #write(text: string): void {
    if (this.#composer.value.trim()) this.#parts.preferences.remember(this.#composer.value);
    this.#composer.write(text);
  }

  // Conversations

  async #rename(conversation: Conversation): Promise<void> {
    const title = await ask("a new title", conversation.title);
    if (title) await this.#parts.chat.rename(conversation.id, title);
  }

  async #remove(conversation: Conversation): Promise<void> {
    const question = `delete “${conversation.title || "untitled"}”? what it cost stays in the books`;
    if (await confirm(question, "delete")) await this.#parts.chat.remove(conversation.id);
  }

  #open(id: string | null): void {
    const wasDrawer = this.#isDrawerOpen;
    this.#setDrawer(false);
    // The drawer was an entry of its own in the history; the conversation takes its place.
    if (wasDrawer && isDrawerState()) history.replaceState(null, "", location.pathname);
    this.#parts.open(id);
    if (!matchMedia("(pointer: coarse)").matches) this.focus();
  }

  get #isDrawerOpen(): boolean {
    return this.element.classList.contains("is-drawer-open");
  }

  #toggleDrawer(): void {
    if (this.#isDrawerOpen) return this.#closeDrawer();
    void this.#parts.conversations.refresh();
    if (isWide()) return this.#setColumn(this.element.classList.contains("is-column-closed"));
    history.pushState({ drawer: true }, "", location.pathname);
    this.#setDrawer(true);
    this.element.querySelector<HTMLElement>(".conversations .new")?.focus({ preventScroll: true });
  }

  #closeDrawer(): void {
    if (isDrawerState()) history.back();
    else this.#setDrawer(false);
    this.#bar.menu.focus({ preventScroll: true });
  }

  #setDrawer(isOpen: boolean): void {
    this.element.classList.toggle("is-drawer-open", isOpen);
    // What lies under the veil can't be reached by keyboard either.
    this.#main.inert = isOpen;
    this.#foot.inert = isOpen;
    setAttribute(this.#bar.menu, "aria-expanded", isOpen ? "true" : "false");
  }

  #setColumn(isOpen: boolean): void {
    this.element.classList.toggle("is-column-closed", !isOpen);
    setAttribute(this.#bar.menu, "aria-expanded", isOpen ? "true" : "false");
  }
}

function isDrawerState(): boolean {
  return Boolean((history.state as { drawer?: boolean } | null)?.drawer);
}

function isWide(): boolean {
  return matchMedia(WIDE).matches;
}
