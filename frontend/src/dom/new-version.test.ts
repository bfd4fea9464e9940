/** Where there is no service worker, as over plain http; with one it is tried in a real browser (e2e/app.e2e.ts). */

import { expect, test } from "vitest";
import type { Health } from "../api/types.ts";
import { atom } from "../lib/store.ts";
import { NewVersion } from "./new-version.ts";

const healthy = (version: string): Health => ({
  ...{ status: "ok", version, providers: [] },
  database: { writable: true, path: "data/llm-router.db" },
});

test("a server that comes back with another version has another page", () => {
  const health = atom<Health | null>(null);
  const newVersion = new NewVersion(health);
  health.set(healthy("1.0.0"));
  health.set({ ...healthy("1.0.0"), status: "degraded" });
  expect(newVersion.next.get()).toBeNull();
  health.set(healthy("1.1.0"));
  expect(newVersion.next.get()).not.toBeNull();
  newVersion.dispose();
});

test("a piece of the page that the server has no more says the same", () => {
  const newVersion = new NewVersion(atom<Health | null>(null));
  window.dispatchEvent(new Event("vite:preloadError"));
  expect(newVersion.next.get()).not.toBeNull();
  newVersion.dispose();
});
