/** Models as arguments of commands: what is offered for one, and what a name must be. */

import type { Model } from "../api/types.ts";
import { formatPrice } from "../lib/format.ts";
import { nearest } from "../lib/fuzzy.ts";
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

/** Before it is here no word is known to be a model, and none is known not to be. */
export function needCatalog(facts: ServerFacts): void {
  if (!facts.catalog.get()) throw new CommandError("the list of models is not here yet. try again in a moment");
}

/** The model of that name. Raises where it can't answer; with `makesImages` where it can't make one. */
export function usable(name: string, facts: ServerFacts, makesImages = false): Model {
  needCatalog(facts);
  const model = facts.model(name);
  if (makesImages && !model?.generates_images) throw new CommandError(`there is no image model “${name}”`);
  if (!model) {
    const like = nearest(
      chatModels(facts).map(({ id }) => id),
      name,
    );
    const hint = like ? `did you mean ${like}?` : "/model alone shows those there are";
    throw new CommandError(`there is no model “${name}”. ${hint}`);
  }
  if (!model.available)
    throw new CommandError(`${model.id} can't be used: ${model.unavailable_reason ?? "not available"}`);
  if (model.generates_images && !makesImages) throw new CommandError(`${model.id} makes images. /image asks it`);
  return model;
}
