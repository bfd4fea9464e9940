import { describe, expect, test } from "vitest";
import { MessageTree } from "./message-tree.ts";

const node = (id: string, parent_id: string | null) => ({ id, parent_id });
const ids = (nodes: readonly { id: string }[]) => nodes.map(({ id }) => id).join(" ");
const tree = new MessageTree([
  node("1", null),
  node("4", "1"),
  node("2", "1"),
  node("3", "2"),
  node("5", "4"),
  node("6", "4"),
]);

describe("MessageTree", () => {
  test("walks from the root to a leaf", () => expect(ids(tree.pathTo("3"))).toBe("1 2 3"));
  test("an unknown leaf means the latest", () => expect(ids(tree.pathTo("gone"))).toBe("1 4 6"));
  test("no leaf means the latest", () => expect(ids(tree.pathTo(null))).toBe("1 4 6"));
  test("siblings come oldest first", () => expect(ids(tree.siblingsOf(node("4", "1")))).toBe("2 4"));
  test("finds the newest branch under a message", () => expect(tree.latestLeaf("4")?.id).toBe("6"));
  test("an empty tree has an empty path", () => expect(new MessageTree([]).pathTo(null)).toEqual([]));
  test("a message whose parent is missing is a root", () => {
    expect(ids(new MessageTree([node("2", "gone"), node("3", "2")]).pathTo("3"))).toBe("2 3");
  });
  test("a circle ends", () => {
    expect(new MessageTree([node("1", "2"), node("2", "1")]).pathTo("1").length).toBeLessThanOrEqual(2);
  });
});
