/** Bars keep to their place: over no word, and nothing moves when one is read. */

import type { Locator } from "playwright-core";
import { expect } from "vitest";
import { journey, ownServer } from "./support/journey.ts";
import { MODELS } from "./support/models.ts";

for (const device of ["phone", "desktop"] as const) {
  journey(`what was spent is drawn beside its words, on a ${device}`, { device }, async screen => {
    const server = await ownServer();
    await screen.goto("/", server.url);
    await screen.choose(MODELS.anthropic);
    await screen.ask("say something");
    await screen.settled();
    await fetch(`${server.url}/api/budgets`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ period: "day", scope: "overall", limit: "0.000001" }),
    });

    await screen.goto("/usage");
    const usage = screen.page.getByRole("region", { name: "usage", exact: true });
    const rows = usage.getByRole("table", { name: "spent by model" });
    await rows.getByRole("rowheader").waitFor();
    expect(await strays(rows.locator("tbody tr"))).toEqual([]);

    const place = () => rows.boundingBox();
    await usage.locator(".plot").scrollIntoViewIfNeeded();
    const before = await place();
    await usage.locator(".plot").click({ position: { x: 2, y: 2 } });
    await usage.locator(".reading", { hasText: "$" }).waitFor();
    expect(await place()).toEqual(before);

    await screen.goto("/settings");
    const budgets = screen.page.locator(".setting", { has: screen.page.locator(".share-bar") });
    await budgets.waitFor();
    expect(await strays(budgets)).toEqual([]);
  });
}

/** The bars that leave their row or are painted over words of it; of a row without a bar, that it has none. */
function strays(rows: Locator): Promise<string[]> {
  return rows.evaluateAll(all =>
    all.flatMap(row => {
      const bar = row.querySelector(".share-bar span")?.getBoundingClientRect();
      if (!bar) return [`no bar: ${row.textContent}`];
      const place = row.getBoundingClientRect();
      const texts = [...row.querySelectorAll("th, td, .setting-name, .dim, button")].filter(it => it.textContent);
      const isOver = texts.some(text => {
        const range = document.createRange();
        range.selectNodeContents(text);
        // A name too long is cut at the end of its cell.
        const end = text.getBoundingClientRect().right;
        return [...range.getClientRects()].some(
          ({ left, right, top, bottom }) =>
            left < bar.right && bar.left < Math.min(right, end) && top < bar.bottom - 1 && bar.top + 1 < bottom,
        );
      });
      const isOut = bar.top < place.top || bar.bottom > place.bottom || bar.right > place.right + 1;
      return isOver || isOut ? [row.textContent ?? ""] : [];
    }),
  );
}
