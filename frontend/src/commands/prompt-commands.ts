/** Commands for what the next prompt is sent with. */

import { reasoningLevels } from "../state/catalog.ts";
import { type Command, CommandError, values } from "./command.ts";
import { chatModels, modelValue, needCatalog, usable } from "./model-names.ts";

export const PROMPT_COMMANDS: readonly Command[] = [
  {
    name: "model",
    group: "the next prompt",
    argument: "[id]",
    summary: "choose the model that answers",
    softKey: { glyph: "⌘", label: "model" },
    values: ({ facts }) => chatModels(facts).map(modelValue),
    run: async ({ chat, facts, surface }, argument) => {
      if (argument === "") return surface.pickModel();
      await chat.chooseModel(usable(argument, facts).id);
    },
  },
  {
    name: "reasoning",
    group: "the next prompt",
    argument: "[level]",
    summary: "set how long the model thinks",
    values: ({ chat, facts }) => values("default", ...reasoningLevels(facts.model(chat.settings().model))),
    run: ({ chat, facts, preferences, surface }, argument) => {
      needCatalog(facts);
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
    name: "temp",
    group: "the next prompt",
    argument: "[0–2]",
    summary: "set the temperature",
    values: () => values("default", "0", "0.3", "0.7", "1"),
    run: ({ chat, facts, preferences, surface }, argument) => {
      if (argument === "") return surface.pickTemperature();
      const { model } = chat.settings();
      if (facts.model(model)?.supports_temperature === false) {
        throw new CommandError(`${model} takes no temperature`);
      }
      const temperature = argument === "default" ? null : Number(argument.replace(",", "."));
      if (temperature !== null && !(temperature >= 0 && temperature <= 2)) {
        throw new CommandError("a temperature is a number from 0 to 2, or default");
      }
      preferences.prompt.update(prompt => ({ ...prompt, temperature }));
    },
  },
  {
    name: "system",
    group: "the next prompt",
    argument: "[text]",
    isWritten: true,
    takesText: true,
    summary: "add to the system prompt, or show it",
    run: async ({ chat, surface }, argument) => {
      if (argument === "") {
        const text = chat.current.get().conversation?.system_prompt;
        surface.print(text ? `system prompt:\n${text}` : "no system prompt. /system <text> adds one");
        return;
      }
      await chat.appendSystemText(argument);
      surface.print("added to the system prompt; it counts from the next prompt on");
    },
  },
  {
    name: "history",
    group: "the next prompt",
    summary: "earlier prompts of this device",
    softKey: { glyph: "↑", label: "hist" },
    run: ({ surface }) => surface.pickHistory(),
  },
];
