import { beforeEach, describe, expect, test } from "vitest";
import { settled } from "../testing/fake-server.ts";
import { SharedPrompts } from "../testing/shared-prompts.ts";
import { Outbox, type PromptStore } from "./outbox.ts";
import { DeviceStorage, Preferences } from "./preferences.ts";

const SETTINGS = { model: null, temperature: null, reasoning: null };
const texts = (outbox: Outbox) => outbox.prompts.get().map(({ text }) => text);

beforeEach(() => localStorage.clear());

test("two tabs of a device lose none of each other's prompts", () => {
  const [one, other] = [new Outbox(new DeviceStorage(localStorage)), new Outbox(new DeviceStorage(localStorage))];
  one.add("c1", "from one", SETTINGS);
  const { key } = other.add("c2", "from the other", SETTINGS);
  one.add("c1", "from one again", SETTINGS);
  other.remove(key);
  expect(texts(new Outbox(new DeviceStorage(localStorage)))).toEqual(["from one", "from one again"]);
});

test("what the storage has no room for stays on the page, whatever another tab writes", () => {
  const outbox = new Outbox(new DeviceStorage(fullStorage()));
  outbox.add("c1", "one", SETTINGS);
  outbox.reread();
  outbox.add("c1", "two", SETTINGS);
  expect(texts(outbox)).toEqual(["one", "two"]);
});

test("a storage that is forbidden loses nothing while the page lasts", () => {
  const outbox = new Outbox(new DeviceStorage(null));
  outbox.add("c1", "one", SETTINGS);
  outbox.add("c1", "two", SETTINGS);
  expect(texts(outbox)).toEqual(["one", "two"]);
});

describe("with a store", () => {
  const notebook = () => new DeviceStorage(localStorage);

  test("a prompt is noted at once, and off the notebook when it is stored", async () => {
    const shared = new SharedPrompts();
    const outbox = new Outbox(notebook(), shared.at("one"));
    const { key } = outbox.add("c1", "hello", SETTINGS);
    expect(localStorage.getItem("llm-router.outbox")).toContain("hello");
    await settled();
    expect(localStorage.getItem("llm-router.outbox")).toBeNull();
    expect([...shared.kept.keys()]).toEqual([key]);
  });

  test("a page that went before its prompt was stored left it in the notebook", async () => {
    const shared = new SharedPrompts();
    const dying: PromptStore = { ...shared.at("one"), put: () => new Promise(() => undefined) };
    new Outbox(notebook(), dying).add("c1", "hello", SETTINGS);
    const outbox = new Outbox(notebook(), shared.at("two"));
    await outbox.ready;
    await settled();
    expect(texts(outbox)).toEqual(["hello"]);
    expect(shared.kept.size).toBe(1);
    expect(localStorage.getItem("llm-router.outbox")).toBeNull();
  });

  test("a store that takes nothing leaves the notebook", async () => {
    const full: PromptStore = {
      ...new SharedPrompts().at("one"),
      ...{ all: () => Promise.reject(new Error("forbidden")), put: () => Promise.reject(new Error("full")) },
      claim: () => Promise.reject(new Error("forbidden")),
    };
    const outbox = new Outbox(notebook(), full);
    await outbox.ready;
    const { key } = outbox.add("c1", "hello", SETTINGS);
    await settled();
    await outbox.reread();
    expect(texts(outbox)).toEqual(["hello"]);
    expect(await outbox.claim(key)).toBe(true);
    expect(texts(new Outbox(notebook()))).toEqual(["hello"]);
  });

  test("what was kept by another version, or broken, is survived", async () => {
    const shared = new SharedPrompts();
    const body = { message: "whole" };
    const whole = { key: "k1", place: "c1", text: "whole", settings: SETTINGS, status: "sending", body, error: null };
    const values = [null, 7, "x", [], {}, { key: 3, place: "c1", text: "x" }, { key: "k", place: "c1" }, whole];
    for (const [at, value] of values.entries()) shared.kept.set(String(at), value);
    shared.kept.set("older", { key: "k2", place: "c1", text: "older", status: "on its way", settings: "none" });
    localStorage.setItem("llm-router.outbox", '{"not":"a list"}');
    const outbox = new Outbox(notebook(), shared.at("one"));
    await outbox.ready;
    expect(texts(outbox)).toEqual(["whole", "older"]);
    expect(outbox.prompts.get()).toMatchObject([
      { status: "sending", body },
      { status: "queued", settings: SETTINGS, body: null },
    ]);
  });

  test("what one page writes the others show, in the order it was written", async () => {
    const shared = new SharedPrompts();
    const [one, other] = [
      new Outbox(new DeviceStorage(null), shared.at("one")),
      new Outbox(new DeviceStorage(null), shared.at("other")),
    ];
    await settled();
    one.add("c1", "first", SETTINGS);
    await settled();
    const second = other.add("c1", "second", SETTINGS);
    one.add("c1", "third", SETTINGS);
    await settled();
    expect(texts(one)).toEqual(["first", "second", "third"]);
    expect(texts(other)).toEqual(texts(one));
    one.remove(second.key);
    await settled();
    expect(texts(other)).toEqual(["first", "third"]);
  });
});

test("long prompts in the history leave room for what is not sent yet", () => {
  const preferences = new Preferences(new DeviceStorage(localStorage));
  for (let at = 0; at < 20; at++) preferences.remember(`${at} ${"x".repeat(30_000)}`);
  preferences.remember("short");
  const history = preferences.history.get();
  expect(history.at(-1)).toBe("short");
  expect(history.length).toBe(4);
  expect(history.join("").length).toBeLessThanOrEqual(100_000);
});

/** Reads as ever, and takes nothing more. */
function fullStorage(): Storage {
  return {
    ...{ length: 0, clear: () => undefined, key: () => null, removeItem: () => undefined, getItem: () => null },
    setItem() {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
}
