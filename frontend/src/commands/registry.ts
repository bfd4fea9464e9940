/** The slash commands and the keys: the literal lists behind completion, the palette, the soft keys and /help. */

import { ANSWER_COMMANDS } from "./answer-commands.ts";
import type { Command } from "./command.ts";
import { CONVERSATION_COMMANDS } from "./conversation-commands.ts";
import { PROMPT_COMMANDS } from "./prompt-commands.ts";
import { SCREEN_COMMANDS } from "./screen-commands.ts";

export const COMMANDS: readonly Command[] = [
  ...PROMPT_COMMANDS,
  ...ANSWER_COMMANDS,
  ...CONVERSATION_COMMANDS,
  ...SCREEN_COMMANDS,
];

export interface Shortcut {
  readonly keys: string;
  readonly summary: string;
  /** What the page listens for; keys without one are the prompt's own. */
  readonly act?: "palette" | "leave" | "slash" | "earlier" | "later";
  /** The command that they run, from wherever the focus is. */
  readonly command?: string;
  matches?(event: KeyboardEvent): boolean;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: "enter", summary: "send; a new line on a touch keyboard" },
  { keys: "shift enter", summary: "a new line" },
  { keys: "ctrl/⌘ enter", summary: "send, on any keyboard" },
  { keys: "↑ ↓", summary: "earlier prompts of this device, or the choice in a list" },
  { keys: "tab", summary: "take the command that is offered" },
  {
    keys: "ctrl/⌘ k",
    summary: "everything: commands, conversations, models",
    act: "palette",
    matches: event => (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k",
  },
  {
    keys: "esc",
    summary: "close what is open; else stop the answer",
    act: "leave",
    matches: event => event.key === "Escape",
  },
  {
    keys: "/",
    summary: "write a command, from wherever the focus is",
    act: "slash",
    matches: event => event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey,
  },
  { keys: "//", summary: "a prompt that begins with a slash" },
  { keys: "alt e", summary: "edit the last prompt", command: "edit", matches: alt("e", "KeyE") },
  { keys: "alt r", summary: "another answer to the last prompt", command: "retry", matches: alt("r", "KeyR") },
  { keys: "alt c", summary: "let the answer go on where it stopped", command: "continue", matches: alt("c", "KeyC") },
  { keys: "alt ,", summary: "the branch before the one that is read", act: "earlier", matches: alt(",", "Comma") },
  { keys: "alt .", summary: "the branch after it", act: "later", matches: alt(".", "Period") },
];

/** With Option a Mac's keys give other characters than their own: then it is their place that counts. */
function alt(key: string, code: string): (event: KeyboardEvent) => boolean {
  return event => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return false;
    const isOther = event.key === "Dead" || event.key > "\x7f";
    return event.key.toLowerCase() === key || (isOther && event.code === code);
  };
}
