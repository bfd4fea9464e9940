/** What another app shared with this one, by way of the address, as the draft of a new conversation. */

import type { Preferences } from "./preferences.ts";

/** As the manifest's `share_target` calls them. */
const FIELDS = ["title", "text", "url"] as const;
const LONGEST = 100_000;

/** Adds it to the draft; null where nothing was shared. The result is the address without it. */
export function takeShared(address: URL, preferences: Preferences): string | null {
  const given = FIELDS.map(field => address.searchParams.get(field)?.trim() ?? "");
  // Some apps say the same under two names.
  const said = given.filter((text, at) => text && !given.some((other, place) => place > at && other.includes(text)));
  if (said.length === 0) return null;
  const draft = [preferences.draft(null), said.join("\n").slice(0, LONGEST)].filter(Boolean).join("\n");
  preferences.keepDraft(null, draft);
  return address.pathname;
}
