/** Help: every command and key, from the lists that carry them out, and what the signs mean. */

import type { Command, Group } from "../commands/command.ts";
import { COMMANDS, SHORTCUTS } from "../commands/registry.ts";
import { h } from "../dom/element.ts";
import { atom } from "../lib/store.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

const GROUPS: readonly Group[] = ["the next prompt", "answers", "conversations", "screens"];

const SIGNS: readonly (readonly [string, string])[] = [
  ["● live", "the line to the server is open; an answer may be on its way"],
  ["◐ resuming", "the line broke; the answer goes on from where it was read"],
  ["○ offline", "the server can't be reached; a prompt waits here until it can"],
  ["■ stopped", "the answer was stopped; what was said is kept"],
  ["▲ error", "something went wrong; the line says what, and what to press"],
  ["$0.0089", "an exact cost, by the provider's own count"],
  ["≤$0.0089", "at most this: a part of the price is known only up to a bound"],
  ["~$0.0089", "estimated: the provider never sent its counts"],
  ["$?", "no price is known; it is counted, never called zero"],
  ["1.2k→348 tok", "tokens in, all of them, and tokens out, thinking included"],
];

export class HelpScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");

  constructor(parts: ScreenParts) {
    const run = (command: Command) => () => parts.write(command.argument ? `/${command.name} ` : `/${command.name}`);
    const commands = GROUPS.flatMap(group => [
      h("h3", {}, group),
      list(
        COMMANDS.filter(command => command.group === group).map(command => [
          h(
            "button",
            { type: "button", class: "text-key", onclick: run(command) },
            `/${command.name}`,
            command.argument ? h("span", { class: "argument" }, ` ${command.argument}`) : null,
          ),
          command.summary,
        ]),
      ),
    ]);
    this.element = h(
      "section",
      { class: "screen help-screen", "aria-label": "help" },
      screenHead("help", parts.leave),
      h("p", { class: "screen-note" }, "write and send; the rest begins with a slash. press a command to write it."),
      ...commands,
      h("h3", {}, "keys"),
      list(SHORTCUTS.map(({ keys, summary }) => [h("kbd", {}, keys), summary])),
      h("h3", {}, "signs"),
      list(SIGNS.map(([sign, meaning]) => [sign, meaning])),
    );
  }

  dispose(): void {}
}

function list(rows: readonly (readonly [Node | string, string])[]): HTMLElement {
  return h("dl", { class: "pairs" }, ...rows.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]));
}
