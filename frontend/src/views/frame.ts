/**
 * The frame: status bar, conversations, prompt, and between them the conversation or another screen.
 *
 * Knows what each key does, how a screen is opened and left, and how what was typed is carried out.
 */

import type { ApiClient } from "../api/client.ts";
import type { Conversation, Message } from "../api/types.ts";
import type { Command, CommandContext, Surface } from "../commands/command.ts";
import { carryOut, readInput } from "../commands/input.ts";
import { SHORTCUTS } from "../commands/registry.ts";
import { ModeLine, SoftKeys, StatusBar } from "../components/bars.ts";
import { Composer, isTouchKeyboard } from "../components/composer.ts";
import { type ConversationActions, ConversationList } from "../components/conversation-list.ts";
import { NoticeLines } from "../components/notice-lines.ts";
import { ScreenLinks } from "../components/screen-links.ts";
import { Transcript } from "../components/transcript.ts";
import { Disposables } from "../dom/component.ts";
import { copyText, h, saveText, setAttribute } from "../dom/element.ts";
import { whenIdle } from "../dom/idle.ts";
import { readComparison } from "../lib/comparison.ts";
import { type Atom, atom, watch } from "../lib/store.ts";
import type { Route, ScreenName } from "../routes.ts";
import type { ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Clock } from "../state/clock.ts";
import type { Conversations } from "../state/conversations.ts";
import type { CostToSend } from "../state/estimate.ts";
import { describeFailure } from "../state/generation.ts";
import type { Line } from "../state/line.ts";
import type { Notices } from "../state/notices.ts";
import type { Outbox } from "../state/outbox.ts";
import type { Preferences } from "../state/preferences.ts";
import type { Removals } from "../state/removals.ts";
import type { Pickers } from "./pickers.ts";
import { BareScreen, LOADERS, type Screen } from "./screen.ts";

/** Where the conversations are a column and not a drawer; the style sheets say the same. */
const WIDE = "(min-width: 56rem)";
/** Asks for one line of text; null where none was given. */
const ask = async (question: string, value: string) => (await import("../components/picker.ts")).ask(question, value);
/** How long a line is said that asks for nothing. */
const SAID_MS = 6_000;

export interface FrameParts {
  client: ApiClient;
  chat: Chat;
  facts: ServerFacts;
  conversations: Conversations;
  outbox: Outbox;
  preferences: Preferences;
  removals: Removals;
  notices: Notices;
  costToSend: CostToSend;
  clock: Clock;
  line: Line;
  route: Atom<Route>;
  go(route: Route): void;
  /** Opens a conversation; null is another new one. */
  open(conversationId: string | null): void;
  /** Back to where the reader came from, or to the conversation. */
  leave(): void;
}

