import { expect, test } from "vitest";
import { isKnown, parsePath, pathOf, type Route, SCREENS } from "./routes.ts";

test.each([
  ["/", null],
  ["/c/0199-ab", "0199-ab"],
  ["/c/0199-ab/", "0199-ab"],
  ["/c/", null],
  ["/c/a/b", null],
  ["/other", null],
  ["/usages", null],
  ["/usage/x", null],
])("%s opens a conversation: %s", (path, conversationId) =>
  expect(parsePath(path)).toEqual({ view: "chat", conversationId }),
);

test.each(SCREENS)("/%s opens a screen, with a slash behind it too", view => {
  expect(parsePath(`/${view}`)).toEqual({ view });
  expect(parsePath(`/${view}/`)).toEqual({ view });
});

test("there and back", () => {
  const routes: Route[] = [
    { view: "chat", conversationId: null },
    { view: "chat", conversationId: "0199" },
    ...SCREENS.map(view => ({ view })),
  ];
  for (const route of routes) expect(parsePath(pathOf(route))).toEqual(route);
});

test.each([
  ["/", true],
  ["/c/0199-ab/", true],
  ["/usage", true],
  ["/c/", false],
  ["/c/a/b", false],
  ["/usages", false],
])("%s is known: %s", (path, known) => expect(isKnown(path)).toBe(known));
