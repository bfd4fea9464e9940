/**
 * The slash commands: one literal list that drives completion, the palette and /help.
 *
 * A command knows the use cases and asks the page through `Surface` for what only a screen can do.
 * It throws `CommandError` for words that don't fit; the text then stays in the prompt.
 */

import { reasoningLevels, type ServerFacts } from "../state/catalog.ts";
import type { Chat, Pair } from "../state/chat.ts";
import { type Preferences, THEMES, type Theme } from "../state/preferences.ts";
import { usageReport } from "./usage-report.ts";

/** What a command may ask of the screen. */
export interface Surface {
  pickModel(): void;
  pickReasoning(): void;
  pickTemperature(): void;
  pickTheme(): void;
  openNew(): void;
  confirm(question: string, yes: string): Promise<boolean>;
  ask(question: string, value: string): Promise<string | null>;
}

export interface CommandContext {
  chat: Chat;
  facts: ServerFacts;
  preferences: Preferences;
  surface: Surface;
}

export interface Command {
  readonly name: string;
  /** As /help shows it: `<must>`, `[may]`. */
  readonly argument?: string;
  readonly summary: string;
  /** What the argument may be, for completion. */
  readonly values?: (context: CommandContext) => readonly string[];
  readonly run: (context: CommandContext, argument: string) => void | Promise<void>;
}

export class CommandError extends Error {}

