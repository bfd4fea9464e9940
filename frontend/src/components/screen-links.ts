/** The other screens, under the list of conversations. */

import { Disposables } from "../dom/component.ts";
import { h, setAttribute } from "../dom/element.ts";
import type { ReadableAtom } from "../lib/store.ts";
import { pathOf, type Route, SCREENS, type ScreenName } from "../routes.ts";
import { follow } from "./bars.ts";

export class ScreenLinks {
  readonly element = h("nav", { class: "screen-links", "aria-label": "screens" });
  readonly #disposables = new Disposables();

  constructor(route: ReadableAtom<Route>, show: (screen: ScreenName) => void) {
    // The list above is what another screen would show of the conversations.
    const links = SCREENS.filter(view => view !== "conversations").map(view => {
      const go = (event: MouseEvent) => follow(event, () => show(view));
      return { view, link: h("a", { href: pathOf({ view }), onclick: go }, view) };
    });
    this.element.append(...links.map(({ link }) => link));
    const paint = () => {
      for (const { view, link } of links) setAttribute(link, "aria-current", route.get().view === view ? "page" : null);
    };
    this.#disposables.add(route.subscribe(paint));
    paint();
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}
