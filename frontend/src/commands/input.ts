/** Reads what was typed: a prompt or a command, and what it might become. Pure. */

import { fuzzyFilter, nearest } from "../lib/fuzzy.ts";
import type { Command, CommandContext } from "./command.ts";
import { COMMANDS } from "./registry.ts";

export type Input =
  | { kind: "prompt"; text: string }
  | { kind: "command"; command: Command; argument: string }
  | { kind: "unknown"; name: string; suggestion: string | null };

/** How many values are offered: who wants the rest types on. */
const OFFERED = 50;

export function readInput(text: string): Input {
  const trimmed = text.trim();
  if (trimmed.startsWith("//")) return { kind: "prompt", text: trimmed.slice(1) };
  if (!trimmed.startsWith("/")) return { kind: "prompt", text: trimmed };
  const [, name = "", argument = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(trimmed) ?? [];
  const command = COMMANDS.find(known => known.name === name.toLowerCase());
  if (command) return { kind: "command", command, argument: argument.trim() };
  const suggestion = nearest(
    COMMANDS.map(known => known.name),
    name,
  );
  return { kind: "unknown", name, suggestion };
}

/** What is said of a command that does not exist. */
export function describeUnknown({ name, suggestion }: Extract<Input, { kind: "unknown" }>): string {
  const hint = suggestion ? `did you mean /${suggestion}?` : "/help shows those there are.";
  return `there is no command /${name}. ${hint} to send a prompt that begins with a slash, type //`;
}

export interface Completion {
  /** The whole text of the prompt when this one is taken. */
  readonly text: string;
  readonly label: string;
  /** What may follow it. */
  readonly argument: string;
  readonly summary: string;
  /** Whether taking it leaves something to type. */
  readonly isOpen: boolean;
}

/** What `text` may become; nothing unless it begins a command. */
export function complete(text: string, context: CommandContext): Completion[] {
  if (!text.startsWith("/") || text.startsWith("//") || text.includes("\n")) return [];
  const [, name = "", gap = "", argument = ""] = /^\/(\S*)(\s*)(.*)$/.exec(text) ?? [];
  if (gap === "") {
    return fuzzyFilter(COMMANDS, name, command => command.name).map(command => ({
      text: command.argument ? `/${command.name} ` : `/${command.name}`,
      label: `/${command.name}`,
      argument: command.argument ?? "",
      summary: command.summary,
      isOpen: command.argument?.startsWith("<") ?? false,
    }));
  }
  const values = COMMANDS.find(command => command.name === name.toLowerCase())?.values?.(context, argument) ?? [];
  // What is whole already needs no more words.
  if (values.some(({ value }) => value === argument)) return [];
  return fuzzyFilter(values, argument, ({ value, keywords }) => `${value} ${keywords ?? ""}`)
    .slice(0, OFFERED)
    .map(({ value, detail, isOpen }) => ({
      text: `/${name} ${value}${isOpen ? " " : ""}`,
      label: value,
      argument: "",
      summary: detail ?? "",
      isOpen: isOpen ?? false,
    }));
}
