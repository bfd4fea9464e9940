/**
 * The prompt at the foot: a text that grows, completion for commands, history, and a draft per conversation. While a
 * prompt is edited its text stands here, and the draft waits.
 *
 * Knows keys and carets. What a text means is `commands/input.ts`; what becomes of it is up to `submit`.
 */

import type { CommandContext } from "../commands/command.ts";
import { type Completion, complete } from "../commands/input.ts";
import { Disposables } from "../dom/component.ts";
import { h, setAttribute, setText } from "../dom/element.ts";
import { watch } from "../lib/store.ts";
import type { Chat } from "../state/chat.ts";
import type { Edit, Preferences } from "../state/preferences.ts";

export interface ComposerParts {
  chat: Chat;
  preferences: Preferences;
  context: CommandContext;
  /** Takes the text; false (or a promise of it) when it is to stay in the prompt. */
  submit(text: string): boolean | Promise<boolean>;
  stop(): void;
  /** Told of every change of the text. */
  changed(text: string): void;
}

const KEEP_DRAFT_MS = 250;
const GROWS_BY_ITSELF = typeof CSS !== "undefined" && CSS.supports?.("field-sizing", "content");

export class Composer {
  readonly element = h("form", { class: "composer" });
  readonly #text = h("textarea", {
    rows: 1,
    "aria-label": "prompt",
    "aria-autocomplete": "list",
    placeholder: "message, or / for commands",
    autocapitalize: "sentences",
    autocomplete: "off",
    spellcheck: "true",
  });
  readonly #send = h("button", { class: "send", type: "submit", "aria-label": "send" }, "⏎");
  readonly #stop = h("button", { class: "stop", type: "button", "aria-label": "stop", hidden: true }, "■");
  readonly #options = h("ul", {
    class: "completions",
    id: "completions",
    role: "listbox",
    tabindex: "0",
    "aria-label": "commands",
    hidden: true,
  });
  readonly #editing = h(
    "p",
    { class: "editing", hidden: true },
    h("span", {}, "editing · makes a second version", h("span", { class: "roomy" }, "; the first stays")),
  );
  readonly #parts: ComposerParts;
  readonly #disposables = new Disposables();
  #edited: Edit | null = null;
  #completions: Completion[] = [];
  #chosen = 0;
  /** Where in the history the reader is; null while they write something of their own. */
  #historyAt: number | null = null;
  #own = "";
  #place: string | null = null;
  #draftName: string | null = null;
  #draftTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ComposerParts) {
    this.#parts = parts;
    const mark = h("span", { class: "mark", "aria-hidden": "true" }, "❯");
    const leave = h("button", { type: "button" }, "cancel");
    this.#editing.append(leave);
    this.element.append(this.#options, this.#editing, mark, this.#text, this.#stop, this.#send);
    const on = this.#disposables;
    on.listen(this.element, "submit", event => {
      event.preventDefault();
      void this.#submit();
    });
    on.listen(this.#text, "keydown", event => this.#pressed(event));
    on.listen(this.#text, "input", () => {
      this.#historyAt = null;
      this.#changed();
    });
    // Who moves into the list, to read it all, still chooses by the same keys.
    on.listen(this.#options, "keydown", event => this.#pressed(event));
    for (const [part, other] of [
      [this.#text, this.#options],
      [this.#options, this.#text],
    ] as const) {
      on.listen(part, "blur", event => event.relatedTarget !== other && this.#closeCompletions());
    }
    // The keyboard stays as it is when a key beside the prompt is pressed.
    for (const key of [this.#send, this.#stop]) on.listen(key, "pointerdown", event => event.preventDefault());
    on.listen(this.#stop, "click", () => parts.stop());
    on.listen(leave, "click", () => this.#leaveEdit());
    on.listen(window, "pagehide", () => this.#keepDraft());
    on.add(watch([parts.chat.current, parts.chat.generations], () => this.#follow()));
    on.add(parts.chat.canStop.subscribe(() => this.#updateKeys()));
    on.add(parts.chat.editing.subscribe(edit => this.#edit(edit)));
    on.add(parts.chat.returned.subscribe(returned => returned && this.#takeBack(returned.text)));
    this.#setEnterHint();
    this.#follow();
  }

  focus(): void {
    this.#text.focus({ preventScroll: true });
  }

  get value(): string {
    return this.#text.value;
  }

  /** Puts `text` into the prompt, ready to be changed or sent. */
  write(text: string): void {
    this.#text.value = text;
    this.#text.setSelectionRange(text.length, text.length);
    this.#changed();
    this.focus();
  }

  /** Adds to what is there already, which is somebody's work. */
  #takeBack(text: string): void {
    this.write(this.#text.value.trim() ? `${text}\n${this.#text.value}` : text);
  }

  dispose(): void {
    this.#keepDraft();
    this.#disposables.dispose();
  }

  async #submit(): Promise<void> {
    const text = this.#text.value;
    if (text.trim() === "") return;
    this.#closeCompletions();
    // Cleared at once, so that the next prompt can be typed; what is not taken comes back.
    this.#text.value = "";
    this.#historyAt = null;
    this.#changed();
    this.#keepDraft();
    this.#closeCompletions();
    if (!(await this.#parts.submit(text))) {
      this.#takeBack(text);
      this.#closeCompletions();
    }
  }

  #pressed(event: KeyboardEvent): void {
    // An input method confirms its word with Enter; that one is not for us.
    if (event.isComposing || event.keyCode === 229) return;
    const isOpen = this.#completions.length > 0;
    const plain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && plain && !isTouchKeyboard()) {
      event.preventDefault();
      if (isOpen && !this.#isWhole()) this.#take(true);
      else void this.#submit();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void this.#submit();
    } else if (event.key === "Tab" && plain && isOpen) {
      event.preventDefault();
      this.#take(false);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.#closeCompletions();
    } else if (event.key === "Escape" && this.#edited) {
      event.preventDefault();
      this.#leaveEdit();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && plain) {
      const step = event.key === "ArrowUp" ? -1 : 1;
      if (isOpen) this.#choose(this.#chosen + step);
      else if (!this.#walk(step)) return;
      event.preventDefault();
    }
  }

  /** Whether what is typed is a command already, with nothing that must follow. */
  #isWhole(): boolean {
    const text = this.#text.value.trimEnd();
    const same = this.#completions.find(completion => completion.text.trimEnd() === text);
    return same !== undefined && !same.isOpen;
  }

  #take(isRun: boolean): void {
    const completion = this.#completions[this.#chosen];
    if (!completion) return;
    this.write(completion.text);
    if (isRun && !completion.isOpen) void this.#submit();
  }

  /** Steps through the prompts of this device; only from the first or last line, where an arrow has no other use. */
  #walk(step: number): boolean {
    const { value, selectionStart, selectionEnd } = this.#text;
    const isAtEdge =
      step < 0 ? !value.slice(0, selectionStart).includes("\n") : !value.slice(selectionEnd).includes("\n");
    if (!isAtEdge || selectionStart !== selectionEnd) return false;
    const history = this.#parts.preferences.history.get();
    const from = this.#historyAt ?? history.length;
    const to = from + step;
    if (to < 0 || to > history.length || (this.#historyAt === null && step > 0)) return false;
    if (this.#historyAt === null) this.#own = value;
    this.write(to === history.length ? this.#own : (history[to] ?? ""));
    this.#historyAt = to === history.length ? null : to;
    this.#closeCompletions();
    return true;
  }

  #changed(): void {
    this.#resize();
    this.#updateCompletions();
    this.#updateKeys();
    this.#parts.changed(this.#text.value);
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#keepDraft(), KEEP_DRAFT_MS);
  }

  #resize(): void {
    // Where the style sheet can do it (`field-sizing: content`), or nothing is laid out yet, it is left to it.
    if (GROWS_BY_ITSELF || !this.#text.isConnected) return;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  #keepDraft(): void {
    clearTimeout(this.#draftTimer);
    const { preferences } = this.#parts;
    if (this.#edited && this.#draftName !== null) {
      preferences.keepEdit(this.#draftName, { ...this.#edited, text: this.#text.value });
    } else if (this.#place !== null) preferences.keepDraft(this.#draftName, this.#text.value);
  }

  /** Takes a prompt up to be edited, or the draft again that waited meanwhile. */
  #edit(edit: Edit | null): void {
    if (edit === this.#edited) return;
    this.#keepDraft();
    this.#edited = edit;
    this.#editing.hidden = edit === null;
    this.#text.value = edit ? edit.text : this.#parts.preferences.draft(this.#draftName);
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
    this.#historyAt = null;
    this.#changed();
    this.#closeCompletions();
  }

  #leaveEdit(): void {
    this.#parts.chat.stopEditing();
    this.focus();
  }

  /** Another conversation has another draft. A new one that was just given its id takes its draft along. */
  #follow(): void {
    const { id, place, formerPlace } = this.#parts.chat.current.get();
    if (place !== this.#place) {
      const isBorn = formerPlace !== null && formerPlace === this.#place;
      if (isBorn) this.#parts.preferences.keepDraft(null, "");
      else this.#keepDraft();
      this.#place = place;
      this.#draftName = id;
      if (isBorn) this.#keepDraft();
      else {
        this.#text.value = this.#parts.preferences.draft(id);
        this.#historyAt = null;
        this.#resize();
        this.#closeCompletions();
        this.#parts.changed(this.#text.value);
      }
    }
    this.#updateKeys();
  }

  #updateKeys(): void {
    this.#stop.hidden = !this.#parts.chat.canStop.get();
    const isLive = this.#parts.chat.liveHere() !== null;
    setAttribute(this.#send, "title", isLive ? "sent when the answer is complete" : null);
  }

  #updateCompletions(): void {
    this.#completions = complete(this.#text.value, this.#parts.context);
    this.#options.replaceChildren(
      ...this.#completions.map((completion, at) => {
        const option = h(
          "li",
          { role: "option", id: `completion-${at}`, class: completion.label.startsWith("/") ? null : "value" },
          h(
            "span",
            { class: "completion-label" },
            completion.label,
            h("span", { class: "roomy" }, ` ${completion.argument}`),
          ),
          h("span", { class: "completion-summary" }, completion.summary),
        );
        option.addEventListener("pointerdown", event => event.preventDefault());
        option.addEventListener("click", () => {
          this.#chosen = at;
          this.#take(true);
        });
        return option;
      }),
    );
    this.#options.hidden = this.#completions.length === 0;
    this.#choose(0);
  }

  #choose(at: number): void {
    const count = this.#completions.length;
    this.#chosen = count === 0 ? 0 : (at + count) % count;
    for (const [index, option] of [...this.#options.children].entries()) {
      setAttribute(option, "aria-selected", index === this.#chosen ? "true" : "false");
      if (index === this.#chosen && count) option.scrollIntoView?.({ block: "nearest" });
    }
    setAttribute(this.#text, "aria-controls", count ? "completions" : null);
    setAttribute(this.#text, "aria-activedescendant", count ? `completion-${this.#chosen}` : null);
  }

  #closeCompletions(): void {
    this.#completions = [];
    this.#options.replaceChildren();
    this.#options.hidden = true;
    this.#choose(0);
  }

  #setEnterHint(): void {
    setAttribute(this.#text, "enterkeyhint", isTouchKeyboard() ? "enter" : "send");
    setText(this.#send, "⏎");
  }
}

/** Whether Enter comes from a keyboard on the glass, which has no Shift+Enter worth the name. */
export function isTouchKeyboard(): boolean {
  return typeof matchMedia === "function" && matchMedia("(pointer: coarse)").matches;
}
