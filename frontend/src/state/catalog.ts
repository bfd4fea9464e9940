/**
 * What the server offers: its version, its models, what was spent. Knows how to choose a model for the next prompt.
 */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { Catalog, ErrorValue, Health, Model, UsageSummary } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import type { Clock } from "./clock.ts";

const RETRY_MS = 3_000;

export class ServerFacts {
  readonly health = atom<Health | null>(null);
  readonly catalog = atom<Catalog | null>(null);
  /** What was spent since midnight, here where the reader is. */
  readonly today = atom<UsageSummary | null>(null);
  /** Why one of the above could not be had. */
  readonly error = atom<ErrorValue | null>(null);
  readonly #client: ApiClient;
  readonly #clock: Clock;
  #isLoading = false;

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  get isComplete(): boolean {
    return this.health.get() !== null && this.catalog.get() !== null;
  }

  /** Asks for what is not known yet, again and again until it is; for all of it when `isStale`. */
  async load(isStale = false): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const failures = await Promise.all([
      (isStale || this.health.get() === null) && this.#keep(this.#client.health(), this.health.set),
      (isStale || this.catalog.get() === null) && this.#keep(this.#client.models(), this.catalog.set),
      this.refreshToday(),
    ]);
    this.#isLoading = false;
    this.error.set(failures.find(failure => failure) || null);
    if (!this.isComplete) this.#clock.after(RETRY_MS, () => void this.load());
  }

  refreshToday(): Promise<ErrorValue | null> {
    const midnight = this.#clock.date();
    midnight.setHours(0, 0, 0, 0);
    return this.#keep(this.#client.usage(midnight), this.today.set);
  }

  model(id: string | null): Model | undefined {
    return id === null ? undefined : this.catalog.get()?.models.find(model => model.id === id);
  }

  async #keep<T>(answer: Promise<T>, keep: (value: T) => void): Promise<ErrorValue | null> {
    try {
      keep(await answer);
      return null;
    } catch (error) {
      return toErrorValue(error);
    }
  }
}

/** The first of `wishes` that can be used, else the server's default, else the first wish: an honest refusal beats a swap. */
export function chooseModel(catalog: Catalog | null, wishes: readonly (string | null | undefined)[]): string | null {
  const named = wishes.filter((wish): wish is string => Boolean(wish));
  if (!catalog) return named[0] ?? null;
  const usable = named.find(wish => catalog.models.some(model => model.id === wish && model.available));
  return usable ?? catalog.defaults.chat ?? named[0] ?? null;
}

/** Whether answers can come from nothing but the embedded demo model. */
export function isDemoOnly(catalog: Catalog): boolean {
  const chat = catalog.models.filter(model => model.available && !model.generates_images);
  return chat.length > 0 && chat.every(model => model.is_demo);
}

/** The levels a model may be asked for; none where it cannot reason or that is not known. */
export function reasoningLevels(model: Model | undefined): readonly string[] {
  return model?.reasoning_levels ?? [];
}
