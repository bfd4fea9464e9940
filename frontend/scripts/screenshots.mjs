// Takes the pictures of README.md from a real run: the built page, a real server, a real Chromium, a scripted provider.
// All other screens are pictured too, in test-results, to be looked at.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { launchBrowser } from "./browser.mjs";
import { ScriptedProvider } from "./scripted-provider.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const images = join(root, "docs/images");
/** What a phone shows of the page before it is installed; public/manifest.webmanifest names them. */
const shopWindow = join(root, "frontend/public/screenshots");
const others = join(root, "frontend/test-results/screens");
const LARGEST = 300_000;
const SCREENS = ["conversations", "usage", "models", "images", "settings", "help"];

const LIFETIMES = `The borrow checker is the **judge**; lifetimes are the **evidence**. Across a call it sees only the \
signature:

\`\`\`rust
fn longest<'a>(x: &'a str, y: &'a str)
    -> &'a str { /* … */ }
\`\`\`

Without \`'a\` it can't know whether the result borrows from \`x\`, \`y\`, or both.`;

const POINTERS = [
  "An `Rc` is a count beside the value: cloning adds one, dropping takes one off, and at zero the value goes. It is \
cheap, and for **one thread** only.",
  "`Arc` counts with atomic instructions, so threads may share it. That costs a few nanoseconds a clone; the value \
inside still needs a `Mutex` to change.",
];

const LIGHTHOUSE = `<svg viewBox="0 0 64 64" width="512" height="512"><path fill="#16161e" d="M0 0h64v64H0z"/>\
<path fill="#20222f" d="M36 17 64 6v24z"/><path fill="#2f3549" d="M0 52h64v12H0z"/>\
<path fill="#c0caf5" d="M28 22h8l3 30H25z"/><path fill="#f7768e" d="M27.4 28h9.2l.6 6H26.8zm-1.2 12h11.6l.6 6H25.6z"/>\
<path fill="#e0af68" d="M29 15h6v7h-6z"/><path fill="#f7768e" d="m28 15 4-4 4 4z"/></svg>`;

const ELISION = `When one of the three **elision rules** gives a single answer. In a method, for one, \`&self\``;

const tokens = { input: 1214, output: 348 };
const provider = await new ScriptedProvider({
  "claude-sonnet-4-5": [
    { say: "They are the evidence.", seconds: 0.1, tokens },
    { think: "Where does the checker look? ".repeat(12), say: LIFETIMES, seconds: 4.6, tokens },
    { say: "Because a call hides its body.", seconds: 0.1, tokens },
  ],
  "gpt-5.1": [
    { say: "Fold it every half hour.", seconds: 0.1, tokens: { input: 9_300, output: 1_480 } },
    { say: "Line 8b takes the sum.", seconds: 0.1, tokens: { input: 61_000, output: 4_100 } },
    { say: "Both isolate; one has a kernel of its own.", seconds: 0.1, tokens: { input: 21_800, output: 3_100 } },
    { say: "Partition, then order.", seconds: 0.1, tokens: { input: 11_000, output: 1_600 } },
    { say: "Dear landlord, …", seconds: 0.1, tokens: { input: 2_100, output: 700 } },
    { say: "First, flash the image", seconds: 0.1, tokens, isHeld: true },
    { say: ELISION, seconds: 3, tokens: { input: 1_900, output: 96 }, isHeld: true },
    { say: POINTERS[0], seconds: 0.4, tokens: { input: 31, output: 61 } },
  ],
  "gpt-5-mini": [{ say: POINTERS[1], seconds: 0.3, tokens: { input: 31, output: 58 } }],
  "gpt-image-1": [],
}).start();

const folder = mkdtempSync(join(tmpdir(), "llm-router-screenshots-"));
execFileSync(join(root, ".venv/bin/python"), [
  join(root, "benchmarks/seed_usage.py"),
  join(folder, "data/llm-router.db"),
]);
const server = spawn(join(root, ".venv/bin/llm-router"), ["serve"], {
  cwd: folder,
  stdio: ["ignore", "inherit", "pipe"],
  env: {
    PATH: process.env.PATH,
    PORT: "0",
    LOCAL_MODEL: "off",
    OPENAI_API_KEY: "sk-picture",
    OPENAI_BASE_URL: `${provider.url}/openai/v1`,
    ANTHROPIC_API_KEY: "sk-ant-picture",
    ANTHROPIC_BASE_URL: `${provider.url}/anthropic`,
  },
});
const browserServer = await launchBrowser();

