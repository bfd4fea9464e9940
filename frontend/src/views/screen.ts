/** What stands where a conversation stands otherwise: one screen a file, each fetched when it is first opened. */

import type { ApiClient } from "../api/client.ts";
import type { CommandContext } from "../commands/command.ts";
import type { ConversationActions } from "../components/conversation-list.ts";
import { h } from "../dom/element.ts";
import { type Atom, atom } from "../lib/store.ts";
import type { ScreenName } from "../routes.ts";
import type { Clock } from "../state/clock.ts";
import type { Line } from "../state/line.ts";
import type { Notices } from "../state/notices.ts";

export interface ScreenParts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly line: Line;
  readonly notices: Notices;
  readonly commands: CommandContext;
  /** Of a row in the list of conversations. */
  readonly conversationActions: ConversationActions;
  /** Puts a text into the prompt. */
  write(text: string): void;
  /** Back to where the reader came from. */
  leave(): void;
}

export interface Screen {
  readonly element: HTMLElement;
  /** What the status bar says of it, besides its name. */
  readonly subtitle: Atom<string>;
  /** Takes the focus where the reader left it, now that it is on the page; whether there was such a place. */
  takeFocus?(): boolean;
  dispose(): void;
}

type Load = (parts: ScreenParts) => Promise<Screen>;

export const LOADERS: Readonly<Record<ScreenName, Load>> = {
  conversations: async parts => new (await import("./conversations-screen.ts")).ConversationsScreen(parts),
  usage: async parts => new (await import("./usage-screen.ts")).UsageScreen(parts),
  models: async parts => new (await import("./models-screen.ts")).ModelsScreen(parts),
  images: async parts => new (await import("./images-screen.ts")).ImagesScreen(parts),
  settings: async parts => new (await import("./settings-screen.ts")).SettingsScreen(parts),
  help: async parts => new (await import("./help-screen.ts")).HelpScreen(parts),
};

/** The name, a line to the edge, and the key that leads back. The name takes the focus when the screen opens. */
export function screenHead(name: string, leave: () => void): HTMLElement {
  return h(
    "header",
    { class: "screen-head" },
    h("h2", { tabindex: "-1" }, name),
    h("button", { type: "button", class: "close", "aria-label": `close ${name}`, onclick: leave }, "×"),
  );
}

/** A screen of which nothing but its name is there: it is on its way, or could not be had. */
export class BareScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");

  constructor(name: string, words: string, leave: () => void, again?: () => void) {
    this.element = h(
      "section",
      { class: "screen", "aria-label": name },
      screenHead(name, leave),
      h(
        "p",
        { class: again ? "screen-note is-error" : "screen-note", role: again ? "alert" : null },
        words,
        again && h("button", { type: "button", class: "text-key", onclick: again }, "try again"),
      ),
    );
  }

  dispose(): void {}
}
