/**
 * What this device remembers: its id, theme, the choice for new prompts, drafts and the prompt history.
 *
 * Knows the browser's storage, and that it may be missing, full or forbidden: then things last as long as the page.
 */

import type { ImageBody } from "../api/types.ts";
import { type Atom, atom } from "../lib/store.ts";
import { randomUuid } from "../lib/uuid.ts";

const PREFIX = "llm-router.";
const HISTORY_LENGTH = 200;
/** Long prompts must not crowd out of the storage what is not on the server yet. */
const HISTORY_CHARACTERS = 100_000;
const RECORD_LENGTH = 100;

export type Theme = "auto" | "tokyo-night" | "phosphor" | "amber" | "paper";
export const THEMES: readonly Theme[] = ["auto", "tokyo-night", "phosphor", "amber", "paper"];

/** In percent of what the browser is set to. */
export const FONT_SIZES = [100, 112, 125, 150, 200] as const;

/** How an image is wished, besides by which model. */
export type ImageWish = Pick<ImageBody, "size" | "quality">;

/** What the next prompt is sent with. Null leaves it to the server or the model. */
export interface PromptSettings {
  model: string | null;
  temperature: number | null;
  reasoning: string | null;
}

export interface Edit {
  readonly id: string;
  readonly text: string;
}

export class DeviceStorage {
  readonly #storage: Storage | null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  read<T>(name: string, fallback: T): T {
    try {
      const text = this.#storage?.getItem(PREFIX + name);
      return text ? (JSON.parse(text) as T) : fallback;
    } catch {
      return fallback;
    }
  }

  /** Whether it is kept. */
  write(name: string, value: unknown): boolean {
    try {
      if (value === null || value === "") this.#storage?.removeItem(PREFIX + name);
      else this.#storage?.setItem(PREFIX + name, JSON.stringify(value));
      return this.#storage !== null;
    } catch {
      return false; // full or forbidden; what is on the screen stays there
    }
  }
}

export class Preferences {
  readonly theme: Atom<Theme>;
  readonly effects: Atom<boolean>;
  readonly fontSize: Atom<number>;
  readonly prompt: Atom<PromptSettings>;
  readonly history: Atom<readonly string[]>;
  /** Whether the answers to a prompt, by its id, are read side by side, where the reader said so; newest last. */
  readonly sideBySide: Atom<Readonly<Record<string, boolean>>>;
  /** How the image of an answer, by its id, was wished: the server keeps no more than the picture; newest last. */
  readonly imageWishes: Atom<Readonly<Record<string, ImageWish>>>;
  readonly deviceId: string;
  readonly #storage: DeviceStorage;

  constructor(storage: DeviceStorage) {
    this.#storage = storage;
    const stored = storage.read<Theme>("theme", "tokyo-night");
    this.theme = this.#kept("theme", THEMES.includes(stored) ? stored : "tokyo-night");
    this.effects = this.#kept("effects", storage.read("effects", true));
    const fontSize = storage.read<number>("font-size", 100);
    this.fontSize = this.#kept("font-size", FONT_SIZES.some(size => size === fontSize) ? fontSize : 100);
    this.prompt = this.#kept("prompt", {
      ...{ model: null, temperature: null, reasoning: null },
      ...storage.read<Partial<PromptSettings>>("prompt", {}),
    });
    this.history = this.#kept("history", storage.read<readonly string[]>("history", []));
    this.sideBySide = this.#kept("side-by-side", storage.read("side-by-side", {}));
    this.imageWishes = this.#kept("image-wishes", storage.read("image-wishes", {}));
    this.deviceId = storage.read("device", "") || randomUuid();
    storage.write("device", this.deviceId);
  }

  /** Newest last; a prompt that was used before moves to the end. */
  remember(prompt: string): void {
    this.history.update(history => {
      let room = HISTORY_CHARACTERS;
      const newest = [prompt, ...history.filter(old => old !== prompt).toReversed()].slice(0, HISTORY_LENGTH);
      const end = newest.findIndex(old => {
        room -= old.length;
        return room < 0;
      });
      return (end < 0 ? newest : newest.slice(0, end)).toReversed();
    });
  }

  showSideBySide(promptId: string, isShown: boolean): void {
    this.sideBySide.update(record => recorded(record, promptId, isShown));
  }

  keepImageWish(answerId: string, wish: ImageWish): void {
    this.imageWishes.update(record => recorded(record, answerId, wish));
  }

  /** The prompt that is being edited in a conversation, and what became of its text so far. */
  edit(conversationId: string): Edit | null {
    const edit = this.#storage.read<Partial<Edit> | null>(`edit.${conversationId}`, null);
    return typeof edit?.id === "string" && typeof edit.text === "string" ? { id: edit.id, text: edit.text } : null;
  }

  keepEdit(conversationId: string, edit: Edit | null): void {
    this.#storage.write(`edit.${conversationId}`, edit);
  }

  draft(conversationId: string | null): string {
    return this.#storage.read(`draft.${conversationId ?? "new"}`, "");
  }

  keepDraft(conversationId: string | null, text: string): void {
    this.#storage.write(`draft.${conversationId ?? "new"}`, text);
  }

  #kept<T>(name: string, value: T): Atom<T> {
    const kept = atom(value);
    kept.subscribe(next => this.#storage.write(name, next));
    return kept;
  }
}

function recorded<T>(record: Readonly<Record<string, T>>, key: string, value: T): Record<string, T> {
  const { [key]: _, ...others } = record;
  return { ...Object.fromEntries(Object.entries(others).slice(1 - RECORD_LENGTH)), [key]: value };
}
