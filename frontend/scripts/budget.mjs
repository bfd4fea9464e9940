// Weighs what a first visit downloads and fails when it is more than agreed. Run after `npm run build`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const built = fileURLToPath(new URL("../../src/llm_router/web/static", import.meta.url));
const html = readFileSync(join(built, "index.html"), "utf8");
const named = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(match => match[1]);
const assets = readdirSync(join(built, "assets")).map(file => `assets/${file}`);

// What index.html names is the first load; other chunks come when they are asked for.
const budgets = [
  { what: "JavaScript", limit: 45, files: named.filter(file => file.endsWith(".js")), weigh: gzip },
  { what: "CSS", limit: 12, files: named.filter(file => file.endsWith(".css")), weigh: gzip },
  { what: "fonts", limit: 60, files: named.filter(file => file.endsWith(".woff2")), weigh: size },
  {
    what: "requests",
    limit: 6,
    files: ["index.html", ...new Set(named.filter(file => !file.endsWith(".svg")))],
    weigh: () => 1000,
  },
];

function gzip(file) {
  return gzipSync(readFileSync(join(built, file)), { level: 9 }).length;
}

function size(file) {
  return readFileSync(join(built, file)).length;
}

let failed = false;
for (const { what, limit, files, weigh } of budgets) {
  const weight = [...new Set(files)].reduce((sum, file) => sum + weigh(file), 0) / 1000;
  const over = weight > limit || files.length === 0;
  failed ||= over;
  const unit = what === "requests" ? "" : " kB";
  console.log(`${over ? "✗" : "✓"} ${what.padEnd(10)} ${weight.toFixed(1).padStart(5)}${unit} of ${limit}${unit}`);
}
console.log(`  ${assets.length} files built`);
process.exit(failed ? 1 : 0);
