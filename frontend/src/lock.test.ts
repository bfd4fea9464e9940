import { expect, test } from "vitest";
import lock from "../package-lock.json?raw";

test("the lock names no address: `npm run lock` makes one that does not", () => {
  expect(lock.match(/https?:\/\/[^"]+/g) ?? []).toEqual([]);
});
