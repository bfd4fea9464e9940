/** What was typed: a prompt or a command, what it might become, and how it is carried out. */

import { fuzzyFilter, nearest } from "../lib/fuzzy.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";
import { COMMANDS } from "./registry.ts";

export type Input =
  | { kind: "prompt"; text: string }
  | { kind: "command"; command: Command; argument: string }
  /** Neither. It stays where it was typed, and `why` is said. */
  | { kind: "unclear"; why: string };

/** How many values are offered: who wants the rest types on. */
const OFFERED = 50;

export function readInput(text: string): Input {
  const trimmed = text.trim();
  if (trimmed.startsWith("//")) return { kind: "prompt", text: trimmed.slice(1) };
  if (!trimmed.startsWith("/")) return { kind: "prompt", text: trimmed };
  const [, name = "", argument = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(trimmed) ?? [];
  const command = COMMANDS.find(known => known.name === name.toLowerCase());
  const problem = command ? misfit(command, argument) : describeUnknown(name);
  if (!command || problem)
    return { kind: "unclear", why: `${problem} to send a prompt that begins with a slash, type //` };
  return { kind: "command", command, argument };
}

/** A text that was pasted may begin like a command: what the command can't use must not be lost to it. */
function misfit({ name, argument, takesText }: Command, given: string): string {
  if (!argument && given) return `/${name} takes nothing after it.`;
  return !takesText && given.includes("\n") ? `/${name} takes one line.` : "";
}

function describeUnknown(name: string): string {
  const suggestion = nearest(
    COMMANDS.map(known => known.name),
    name,
  );
  return `there is no command /${name}. ${suggestion ? `did you mean /${suggestion}?` : "/help shows those there are."}`;
}

/** Carries it out. Raises where that can't be done: the text is still needed then. */
export async function carryOut(text: string, context: CommandContext): Promise<void> {
  const input = readInput(text);
  if (input.kind === "unclear") throw new CommandError(input.why);
  if (input.kind === "prompt") context.surface.send(input.text);
  else await input.command.run(context, input.argument);
  // As it was typed: sent once more, it is to do the same.
  const isOwn = input.kind === "prompt" || (input.command.takesText && input.argument !== "");
  if (isOwn) context.preferences.remember(text.trim());
  context.chat.forgetComplaints();
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
