/** The first lines of a new conversation. Each is true: what is not known yet is not said. */

import type { Catalog, Health } from "../api/types.ts";
import { h } from "../dom/element.ts";
import { isDemoOnly, type ServerFacts } from "../state/catalog.ts";

export function bootLines(facts: ServerFacts): HTMLElement[] {
  const error = facts.error.get();
  const health = facts.health.get();
  const catalog = facts.catalog.get();
  const waiting = error ? "○ the server can't be reached" : "…";
  return [
    line("llm router", health ? health.version : waiting),
    line("models", catalog ? modelsLine(catalog) : waiting),
    line("data", health ? dataLine(health) : waiting),
    ...(catalog ? adviceLines(catalog) : []),
  ];
}

function line(name: string, value: string): HTMLElement {
  return h("p", { class: "boot-line" }, h("span", { class: "boot-name" }, name), h("span", {}, value));
}

function modelsLine(catalog: Catalog): string {
  const usable = catalog.models.filter(model => model.available);
  if (usable.length === 0) return "none can be used";
  const names = [...new Set(usable.map(model => model.connection))];
  const bundled = catalog.connections.filter(
    it => names.includes(it.name) && it.list === "bundled" && it.provider !== "local",
  );
  const note =
    bundled.length > 0 ? ` · ${bundled.map(it => it.name).join(", ")} as far as known when this version was made` : "";
  return `${usable.length} found · ${names.join(", ")}${note}`;
}

function dataLine({ database }: Health): string {
  return database.writable
    ? database.path
    : `▲ ${database.path} can't be written${database.reason ? `: ${database.reason}` : ""}`;
}

function adviceLines(catalog: Catalog): HTMLElement[] {
  if (isDemoOnly(catalog)) {
    return [
      h(
        "p",
        { class: "boot-advice" },
        "▲ no api key yet: answers come from the tiny demo model inside, good enough for a look around.",
      ),
      h("p", { class: "boot-advice" }, ...keyAdvice()),
    ];
  }
  if (!catalog.models.some(model => model.available)) {
    return [h("p", { class: "boot-advice" }, "▲ nothing can answer yet. ", ...keyAdvice())];
  }
  return [];
}

function keyAdvice(): (Node | string)[] {
  const code = (text: string) => h("code", {}, text);
  return [
    "put ",
    code("OPENAI_API_KEY=…"),
    " or ",
    code("ANTHROPIC_API_KEY=…"),
    " into ",
    code(".env"),
    " and start again.",
  ];
}
