import { defineConfig } from "vitest/config";

/** Journeys in a real Chromium against real servers: `npm run e2e`, after `npm run build`. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/support/setup.ts"],
    // Patience costs nothing where all goes well: the machine may be busy.
    testTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
