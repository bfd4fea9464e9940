/** The devices of the owner, and the budgets that hold them. What the settings show and change. */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { Budget, BudgetBody, Device, ErrorValue } from "../api/types.ts";
import { atom } from "../lib/store.ts";

export class Books {
  readonly devices = atom<readonly Device[] | null>(null);
  readonly budgets = atom<readonly Budget[] | null>(null);
  /** Why one of them could not be read. */
  readonly error = atom<ErrorValue | null>(null);
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async load(): Promise<void> {
    this.error.set(null);
    await Promise.all([this.loadDevices(), this.loadBudgets()]);
  }

  loadDevices(): Promise<void> {
    return this.#keep(async () =>
      this.devices.set((await this.#client.request<{ devices: Device[] }>("GET", "/api/devices")).devices),
    );
  }

  loadBudgets(): Promise<void> {
    return this.#keep(async () =>
      this.budgets.set((await this.#client.request<{ budgets: Budget[] }>("GET", "/api/budgets")).budgets),
    );
  }

  async rename(id: string, name: string): Promise<void> {
    const device = await this.#client.request<Device>("PATCH", `/api/devices/${encodeURIComponent(id)}`, { name });
    this.devices.update(devices => devices?.map(other => (other.id === id ? device : other)) ?? null);
  }

  async addBudget(body: BudgetBody): Promise<void> {
    await this.#client.request("POST", "/api/budgets", body);
    await this.loadBudgets();
  }

  async removeBudget(id: string): Promise<void> {
    await this.#client.request("DELETE", `/api/budgets/${encodeURIComponent(id)}`);
    this.budgets.update(budgets => budgets?.filter(budget => budget.id !== id) ?? null);
  }

  async #keep(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      this.error.set(toErrorValue(error));
    }
  }
}
