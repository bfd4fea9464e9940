/** Drafts of conversations that are no more: deleted on another device, while this one was away. */

import type { ConversationList } from "./conversations.ts";

/** As `Preferences.keepDraft` and `keepEdit` name them. */
const PREFIXES = ["llm-router.draft.", "llm-router.edit."];
const OF_NEW = "new";

/** Drops them where the list is whole; `isSpared` names conversations that may be missing from it for a moment. */
export function sweepDrafts(storage: Storage | null, list: ConversationList, isSpared: (id: string) => boolean): void {
  const isWhole = list.status === "ready" && list.error === null && list.nextCursor === null && !list.asOf;
  if (!storage || !isWhole) return;
  const known = new Set([OF_NEW, ...list.items.map(({ id }) => id)]);
  for (const key of Object.keys(storage)) {
    const prefix = PREFIXES.find(start => key.startsWith(start));
    if (prefix === undefined) continue;
    const id = key.slice(prefix.length);
    if (!known.has(id) && !isSpared(id)) storage.removeItem(key);
  }
}
