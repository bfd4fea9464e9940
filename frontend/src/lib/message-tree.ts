/**
 * The tree of a conversation's messages. Children are derived from `parent_id`, never stored.
 *
 * Pure. Ids sort by time, so siblings and "the latest leaf" need no clock. A message whose parent is missing
 * counts as a root: nothing that was said may vanish from the screen.
 */

export interface TreeNode {
  readonly id: string;
  readonly parent_id: string | null;
}

export class MessageTree<T extends TreeNode> {
  readonly #byId = new Map<string, T>();
  readonly #children = new Map<string | null, T[]>();

  constructor(messages: Iterable<T>) {
    for (const message of messages) this.#byId.set(message.id, message);
    for (const message of this.#byId.values()) {
      const parent = this.#parentKey(message);
      const siblings = this.#children.get(parent);
      if (siblings) siblings.push(message);
      else this.#children.set(parent, [message]);
    }
    for (const siblings of this.#children.values()) siblings.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  childrenOf(id: string | null): readonly T[] {
    return this.#children.get(id) ?? [];
  }

  /** The message and its siblings, oldest first. */
  siblingsOf(message: T): readonly T[] {
    return this.childrenOf(this.#parentKey(message));
  }

  /** From the root to `leafId`; to the latest leaf when that is not known. */
  pathTo(leafId: string | null): T[] {
    let message = (leafId && this.#byId.get(leafId)) || this.latestLeaf(null);
    const path: T[] = [];
    const seen = new Set<string>();
    while (message && !seen.has(message.id)) {
      seen.add(message.id);
      path.push(message);
      const parent = this.#parentKey(message);
      message = parent === null ? null : (this.#byId.get(parent) ?? null);
    }
    return path.reverse();
  }

  /** The end of the newest branch under `id` (null: under the root); the message itself when nothing is under it. */
  latestLeaf(id: string | null): T | null {
    let message = id === null ? null : (this.#byId.get(id) ?? null);
    const seen = new Set<string | null>();
    for (;;) {
      const key: string | null = message?.id ?? null;
      const next: T | undefined = this.childrenOf(key).at(-1);
      if (!next || seen.has(key)) return message;
      seen.add(key);
      message = next;
    }
  }

  #parentKey(message: T): string | null {
    return message.parent_id !== null && this.#byId.has(message.parent_id) ? message.parent_id : null;
  }
}
