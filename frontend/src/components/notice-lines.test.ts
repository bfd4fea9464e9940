import { afterEach, beforeEach, expect, test } from "vitest";
import { Notices } from "../state/notices.ts";
import { FakeClock } from "../testing/fake-server.ts";
import { NoticeLines } from "./notice-lines.ts";

let clock: FakeClock;
let notices: Notices;
let lines: NoticeLines;

beforeEach(() => {
  clock = new FakeClock();
  notices = new Notices(clock);
  lines = new NoticeLines(notices);
  document.body.append(lines.element);
  notices.say("deleted", { key: { label: "undo", run: () => undefined }, milliseconds: 7_000 });
});

afterEach(() => {
  lines.dispose();
  lines.element.remove();
});

const line = () => lines.element.querySelector("p");
const key = () => lines.element.querySelector<HTMLElement>(".notice-key");

test("a line does not go while the focus is on its key", async () => {
  key()?.focus();
  await clock.advance(60_000);
  expect(line()?.textContent).toContain("deleted");
  key()?.blur();
  await clock.advance(7_000);
  expect(line()).toBeNull();
});

test("nor while a pointer is over it, nor when that leaves and the focus stays", async () => {
  line()?.dispatchEvent(new Event("pointerenter"));
  await clock.advance(60_000);
  key()?.focus();
  line()?.dispatchEvent(new Event("pointerleave"));
  await clock.advance(60_000);
  expect(line()).not.toBeNull();
  key()?.blur();
  await clock.advance(7_000);
  expect(line()).toBeNull();
});