export const COMMANDS: readonly Command[] = [
  {
    name: "new",
    summary: "start a new conversation",
    run: ({ surface }) => surface.openNew(),
  },
  {
    name: "model",
    argument: "[id]",
    summary: "choose the model that answers",
    values: ({ facts }) => chatModels(facts),
    run: async ({ chat, facts, surface }, argument) => {
      if (argument === "") return surface.pickModel();
      if (!facts.catalog.get()) throw new CommandError("the list of models is not here yet");
      const model = facts.model(argument);
      if (!model) throw new CommandError(`there is no model “${argument}”. /model alone shows those there are`);
      if (!model.available)
        throw new CommandError(`${model.id} can't be used: ${model.unavailable_reason ?? "not available"}`);
      await chat.chooseModel(model.id);
    },
  },
  {
    name: "temp",
    argument: "[0–2]",
    summary: "set the temperature",
    values: () => ["default", "0", "0.3", "0.7", "1"],
    run: ({ chat, facts, preferences, surface }, argument) => {
      if (argument === "") return surface.pickTemperature();
      const { model } = chat.settings();
      if (facts.model(model)?.supports_temperature === false) {
        throw new CommandError(`${model} takes no temperature`);
      }
      const temperature = argument === "default" ? null : Number(argument);
      if (temperature !== null && !(temperature >= 0 && temperature <= 2)) {
        throw new CommandError("a temperature is a number from 0 to 2, or default");
      }
      preferences.prompt.update(prompt => ({ ...prompt, temperature }));
    },
  },
  {
    name: "reasoning",
    argument: "[level]",
    summary: "set how long the model thinks",
    values: ({ chat, facts }) => ["default", ...reasoningLevels(facts.model(chat.settings().model))],
    run: ({ chat, facts, preferences, surface }, argument) => {
      const { model } = chat.settings();
      const levels = reasoningLevels(facts.model(model));
      if (levels.length === 0) throw new CommandError(`${model ?? "this model"} has no reasoning levels`);
      if (argument === "") return surface.pickReasoning();
      if (argument !== "default" && !levels.includes(argument)) {
        throw new CommandError(`${model} knows the levels ${levels.join(", ")}, or default`);
      }
      preferences.prompt.update(prompt => ({ ...prompt, reasoning: argument === "default" ? null : argument }));
    },
  },
  {
    name: "system",
    argument: "[text]",
    summary: "add to the system prompt, or show it",
    run: async ({ chat }, argument) => {
      if (argument === "") {
        const text = chat.current.get().conversation?.system_prompt;
        chat.print(text ? `system prompt:\n${text}` : "no system prompt. /system <text> adds one");
        return;
      }
      await chat.appendSystemText(argument);
      chat.print("added to the system prompt; it counts from the next prompt on");
    },
  },
  {
    name: "stop",
    summary: "stop the answer; what was said is kept",
    run: ({ chat }) => {
      if (!chat.liveHere()) throw new CommandError("nothing is being answered");
      return chat.stop();
    },
  },
  {
    name: "retry",
    summary: "answer the last prompt again",
    run: ({ chat }) => {
      const answer = chat.path().findLast(message => message.role === "assistant");
      if (!answer) throw new CommandError("there is no answer to retry yet");
      if (chat.liveHere()) throw new CommandError("an answer is still on its way. /stop it first");
      return chat.retry(answer);
    },
  },
  {
    name: "clone",
    summary: "copy this conversation into a new one",
    run: ({ chat }) => {
      if (chat.current.get().id === null) throw new CommandError("there is nothing to clone yet");
      return chat.clone();
    },
  },
  {
    name: "rename",
    argument: "[title]",
    summary: "rename this conversation",
    run: async ({ chat, surface }, argument) => {
      const { id, conversation } = chat.current.get();
      if (id === null) throw new CommandError("there is nothing to rename yet");
      const title = argument || (await surface.ask("a new title", conversation?.title ?? ""));
      if (title) await chat.rename(id, title);
    },
  },
  {
    name: "delete",
    summary: "delete this conversation",
    run: async ({ chat, surface }) => {
      const { id, conversation } = chat.current.get();
      if (id === null) throw new CommandError("there is nothing to delete yet");
      const question = `delete “${conversation?.title ?? "this conversation"}”? what it cost stays in the books`;
      if (await surface.confirm(question, "delete")) await chat.remove(id);
    },
  },
  {
    name: "image",
    argument: "<text>",
    summary: "make an image",
    run: async ({ chat, facts }, argument) => {
      if (argument === "") throw new CommandError("say what the image shows: /image a lighthouse at dusk");
      if (facts.catalog.get() && !facts.catalog.get()?.defaults.image) {
        throw new CommandError("no image model is available. add OPENAI_API_KEY to .env and start again");
      }
      await chat.generateImage(argument);
    },
  },
  {
    name: "usage",
    summary: "what was spent, by model",
    run: async ({ chat, facts }) => {
      await facts.refreshUsage();
      const summary = facts.usage.get();
      if (!summary) throw new CommandError("the server did not say what was spent");
      const { head, rows, notes } = usageReport(summary);
      chat.print(head, [...rows, ...notes]);
    },
  },
  {
    name: "theme",
    argument: "[name]",
    summary: "change the colours",
    values: () => THEMES,
    run: ({ preferences, surface }, argument) => {
      if (argument === "") return surface.pickTheme();
      if (!THEMES.includes(argument as Theme)) throw new CommandError(`themes are ${THEMES.join(", ")}`);
      preferences.theme.set(argument as Theme);
    },
  },
  {
    name: "effects",
    argument: "[on|off]",
    summary: "scan lines and glow",
    values: () => ["on", "off"],
    run: ({ preferences }, argument) => {
      if (!["", "on", "off"].includes(argument)) throw new CommandError("effects are on or off");
      preferences.effects.update(effects => (argument === "" ? !effects : argument === "on"));
    },
  },
  {
    name: "help",
    summary: "commands and keys",
    run: ({ chat }) => chat.print("", helpRows()),
  },
];

const KEYS: readonly Pair[] = [
  ["enter", "send; a new line on a touch keyboard"],
  ["shift enter", "a new line"],
  ["esc", "close, or stop the answer"],
  ["↑ ↓", "earlier prompts of this device"],
  ["ctrl/⌘ k", "everything: commands and conversations"],
  ["//", "a prompt that begins with a slash"],
];

export function helpRows(): Pair[] {
  const commands = COMMANDS.map(
    ({ name, argument, summary }): Pair => [`/${name}${argument ? ` ${argument}` : ""}`, summary],
  );
  return [...commands, ...KEYS];
}

function chatModels(facts: ServerFacts): string[] {
  const models = facts.catalog.get()?.models ?? [];
  return models.filter(model => model.available && !model.generates_images).map(model => model.id);
}
