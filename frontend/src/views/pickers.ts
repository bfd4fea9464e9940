/** What is picked from a list: models, levels, themes, prompts, conversations, and the palette of them all. */

import type { Conversation, Message, Model } from "../api/types.ts";
import type { Command } from "../commands/command.ts";
import { COMMANDS } from "../commands/registry.ts";
import type { ConversationActions } from "../components/conversation-list.ts";
import { type Choice, openPicker } from "../components/picker.ts";
import { COMPARED } from "../lib/comparison.ts";
import { formatPrice } from "../lib/format.ts";
import { reasoningLevels, type ServerFacts } from "../state/catalog.ts";
import type { Chat } from "../state/chat.ts";
import type { Conversations } from "../state/conversations.ts";
import { type Preferences, THEMES } from "../state/preferences.ts";

export interface PickerParts {
  readonly chat: Chat;
  readonly facts: ServerFacts;
  readonly conversations: Conversations;
  readonly preferences: Preferences;
  open(conversationId: string | null): void;
  write(text: string): void;
  run(command: Command): void;
  readonly conversationActions: ConversationActions;
  /** Back to the prompt. */
  focus(): void;
  /** Does it, and says why where it can't be done. */
  try(act: () => void | Promise<void>): void;
}

export class Pickers {
  readonly #parts: PickerParts;

  constructor(parts: PickerParts) {
    this.#parts = parts;
  }

  /** The model of the next prompt; where it goes to several, those. */
  model(): void {
    if (this.#parts.chat.comparing.get().length > 0) return this.comparison();
    openPicker("model", this.#modelChoices(), this.#noModel);
  }

  /** Another answer beside `message`, or another image, by the model that is chosen. */
  retryWith(message: Message): void {
    const { chat } = this.#parts;
    const choices = this.#modelChoices(chat.isImage(message)).map(choice => ({
      ...choice,
      isCurrent: choice.label === message.model,
      run: () => this.#parts.try(() => chat.retry(message, choice.label)),
    }));
    openPicker("retry with", choices, this.#noModel);
  }

  /** The models that the next prompt goes to. One alone is the one that is chosen from then on. */
  comparison(): void {
    const { chat } = this.#parts;
    const compared = chat.comparing.get();
    const chosen = compared.length > 0 ? compared : [chat.settings().model];
    const choices = this.#modelChoices().map(choice => ({ ...choice, isCurrent: chosen.includes(choice.label) }));
    openPicker("compare", choices, this.#noModel, {
      // Where several are asked already, one alone is the way back.
      least: compared.length > 0 ? 1 : COMPARED.least,
      most: COMPARED.most,
      hint: compared.length > 0 ? "one to three models" : "two or three models",
      label: count => (count === 1 ? "ask this one alone" : `compare ${count}`),
      done: taken => {
        const [first, ...others] = taken.map(({ label }) => label);
        if (others.length > 0) chat.comparing.set(taken.map(({ label }) => label));
        else if (first !== undefined) this.#parts.try(() => chat.chooseModel(first));
        this.#parts.focus();
      },
    });
  }

  get #noModel(): string {
    return this.#parts.facts.catalog.get() ? "nothing fits" : "the list of models is not here yet";
  }

  #modelChoices(makeImages = false): Choice[] {
    const all = this.#parts.facts.catalog.get()?.models ?? [];
    const models = all.filter(model => model.generates_images === makeImages);
    const order = [...new Set(models.map(model => model.connection))];
    const sorted = models.toSorted(
      (a, b) => order.indexOf(a.connection) - order.indexOf(b.connection) || Number(b.available) - Number(a.available),
    );
    return sorted.map(model => this.#modelChoice(model, model.connection));
  }

  reasoning(): void {
    const { chat, facts, preferences } = this.#parts;
    const { model, reasoning } = chat.settings();
    const choose = (level: string | null) => () =>
      preferences.prompt.update(prompt => ({ ...prompt, reasoning: level }));
    openPicker("reasoning", [
      { label: "default", detail: "as the provider likes", isCurrent: reasoning === null, run: choose(null) },
      ...reasoningLevels(facts.model(model)).map(level => ({
        label: level,
        isCurrent: reasoning === level,
        run: choose(level),
      })),
    ]);
  }

  temperature(): void {
    const { chat, preferences } = this.#parts;
    const { temperature } = chat.settings();
    const words: [number | null, string][] = [
      [null, "as the provider likes"],
      [0, "the likeliest word"],
      [0.3, ""],
      [0.7, ""],
      [1, ""],
      [1.3, "wild"],
    ];
    openPicker(
      "temperature",
      words.map(([value, detail]) => ({
        label: value === null ? "default" : String(value),
        detail,
        isCurrent: temperature === value,
        run: () => preferences.prompt.update(prompt => ({ ...prompt, temperature: value })),
      })),
    );
  }

  theme(): void {
    const { theme } = this.#parts.preferences;
    openPicker(
      "theme",
      THEMES.map(name => ({
        label: name,
        detail: name === "auto" ? "as the system: tokyo-night or paper" : "",
        isCurrent: theme.get() === name,
        run: () => theme.set(name),
      })),
    );
  }

  history(): void {
    const history = this.#parts.preferences.history.get().toReversed();
    const choices = history.map(prompt => ({
      label: prompt.replace(/\s+/g, " "),
      run: () => this.#parts.write(prompt),
    }));
    openPicker("history", choices, "no prompts yet");
  }

  conversation(): void {
    openPicker("conversations", this.#conversationChoices(), "no conversation fits");
  }

  /** What can be done with one of the list. */
  manage(conversation: Conversation): void {
    const { rename, remove } = this.#parts.conversationActions;
    openPicker(conversation.title || "untitled", [
      { label: "rename", run: () => rename(conversation) },
      { label: "delete", run: () => remove(conversation) },
    ]);
  }

  /** The palette: commands, conversations and models in one list. */
  everything(): void {
    const commands = COMMANDS.map(
      (command): Choice => ({
        label: `/${command.name}`,
        detail: command.summary,
        group: "commands",
        keywords: command.summary,
        run: () => this.#parts.run(command),
      }),
    );
    const models = (this.#parts.facts.catalog.get()?.models ?? [])
      .filter(model => model.available && !model.generates_images)
      // The choice begins at the top, not at what is chosen already.
      .map(model => ({ ...this.#modelChoice(model, "models"), isCurrent: false }));
    openPicker("everything", [...commands, ...this.#conversationChoices("conversations"), ...models]);
  }

  #modelChoice(model: Model, group: string): Choice {
    const { chat } = this.#parts;
    return {
      label: model.id,
      figure: model.is_demo ? "tiny demo model · free" : formatPrice(model.price),
      group,
      keywords: `${model.label} ${model.connection}`,
      disabledReason: model.available ? null : (model.unavailable_reason ?? "not available"),
      isCurrent: model.id === chat.settings().model,
      run: () => this.#parts.try(() => chat.chooseModel(model.id)),
    };
  }

  #conversationChoices(group?: string): Choice[] {
    const { chat, conversations } = this.#parts;
    const current = chat.current.get().id;
    return conversations.list.get().items.map(conversation => ({
      label: conversation.title || "untitled",
      figure: conversation.is_live ? "live" : "",
      ...(group !== undefined && { group }),
      // In the palette the choice begins at the top, not at what is open already.
      isCurrent: group === undefined && conversation.id === current,
      run: () => this.#parts.open(conversation.id),
    }));
  }
}
