import { expect, test } from "vitest";
import { parsePath, pathOf } from "./routes.ts";

test.each([
  ["/", null],
  ["/c/0199-ab", "0199-ab"],
  ["/c/0199-ab/", "0199-ab"],
  ["/c/", null],
  ["/c/a/b", null],
  ["/other", null],
])("%s opens %s", (path, conversationId) => expect(parsePath(path)).toEqual({ view: "chat", conversationId }));

test("there and back", () => {
  for (const conversationId of [null, "0199"])
    expect(parsePath(pathOf({ view: "chat", conversationId })).conversationId).toBe(conversationId);
});
