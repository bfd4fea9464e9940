import { expect, test } from "vitest";
import { randomUuid } from "./uuid.ts";

test("makes a version 4 UUID where randomUUID is missing, as on a page over plain http", () => {
  const source = { getRandomValues: <T>(bytes: T) => (bytes as Uint8Array).fill(0xff) as T } as unknown as Crypto;
  expect(randomUuid(source)).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  expect(randomUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
