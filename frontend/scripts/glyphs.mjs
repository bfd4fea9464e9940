// Cuts the font of the signs out of DejaVu Sans Mono: those that `src/styles/fonts.css` names, and no others.
// Needs pyftsubset (`pip install fonttools brotli`); the font is Debian's fonts-dejavu-mono, or the path that is given.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [font = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"] = process.argv.slice(2);
const sheet = readFileSync(new URL("../src/styles/fonts.css", import.meta.url), "utf8");
const signs = /glyphs\.woff2.*?unicode-range:([^;]*);/s.exec(sheet)?.[1].replace(/\s/g, "");
const target = fileURLToPath(new URL("../src/fonts/glyphs.woff2", import.meta.url));
execFileSync(
  "pyftsubset",
  [font, `--unicodes=${signs}`, `--output-file=${target}`, "--flavor=woff2", "--no-hinting", "--layout-features="],
  { stdio: "inherit" },
);
