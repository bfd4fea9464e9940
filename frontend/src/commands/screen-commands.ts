/** Commands for the other screens and for how all of them look. */

import { THEMES, type Theme } from "../state/preferences.ts";
import { type Command, CommandError, values } from "./command.ts";

export const SCREEN_COMMANDS: readonly Command[] = [
  {
    name: "conversations",
    group: "screens",
    summary: "all conversations, with a filter",
    run: ({ surface }) => surface.show("conversations"),
  },
  {
    name: "usage",
    group: "screens",
    summary: "what was spent, on what, and how sure that is",
    run: ({ surface }) => surface.show("usage"),
  },
  {
    name: "models",
    group: "screens",
    summary: "every model: prices, abilities, where each fact is from",
    run: ({ surface }) => surface.show("models"),
  },
  {
    name: "images",
    group: "screens",
    summary: "every image that was made here",
    run: ({ surface }) => surface.show("images"),
  },
  {
    name: "settings",
    group: "screens",
    summary: "theme, text size, devices, budgets, where the data lies",
    run: ({ surface }) => surface.show("settings"),
  },
  {
    name: "theme",
    group: "screens",
    argument: "[name]",
    summary: "change the colours",
    values: () => values(...THEMES),
    run: ({ preferences, surface }, argument) => {
      if (argument === "") return surface.pickTheme();
      if (!THEMES.includes(argument as Theme)) throw new CommandError(`themes are ${THEMES.join(", ")}`);
      preferences.theme.set(argument as Theme);
    },
  },
  {
    name: "effects",
    group: "screens",
    argument: "[on|off]",
    summary: "scan lines and glow",
    values: () => values("on", "off"),
    run: ({ preferences }, argument) => {
      if (!["", "on", "off"].includes(argument)) throw new CommandError("effects are on or off");
      preferences.effects.update(effects => (argument === "" ? !effects : argument === "on"));
    },
  },
  {
    name: "help",
    group: "screens",
    summary: "commands, keys and signs",
    run: ({ surface }) => surface.show("help"),
  },
];
