import { beforeEach, expect, test } from "vitest";
import type { Conversation } from "../api/types.ts";
import type { ConversationList } from "./conversations.ts";
import { sweepDrafts } from "./drafts.ts";
import { DeviceStorage, Preferences } from "./preferences.ts";

let preferences: Preferences;

beforeEach(() => {
  localStorage.clear();
  preferences = new Preferences(new DeviceStorage(localStorage));
  for (const id of [null, "kept", "gone", "open"]) preferences.keepDraft(id, `of ${id}`);
});

const items = [{ id: "kept" } as Conversation];
const whole: ConversationList = { items, nextCursor: null, status: "ready", error: null };
const drafts = () => [null, "kept", "gone", "open"].map(id => preferences.draft(id));
const sweep = (list: ConversationList) => sweepDrafts(localStorage, list, id => id === "open");

test("drafts of conversations that are gone go, no other", () => {
  sweep(whole);
  expect(drafts()).toEqual(["of null", "of kept", "", "of open"]);
});

test("nor is what was made of a prompt that was being edited in them", () => {
  for (const id of ["kept", "gone"]) preferences.keepEdit(id, { id: "m1", text: `of ${id}` });
  sweep(whole);
  expect(preferences.edit("kept")).toEqual({ id: "m1", text: "of kept" });
  expect(preferences.edit("gone")).toBeNull();
});

test("nothing goes while it is not known which conversations there are", () => {
  const error = { type: "network", message: "down" };
  const parts: ConversationList[] = [
    { ...whole, nextCursor: "more" },
    { ...whole, status: "loading" },
    { ...whole, error },
    { ...whole, asOf: 1 },
  ];
  for (const part of parts) sweep(part);
  expect(drafts()).toEqual(["of null", "of kept", "of gone", "of open"]);
});