export class Frame {
  readonly element = h("div", { class: "app" });
  readonly #parts: FrameParts;
  readonly #context: CommandContext;
  #pickers: Promise<Pickers> | null = null;
  readonly #composer: Composer;
  readonly #conversationActions: ConversationActions = {
    open: id => this.#open(id),
    openNew: () => this.#open(null),
    rename: conversation => this.#try(() => this.#rename(conversation)),
    remove: conversation => this.#parts.removals.remove(conversation),
    manage: conversation => this.#pick(pickers => pickers.manage(conversation)),
  };
  readonly #main = h("main", { class: "main" });
  readonly #foot = h("footer", { class: "foot" });
  readonly #transcript: Transcript;
  readonly #bar: StatusBar;
  /** What the status bar calls the screen that is shown; null while it is a conversation. */
  readonly #heading = atom<string | null>(null);
  readonly #disposables = new Disposables();
  #screen: Screen | null = null;
  #leaveScreen: () => void = () => undefined;

  constructor(parts: FrameParts) {
    this.#parts = parts;
    const { chat, facts, conversations, outbox, preferences, removals, notices, costToSend, clock, line, client } =
      parts;
    const stop = () => this.#try(() => chat.stop());
    // One that is being tried in vain is called off first.
    const takeBack = (key: string) => void chat.stop(key).catch(() => undefined);
    this.#context = { client, chat, facts, conversations, preferences, removals, surface: this.#surface() };
    this.#bar = new StatusBar(chat, facts, line, this.#heading, {
      toggleConversations: () => this.#toggleDrawer(),
      leave: () => this.#leave(),
      home: () => this.#open(null),
      usage: () => this.#show("usage"),
    });
    const list = new ConversationList(conversations, chat, this.#conversationActions);
    const links = new ScreenLinks(parts.route, screen => this.#show(screen));
    this.#transcript = new Transcript({
      chat,
      facts,
      outbox,
      preferences,
      costToSend,
      clock,
      prompts: {
        select: message => this.#try(() => chat.selectSibling(message)),
        edit: message => this.#edit(message),
      },
      answers: {
        retry: message => this.#try(() => chat.retry(message)),
        retryWith: message => this.#pick(pickers => pickers.retryWith(message)),
        goOn: message => chat.goOn(message),
        fork: message => this.#try(() => chat.clone(message.id)),
        select: message => this.#try(() => chat.selectSibling(message)),
        compare: message => this.#showSideBySide(true, message),
      },
      comparison: {
        keep: message => this.#try(() => chat.keep(message)),
        stop: message => this.#try(() => chat.stop(message.id)),
        stopAll: stop,
        close: () => this.#showSideBySide(false),
      },
      pending: {
        send: key => chat.sendPending(key),
        sendAnyway: key => chat.sendPending(key, true),
        edit: key => {
          takeBack(key);
          chat.editPending(key);
          this.focus();
        },
        remove: key => {
          takeBack(key);
          chat.removePending(key);
        },
      },
    });
    this.#composer = new Composer({
      chat,
      preferences,
      context: this.#context,
      submit: text => this.#submit(text),
      stop,
      changed: text => this.#estimate(text),
    });
    const softKeys = new SoftKeys(this.#context, {
      conversations: () => this.#toggleDrawer(),
      commands: () =>
        this.#composer.value.trim() ? this.#pick(pickers => pickers.everything()) : this.#composer.write("/"),
      run: command => this.#try(() => command.run(this.#context, "")),
    });
    const modeLine = new ModeLine(chat, facts, preferences, costToSend, {
      model: () => this.#pick(pickers => pickers.model()),
      reasoning: () => this.#pick(pickers => pickers.reasoning()),
      temperature: () => this.#pick(pickers => pickers.temperature()),
    });
    const lines = new NoticeLines(notices);
    const side = h("div", { class: "side", id: "side" }, list.element, links.element);
    const veil = h("div", { class: "veil", onclick: () => this.#closeDrawer() });
    this.#main.append(this.#transcript.element);
    this.#foot.append(softKeys.element, this.#composer.element, modeLine.element);
    this.element.append(this.#bar.element, side, veil, this.#main, lines.element, this.#foot);
    for (const part of [this.#bar, list, links, this.#transcript, this.#composer, softKeys, modeLine, lines]) {
      this.#disposables.add(() => part.dispose());
    }
    this.#disposables.add(parts.route.subscribe(route => this.#follow(route)));
    this.#disposables.add(() => this.#closeScreen());
    this.#disposables.listen(document, "keydown", event => this.#pressed(event as KeyboardEvent));
    this.#disposables.listen(window, "popstate", () => this.#setDrawer(isDrawerState()));
    this.#disposables.listen(matchMedia(WIDE), "change", () => this.#setDrawer(false));
    // After a reload the drawer is closed: its entry in the history is one of the page.
    if (isDrawerState()) history.replaceState(null, "");
    this.#tellOpen();
    this.#follow(parts.route.get());
    // The first lines come first: a thin line is shared.
    const fetch = () => {
      void this.#fetchPickers().catch(() => undefined);
      return false;
    };
    this.#disposables.add(watch([facts.health, facts.catalog], () => facts.isComplete && whenIdle(fetch)));
  }

  focus(): void {
    this.#composer.focus();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #pressed(event: KeyboardEvent): void {
    // An input method closes its own window with Esc.
    if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const shortcut = SHORTCUTS.find(known => known.matches?.(event));
    if (shortcut?.act === "palette") this.#pick(pickers => pickers.everything());
    else if (shortcut?.act === "leave" && this.#isDrawerOpen) this.#closeDrawer();
    else if (shortcut?.act === "leave" && this.#screen) this.#leave();
    else if (shortcut?.act === "leave" && this.#parts.chat.canStop.get()) this.#try(() => this.#parts.chat.stop());
    else if (shortcut?.act === "earlier") this.#try(() => this.#parts.chat.stepSibling(-1));
    else if (shortcut?.act === "later") this.#try(() => this.#parts.chat.stepSibling(1));
    else if (shortcut?.command && !this.#screen) void this.#submit(`/${shortcut.command}`);
    else if (shortcut?.act === "slash" && !isField(event.target) && this.#composer.value === "") {
      this.#composer.write("/");
    } else return;
    event.preventDefault();
  }

  // The prompt

  async #submit(text: string): Promise<boolean> {
    try {
      await carryOut(text, this.#context);
      return true;
    } catch (error) {
      this.#complain(describeFailure(error));
      return false;
    } finally {
      this.#transcript.toEnd();
    }
  }

  /** Does it; a failure is said. */
  #try(act: () => void | Promise<void>): void {
    Promise.resolve()
      .then(act)
      .catch((error: unknown) => this.#complain(describeFailure(error)));
  }

  #send(text: string): void {
    const { chat, costToSend } = this.#parts;
    this.#toConversation();
    chat.submitPrompt(text, costToSend.likelyOf(text));
    this.#transcript.toEnd();
  }

  /** What the next prompt would cost, also where it stands behind the models that are to be compared. */
  #estimate(text: string): void {
    const { costToSend, facts } = this.#parts;
    const input = readInput(text);
    if (input.kind === "prompt") costToSend.write(text);
    else if (input.kind === "command" && input.command.name === "compare") {
      const { models, prompt } = readComparison(input.argument, word => facts.model(word) !== undefined);
      costToSend.write(prompt, models);
    } else costToSend.write("");
  }

  #edit(message: Message): void {
    this.#toConversation();
    this.#parts.chat.edit(message.id);
    this.focus();
  }

  /** Whether the answers at the end stand side by side; `message` is one of them. */
  #showSideBySide(isShown: boolean, message = this.#parts.chat.path().at(-1)): void {
    if (message?.parent_id) this.#parts.chat.showSideBySide(message.parent_id, isShown);
  }

  /** In the transcript where one is read, else in a line above the prompt. */
  #complain(text: string): void {
    if (this.#screen) this.#parts.notices.say(text, { kind: "error" });
    else {
      this.#parts.chat.complain(text);
      this.#transcript.toEnd();
    }
  }

  /** Opens a list to choose from. Their code is fetched when the page has time, or with the first that is opened. */
  #pick(open: (pickers: Pickers) => void): void {
    const words = "the list could not be fetched: the server can't be reached, or has a newer page. reload this one";
    this.#fetchPickers().then(open, () => this.#complain(words));
  }

  #fetchPickers(): Promise<Pickers> {
    const { chat, facts, conversations, preferences } = this.#parts;
    this.#pickers ??= import("./pickers.ts").then(
      ({ Pickers }) =>
        new Pickers({
          chat,
          facts,
          conversations,
          preferences,
          open: id => this.#open(id),
          write: text => this.#write(text),
          focus: () => isTouchKeyboard() || this.focus(),
          run: command => this.#runFromPalette(command),
          conversationActions: this.#conversationActions,
          try: act => this.#try(act),
        }),
    );
    return this.#pickers;
  }

  #surface(): Surface {
    return {
      pickModel: () => this.#pick(pickers => pickers.model()),
      pickComparison: () => this.#pick(pickers => pickers.comparison()),
      pickReasoning: () => this.#pick(pickers => pickers.reasoning()),
      pickTemperature: () => this.#pick(pickers => pickers.temperature()),
      pickTheme: () => this.#pick(pickers => pickers.theme()),
      pickConversation: () => this.#pick(pickers => pickers.conversation()),
      pickHistory: () => this.#pick(pickers => pickers.history()),
      open: id => this.#open(id),
      show: screen => this.#show(screen),
      edit: message => this.#edit(message),
      send: text => this.#send(text),
      print: (text, rows) => {
        this.#toConversation();
        this.#parts.chat.print(text, rows);
      },
      say: text => void this.#parts.notices.say(text, { milliseconds: SAID_MS }),
      ask,
      copy: copyText,
      save: saveText,
    };
  }

  #runFromPalette(command: Command): void {
    if (command.isWritten) this.#write(`/${command.name} `);
    else void this.#submit(`/${command.name}`);
  }

  /** Puts `text` into the prompt. What was being written there can be had back from the history. */
  #write(text: string): void {
    if (this.#composer.value.trim()) this.#parts.preferences.remember(this.#composer.value);
    this.#composer.write(text);
  }

  // Conversations and screens

  async #rename(conversation: Conversation): Promise<void> {
    const title = await ask("a new title", conversation.title);
    if (title) await this.#parts.chat.rename(conversation.id, title);
  }

  #open(id: string | null): void {
    this.#setDrawer(false);
    this.#parts.open(id);
    if (!isTouchKeyboard()) this.focus();
  }

  #show(view: ScreenName): void {
    this.#setDrawer(false);
    this.#parts.go({ view });
  }

  #toConversation(): void {
    if (this.#screen) this.#parts.go({ view: "chat", conversationId: this.#parts.chat.current.get().id });
  }

  #leave(): void {
    this.#parts.leave();
  }

  #follow(route: Route): void {
    const wasScreen = this.#screen !== null;
    this.#closeScreen();
    if (route.view === "chat") {
      if (wasScreen && !isTouchKeyboard()) this.focus();
      return;
    }
    this.#transcript.element.hidden = true;
    void this.#load(route.view);
  }

  async #load(view: ScreenName): Promise<void> {
    const leave = () => this.#leave();
    this.#place(new BareScreen(view, "…", leave), view);
    try {
      const { client, clock, line, notices } = this.#parts;
      const screen = await LOADERS[view]({
        client,
        clock,
        line,
        notices,
        commands: this.#context,
        conversationActions: this.#conversationActions,
        write: this.#write.bind(this),
        leave,
      });
      if (this.#parts.route.get().view === view) this.#place(screen, view);
      else screen.dispose();
    } catch {
      if (this.#parts.route.get().view !== view) return;
      const words = "this screen could not be fetched: the server can't be reached, or has a newer page. ";
      // A module that failed stays failed until the page is loaded anew.
      this.#place(new BareScreen(view, words, leave, () => location.reload()), view);
    }
  }

  #place(screen: Screen, view: ScreenName): void {
    const focused = document.activeElement;
    const hadFocus = !this.#screen || focused === document.body || this.#screen.element.contains(focused);
    this.#leaveScreen();
    this.#screen?.dispose();
    this.#screen?.element.remove();
    this.#screen = screen;
    const title = () => this.#heading.set([view, screen.subtitle.get()].filter(Boolean).join(" · "));
    this.#leaveScreen = screen.subtitle.subscribe(title);
    title();
    this.#main.append(screen.element);
    // Whoever reads with the ears hears where they are; whoever went on typing is not pulled away.
    if (hadFocus && !screen.takeFocus?.()) screen.element.querySelector("h2")?.focus({ preventScroll: true });
  }

  #closeScreen(): void {
    this.#leaveScreen();
    this.#leaveScreen = () => undefined;
    this.#screen?.dispose();
    this.#screen?.element.remove();
    this.#screen = null;
    this.#heading.set(null);
    this.#transcript.element.hidden = false;
  }

  // The drawer

  get #isDrawerOpen(): boolean {
    return this.element.classList.contains("is-drawer-open");
  }

  #toggleDrawer(): void {
    if (this.#isDrawerOpen) return this.#closeDrawer();
    void this.#parts.conversations.refresh();
    if (isWide()) return this.#setColumn(this.element.classList.contains("is-column-closed"));
    history.pushState({ ...history.state, drawer: true }, "", location.pathname);
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
    this.#tellOpen();
  }

  #setColumn(isOpen: boolean): void {
    this.element.classList.toggle("is-column-closed", !isOpen);
    this.#tellOpen();
  }

  #tellOpen(): void {
    const isOpen = isWide() ? !this.element.classList.contains("is-column-closed") : this.#isDrawerOpen;
    setAttribute(this.#bar.menu, "aria-expanded", String(isOpen));
  }
}

/** Whether the entry of the history is that of the open drawer. */
export function isDrawerState(): boolean {
  return Boolean((history.state as { drawer?: boolean } | null)?.drawer);
}

function isWide(): boolean {
  return matchMedia(WIDE).matches;
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
