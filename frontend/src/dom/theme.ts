/** Puts the chosen theme on the page. Colours live in styles/themes; this knows their names only. */

import type { Preferences } from "../state/preferences.ts";
import { Disposables } from "./component.ts";

export function applyTheme(preferences: Preferences): Disposables {
  const disposables = new Disposables();
  const prefersLight = matchMedia("(prefers-color-scheme: light)");
  const root = document.documentElement;
  const apply = () => {
    const choice = preferences.theme.get();
    const theme = choice === "auto" ? (prefersLight.matches ? "paper" : "tokyo-night") : choice;
    root.dataset.theme = theme;
    root.dataset.effects = preferences.effects.get() ? "on" : "off";
    // The bar of the browser joins the bar of the page.
    const colour = getComputedStyle(root).getPropertyValue("--bar").trim();
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", colour);
  };
  disposables.add(preferences.theme.subscribe(apply));
  disposables.add(preferences.effects.subscribe(apply));
  disposables.listen(prefersLight, "change", apply);
  apply();
  return disposables;
}
