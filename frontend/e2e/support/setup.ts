/** Starts what all journeys share: one browser, a provider, a server with keys and one without any. */

import type { TestProject } from "vitest/node";
import { launchBrowser } from "../../scripts/browser.mjs";
import { configurationOf, environOf, scriptModels } from "./models.ts";
import { FakeProvider, Server } from "./processes.ts";

declare module "vitest" {
  interface ProvidedContext {
    browser: string;
    provider: string;
    server: string;
    demoServer: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [fake, demo, browser] = await Promise.all([
    FakeProvider.start(),
    new Server({ LOCAL_IDLE_SECONDS: "60" }).start(),
    launchBrowser(),
  ]);
  await scriptModels(fake);
  const server = await new Server(environOf(fake.url), configurationOf(fake.url)).start();
  project.provide("browser", browser.wsEndpoint());
  project.provide("provider", fake.url);
  project.provide("server", server.url);
  project.provide("demoServer", demo.url);
  return async () => {
    await Promise.all([browser.close(), server.close(), demo.close(), fake.close()]);
  };
}
