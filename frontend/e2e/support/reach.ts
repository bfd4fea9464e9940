/** Whether everyone reaches what there is: by thumb, and by what axe knows of screen readers and eyes. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Screen } from "./journey.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Rules about colours, which a theme changes; the others it does not. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** What axe finds wrong with what is shown, by rule and element. */
export async function violations(screen: Screen, part: "all" | "colours" = "all"): Promise<string[]> {
  // Through the debugger: the page's own policy lets no such script in.
  if (!(await screen.page.evaluate(() => "axe" in globalThis))) await screen.page.evaluate(axeSource);
  const results = await screen.page.evaluate(
    options => (globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }).axe.run(options),
    part === "all" ? {} : { runOnly: COLOURS },
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`),
  );
}

/** What can be pressed, is in view, and is missed 21 px beside its middle: by a thumb, that is. */
export async function tooSmall(screen: Screen): Promise<string[]> {
  return screen.page.evaluate(() => {
    const inLayer = document.querySelector("dialog[open]") ?? document;
    const small: string[] = [];
    for (const key of inLayer.querySelectorAll<HTMLElement>(
      "button, summary, a[href], [role='option'], input, textarea, select",
    )) {
      // A link in running text is as high as its line.
      if (key.closest(".markdown") && key.tagName === "A") continue;
      if (!key.checkVisibility({ visibilityProperty: true })) continue;
      key.scrollIntoView({ block: "center" });
      const box = key.getBoundingClientRect();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      const owns = (dx: number, dy: number) => {
        const hit = document.elementFromPoint(x + dx, y + dy);
        return hit !== null && key.contains(hit);
      };
      if (!owns(0, 0)) continue; // covered by another layer
      const misses = [
        [-21, 0],
        [21, 0],
        [0, -21],
        [0, 21],
      ].filter(([dx = 0, dy = 0]) => !owns(dx, dy));
      if (misses.length)
        small.push(
          `${key.ariaLabel ?? key.textContent}: ${box.width}×${box.height}, missed at ${JSON.stringify(misses)}`,
        );
    }
    return small;
  });
}

/** What can be pushed sideways, or pushes what it is in: the page, a screen, and whatever sticks out of them. */
export function sideways(screen: Screen): Promise<string[]> {
  return screen.page.evaluate(() => {
    const boxes = [
      document.documentElement,
      ...document.querySelectorAll<HTMLElement>(".screen, .scroller, .main, .foot"),
    ];
    const wide = boxes.filter(box => box.scrollWidth > box.clientWidth);
    const outside = wide.flatMap(box =>
      [...box.querySelectorAll<HTMLElement>("*")].filter(it => {
        const { right } = it.getBoundingClientRect();
        return right > box.getBoundingClientRect().right + 1 && it.checkVisibility();
      }),
    );
    return [...wide, ...outside].map(it => `${it.tagName}.${it.className}`);
  });
}
