/**
 * A list to choose from, with a filter: models, levels, themes, history, the palette. One dialog for all.
 *
 * Focus stays in the filter; arrows move the choice. `<dialog>` gives the trap, Esc and the way back.
 */

import { h, setAttribute, setText } from "../dom/element.ts";
import { fuzzyFilter } from "../lib/fuzzy.ts";
import { isTouchKeyboard } from "./composer.ts";

/** How many are listed at once: nobody reads more, and thousands would take their time. */
const SHOWN = 200;

export interface Choice {
  readonly label: string;
  /** Words about it, in a column of their own. */
  readonly detail?: string;
  /** What stands at the end of the line: a price, a state. */
  readonly figure?: string;
  readonly group?: string;
  /** Why it can't be chosen. */
  readonly disabledReason?: string | null;
  readonly isCurrent?: boolean;
  /** Text the filter looks at, besides the label. */
  readonly keywords?: string;
  readonly run: () => void;
}

/** Several are chosen before anything is done. */
export interface Several {
  readonly least: number;
  readonly most: number;
  /** How many can be chosen. */
  readonly hint: string;
  /** What the key says that does it with so many. */
  label(count: number): string;
  done(chosen: readonly Choice[]): void;
}

export function openPicker(
  title: string,
  choices: readonly Choice[],
  emptyText = "nothing fits",
  several: Several | null = null,
): void {
  const filter = h("input", {
    type: "text",
    role: "combobox",
    "aria-label": `filter ${title}`,
    "aria-expanded": "true",
    "aria-controls": "picker-list",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "type to filter",
  });
  const list = h("ul", {
    class: "picker-list",
    id: "picker-list",
    role: "listbox",
    "aria-label": title,
    "aria-multiselectable": several && "true",
  });
  const close = h("button", { type: "button", class: "close", "aria-label": "close" }, "×");
  const head = h("div", { class: "picker-head" }, h("h2", {}, title), close);
  const done = h("button", { type: "button" });
  const hint = h("p", { class: "picker-hint", role: "status" });
  const isLong = choices.length > 7;
  const dialog = h(
    "dialog",
    { class: "picker", "aria-label": title },
    head,
    h("div", { class: "picker-filter", hidden: !isLong }, filter),
    list,
    hint,
    several && h("p", { class: "picker-done" }, done),
  );
  const taken = new Set(several ? choices.filter(choice => choice.isCurrent) : []);
  let shown: Choice[] = [];
  let chosen = 0;

  const say = (words: string, isWarning: boolean) => {
    setText(hint, words);
    hint.classList.toggle("is-warning", isWarning);
  };

  const choose = (at: number) => {
    say(several?.hint ?? "", false);
    chosen = shown.length ? (at + shown.length) % shown.length : 0;
    for (const option of list.querySelectorAll('[role="option"]')) {
      const isChosen = option.id === `choice-${chosen}`;
      setAttribute(option, "aria-selected", isChosen ? "true" : "false");
      if (isChosen) option.scrollIntoView?.({ block: "nearest" });
    }
    for (const owner of [filter, list]) {
      setAttribute(owner, "aria-activedescendant", shown.length ? `choice-${chosen}` : null);
    }
  };

  const take = (choice: Choice | undefined) => {
    if (!choice) return;
    if (choice.disabledReason) return say(`▲ ${choice.label} can't be chosen: ${choice.disabledReason}`, true);
    if (several) return toggle(choice, several);
    dialog.close();
    choice.run();
  };

  const toggle = (choice: Choice, { most }: Several) => {
    const at = chosen;
    const isLeftOut = taken.delete(choice);
    const isTaken = isLeftOut || taken.size < most;
    if (isTaken && !isLeftOut) taken.add(choice);
    render();
    choose(Math.max(at, shown.indexOf(choice)));
    if (!isTaken) say(`${most} at most: press one to leave it out`, true);
  };

  const sayDone = () => {
    if (!several) return;
    setText(done, several.label(Math.max(several.least, taken.size)));
    setAttribute(done, "disabled", taken.size < several.least);
  };

  const render = () => {
    const found = fuzzyFilter(choices, filter.value, choice => `${choice.label} ${choice.keywords ?? ""}`);
    shown = found.slice(0, SHOWN);
    // Under a filter the best comes first and groups would only scatter it.
    const isGrouped = filter.value.trim() === "";
    let group: string | undefined;
    list.replaceChildren();
    for (const [at, choice] of shown.entries()) {
      if (isGrouped && choice.group !== undefined && choice.group !== group) {
        group = choice.group;
        list.append(h("li", { class: "picker-group", role: "presentation" }, group));
      }
      const element = option(choice, at, several ? taken.has(choice) : (choice.isCurrent ?? false), () => take(choice));
      if (several) setAttribute(element, "aria-checked", String(taken.has(choice)));
      list.append(element);
    }
    sayDone();
    const left = found.length - shown.length;
    if (left > 0) list.append(h("li", { class: "picker-empty", role: "presentation" }, `${left} more: type on`));
    if (shown.length === 0) list.append(h("li", { class: "picker-empty", role: "presentation" }, emptyText));
    choose(
      isGrouped
        ? Math.max(
            0,
            shown.findIndex(choice => choice.isCurrent),
          )
        : 0,
    );
  };

  dialog.addEventListener("keydown", event => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    const last = shown.length - 1;
    const isOnKey = event.target === close || event.target === done;
    // In a filter with a text these keys are the text's.
    const isOnList = !isOnKey && (event.target !== filter || filter.value === "");
    const edge = isOnList ? { Home: 0, End: last }[event.key] : undefined;
    if (step) choose(Math.abs(step) === 1 ? chosen + step : Math.min(last, Math.max(0, chosen + step)));
    else if (edge !== undefined) choose(edge);
    else if ((event.key === "Enter" && !isOnKey) || (event.key === " " && isOnList)) take(shown[chosen]);
    else {
      const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!isLetter) return;
      // Whoever types means the filter, wherever the focus is; where there is none, the next that begins so.
      if (isLong) return filter.focus();
      const from = chosen + 1;
      const next = [...shown.slice(from), ...shown.slice(0, from)].find(({ label }) =>
        label.toLowerCase().startsWith(event.key.toLowerCase()),
      );
      if (next) choose(shown.indexOf(next));
    }
    event.preventDefault();
  });
  filter.addEventListener("input", render);
  done.addEventListener("click", () => {
    dialog.close();
    several?.done([...taken]);
  });
  show(dialog, close);
  render();
  // On a phone the keyboard would hide the list before it was seen.
  if (isLong && !isTouchKeyboard()) filter.focus();
  else {
    list.tabIndex = 0;
    list.focus();
  }
}

