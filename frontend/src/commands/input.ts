/** Reads what was typed: a prompt or a command, and what it might become. Pure. */

import { fuzzyFilter } from "../lib/fuzzy.ts";
import { COMMANDS, type Command, type CommandContext } from "./registry.ts";

export type Input =
  | { kind: "prompt"; text: string }
  | { kind: "command"; command: Command; argument: string }
  | { kind: "unknown"; name: string; suggestion: string | null };

export function readInput(text: string): Input {
  const trimmed = text.trim();
  if (trimmed.startsWith("//")) return { kind: "prompt", text: trimmed.slice(1) };
  if (!trimmed.startsWith("/")) return { kind: "prompt", text: trimmed };
  const [, name = "", argument = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(trimmed) ?? [];
  const command = COMMANDS.find(known => known.name === name.toLowerCase());
  if (command) return { kind: "command", command, argument: argument.trim() };
  const [closest] = name ? fuzzyFilter(COMMANDS, name, known => known.name) : [];
  return { kind: "unknown", name, suggestion: closest?.name ?? null };
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
  const values = COMMANDS.find(command => command.name === name)?.values?.(context) ?? [];
  return fuzzyFilter(values, argument, value => value)
    .filter(value => value !== argument)
    .map(value => ({ text: `/${name} ${value}`, label: value, argument: "", summary: "", isOpen: false }));
}
