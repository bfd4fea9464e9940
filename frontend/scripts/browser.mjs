// A real Chromium: $CHROMIUM, else whatever scripts/find_chromium.sh of the project finds.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** What a browser does on its own would only disturb: it asks nobody for updates, and needs no graphics card. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser() {
  return chromium.launchServer({ executablePath: chromiumPath(), args: ARGS });
}

function chromiumPath() {
  const finder = fileURLToPath(new URL("../../scripts/find_chromium.sh", import.meta.url));
  return process.env.CHROMIUM || execFileSync(finder, { encoding: "utf8" }).trim();
}
