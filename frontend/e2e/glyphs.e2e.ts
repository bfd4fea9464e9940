/** The signs stand on the grid of the letters, whatever fonts the device has. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { journey } from "./support/journey.ts";

const source = fileURLToPath(new URL("../src/", import.meta.url));

/** Everything beyond ASCII that the page may write itself; full stops of other scripts are read, never written. */
function signs(): string[] {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(path =>
    /^(?!testing).*(?<!\.test)\.(ts|css)$/.test(path),
  );
  const code = files.map(path =>
    readFileSync(source + path, "utf8")
      .replaceAll(/\/\*.*?\*\//gs, "")
      .replaceAll(/^\s*\/\/.*$/gm, ""),
  );
  return [...new Set(code.join("").match(/[^\p{ASCII}\p{scx=Han}\uff00-\uffef]/gu))];
}

journey("every sign is in a font that comes with the page, and as wide as a letter", {}, async screen => {
  await screen.goto();
  const found = signs();
  expect(found.length).toBeGreaterThan(20);
  await screen.page.evaluate(async () => {
    await Promise.all([...document.fonts].map(face => face.load()));
  });
  const debug = await screen.context.newCDPSession(screen.page);
  await debug.send("DOM.enable");
  await debug.send("CSS.enable");
  const { root } = await debug.send("DOM.getDocument");
  for (const weight of ["400", "700"]) {
    for (const sign of found) {
      const width = await screen.page.evaluate(
        ([text, fontWeight]) => {
          document.querySelector("#sign")?.remove();
          const probe = document.createElement("span");
          probe.id = "sign";
          probe.textContent = text as string;
          Object.assign(probe.style, { position: "fixed", top: "0", fontSize: "100px", fontWeight });
          document.body.append(probe);
          return probe.getBoundingClientRect().width;
        },
        [sign, weight],
      );
      const { nodeId } = await debug.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#sign" });
      const { fonts } = await debug.send("CSS.getPlatformFontsForNode", { nodeId });
      expect
        .soft({ sign, weight, isShipped: fonts.every(font => font.isCustomFont) })
        .toEqual({ sign, weight, isShipped: true });
      expect.soft(Math.abs(width - 50), `${sign} at ${weight} is ${width / 100}em wide`).toBeLessThan(0.1);
    }
  }
});
