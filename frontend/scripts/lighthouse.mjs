// Asks Lighthouse, as a phone, about the page of a real server: `npm run lighthouse`, after a build.
//
// `--check` asks once, about a conversation, and fails where what is counted is less than whole: accessibility and
// best practices. The performance hangs on what else the machine does: it is printed, the median of the runs with the
// least and the greatest.
import lighthouse from "lighthouse";
import { median } from "./bench-page.mjs";
import { BenchServer } from "./bench-server.mjs";
import { launchDebugged } from "./browser.mjs";
import { ScriptedProvider } from "./scripted-provider.mjs";

const isCheck = process.argv.includes("--check");
const RUNS = isCheck ? 1 : Number(process.env.RUNS ?? 5);
const CATEGORIES = { performance: 98, accessibility: 100, "best-practices": 100 };
const COUNTED = ["accessibility", "best-practices"];
const MEASURES = {
  "first-contentful-paint": "first paint",
  "largest-contentful-paint": "largest paint",
  "total-blocking-time": "blocked",
  "cumulative-layout-shift": "layout shift",
};

const provider = await new ScriptedProvider({ "gpt-5.1": [] }).start();
const server = await new BenchServer().start(provider.url);
const browser = await launchDebugged();
const failures = [];
try {
  const [conversation] = server.seed(1, 6);
  server.seed(30, 2);
  console.log(
    `${"".padEnd(16)}${"promised".padStart(10)}${"median".padStart(9)}${"least–greatest".padStart(17)}  runs`,
  );
  const pages = { "a conversation": `/c/${conversation}`, ...(!isCheck && { "the prompt": "/" }) };
  for (const [name, path] of Object.entries(pages)) {
    const reports = [];
    for (let run = 0; run < RUNS; run++) reports.push(await report(server.url + path));
    print(name, reports);
  }
} finally {
  await browser.close();
  await server.close();
  provider.close();
}
for (const failure of failures) console.error(`✗ ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);

/** A visit with nothing kept from another. On a busy machine a trace may fail: it is made again, some times. */
async function report(url, triesLeft = 3) {
  const onlyCategories = Object.keys(CATEGORIES).filter(id => !isCheck || COUNTED.includes(id));
  const { lhr } = await lighthouse(url, {
    port: browser.port,
    logLevel: "silent",
    onlyCategories,
    // The line for what changes elsewhere stays open: the network is never quiet.
    maxWaitForLoad: 5_000,
  });
  if (!lhr.runtimeError) return lhr;
  if (triesLeft > 1) return report(url, triesLeft - 1);
  throw new Error(`${url}: ${lhr.runtimeError.message}`);
}

function print(name, reports) {
  console.log(name);
  for (const id of Object.keys(reports[0].categories)) {
    const scores = reports.map(({ categories }) => Math.round(categories[id].score * 100));
    row(id, `≥ ${CATEGORIES[id]}`, scores, String);
    if (isCheck && Math.min(...scores) < CATEGORIES[id]) failures.push(...faults(name, id, reports[0]));
  }
  for (const [id, words] of Object.entries(MEASURES).filter(([id]) => reports[0].audits[id])) {
    const { numericUnit } = reports[0].audits[id];
    const figure = numericUnit === "millisecond" ? value => `${value.toFixed(0)} ms` : value => value.toFixed(3);
    row(
      `  ${words}`,
      "",
      reports.map(({ audits }) => audits[id].numericValue),
      figure,
    );
  }
}

function row(name, promised, values, figure) {
  const range = `${figure(Math.min(...values))}–${figure(Math.max(...values))}`;
  const cells = [promised.padStart(10), figure(median(values)).padStart(9), range.padStart(17), `  ${values.length}`];
  console.log(`${name.padEnd(16)}${cells.join("")}`);
}

/** What costs points, and where. */
function faults(name, category, { categories, audits }) {
  const found = categories[category].auditRefs.map(({ id, weight }) => ({ weight, ...audits[id] }));
  return found
    .filter(({ weight, score }) => weight > 0 && score !== null && score < 1)
    .map(({ title, details }) => `${name}: ${title} ${JSON.stringify(details?.items?.slice(0, 3) ?? "")}`);
}
