import { beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import type { Catalog, Conversation, Model } from "../api/types.ts";
import { ServerFacts } from "../state/catalog.ts";
import { Chat } from "../state/chat.ts";
import { Conversations } from "../state/conversations.ts";
import { Notices } from "../state/notices.ts";
import { Outbox } from "../state/outbox.ts";
import { DeviceStorage, Preferences } from "../state/preferences.ts";
import { Removals, UNDO_MS } from "../state/removals.ts";
import { aMessage, FakeClock, FakeServer, FakeStream, jsonResponse, settled } from "../testing/fake-server.ts";
import { type CommandContext, CommandError } from "./command.ts";
import { carryOut, complete, readInput } from "./input.ts";
import { COMMANDS, SHORTCUTS } from "./registry.ts";

const model = (id: string, change: Partial<Model>) =>
  ({
    id,
    available: true,
    generates_images: false,
    is_demo: false,
    supports_temperature: true,
    price: null,
    reasoning_levels: [],
    ...change,
  }) as Model;
const CATALOG: Catalog = {
  defaults: { chat: "thinker", image: null },
  connections: [],
  models: [
    model("thinker", { reasoning_levels: ["low", "high"], supports_temperature: false }),
    model("talker", { price: { input: 1, output: 2, cache_read: null, cache_write: null } }),
    model("broken", { available: false, unavailable_reason: "OPENAI_API_KEY is not set" }),
    model("painter", { generates_images: true }),
  ],
};

let context: CommandContext;
let server: FakeServer;
let clock: FakeClock;
let notices: Notices;
let asked: string[];
beforeEach(() => {
  localStorage.clear();
  asked = [];
  server = new FakeServer();
  clock = new FakeClock();
  notices = new Notices(clock);
  const storage = new DeviceStorage(localStorage);
  const preferences = new Preferences(storage);
  const client = new ApiClient(server.fetch, "device");
  const facts = new ServerFacts(client, clock);
  facts.catalog.set(CATALOG);
  const conversations = new Conversations(client, clock);
  const outbox = new Outbox(storage);
  const open = (id: string | null) => {
    asked.push(`open ${id}`);
    if (id === null) chat.openNew();
  };
  const navigation = { open, replace: () => undefined };
  const chat: Chat = new Chat({ client, clock, outbox, facts, conversations, preferences, navigation });
  const openId = () => chat.current.get().id;
  const removals = new Removals({ client, clock, conversations, outbox, notices, storage, openId, open });
  const ask = (what: string) => () => void asked.push(what);
  context = {
    client,
    chat,
    facts,
    conversations,
    preferences,
    removals,
    surface: {
      pickModel: ask("model"),
      pickComparison: ask("models"),
      edit: message => void asked.push(`edit ${message.id}`),
      send: text => void asked.push(`send ${text}`),
      pickReasoning: ask("reasoning"),
      pickTemperature: ask("temperature"),
      pickTheme: ask("theme"),
      pickConversation: ask("conversation"),
      pickHistory: ask("history"),
      open,
      show: screen => void asked.push(`show ${screen}`),
      print: text => void asked.push(`print ${text}`),
      say: text => void asked.push(`say ${text}`),
      ask: async () => null,
      copy: async text => {
        asked.push(`copy ${text}`);
        return true;
      },
      save: (name, mediaType, text) => void asked.push(`save ${name} ${mediaType} ${text}`),
    },
  };
});

const conversation = (id: string, title: string, change: Partial<Conversation> = {}): Conversation => ({
  id,
  title,
  model: null,
  system_prompt: null,
  device_id: null,
  active_leaf_id: null,
  created_at: "2026-01-01T10:00:00.000Z",
  updated_at: "2026-01-01T10:00:00.000Z",
  cost: null,
  message_count: 2,
  is_live: false,
  ...change,
});

/** Opens a conversation of one prompt and its answer. */
async function opened(answer = aMessage({ content: "because" })): Promise<void> {
  const messages = [aMessage({ id: "m1", parent_id: null, role: "user", content: "why?" }), answer];
  server.on("GET", "/api/conversations/c1", { ...conversation("c1", "why"), active_leaf_id: "m2", messages });
  await context.chat.open("c1");
}

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
  });

  const why = (text: string) => {
    const input = readInput(text);
    return input.kind === "unclear" ? input.why : "";
  };

  test.each([
    ["/modle", "did you mean /model?"],
    ["/tehme", "did you mean /theme?"],
    ["/mdl", "did you mean /model?"],
    ["/exprot", "did you mean /export?"],
    ["/xyzzy", "/help shows"],
    ["/usr/bin is what?", "there is no command /usr/bin"],
    ["/", "/help shows"],
  ])("%s is explained", (text, words) => {
    expect(why(text)).toContain(words);
    expect(why(text)).toContain("type //");
  });

  test.each(COMMANDS.map(command => [command.name, command] as const))(
    "a text that begins with /%s and can't be meant for it is not taken for it",
    (name, { argument, takesText }) => {
      const letter = `/${name} the second paragraph, keep the rest:\n\nDear landlord`;
      if (takesText) return expect(readInput(letter).kind).toBe("command");
      expect(why(letter)).toContain(argument ? `/${name} takes one line.` : `/${name} takes nothing after it.`);
      expect(why(letter)).toContain("type //");
      if (!argument) expect(why(`/${name} please`)).toContain(`/${name} takes nothing after it.`);
      expect(readInput(` /${name}\n`).kind).toBe("command");
    },
  );
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
    expect(complete("/model tal", context)[0]?.summary).toBe("$1 / $2 per M");
    expect(labels("/temp 0")).toEqual([]);
    context.conversations.list.update(list => ({ ...list, items: [conversation("c9", "rust lifetimes")] }));
    expect(complete("/open rlt", context)[0]?.text).toBe("/open rust lifetimes");
    expect(labels("/image size=po")).toEqual(["size=portrait"]);
    expect(complete("/model tal", context)[0]?.text).toBe("/model talker");
    expect(labels("/reasoning ")).toEqual(["default", "low", "high"]);
    expect(labels("/theme paper")).toEqual([]);
    expect(labels("/retry tal")).toEqual(["talker"]);
  });
  test("offers /compare a model after the other, until a prompt is written", () => {
    expect(labels("/compare ")).toEqual(["thinker", "talker"]);
    expect(complete("/compare thinker t", context).map(({ text }) => text)).toEqual(["/compare thinker talker "]);
    expect(labels("/compare thinker why tal")).toEqual([]);
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
    for (const text of ["/model", "/theme", "/open", "/history", "/reasoning", "/new"]) await run(text);
    expect(asked).toEqual(["model", "theme", "conversation", "history", "reasoning", "open null"]);
  });

  test.each(["conversations", "usage", "models", "images", "settings", "help"])("/%s opens its screen", async name => {
    await run(`/${name}`);
    expect(asked).toEqual([`show ${name}`]);
  });

  test.each([
    ["/model nope", "there is no model “nope”. /model alone"],
    ["/model talk", "there is no model “talk”. did you mean talker?"],
    ["/model broken", "OPENAI_API_KEY is not set"],
    ["/temp 1", "thinker takes no temperature"],
    ["/reasoning extreme", "low, high"],
    ["/stop", "nothing is being answered"],
    ["/retry", "no answer to retry"],
    ["/clone", "nothing to clone"],
    ["/fork", "nothing to fork"],
    ["/undo", "nothing to bring back"],
    ["/open nothing", "no conversation is called"],
    ["/copy", "nothing to copy"],
    ["/copy everything", "/copy all"],
    ["/export", "no conversation here"],
    ["/export pdf", "as markdown or as json"],
    ["/effects maybe", "on or off"],
    ["/model painter", "/image asks it"],
    ["/continue", "no answer to continue"],
    ["/edit", "no prompt to edit"],
    ["/compare thinker", "name two or three models"],
    ["/compare nope thinker", "“nope” is none"],
    ["/compare thinker nope what now?", "name two or three models: /compare model-a model-b. “nope” is none"],
    ["/compare thinker talker tlaker", "there is no model “tlaker”"],
    ["/compare thinker broken", "OPENAI_API_KEY is not set"],
    ["/compare thinker painter why?", "/image asks it"],
    ["/image size=huge a cat", "square, portrait"],
    ["/image model=talker a cat", "no image model “talker”"],
    ["/rename x", "nothing to rename"],
    ["/delete", "nothing to delete"],
    ["/image", "say what the image shows"],
    ["/image a cat", "no image model is available"],
    ["/theme pink", "tokyo-night"],
  ])("%s explains itself", async (text, words) => {
    const failure = await run(text).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect((failure as CommandError).message).toContain(words);
  });

  test("a temperature is a number in its range", async () => {
    await run("/model talker");
    await expect(run("/temp warm")).rejects.toThrow("from 0 to 2");
    await expect(run("/temp 3")).rejects.toThrow("from 0 to 2");
  });

  test("have a name, a group and a summary of their own", () => {
    expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length);
    for (const { name, summary, argument, isWritten } of COMMANDS) {
      expect(name).toMatch(/^[a-z]+$/);
      expect(summary.length).toBeGreaterThan(8);
      if (argument?.startsWith("<")) expect(isWritten).toBe(true);
    }
    expect(new Set(SHORTCUTS.map(({ keys }) => keys)).size).toBe(SHORTCUTS.length);
  });

  test("copy and save what was said", async () => {
    await opened();
    await run("/copy");
    await run("/copy all");
    await run("/export");
    await run("/export json");
    expect(asked[0]).toBe("copy because");
    expect(asked[2]).toContain("# why");
    expect(asked[4]).toMatch(/^save why\.md text\/markdown # why[\s\S]*## prompt\n\nwhy\?/);
    expect(asked[5]).toBe("say saved what is read here as why.md");
    expect(asked[6]).toContain('save why.json application/json {\n  "id": "c1"');
    expect(asked[7]).toBe("say saved all branches as why.json");
  });

  test("copy tells an image from an answer", async () => {
    const image = { type: "image", image_id: "i1", media_type: "image/png", url: "/api/images/i1" } as const;
    await opened(aMessage({ content: "", parts: [image] }));
    await expect(run("/copy")).rejects.toThrow("an image is not copied");
    context.chat.openNew();
    await opened(aMessage({ content: "A cat, in oil.", parts: [image] }));
    await run("/copy");
    expect(asked).toEqual(["copy A cat, in oil.", "say copied the words that came with the image"]);
  });

  test("fork says what it made, at its end", async () => {
    await opened();
    const copy = { ...conversation("c2", "why (2)"), active_leaf_id: "n2", messages: [] };
    server.on("POST", "/api/conversations/c1/clone", copy);
    await run("/fork");
    const text = "a copy of “why”, up to here. the old one stays as it is";
    expect(context.chat.printouts.get()).toMatchObject([{ after: "n2", kind: "notice", text }]);
  });

  test("know no model before the list of them is here, and say so", async () => {
    await opened();
    context.facts.catalog.set(null);
    for (const line of ["/model talker", "/compare talker thinker why?", "/retry talker", "/reasoning low"]) {
      await expect(run(line)).rejects.toThrow("the list of models is not here yet");
    }
  });

  test("compare names the models of the next prompt, or sends one", async () => {
    await run("/compare");
    expect(asked).toEqual(["models"]);
    await run("/compare talker thinker");
    expect(context.chat.comparing.get()).toEqual(["talker", "thinker"]);
    await run("/compare thinker talker a question");
    expect(context.chat.comparing.get()).toEqual(["thinker", "talker"]);
    expect(asked.at(-1)).toBe("send a question");
    await run("/model talker");
    expect(context.chat.comparing.get()).toEqual([]);
  });

  test("edit, retry and continue are about the end of what is read", async () => {
    const stream = new FakeStream();
    server
      .on("POST", "/api/messages/m2/retry", {
        conversation_id: "c1",
        user_message_id: "m1",
        message_id: "m3",
        status: "pending",
      })
      .on("GET", "/api/messages/m3/stream", stream)
      .on("POST", "/api/chat/stream", new FakeStream());
    await opened();
    await run("/edit");
    expect(asked).toEqual(["edit m1"]);
    await run("/retry talker");
    await settled();
    expect(server.callsTo("POST", "/api/messages/m2/retry")[0]?.body).toEqual({ model: "talker" });
    await expect(run("/continue")).rejects.toThrow("still on its way");
    await expect(run("/retry")).rejects.toThrow("still on its way");
    stream.send(1, "done", { message: aMessage({ id: "m3", content: "Well,", finish_reason: "length" }) }).end();
    await settled();
    await run("/continue");
    await settled();
    expect(server.callsTo("POST", "/api/chat/stream")[0]?.body).toMatchObject({ parent_id: "m3" });
  });

  test("keys with alt are known by their letter, on a Mac by their place", () => {
    const act = (init: KeyboardEventInit) => {
      const event = new KeyboardEvent("keydown", { altKey: true, ...init });
      return SHORTCUTS.find(shortcut => shortcut.matches?.(event))?.keys;
    };
    expect(act({ key: "e", code: "KeyE" })).toBe("alt e");
    expect(act({ key: "Dead", code: "KeyE" })).toBe("alt e");
    expect(act({ key: "≤", code: "Comma" })).toBe("alt ,");
    // Another layout has another letter at that place.
    expect(act({ key: "r", code: "KeyO" })).toBe("alt r");
    expect(act({ key: "p", code: "KeyR" })).toBeUndefined();
    // The right Alt of many keyboards, which writes a sign.
    expect(act({ key: "€", code: "KeyE", ctrlKey: true })).toBeUndefined();
  });

  test("fork goes on from what is read", async () => {
    await opened();
    server.on("POST", "/api/conversations/c1/clone", { ...conversation("c2", "why"), messages: [] });
    await run("/fork");
    expect(server.callsTo("POST", "/api/conversations/c1/clone")[0]?.body).toEqual({ message_id: "m2" });
    expect(asked).toEqual(["open c2"]);
  });

  test.each([
    "/image size=portrait quality=low model=painter a cat of size=5, sitting",
    "/image a cat of size=5, sitting size=portrait model=painter quality=low",
    "/image size=portrait a cat of size=5, sitting\nquality=low model=painter",
  ])("an image is asked for with its size and quality: %s", async text => {
    context.facts.catalog.set({ ...CATALOG, defaults: { chat: "thinker", image: "painter" } });
    server.on("POST", "/api/images/generate", new Error("cut"));
    await run(text);
    await settled();
    expect(server.callsTo("POST", "/api/images/generate")[0]?.body).toEqual({
      prompt: "a cat of size=5, sitting",
      size: "1024x1536",
      quality: "low",
      model: "painter",
    });
  });
});

