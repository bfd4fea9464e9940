import { defineConfig } from "vitest/config";

/** Journeys in a real Chromium against real servers: `npm run e2e`, after `npm run build`. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/support/setup.ts"],
    testTimeout: 60_000,
    // As patient as the journeys are: the machine may be busy.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
