/** What a slash command is, and what it may ask of the page. The list of them is `registry.ts`. */

import type { ApiClient } from "../api/client.ts";
import type { Message } from "../api/types.ts";
import type { ReadableAtom } from "../lib/store.ts";
import type { ScreenName } from "../routes.ts";
import type { ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Conversations } from "../state/conversations.ts";
import type { Preferences } from "../state/preferences.ts";
import type { Pair } from "../state/printouts.ts";
import type { Removals } from "../state/removals.ts";

/** What a command may ask of the screen. */
export interface Surface {
  pickModel(): void;
  /** Lets the reader choose the models that the next prompt goes to. */
  pickComparison(): void;
  pickReasoning(): void;
  pickTemperature(): void;
  pickTheme(): void;
  pickConversation(): void;
  pickHistory(): void;
  /** Opens a conversation; null is a new one. */
  open(conversationId: string | null): void;
  show(screen: ScreenName): void;
  /** Takes a prompt of the conversation up to be edited. */
  edit(message: Message): void;
  /** Sends a prompt. */
  send(text: string): void;
  /** Prints lines of the page's own into the transcript. */
  print(text: string, rows?: readonly Pair[]): void;
  /** Says one line above the prompt. */
  say(text: string): void;
  ask(question: string, value: string): Promise<string | null>;
  /** Whether it reached the clipboard. */
  copy(text: string): Promise<boolean>;
  /** Hands the reader a file. */
  save(name: string, mediaType: string, text: string): void;
}

export interface CommandContext {
  readonly client: ApiClient;
  readonly chat: Chat;
  readonly facts: ServerFacts;
  readonly conversations: Conversations;
  readonly preferences: Preferences;
  readonly removals: Removals;
  readonly surface: Surface;
}

/** What an argument may be. */
export interface Value {
  readonly value: string;
  readonly detail?: string;
  /** Text the completion looks at, besides the value. */
  readonly keywords?: string;
  /** Whether more is to follow it. */
  readonly isOpen?: boolean;
}

export interface Command {
  readonly name: string;
  readonly group: Group;
  /** As /help shows it: `<must>`, `[may]`. */
  readonly argument?: string;
  /** Whether the palette leaves the argument to be written: it says nothing, or something else, without one. */
  readonly isWritten?: boolean;
  /** Whether the argument is a text of the writer's own: of any number of lines, and kept in the history. */
  readonly takesText?: boolean;
  readonly summary: string;
  /** Its place in the row above the prompt of a touch screen. */
  readonly softKey?: {
    readonly glyph: string;
    readonly label: string;
    /** Whether it can be pressed; left out it always can. */
    isOn?(context: CommandContext): ReadableAtom<boolean>;
  };
  /** What the argument may be, for completion; `typed` is what there is of it. */
  readonly values?: (context: CommandContext, typed: string) => readonly Value[];
  readonly run: (context: CommandContext, argument: string) => void | Promise<void>;
}

export type Group = "conversations" | "answers" | "the next prompt" | "screens";

/** Words that do not fit. The text stays in the prompt. */
export class CommandError extends Error {}

export function values(...words: readonly string[]): readonly Value[] {
  return words.map(value => ({ value }));
}