describe("what was typed", () => {
  const history = () => context.preferences.history.get();

  test("is in the history as it was typed, where it has words of the writer's", async () => {
    context.facts.catalog.set({ ...CATALOG, defaults: { chat: "thinker", image: "painter" } });
    server.on("POST", "/api/images/generate", new Error("cut"));
    const lines = ["hello", "//etc/hosts?", "/image a cat quality=low", "/compare thinker talker why?"];
    for (const line of [...lines, "/usage", "/compare", "/model talker"]) await carryOut(` ${line}\n`, context);
    expect(history()).toEqual(lines);
    expect(asked.filter(what => what.startsWith("send"))).toEqual(["send hello", "send /etc/hosts?", "send why?"]);
  });

  test("and can't be carried out is not in the history, nor anywhere else: it stays with the writer", async () => {
    await opened();
    for (const text of ["/delete the second paragraph", "/nwe", "/image size=huge a cat", "/image a cat size=huge"]) {
      await expect(carryOut(text, context)).rejects.toBeInstanceOf(CommandError);
    }
    expect(history()).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("takes the last complaint away when it goes well", async () => {
    const complaints = () => context.chat.printouts.get().map(({ text }) => text);
    context.chat.complain("there is no model “x”");
    context.chat.complain("there is no model “y”");
    context.chat.print("no system prompt");
    expect(complaints()).toEqual(["there is no model “y”", "no system prompt"]);
    await carryOut("/model talker", context);
    expect(complaints()).toEqual(["no system prompt"]);
  });
});

describe("/delete", () => {
  const listed = () => context.conversations.list.get().items.map(({ id }) => id);
  beforeEach(async () => {
    const conversations = [
      conversation("c1", "why"),
      conversation("c0", "older", { updated_at: "2025-12-01T00:00:00Z" }),
    ];
    server.on("GET", "/api/conversations", { conversations, next_cursor: null });
    server.on("DELETE", "/api/conversations/c1", new Response(null, { status: 204 }));
    await context.conversations.refresh();
    await opened();
  });

  test("takes it off the screen at once, and off the server when nobody called it off", async () => {
    await run("/delete");
    await context.conversations.refresh();
    expect(listed()).toEqual(["c0"]);
    expect(asked).toEqual(["open null"]);
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
    expect(notices.list.get()[0]?.key?.label).toBe("undo");
    await clock.advance(60_000);
    expect(notices.list.get()).toEqual([]);
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
    await clock.advance(UNDO_MS);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
    expect(notices.list.get()).toEqual([]);
  });

  test("/undo brings it back to its place, open as it was, for minutes", async () => {
    await run("/delete");
    await clock.advance(UNDO_MS - 1_000);
    await run("/undo");
    expect(listed()).toEqual(["c1", "c0"]);
    expect(asked).toEqual(["open null", "open c1"]);
    await clock.advance(2 * UNDO_MS);
    await expect(run("/undo")).rejects.toThrow("nothing to bring back");
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
  });

  test("the time to undo begins anew with a new deletion", async () => {
    await run("/delete");
    await clock.advance(UNDO_MS - 1_000);
    await run("/undo");
    await context.chat.open("c1");
    await run("/delete");
    await clock.advance(UNDO_MS - 1_000);
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
    await clock.advance(2_000);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
  });

  test("who leaves the page has deleted", async () => {
    await run("/delete");
    context.removals.flush();
    await settled();
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
    await clock.advance(60_000);
    await context.removals.resume();
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
  });

  test("should that not get through, the next page deletes", async () => {
    server.on("DELETE", "/api/conversations/c1", new Error("left"), new Response(null, { status: 204 }));
    await run("/delete");
    context.removals.flush();
    await settled();
    await context.removals.resume();
    expect(listed()).toEqual(["c0"]);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(2);
    await context.removals.resume();
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(2);
  });

  test("what the server would not delete is there again, and says so", async () => {
    server.on("DELETE", "/api/conversations/c1", new Error("cut"));
    await run("/delete");
    await clock.advance(UNDO_MS);
    expect(listed()).toEqual(["c1", "c0"]);
    const text = "“why” is still there: the server can't be reached";
    expect(notices.list.get()[0]).toMatchObject({ kind: "error", text });
  });

  test("what another device deleted before is simply gone", async () => {
    server.on("DELETE", "/api/conversations/c1", jsonResponse(404, { error: { type: "not_found", message: "gone" } }));
    await run("/delete");
    await clock.advance(UNDO_MS);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
    expect(listed()).toEqual(["c0"]);
    expect(notices.list.get()).toEqual([]);
  });

  test("with an answer that is still made in it is not put off for long: it is paid for", async () => {
    context.removals.remove(conversation("c1", "why", { is_live: true }));
    await clock.advance(60_000);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
  });

  /** Another page of this device, or the next after one that was killed. */
  const anotherPage = () => {
    const conversations = new Conversations(context.client, clock);
    const storage = new DeviceStorage(localStorage);
    const outbox = new Outbox(storage);
    const parts = { ...context, conversations, clock, outbox, notices, storage };
    return { conversations, removals: new Removals({ ...parts, openId: () => null, open: () => undefined }) };
  };

  test("of a page that was killed is seen to by the next, in its time", async () => {
    await run("/delete");
    clock.forget();
    const next = anotherPage();
    await next.removals.resume();
    await next.conversations.refresh();
    expect(next.conversations.list.get().items.map(({ id }) => id)).toEqual(["c0"]);
    await clock.advance(UNDO_MS - 1_000);
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
    await clock.advance(2_000);
    expect(server.callsTo("DELETE", "/api/conversations/c1").length).toBe(1);
  });

  test("that was called off is not done by another page, which shows it again", async () => {
    await run("/delete");
    const other = anotherPage();
    await other.removals.resume();
    await run("/undo");
    await clock.advance(2 * UNDO_MS);
    expect(server.callsTo("DELETE", "/api/conversations/c1")).toEqual([]);
    expect(other.conversations.list.get().items.map(({ id }) => id)).toEqual(["c1", "c0"]);
  });
});
