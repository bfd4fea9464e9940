// Measures the page's promises in a real Chromium, slowed down, against a real server: `npm run bench` after a build.
// A figure is the median of the runs, with the least and the greatest: what else the machine does is in them.
import { chromium } from "playwright-core";
import { BenchPage, median, quantile, THROTTLE } from "./bench-page.mjs";
import { BenchServer } from "./bench-server.mjs";
import { launchBrowser } from "./browser.mjs";
import { ScriptedProvider } from "./scripted-provider.mjs";

const RUNS = Number(process.env.RUNS ?? 3);
const TOKENS = Number(process.env.TOKENS ?? 10_000);
const TOKENS_A_SECOND = 200;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const DRAFT = "what is typed while an answer comes has to be there at once ";

const words = (count, start = 0) => Array.from({ length: count }, (_, at) => `w${start + at}`).join(" ");
const lines = (count, line) => Array.from({ length: count }, (_, at) => line(at)).join("\n");

/** Ten thousand words each, in the forms that an answer can take at its worst. */
const FORMS = {
  mixed: Array.from({ length: Math.ceil(TOKENS / 110) }, (_, at) =>
    [
      words(45, at),
      "- a **b**\n- c `d`\n- e",
      "```js\nconst a = 1;\nfunction f(x) {\n  return x + a;\n}\n```",
      `## Part ${at}`,
      "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
      words(20, at),
    ].join("\n\n"),
  ).join("\n\n"),
  paragraph: words(TOKENS),
  code: `\`\`\`js\n${lines(TOKENS / 6, at => `const x${at} = f(a, ${at}); // why`)}\n\`\`\``,
  list: lines(TOKENS / 7, at => `- item ${at} with **bold** and more`),
  table: `| a | b | c |\n|---|---|---|\n${lines(TOKENS / 9, at => `| row ${at} | **b** | c ${at} |`)}`,
};

const results = [];
const note = (what, budget, unit, values) => results.push({ what, budget, unit, values });

const answers = Object.values(FORMS).map(say => ({
  say,
  seconds: TOKENS / TOKENS_A_SECOND,
  tokens: { input: 12, output: TOKENS },
}));
const provider = await new ScriptedProvider({ "gpt-5.1": [] }).start();
const server = await new BenchServer().start(provider.url);
const browserServer = await launchBrowser();
try {
  const browser = await chromium.connect(browserServer.wsEndpoint());
  await noise();
  const [long] = server.seed(1, 2_000);
  server.seed(20, 2);
  for (let run = 0; run < RUNS; run++) {
    await withPage(browser, page => openLong(page, long));
    await withPage(browser, page => typeMeanwhile(page, long));
  }
  for (const [at, form] of Object.keys(FORMS).entries()) {
    // The extremes once: what they cost does not hang on the moment.
    for (let run = 0; run < (at === 0 ? RUNS : 1); run++) {
      provider.script("gpt-5.1", [answers[at]]);
      await withPage(browser, page => stream(page, form));
    }
  }
  server.seed(10_000, 0);
  for (let run = 0; run < RUNS; run++) await withPage(browser, listLong);
} finally {
  await browserServer.close();
  await server.close();
  provider.close();
}
print();

/** The same sum again and again: how far its times lie apart is what the machine adds to every figure. */
async function noise() {
  const times = [];
  for (let run = 0; run < 9; run++) {
    const start = performance.now();
    let sum = 0;
    for (let at = 0; at < 2e7; at++) sum += at % 7;
    if (sum > 0) times.push(performance.now() - start);
  }
  note("noise: one sum, nine times", null, "ms", times);
}

async function withPage(browser, measure) {
  const context = await browser.newContext(PHONE);
  const page = await BenchPage.open(context);
  await page.page.goto(server.url);
  await page.page.getByRole("button", { name: /^model: (?!none$)/ }).waitFor();
  await page.observed();
  await measure(page);
  await context.close();
}

