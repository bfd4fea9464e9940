import { beforeEach, expect, test } from "vitest";
import { Outbox } from "./outbox.ts";
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
