import { expect, test } from "vitest";
import { atom, watch } from "./store.ts";

test("tells of changes, and only of changes", () => {
  const count = atom(1);
  const seen: number[] = [];
  const leave = count.subscribe(value => seen.push(value));
  count.set(1);
  count.set(2);
  count.update(value => value + 1);
  leave();
  count.set(4);
  expect(seen).toEqual([2, 3]);
});

test("a listener may leave while it is told", () => {
  const count = atom(0);
  const seen: string[] = [];
  const leave = count.subscribe(() => {
    seen.push("first");
    leave();
  });
  count.subscribe(() => seen.push("second"));
  count.set(1);
  count.set(2);
  expect(seen).toEqual(["first", "second", "second"]);
});

test("watches several at once", () => {
  const [a, b] = [atom(1), atom("x")];
  let told = 0;
  const leave = watch([a, b], () => told++);
  a.set(2);
  b.set("y");
  leave();
  a.set(3);
  expect(told).toBe(2);
});
