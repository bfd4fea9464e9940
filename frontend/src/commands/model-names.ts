/** Models as arguments of commands: what is offered for one, and what a name must be. */

import type { Model } from "../api/types.ts";
import { formatPrice } from "../lib/format.ts";
import type { ServerFacts } from "../state/catalog.ts";
import { CommandError, type Value } from "./command.ts";

/** Those that answer prompts and can be asked now. */
export function chatModels(facts: ServerFacts): Model[] {
  return (facts.catalog.get()?.models ?? []).filter(model => model.available && !model.generates_images);
}

export function modelValue({ id, label, connection, is_demo, price }: Model): Value {
  return {
    value: id,
    detail: is_demo ? "tiny demo model · free" : formatPrice(price),
    keywords: `${label} ${connection}`,
  };
}

/** The model of that name. Raises where it can't answer. */
export function usable(name: string, facts: ServerFacts): Model {
  if (!facts.catalog.get()) throw new CommandError("the list of models is not here yet");
  const model = facts.model(name);
  if (!model) throw new CommandError(`there is no model “${name}”. /model alone shows those there are`);
  if (!model.available)
    throw new CommandError(`${model.id} can't be used: ${model.unavailable_reason ?? "not available"}`);
  if (model.generates_images) throw new CommandError(`${model.id} makes images. /image asks it`);
  return model;
}
