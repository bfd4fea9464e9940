import { beforeEach, expect, test } from "vitest";
import { DeviceStorage, Preferences } from "./preferences.ts";
import { takeShared } from "./shared-text.ts";

let preferences: Preferences;

beforeEach(() => {
  localStorage.clear();
  preferences = new Preferences(new DeviceStorage(localStorage));
});

const share = (query: string) => takeShared(new URL(`http://nas/${query}`), preferences);

test("what was shared joins the draft, and leaves the address", () => {
  preferences.keepDraft(null, "explain:");
  expect(share("?title=A%20page&text=worth%20it&url=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1")).toBe("/");
  expect(preferences.draft(null)).toBe("explain:\nA page\nworth it\nhttps://example.org/a?b=1");
});

test("what is said twice stands once", () => {
  share("?title=A%20page&text=A%20page%20https%3A%2F%2Fexample.org&url=");
  expect(preferences.draft(null)).toBe("A page https://example.org");
});

test("any other address is left alone, and a book is cut", () => {
  expect(share("")).toBeNull();
  expect(share("?text=%20&from=home")).toBeNull();
  expect(preferences.draft(null)).toBe("");
  share(`?text=${"x".repeat(200_000)}`);
  expect(preferences.draft(null).length).toBe(100_000);
});
