/** The models the journeys ask, by who makes them. Each journey has its own, so that its gates are its own. */

import type { Environ, FakeProvider } from "./processes.ts";

/** Models of the connection `lab`, and the fake provider's scenarios that they answer with. */
const LAB: Readonly<Record<string, readonly string[]>> = {
  hello: ["fake-hello"],
  echo: ["fake-echo"],
  talkative: ["fake-words-1500-5ms"],
  long: ["fake-words-300-3ms"],
  short: ["fake-words-40-10ms"],
  "stop-by-key": ["fake-gated"],
  "stop-by-esc": ["fake-gated"],
  retried: ["fake-words-2", "fake-words-3"],
  pressed: ["fake-words-2", "fake-words-3"],
  reloaded: ["fake-gated-6"],
  tunnel: ["fake-gated-4"],
  unplugged: ["fake-gated-4"],
  killed: ["fake-gated-4"],
  waited: ["fake-gated-2", "fake-hello"],
  scrolled: ["fake-words-400", "fake-gated-3"],
  keyboard: ["fake-gated-3", "fake-hello"],
  late: ["fake-hello"],
  rough: ["fake-words-1200-10ms"],
  "held-back": ["fake-gated-3"],
  frozen: ["fake-gated-3"],
  outbox: ["fake-hello"],
  "opened-offline": ["fake-hello"],
  "called-off": ["fake-hello"],
  devices: ["fake-gated-3", "fake-hello"],
  "first-compared": ["fake-gated-3"],
  "second-compared": ["fake-gated-3"],
  "third-compared": ["fake-400"],
  "cut-short": ["fake-length", "fake-words-3"],
  queued: ["fake-gated-2", "fake-echo"],
  "queued-in-vain": ["fake-gated-2", "fake-echo"],
  "day-on-a-small-phone": ["fake-gated-3", "fake-echo"],
  "day-on-a-phone": ["fake-gated-3", "fake-echo"],
  "day-on-a-tablet": ["fake-gated-3", "fake-echo"],
  "day-on-a-desktop": ["fake-gated-3", "fake-echo"],
  told: ["fake-gated-3"],
  "kept-place": ["fake-words-2", "fake-words-3", "fake-gated-2", "fake-echo"],
};

/** Real names, so that the catalog has a price for them. */
const PRICED = { openai: "gpt-5.1", anthropic: "claude-sonnet-4-5" } as const;

export const MODELS = {
  openai: `openai-priced/${PRICED.openai}`,
  anthropic: `anthropic-priced/${PRICED.anthropic}`,
} as const;

export const lab = (name: string) => `lab/${name}`;

/** The model of the matrix that is asked on a device. */
export const dayOn = (device: string) => `day-on-a-${device.replace(" ", "-")}`;

export async function scriptModels(fake: FakeProvider): Promise<void> {
  for (const [name, scenarios] of Object.entries(LAB)) await fake.script(name, ...scenarios);
  await fake.script(PRICED.openai, "gpt-fake-markdown");
  await fake.script(PRICED.anthropic, "claude-fake-reasoning");
}

export function environOf(fakeUrl: string): Environ {
  return {
    LOCAL_MODEL: "off",
    MAX_RETRIES: "0",
    OPENAI_API_KEY: "sk-test-openai-0123456789",
    OPENAI_BASE_URL: `${fakeUrl}/v1`,
    ANTHROPIC_API_KEY: "sk-ant-test-0123456789",
    ANTHROPIC_BASE_URL: fakeUrl,
  };
}

export function configurationOf(fakeUrl: string): string {
  const connection = (name: string, provider: string, url: string, models: readonly string[], keyName?: string) =>
    [
      `[connections.${name}]`,
      `provider = "${provider}"`,
      `base_url = "${url}"`,
      `models = ${JSON.stringify(models)}`,
      ...(keyName ? [`api_key_env = "${keyName}"`] : []),
      "",
    ].join("\n");
  return [
    connection("lab", "openai_compatible", `${fakeUrl}/compatible/v1`, Object.keys(LAB)),
    connection("openai-priced", "openai", `${fakeUrl}/v1`, [PRICED.openai], "OPENAI_API_KEY"),
    connection("anthropic-priced", "anthropic", fakeUrl, [PRICED.anthropic], "ANTHROPIC_API_KEY"),
  ].join("\n");
}
