import { expect, test } from "vitest";
import { ApiClient, NetworkError } from "../api/client.ts";
import { FakeClock, FakeServer, settled } from "../testing/fake-server.ts";
import { Line } from "./line.ts";

test("is offline from the first request that fails until one gets through, and asks by itself", async () => {
  const server = new FakeServer().on("GET", "/health", new TypeError("down"), new TypeError("down"), {});
  const clock = new FakeClock();
  const line = new Line(server.fetch, clock);
  await expect(new ApiClient(line.fetch, "device").health()).rejects.toThrow(NetworkError);
  expect(line.isOffline.get()).toBe(true);
  await clock.advance(4_000);
  expect(line.isOffline.get()).toBe(true);
  await clock.advance(4_000);
  expect(line.isOffline.get()).toBe(false);
  expect(server.calls.length).toBe(3);
  expect(clock.pending).toBe(0);
});

test("takes no offence at a request that was called off", async () => {
  const line = new Line(() => Promise.reject(new DOMException("called off", "AbortError")), new FakeClock());
  line.ask();
  await settled();
  expect(line.isOffline.get()).toBe(false);
});

test("a request that nobody answers ends", async () => {
  const silent = (_: string, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  await expect(new ApiClient(silent, "device", 5).conversation("c1")).rejects.toThrow(NetworkError);
});
