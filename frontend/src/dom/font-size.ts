/** Sets the size of the text, as a part of what the browser is set to. */

import type { Preferences } from "../state/preferences.ts";

export function applyFontSize(preferences: Preferences): () => void {
  const apply = () => {
    const size = preferences.fontSize.get();
    document.documentElement.style.fontSize = size === 100 ? "" : `${size}%`;
  };
  apply();
  return preferences.fontSize.subscribe(apply);
}
