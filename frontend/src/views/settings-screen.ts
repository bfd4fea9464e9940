/** Settings: how this device looks and reads, what new prompts are sent with, devices, budgets, the server. */

import type { Budget, BudgetBody, BudgetPeriod, BudgetScope, Device } from "../api/types.ts";
import { ask } from "../components/picker.ts";
import { shareBar } from "../components/share-bar.ts";
import { Disposables } from "../dom/component.ts";
import { type Child, h, setAttribute, setText } from "../dom/element.ts";
import { budgetWords, readDollars } from "../lib/budget.ts";
import { formatDate, formatDollars, formatShare, formatTime } from "../lib/format.ts";
import { type Atom, atom, watch } from "../lib/store.ts";
import { Books } from "../state/books.ts";
import { offlineReading } from "../state/offline.ts";
import { FONT_SIZES, THEMES } from "../state/preferences.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

/** Those seen last; whoever wants more opens the list. */
const SHOWN_DEVICES = 6;

const ON_OFF = [true, false] as const;
const onOff = (isOn: boolean) => (isOn ? "on" : "off");

export class SettingsScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #parts: ScreenParts;
  readonly #books: Books;
  readonly #disposables = new Disposables();

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    this.#books = new Books(parts.client);
    this.element = h(
      "section",
      { class: "screen settings-screen", "aria-label": "settings" },
      screenHead("settings", parts.leave),
      ...this.#look(),
      ...this.#prompts(),
      ...this.#reading(),
      ...this.#devices(),
      ...this.#budgets(),
      ...this.#server(),
    );
    void this.#books.load();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #look(): HTMLElement[] {
    const { theme, effects, fontSize } = this.#parts.commands.preferences;
    return [
      h("h3", {}, "look"),
      this.#choice("theme", theme, THEMES, name => name),
      this.#choice("text size", fontSize, FONT_SIZES, size => `${size} %`),
      this.#choice("scan lines and glow", effects, ON_OFF, onOff),
      this.#effectsNote(),
    ];
  }

  /** Says what keeps scan lines and glow from being seen although they are on; the style sheet knows the same. */
  #effectsNote(): HTMLElement {
    const { theme, effects } = this.#parts.commands.preferences;
    const note = h("p", { class: "dim", role: "status" });
    const motion = matchMedia("(prefers-reduced-motion: reduce)");
    const contrast = matchMedia("(prefers-contrast: more) or (forced-colors: active)");
    const paint = () => {
      const reason = motion.matches
        ? "your system asks for less motion"
        : contrast.matches
          ? "your system asks for more contrast"
          : document.documentElement.dataset.theme === "paper"
            ? "paper has none"
            : null;
      note.hidden = !effects.get() || reason === null;
      setText(note, `scan lines and glow are not shown now: ${reason}`);
    };
    this.#disposables.add(watch([theme, effects], paint));
    for (const query of [motion, contrast]) this.#disposables.listen(query, "change", paint);
    paint();
    return note;
  }

  #reading(): HTMLElement[] {
    return [
      h("h3", {}, "without a network"),
      this.#choice("keep what was read", offlineReading, ON_OFF, onOff),
      h("p", { class: "dim" }, "the list and the conversations read last stay on this device; off wipes them."),
    ];
  }

  /** A row of keys of which one is pressed. */
  #choice<T>(name: string, value: Atom<T>, choices: readonly T[], words: (choice: T) => string): HTMLElement {
    const keys = choices.map(choice => ({
      choice,
      key: h("button", { type: "button", onclick: () => value.set(choice) }, words(choice)),
    }));
    const paint = () => {
      for (const { choice, key } of keys) setAttribute(key, "aria-pressed", choice === value.get() ? "true" : "false");
    };
    this.#disposables.add(value.subscribe(paint));
    paint();
    return setting(name, h("div", { class: "switch", role: "group", "aria-label": name }, ...keys.map(it => it.key)));
  }

  #prompts(): HTMLElement[] {
    const { chat, facts, preferences, surface } = this.#parts.commands;
    const key = (press: () => void) => h("button", { type: "button", class: "text-key", onclick: press });
    const model = key(() => surface.pickModel());
    const reasoning = key(() => surface.pickReasoning());
    const temperature = key(() => surface.pickTemperature());
    const rows = [setting("model", model), setting("reasoning", reasoning), setting("temperature", temperature)];
    const paint = () => {
      const settings = chat.settings();
      const known = facts.model(settings.model);
      setText(model, settings.model ?? (facts.catalog.get() ? "none" : "…"));
      setText(reasoning, settings.reasoning ?? "as the provider likes");
      setText(temperature, settings.temperature === null ? "as the provider likes" : String(settings.temperature));
      reasoning.disabled = (known?.reasoning_levels?.length ?? 0) === 0;
      temperature.disabled = known?.supports_temperature === false;
      for (const [name, button] of Object.entries({ model, reasoning, temperature })) {
        setAttribute(button, "aria-label", `${button.textContent}, change the ${name}`);
      }
    };
    this.#disposables.add(watch([chat.current, facts.catalog, preferences.prompt], paint));
    paint();
    return [h("h3", {}, "the next prompt"), ...rows];
  }

  #devices(): HTMLElement[] {
    const rows = h("div", { class: "settings-rows" }, h("p", { class: "dim" }, "…"));
    const now = this.#parts.clock.date();
    const rename = (device: Device) =>
      this.#try(async () => {
        const name = await ask("a name for this device", device.name);
        if (name) await this.#books.rename(device.id, name);
      });
    const seen = (device: Device) => {
      const time = new Date(device.last_seen_at);
      return device.is_current ? "this one" : `seen ${formatDate(time, now)} ${formatTime(time)}`;
    };
    const paint = () => {
      const devices = this.#books.devices.get();
      if (!devices) return rows.replaceChildren(this.#waiting());
      const row = (device: Device) =>
        setting(
          device.name,
          h("span", { class: "dim" }, seen(device)),
          h(
            "button",
            {
              type: "button",
              class: "text-key",
              "aria-label": `rename ${device.name}`,
              onclick: () => rename(device),
            },
            "rename",
          ),
        );
      const others = devices.slice(SHOWN_DEVICES);
      rows.replaceChildren(
        ...devices.slice(0, SHOWN_DEVICES).map(row),
        ...(others.length ? [h("details", {}, h("summary", {}, `${others.length} more`), ...others.map(row))] : []),
      );
    };
    this.#disposables.add(watch([this.#books.devices, this.#books.error], paint));
    return [h("h3", {}, "devices"), rows];
  }

  #waiting(): HTMLElement {
    const error = this.#books.error.get();
    if (!error) return h("p", { class: "dim" }, "…");
    return h(
      "p",
      { class: "is-error" },
      `▲ ${error.message} `,
      h("button", { type: "button", class: "text-key", onclick: () => void this.#books.load() }, "try again"),
    );
  }

  #budgets(): HTMLElement[] {
    const rows = h("div", { class: "settings-rows" }, h("p", { class: "dim" }, "…"));
    const paint = () => {
      const budgets = this.#books.budgets.get();
      if (!budgets) return rows.replaceChildren(this.#waiting());
      const none = "none: nothing is held back. a budget refuses a prompt that it has no room for";
      rows.replaceChildren(
        ...(budgets.length ? [] : [h("p", { class: "dim" }, none)]),
        ...budgets.map(budget => this.#budgetRow(budget)),
      );
    };
    const { budgets, devices, error } = this.#books;
    this.#disposables.add(watch([budgets, devices, error], paint));
    return [h("h3", {}, "budgets"), rows, this.#budgetForm()];
  }

  #budgetRow(budget: Budget): HTMLElement {
    const devices = this.#books.devices.get() ?? [];
    const words = budgetWords(budget, devices, formatDollars(budget.limit));
    const now = this.#parts.clock.date();
    const spent = budget.status.map(({ subject, spent, reserved, unpriced, resets_at }) => {
      const resets = new Date(resets_at);
      const name = subject === null || subject === budget.subject ? "" : `${nameOf(subject, devices)}: `;
      const parts = [
        `${name}${formatDollars(spent)} spent, ${formatShare(spent, budget.limit) || "0 %"}`,
        reserved > 0 && `${formatDollars(reserved)} reserved`,
        unpriced > 0 && `${unpriced} without a known price`,
        `until ${formatDate(resets, now)} ${formatTime(resets)}`,
      ];
      return h(
        "span",
        { class: "budget-status" },
        shareBar(spent + reserved, budget.limit),
        h("span", { class: spent + reserved >= budget.limit ? "is-error" : "dim" }, parts.filter(Boolean).join(" · ")),
      );
    });
    const remove = h(
      "button",
      {
        type: "button",
        class: "text-key",
        "aria-label": `remove ${words}`,
        onclick: () => this.#try(() => this.#books.removeBudget(budget.id)),
      },
      "remove",
    );
    return setting(words, ...spent, remove);
  }

  #budgetForm(): HTMLElement {
    const limit = h("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": "limit in dollars",
      placeholder: "$5.00",
      autocomplete: "off",
      size: 8,
    });
    const period = select("period", [
      ["day", "a day"],
      ["month", "a month"],
    ]);
    const scope = select("of what", [
      ["overall", "for everything"],
      ["device", "on a device"],
      ["model", "with a model"],
    ]);
    const subject = h("select", { "aria-label": "which", hidden: true });
    const complaint = h("p", { class: "is-error", role: "alert" });
    const fillSubjects = () => {
      const { facts } = this.#parts.commands;
      const devices = (this.#books.devices.get() ?? []).map(({ id, name }) => [id, name] as const);
      const models = (facts.catalog.get()?.models ?? []).filter(it => it.available).map(it => [it.id, it.id] as const);
      const choices = scope.value === "device" ? devices : scope.value === "model" ? models : [];
      const each = scope.value === "device" ? "each device for itself" : "each model for itself";
      subject.hidden = choices.length === 0;
      subject.replaceChildren(
        ...[["", each] as const, ...choices].map(([value, name]) => h("option", { value }, name)),
      );
    };
    this.#disposables.listen(scope, "change", fillSubjects);
    const form = h(
      "form",
      { class: "budget-form", "aria-label": "a new budget" },
      limit,
      period,
      scope,
      subject,
      h("button", { type: "submit", class: "text-key" }, "add budget"),
      complaint,
    );
    this.#disposables.listen(form, "submit", event => {
      event.preventDefault();
      const dollars = readDollars(limit.value);
      setText(complaint, dollars === null ? "▲ a limit is an amount of dollars, such as 5 or 0.50" : "");
      if (dollars === null) return limit.focus();
      const body: BudgetBody = {
        period: period.value as BudgetPeriod,
        scope: scope.value as BudgetScope,
        ...(!subject.hidden && subject.value && { subject: subject.value }),
        limit: dollars,
      };
      this.#books
        .addBudget(body)
        .then(() => {
          limit.value = "";
        })
        .catch((error: unknown) => setText(complaint, `▲ ${error instanceof Error ? error.message : error}`));
    });
    return form;
  }

  #server(): HTMLElement[] {
    const { facts } = this.#parts.commands;
    const rows = h("div", { class: "settings-rows" });
    const paint = () => {
      const health = facts.health.get();
      if (!health) return rows.replaceChildren(h("p", { class: "dim" }, facts.error.get()?.message ?? "…"));
      const { path, writable, reason } = health.database;
      rows.replaceChildren(
        setting("version", health.version),
        setting(
          "data",
          path,
          writable ? null : h("span", { class: "is-error" }, ` ▲ can't be written: ${reason ?? ""}`),
        ),
        ...health.providers.map(({ name, configured, detail }) =>
          setting(
            name,
            configured ? "set up" : "not set up",
            detail ? h("span", { class: "dim" }, ` ${detail}`) : null,
          ),
        ),
        setting("api", h("a", { href: "/api/docs", class: "text-key" }, "its documentation")),
      );
    };
    this.#disposables.add(watch([facts.health, facts.error], paint));
    paint();
    return [h("h3", {}, "server"), rows];
  }

  #try(act: () => Promise<void>): void {
    act().catch((error: unknown) => {
      this.#parts.notices.say(error instanceof Error ? error.message : String(error), { kind: "error" });
    });
  }
}

function nameOf(subject: string, devices: readonly Device[]): string {
  return devices.find(({ id }) => id === subject)?.name ?? subject;
}

function setting(name: string, ...values: Child[]): HTMLElement {
  return h("div", { class: "setting" }, h("span", { class: "setting-name" }, name), h("div", {}, ...values));
}

function select(name: string, choices: readonly (readonly [string, string])[]): HTMLSelectElement {
  return h("select", { "aria-label": name }, ...choices.map(([value, words]) => h("option", { value }, words)));
}