function option(choice: Choice, at: number, isCurrent: boolean, take: () => void): HTMLElement {
  const { label, figure, disabledReason } = choice;
  const detail = disabledReason ?? choice.detail;
  return h(
    "li",
    {
      role: "option",
      id: `choice-${at}`,
      "aria-disabled": disabledReason ? "true" : null,
      class: isCurrent ? "is-current" : null,
      onclick: take,
    },
    h("span", { class: "choice-mark", "aria-hidden": "true" }, isCurrent ? "▌" : ""),
    h("span", { class: "choice-label" }, label),
    detail && h("span", { class: "choice-detail" }, detail),
    figure && !disabledReason && h("span", { class: "choice-figure" }, figure),
  );
}

/** A question with a line to write; null when it was called off. */
export function ask(question: string, value: string): Promise<string | null> {
  return new Promise(resolve => {
    const line = h("input", { type: "text", "aria-label": question, autocomplete: "off" });
    line.value = value;
    const cancel = h("button", { type: "button" }, "cancel");
    const form = h(
      "form",
      {},
      h("p", {}, question),
      line,
      h("p", { class: "keys" }, cancel, h("button", { type: "submit" }, "ok")),
    );
    const dialog = h("dialog", { class: "question", "aria-label": question }, form);
    let answer: string | null = null;
    form.addEventListener("submit", event => {
      event.preventDefault();
      answer = line.value.trim() || null;
      dialog.close();
    });
    dialog.addEventListener("close", () => resolve(answer));
    show(dialog, cancel);
    line.focus();
    line.select();
  });
}

/** Opens a dialog that leaves the page when it closes, and closes by `close`, Esc or a press beside it. */
function show(dialog: HTMLDialogElement, close: HTMLElement): void {
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", event => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    placeCaret();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Chromium gives the focus back to the prompt, but at times leaves the caret outside: keys then go nowhere. */
function placeCaret(): void {
  const field = document.activeElement;
  if (field instanceof HTMLTextAreaElement) field.setSelectionRange(field.selectionStart, field.selectionEnd);
}
