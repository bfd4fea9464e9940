// A real Chromium: $CHROMIUM, else whatever scripts/find_chromium.sh of the project finds.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** For tools that bring their own words with a browser: one that listens to them at a port, in a folder of its own. */
export async function launchDebugged() {
  const folder = mkdtempSync(join(tmpdir(), "llm-router-chromium-"));
  const own = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${folder}`];
  const child = spawn(chromiumPath(), [...ARGS, ...own], { stdio: ["ignore", "ignore", "pipe"] });
  const port = await new Promise((resolve, reject) => {
    let log = "";
    child.stderr.on("data", data => {
      log += data;
      const found = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(log)?.[1];
      if (found) resolve(Number(found));
    });
    child.once("exit", () => reject(new Error(log)));
    child.once("error", reject);
  });
  return {
    port,
    async close() {
      const over = once(child, "exit");
      child.kill();
      await over;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function chromiumPath() {
  const finder = fileURLToPath(new URL("../../scripts/find_chromium.sh", import.meta.url));
  return process.env.CHROMIUM || execFileSync(finder, { encoding: "utf8" }).trim();
}
