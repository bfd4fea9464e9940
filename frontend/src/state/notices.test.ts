import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../testing/fake-server.ts";
import { Notices } from "./notices.ts";

let clock: FakeClock;
let notices: Notices;

beforeEach(() => {
  clock = new FakeClock();
  notices = new Notices(clock);
});

const said = () => notices.list.get().map(({ text }) => text);
const idOf = (text: string) => notices.list.get().find(notice => notice.text === text)?.id ?? "";

test("go when their time is over, or when they are taken back", async () => {
  notices.say("stays");
  notices.say("goes", { milliseconds: 5_000 });
  notices.say("taken back")();
  expect(said()).toEqual(["stays", "goes"]);
  await clock.advance(5_000);
  expect(said()).toEqual(["stays"]);
  expect(clock.pending).toBe(0);
});

test("stay while somebody is at them, and as long again as they were said for", async () => {
  notices.say("deleted", { milliseconds: 7_000 });
  await clock.advance(6_000);
  notices.hold(idOf("deleted"));
  await clock.advance(60_000);
  expect(said()).toEqual(["deleted"]);
  notices.release(idOf("deleted"));
  await clock.advance(6_000);
  expect(said()).toEqual(["deleted"]);
  await clock.advance(1_000);
  expect(said()).toEqual([]);
});

test("that stay until they are closed are not given a time by being touched", async () => {
  notices.say("the server can't be reached");
  notices.hold(idOf("the server can't be reached"));
  notices.release(idOf("the server can't be reached"));
  await clock.advance(60_000);
  expect(said()).toHaveLength(1);
});