async function linkTo(page, id) {
  const link = `.conversations a[href="/c/${id}"]`;
  await page.page.waitForSelector(link, { state: "attached" });
  return link;
}

async function openLong(page, id) {
  const link = await linkTo(page, id);
  let time = 0;
  const tasks = await page.tasksDuring(async () => {
    time = await page.timeUntil(link, ".answer .receipt");
    await page.page.waitForTimeout(3_000);
  });
  note("2,000 messages: opened and painted", 300, "ms", [time]);
  note("2,000 messages: longest task", 50, "ms", [Math.max(...tasks)]);
}

/** How long the prompt is not usable: what the key waits for that is pressed at the worst moment of the opening. */
async function typeMeanwhile(page, id) {
  await page.page.locator(await linkTo(page, id)).dispatchEvent("click");
  await page.page.getByRole("textbox", { name: "prompt" }).focus();
  await page.type(DRAFT.slice(0, 20), 30);
  await page.page.locator(".answer .receipt").last().waitFor();
  const { keys } = await page.observed();
  note("2,000 messages: key to paint while they open, worst", 300, "ms", [Math.max(...keys)]);
}

async function stream(page, form) {
  const prompt = page.page.getByRole("textbox", { name: "prompt" });
  await prompt.fill("go on");
  const tasks = await page.tasksDuring(async () => {
    await prompt.press("Control+Enter");
    await page.page.locator(".answer.is-live").waitFor();
    const keys = Math.floor((TOKENS / TOKENS_A_SECOND - 5) * 5);
    await page.type(DRAFT.repeat(Math.ceil(keys / DRAFT.length)).slice(0, Math.max(keys, 10)));
    await page.page.locator(".answer .receipt").waitFor({ timeout: 120_000 });
  });
  const { shift, keys } = await page.observed();
  note(`${form}: longest task while streaming`, 50, "ms", [Math.max(...tasks)]);
  note(`${form}: key to paint, p95`, 50, "ms", [quantile(keys, 0.95)]);
  note(`${form}: layout shift`, 0, "", [shift]);
}

async function listLong(page) {
  const filter = page.page.getByRole("searchbox", { name: "filter conversations" });
  await page.timeUntil(".menu", ".conversation a");
  await filter.fill("rust");
  await page.page.waitForFunction(() =>
    /^\D*10,\d{3} /.test(document.querySelector(".conversations-filter").placeholder),
  );
  await filter.fill("");
  await page.page.goBack();
  await page.painted();
  note("10,000 conversations: first paint", 300, "ms", [await page.timeUntil(".menu", ".conversation a")]);
  await page.observed();
  await filter.focus();
  await page.type("rust 12");
  const { keys } = await page.observed();
  note("10,000 conversations: filter key to paint, p95", 50, "ms", [quantile(keys, 0.95)]);
}

function print() {
  const figure = (value, unit) => (unit === "ms" ? value.toFixed(0) : value.toFixed(4));
  const rows = new Map();
  for (const { what, budget, unit, values } of results) {
    const row = rows.get(what) ?? { budget, unit, values: [] };
    row.values.push(...values);
    rows.set(what, row);
  }
  console.log(`processor slowed ${THROTTLE} times; tasks in processor time, the rest by the clock`);
  console.log(`${"".padEnd(50)}${"budget".padStart(8)}${"median".padStart(9)}${"least–greatest".padStart(17)}  runs`);
  for (const [what, { budget, unit, values }] of rows) {
    const range = `${figure(Math.min(...values), unit)}–${figure(Math.max(...values), unit)}`;
    const mark = budget !== null && median(values) > budget ? " ▲" : "";
    console.log(
      `${what.padEnd(50)}${String(budget ?? "").padStart(8)}${figure(median(values), unit).padStart(9)}${range.padStart(17)}  ${values.length}${mark}`,
    );
  }
}
