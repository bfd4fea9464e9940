/** What was spent in a range of time, on which device, cut one way or another. */

import { type ApiClient, toErrorValue } from "../api/client.ts";
import type { Device, ErrorValue, SeriesBy, UsageLogPage, UsageSeries, UsageSummary } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import { RANGES, type Range } from "../lib/usage-chart.ts";
import type { Clock } from "./clock.ts";

export interface Question {
  readonly range: Range;
  /** Null is all of them. */
  readonly deviceId: string | null;
  readonly by: SeriesBy;
}

export interface UsageAnswer {
  readonly question: Question;
  readonly summary: UsageSummary;
  /** Of as long a time before; null where everything was asked for. */
  readonly before: UsageSummary | null;
  readonly series: UsageSeries;
}

export class UsageBook {
  readonly question = atom<Question>({ range: RANGES[2] as Range, deviceId: null, by: "model" });
  readonly answer = atom<UsageAnswer | null>(null);
  readonly devices = atom<readonly Device[]>([]);
  readonly error = atom<ErrorValue | null>(null);
  readonly isLoading = atom(false);
  readonly #client: ApiClient;
  readonly #clock: Clock;

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  ask(change: Partial<Question> = {}): Promise<void> {
    this.question.update(question => ({ ...question, ...change }));
    return this.load();
  }

  async load(): Promise<void> {
    const question = this.question.get();
    const now = this.#clock.date();
    const since = question.range.since(now);
    const earlier = since && new Date(2 * since.getTime() - now.getTime());
    this.isLoading.set(true);
    try {
      const [summary, series, before] = await Promise.all([
        this.#summary(question, since, null),
        this.#client.request<UsageSeries>("GET", `/api/usage/series?${this.query(question, since)}`),
        since && earlier ? this.#summary(question, earlier, since) : null,
      ]);
      // The reader may have asked for something else meanwhile.
      if (this.question.get() !== question) return;
      this.answer.set({ question, summary, before, series });
      this.error.set(null);
    } catch (error) {
      if (this.question.get() === question) this.error.set(toErrorValue(error));
    } finally {
      if (this.question.get() === question) this.isLoading.set(false);
    }
  }

  async loadDevices(): Promise<void> {
    try {
      this.devices.set((await this.#client.request<{ devices: Device[] }>("GET", "/api/devices")).devices);
    } catch {
      // Without their names all of them together can still be looked at.
    }
  }

  /** The calls themselves, newest first, a page at a time. */
  logs(cursor: string | null): Promise<UsageLogPage> {
    const query = new URLSearchParams({ limit: "50", ...this.#range(), ...(cursor && { cursor }) });
    return this.#client.request("GET", `/api/usage/logs?${query}`);
  }

  /** Where all of them can be had as a table for a spreadsheet. */
  csvAddress(): string {
    return `/api/usage/logs?${new URLSearchParams({ format: "csv", ...this.#range() })}`;
  }

  query({ range, deviceId, by }: Question, since: Date | null): URLSearchParams {
    return new URLSearchParams({
      bucket: range.bucket,
      by,
      ...(since && { since: since.toISOString() }),
      ...(deviceId !== null && { device_id: deviceId }),
    });
  }

  #range(): Record<string, string> {
    const { range, deviceId } = this.question.get();
    const since = range.since(this.#clock.date());
    return { ...(since && { since: since.toISOString() }), ...(deviceId !== null && { device_id: deviceId }) };
  }

  #summary({ deviceId }: Question, since: Date | null, until: Date | null): Promise<UsageSummary> {
    const query = new URLSearchParams({
      scope: deviceId === null ? "overall" : "device",
      ...(deviceId !== null && { device_id: deviceId }),
      ...(since && { since: since.toISOString() }),
      ...(until && { until: until.toISOString() }),
    });
    return this.#client.request("GET", `/api/usage/summary?${query}`);
  }
}
