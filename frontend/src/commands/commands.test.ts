import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Catalog, Model } from "../api/types.ts";
import { ServerFacts } from "../state/catalog.ts";
import { Chat } from "../state/chat.ts";
import { Conversations } from "../state/conversations.ts";
import { Outbox } from "../state/outbox.ts";
import { DeviceStorage, Preferences } from "../state/preferences.ts";
import { FakeClock, FakeServer } from "../testing/fake-server.ts";
import { complete, readInput } from "./input.ts";
import { COMMANDS, type CommandContext, helpRows } from "./registry.ts";
import { usageReport } from "./usage-report.ts";

const model = (id: string, change: Partial<Model>) =>
  ({
    id,
    available: true,
    generates_images: false,
    is_demo: false,
    supports_temperature: true,
    reasoning_levels: [],
    ...change,
  }) as Model;
const CATALOG: Catalog = {
  defaults: { chat: "thinker", image: null },
  connections: [],
  models: [
    model("thinker", { reasoning_levels: ["low", "high"], supports_temperature: false }),
    model("talker", {}),
    model("broken", { available: false, unavailable_reason: "OPENAI_API_KEY is not set" }),
    model("painter", { generates_images: true }),
  ],
};

let context: CommandContext;
let asked: string[];
beforeEach(() => {
  localStorage.clear();
  asked = [];
  const storage = new DeviceStorage(localStorage);
  const preferences = new Preferences(storage);
  const client = new ApiClient(new FakeServer().fetch, "device");
  const clock = new FakeClock();
  const facts = new ServerFacts(client, clock);
  facts.catalog.set(CATALOG);
  const navigation = { open: () => undefined, replace: () => undefined };
  const chat = new Chat({
    client,
    clock,
    outbox: new Outbox(storage),
    facts,
    conversations: new Conversations(client, clock),
    preferences,
    navigation,
  });
  const ask = (what: string) => () => void asked.push(what);
  context = {
    chat,
    facts,
    preferences,
    surface: {
      pickModel: ask("model"),
      pickReasoning: ask("reasoning"),
      pickTemperature: ask("temperature"),
      pickTheme: ask("theme"),
      openNew: ask("new"),
      confirm: async () => true,
      ask: async () => null,
    },
  };
});

async function run(text: string): Promise<void> {
  const input = readInput(text);
  if (input.kind !== "command") throw new Error(`${text} is no command`);
  await input.command.run(context, input.argument);
}

describe("readInput", () => {
  test("tells prompts from commands", () => {
    expect(readInput(" hello ")).toEqual({ kind: "prompt", text: "hello" });
    expect(readInput("//etc/hosts?")).toEqual({ kind: "prompt", text: "/etc/hosts?" });
    expect(readInput("/system be\nkind")).toMatchObject({
      kind: "command",
      command: { name: "system" },
      argument: "be\nkind",
    });
    expect(readInput("/MODEL x")).toMatchObject({ kind: "command", command: { name: "model" }, argument: "x" });
    expect(readInput("/modle")).toMatchObject({ kind: "unknown", name: "modle" });
    expect(readInput("/mdl")).toEqual({ kind: "unknown", name: "mdl", suggestion: "model" });
    expect(readInput("/usr/bin is what?")).toMatchObject({ kind: "unknown" });
  });
});

describe("completion", () => {
  const labels = (text: string) => complete(text, context).map(completion => completion.label);
  test("offers every command, then fewer", () => {
    expect(labels("/").length).toBe(COMMANDS.length);
    expect(labels("/reas")).toEqual(["/reasoning"]);
    expect(labels("hello")).toEqual([]);
    expect(labels("//")).toEqual([]);
    expect(labels("/\n")).toEqual([]);
  });
  test("offers what an argument may be", () => {
    expect(labels("/model ")).toEqual(["thinker", "talker"]);
    expect(complete("/model tal", context)[0]?.text).toBe("/model talker");
    expect(labels("/reasoning ")).toEqual(["default", "low", "high"]);
    expect(labels("/theme paper")).toEqual([]);
  });
});

describe("commands", () => {
  test("set what the next prompt is sent with", async () => {
    await run("/reasoning high");
    expect(context.chat.settings()).toEqual({ model: "thinker", reasoning: "high", temperature: null });
    await run("/model talker");
    await run("/temp 0.3");
    expect(context.chat.settings()).toEqual({ model: "talker", reasoning: null, temperature: 0.3 });
    await run("/temp default");
    expect(context.chat.settings().temperature).toBeNull();
  });

  test("without an argument ask", async () => {
    for (const text of ["/model", "/theme", "/new", "/reasoning"]) await run(text);
    expect(asked).toEqual(["model", "theme", "new", "reasoning"]);
  });

  test.each([
    ["/model nope", "there is no model “nope”"],
    ["/model broken", "OPENAI_API_KEY is not set"],
    ["/temp 1", "thinker takes no temperature"],
    ["/reasoning extreme", "low, high"],
    ["/stop", "nothing is being answered"],
    ["/retry", "no answer to retry"],
    ["/clone", "nothing to clone"],
    ["/rename x", "nothing to rename"],
    ["/delete", "nothing to delete"],
    ["/image", "say what the image shows"],
    ["/image a cat", "no image model is available"],
    ["/theme pink", "tokyo-night"],
  ])("%s explains itself", async (text, words) => expect(run(text)).rejects.toThrow(words));

  test("a temperature is a number in its range", async () => {
    await run("/model talker");
    await expect(run("/temp warm")).rejects.toThrow("from 0 to 2");
    await expect(run("/temp 3")).rejects.toThrow("from 0 to 2");
  });

  test("help names them all", () => {
    for (const { name } of COMMANDS) expect(helpRows().some(([left]) => left.startsWith(`/${name}`))).toBe(true);
  });
});

test("a usage report says how sure it is", () => {
  const counts = {
    tokens_input: 1200,
    tokens_output: 300,
    tokens_cache_read: 0,
    tokens_cache_write: 0,
    tokens_reasoning: 0,
  };
  const row = { ...counts, requests: 1, failed: 0, unpriced: 1, estimated: 0, cost: null };
  const report = usageReport({
    scope: "overall",
    totals: { ...row, requests: 2, cost: 0.42, failed: 1 },
    by_model: [{ ...row, model: "m", provider: "local" }],
  });
  expect(report.head).toBe("$0.42+ in total · 2 requests");
  expect(report.rows).toEqual([["m", "$? · 1 request · 1.2k→300 tok"]]);
  expect(report.notes).toEqual([
    ["+", "1 request without a known price"],
    ["▲", "1 request failed"],
  ]);
});
