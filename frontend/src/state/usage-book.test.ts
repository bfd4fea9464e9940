import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import { RANGES, type Range } from "../lib/usage-chart.ts";
import { FakeClock, FakeServer } from "../testing/fake-server.ts";
import { UsageBook } from "./usage-book.ts";

const SUMMARY = "/api/usage/summary";
const SERIES = "/api/usage/series";
const range = (name: string) => RANGES.find(known => known.name === name) as Range;

let server: FakeServer;
let asked: URL[];
let book: UsageBook;
/** What is asked from now on waits for it. */
let gate: Promise<void>;
beforeEach(() => {
  asked = [];
  server = new FakeServer()
    .on("GET", SUMMARY, { totals: { cost: 1 } })
    .on("GET", SERIES, { buckets: [] })
    .on("GET", "/api/usage/logs", { logs: [], next_cursor: null });
  gate = Promise.resolve();
  const listened = async (url: string, init: RequestInit) => {
    asked.push(new URL(url, "http://server"));
    await gate;
    return server.fetch(url, init);
  };
  book = new UsageBook(new ApiClient(listened, "device"), new FakeClock());
});

const queries = (path: string) =>
  asked.filter(url => url.pathname === path).map(url => Object.fromEntries(url.searchParams));

describe("the book", () => {
  test("asks for a range, as long a time before it, and its bars", async () => {
    const now = new FakeClock().date();
    const since = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 6);
    await book.ask({ range: range("7 days"), by: "provider" });
    const [whole, before] = queries(SUMMARY);
    expect(whole).toEqual({ scope: "overall", since: since.toISOString() });
    expect(before?.until).toBe(since.toISOString());
    expect(new Date(before?.since ?? 0).getTime()).toBe(2 * since.getTime() - now.getTime());
    expect(queries(SERIES)).toEqual([{ bucket: "day", by: "provider", since: since.toISOString() }]);
    expect(book.answer.get()?.question.by).toBe("provider");
  });

  test("of everything there is nothing before", async () => {
    await book.ask({ range: range("all") });
    expect(queries(SUMMARY)).toEqual([{ scope: "overall" }]);
    expect(book.answer.get()?.before).toBeNull();
  });

  test("of one device it asks one device, the calls and the table for a spreadsheet too", async () => {
    await book.ask({ range: range("all"), deviceId: "d1" });
    await book.logs("c");
    expect(queries(SUMMARY)).toEqual([{ scope: "device", device_id: "d1" }]);
    expect(queries(SERIES)[0]).toMatchObject({ device_id: "d1" });
    expect(queries("/api/usage/logs")).toEqual([{ limit: "50", device_id: "d1", cursor: "c" }]);
    expect(book.csvAddress()).toBe("/api/usage/logs?format=csv&device_id=d1");
  });

  test("a question that was given up is not answered", async () => {
    let open = () => {};
    gate = new Promise(resolve => {
      open = resolve;
    });
    const first = book.ask({ range: range("7 days") });
    gate = Promise.resolve();
    await book.ask({ range: range("all") });
    open();
    await first;
    expect(book.answer.get()?.question.range.name).toBe("all");
    expect(book.isLoading.get()).toBe(false);
  });

  test("a failure is said, and what was known stays", async () => {
    await book.load();
    const known = book.answer.get();
    server.on("GET", SERIES, new Error("cut"));
    await book.load();
    expect(book.error.get()?.type).toBe("network");
    expect(book.answer.get()).toBe(known);
    server.on("GET", SERIES, { buckets: [] });
    await book.load();
    expect(book.error.get()).toBeNull();
  });
});
