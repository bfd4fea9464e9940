import { describe, expect, test } from "vitest";
import type { Model, ModelPrice } from "../api/types.ts";
import { abilities, commonSource, factsOf, type Sorting, sortModels } from "./model-table.ts";

const price = (input: number | null, output: number | null): ModelPrice => ({
  input,
  output,
  cache_read: null,
  cache_write: null,
});
const model = (id: string, change: Partial<Model> = {}): Model => ({
  id,
  label: id,
  provider: "openai",
  connection: "openai",
  available: true,
  unavailable_reason: null,
  context_window: null,
  max_output_tokens: null,
  supports_temperature: null,
  supports_vision: null,
  supports_tools: null,
  reasoning_levels: null,
  generates_images: false,
  is_demo: false,
  price: null,
  sources: {},
  ...change,
});

const MODELS = [
  model("b", { price: price(3, 15), context_window: 200_000, supports_vision: true }),
  model("c", { price: price(1, 2), context_window: 400_000, reasoning_levels: ["low"] }),
  model("a"),
  model("demo", { is_demo: true }),
  model("z", { price: price(0.1, 0.2), available: false }),
];

describe("sorting", () => {
  const ids = (key: Sorting["key"], isDescending = false, filter = "") =>
    sortModels(MODELS, filter, { key, isDescending }).map(({ id }) => id);

  test("by name, either way; what can't be used comes last", () => {
    expect(ids("model")).toEqual(["a", "b", "c", "demo", "z"]);
    expect(ids("model", true)).toEqual(["demo", "c", "b", "a", "z"]);
  });

  test("by price and context; what is not known is never the cheapest nor the dearest", () => {
    expect(ids("input")).toEqual(["demo", "c", "b", "a", "z"]);
    expect(ids("output", true)).toEqual(["b", "c", "demo", "a", "z"]);
    expect(ids("context")).toEqual(["b", "c", "a", "demo", "z"]);
  });

  test("a filter finds names and abilities", () => {
    expect(ids("model", false, "vision")).toEqual(["b"]);
    expect(ids("model", false, "openai reasoning")).toEqual(["c"]);
    expect(ids("model", false, "nothing of the kind")).toEqual([]);
  });
});

test("abilities are those that are known", () => {
  expect(abilities(model("m"))).toEqual([]);
  expect(abilities(model("m", { supports_tools: true, supports_vision: false, reasoning_levels: [] }))).toEqual([
    "tools",
  ]);
});

describe("the facts of a model", () => {
  test("say where they are from, and what is not known", () => {
    const facts = factsOf(
      model("m", { context_window: 200_000, sources: { context_window: "live", price: "assumed" } }),
    );
    expect(facts[0]).toEqual({ name: "context", value: "200k tokens", source: "live" });
    expect(facts).toContainEqual({ name: "vision", value: "not known", source: null });
    expect(facts).toContainEqual({ name: "price", value: "not known", source: "assumed" });
  });

  test("share a source, but for those that name another", () => {
    const sources = { context_window: "live", supports_vision: "bundled", supports_tools: "bundled" } as const;
    expect(commonSource(factsOf(model("m", { sources })))).toBe("bundled");
    expect(commonSource(factsOf(model("m")))).toBeNull();
  });

  test("name every rate, tier and variant", () => {
    const tiers = [{ ...price(6, 22.5), above: 200_000 }];
    const variants = [{ ...price(1.5, 7.5), when: { service_tier: "flex" } }];
    const full: ModelPrice = {
      ...price(3, 15),
      cache_read: 0.3,
      web_search: 10,
      source: "bundled",
      version: "2026-11-24",
      tiers,
      variants,
    };
    const facts = factsOf(model("m", { price: full })).map(({ name, value }) => `${name}: ${value}`);
    expect(facts).toEqual(
      expect.arrayContaining([
        "in: $3 per M",
        "cache read: $0.3 per M",
        "web search: $10 per thousand",
        "out, above 200k: $22.5 per M",
        "in, flex: $1.5 per M",
        "prices as of: 2026-11-24",
      ]),
    );
  });
});