try {
  const url = await address(server);
  for (const [prompt, title] of [
    ["How often do I fold it?", "sourdough at 78% hydration"],
    ["What goes into line 8b?", "tax form 1040 line 8b"],
    ["Which one isolates better?", "kata containers vs gvisor"],
    ["Rank rows inside a group.", "sql window functions"],
    ["Write to my landlord.", "letter to landlord"],
    ["Move my Pi to NixOS.", "migrate pi to nixos"],
  ]) {
    // The last one goes on and on: it is still live when the picture is taken.
    const prefer = title === "migrate pi to nixos" ? "" : "wait=10";
    const asked = await call(url, "POST", "/api/chat/submit", { message: prompt, model: "gpt-5.1" }, prefer);
    await call(url, "PATCH", `/api/conversations/${asked.conversation_id}`, { title });
  }

  mkdirSync(images, { recursive: true });
  mkdirSync(others, { recursive: true });
  const browser = await chromium.connect(browserServer.wsEndpoint());
  provider.paint(await drawn(browser, LIGHTHOUSE));
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
  });
  const page = await context.newPage();
  await page.goto(url);
  const command = async text => {
    await page.getByRole("textbox", { name: "prompt" }).fill(text);
    await page.getByRole("textbox", { name: "prompt" }).press("Control+Enter");
  };
  const answer = page.getByRole("article", { name: /^answer by/ }).last();
  await page.getByRole("button", { name: /^model: (?!none$)/ }).waitFor();
  await command("/model claude-sonnet-4-5");
  await page.getByRole("button", { name: "model: claude-sonnet-4-5" }).waitFor();
  await command("why does rust need lifetimes if it already has the borrow checker?");
  for (const siblings of ["2/2", "3/3"]) {
    await answer.getByRole("button", { name: "retry", exact: true }).tap();
    await answer.getByText(siblings).waitFor({ timeout: 30_000 });
    await answer.getByRole("button", { name: "retry", exact: true }).waitFor({ timeout: 30_000 });
  }
  await answer.getByRole("button", { name: "previous answer" }).tap();
  await answer.getByText("2/3").waitFor();
  await call(url, "PATCH", `/api/conversations/${page.url().split("/").at(-1)}`, { title: "rust lifetimes" });
  await command("/model gpt-5.1");
  await page.getByRole("button", { name: "model: gpt-5.1" }).waitFor();
  await command("and when can I leave them out?");
  await answer.getByText("&self").waitFor({ timeout: 30_000 });
  await page.getByRole("heading", { name: "rust lifetimes" }).waitFor();
  await picture(page, "phone");
  await command("/theme paper");
  await page.locator("html[data-theme='paper']").waitFor();
  await picture(page, "phone-paper");
  await command("/theme tokyo-night");
  const talked = page.url();
  await command("/new");
  await page.waitForURL(url);
  await command("/image a lighthouse in the night, as a woodcut");
  await page.getByRole("log").getByRole("img").waitFor();
  await command("/new");
  await page.waitForURL(url);
  await command("/compare gpt-5.1 gpt-5-mini what is the difference between Rc and Arc?");
  await page.locator(".column .receipt").nth(1).waitFor();
  await picture(page, "phone-compare", others);
  const compared = page.url();
  await screens(page, "phone");

  const desk = await browser.newContext({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1.5 });
  const wide = await desk.newPage();
  await wide.goto(talked);
  await wide.getByText("&self").last().waitFor();
  await wide.getByRole("link", { name: /migrate pi/ }).waitFor();
  await wide.getByRole("status", { name: "connection" }).filter({ hasText: "live" }).waitFor();
  await picture(wide, "desktop");
  await wide.goto(compared);
  await wide.getByRole("button", { name: /^keep this one: .*mini/ }).waitFor();
  await picture(wide, "desktop-compare");
  await screens(wide, "desktop");
} finally {
  await browserServer.close();
  server.kill();
  await once(server, "exit");
  provider.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Every screen, when what it shows has come. */
async function screens(page, form) {
  for (const name of SCREENS) {
    await page.goto(`${new URL(page.url()).origin}/${name}`);
    await page.locator(`.${name}-screen`).waitFor();
    // What is not known yet is a line of three dots.
    await page.getByText("…", { exact: true }).filter({ visible: true }).first().waitFor({ state: "detached" });
    await picture(page, `${form}-${name}`, name === "usage" ? images : others);
  }
}

/** A drawing as the PNG that a provider sends. */
async function drawn(browser, svg) {
  const page = await browser.newPage({ viewport: { width: 512, height: 512 } });
  await page.setContent(`<style>body { margin: 0 }</style>${svg}`);
  const image = await page.screenshot();
  await page.close();
  return image;
}

async function picture(page, name, folder = images) {
  await page.evaluate(() => Promise.all([document.fonts.ready, ...document.getAnimations().map(it => it.finished)]));
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${path}: ${Math.round(size / 1000)} kB`);
  if (name === "phone" || name === "desktop") copyFileSync(path, join(shopWindow, `${name}.png`));
  if (size > LARGEST) throw new Error(`${name}.png is larger than ${LARGEST / 1000} kB`);
}

async function call(url, method, path, body, prefer = "") {
  const headers = { "Content-Type": "application/json", ...(prefer && { Prefer: prefer }) };
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function address(child) {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr.on("data", data => {
      log += data;
      const found = /running on (http:\S+)/.exec(log)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(log)));
  });
}
