/** Models in an order, and what may be said of one. Pure. */

import type { Model, Rates, Source } from "../api/types.ts";
import { formatCount, formatRateOf } from "./format.ts";
import { fuzzyScore } from "./fuzzy.ts";

export type SortKey = "model" | "input" | "output" | "context";

export interface Sorting {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

/** Those that fit `filter`, sorted; what is not known comes last either way, and what can't be used after what can. */
export function sortModels(models: readonly Model[], filter: string, { key, isDescending }: Sorting): Model[] {
  const fits = models.filter(model => fuzzyFits(filter, model));
  const direction = isDescending ? -1 : 1;
  return fits.sort((a, b) => {
    if (a.available !== b.available) return a.available ? -1 : 1;
    const [left, right] = [sortValue(a, key), sortValue(b, key)];
    if (left === right) return a.id < b.id ? -1 : 1;
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -direction : direction;
  });
}

/** Every word is found somewhere: in the id, the label, the connection or what the model can do. */
function fuzzyFits(filter: string, model: Model): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [model.id, model.label, model.connection, ...abilities(model)].join(" ").toLowerCase();
  return words.every(word => text.includes(word) || fuzzyScore(word, model.id) !== null);
}

function sortValue(model: Model, key: SortKey): number | string | null {
  switch (key) {
    case "model":
      return model.id;
    case "context":
      return model.context_window;
    default:
      return model.is_demo ? 0 : (model.price?.[key] ?? null);
  }
}

/** What it can do, in words; only what is known. */
export function abilities(model: Model): string[] {
  return [
    model.generates_images && "makes images",
    model.supports_vision && "vision",
    model.supports_tools && "tools",
    (model.reasoning_levels?.length ?? 0) > 0 && "reasoning",
  ].filter((word): word is string => Boolean(word));
}

export interface Fact {
  readonly name: string;
  readonly value: string;
  /** Where it is from; null where that is not said. */
  readonly source: Source | null;
}

/** Everything that is known of a model, a line each, with where it is from. */
export function factsOf(model: Model): Fact[] {
  const yesNo = (value: boolean | null) => (value === null ? "not known" : value ? "yes" : "no");
  const count = (value: number | null) => (value === null ? "not known" : `${formatCount(value)} tokens`);
  const fact = (name: string, value: string, ...keys: string[]): Fact => ({
    name,
    value,
    source: keys.map(key => model.sources[key]).find(source => source !== undefined) ?? null,
  });
  const { price, reasoning_levels: levels } = model;
  return [
    fact("context", count(model.context_window), "context_window"),
    fact("longest answer", count(model.max_output_tokens), "max_output_tokens"),
    fact("temperature", yesNo(model.supports_temperature), "supports_temperature"),
    fact("reasoning", levels === null ? "not known" : levels.join(", ") || "no", "reasoning_levels"),
    fact("vision", yesNo(model.supports_vision), "supports_vision"),
    fact("tools", yesNo(model.supports_tools), "supports_tools"),
    ...(price
      ? rateFacts(price).map(([name, value]) => ({ name, value, source: price.source ?? model.sources.price ?? null }))
      : [fact("price", "not known", "price")]),
    ...(price?.tiers ?? []).flatMap(tier =>
      rateFacts(tier).map(([name, value]) => fact(`${name}, above ${formatCount(tier.above)}`, value, "price")),
    ),
    ...(price?.variants ?? []).flatMap(variant =>
      rateFacts(variant).map(([name, value]) =>
        fact(`${name}, ${Object.values(variant.when).join(" ")}`, value, "price"),
      ),
    ),
    ...(price?.version ? [fact("prices as of", price.version, "price")] : []),
  ];
}

/** Where most of them are from; null where that is said of none. */
export function commonSource(facts: readonly Fact[]): Source | null {
  const counts = new Map<Source, number>();
  for (const { source } of facts) if (source) counts.set(source, (counts.get(source) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

const RATES: readonly (readonly [keyof Rates, string, string])[] = [
  ["input", "in", "per M"],
  ["output", "out", "per M"],
  ["cache_read", "cache read", "per M"],
  ["cache_write", "cache write", "per M"],
  ["cache_write_1h", "cache write, 1 h", "per M"],
  ["input_audio", "audio in", "per M"],
  ["output_audio", "audio out", "per M"],
  ["input_image", "image in", "per M"],
  ["output_image", "image out", "per M"],
  ["web_search", "web search", "per thousand"],
  ["request", "request", "per thousand"],
];

function rateFacts(rates: Rates): [string, string][] {
  return RATES.flatMap(([key, name, unit]) => {
    const rate = rates[key];
    return rate === null || rate === undefined ? [] : [[name, `${formatRateOf(rate)} ${unit}`] as [string, string]];
  });
}
