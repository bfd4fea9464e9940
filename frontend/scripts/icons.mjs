// Makes the PNG icons of the manifest out of public/favicon.svg, which is drawn by hand. Run after the drawing changes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { launchBrowser } from "./browser.mjs";

const folder = fileURLToPath(new URL("../public", import.meta.url));
const drawing = readFileSync(join(folder, "favicon.svg"), "utf8");

/** To the edges, for systems that cut the shape themselves: what is drawn stays in the circle of 80 % that is never cut. */
function maskable(scale) {
  const [, ground] = /<rect [^>]*fill="([^"]+)"/.exec(drawing);
  const art = drawing.replace(/^.*<\/title><rect[^>]*>/s, "").replace(/<\/svg>\s*$/, "");
  const move = `translate(16 16) scale(${scale}) translate(-16.5 -16)`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M0 0h32v32H0z" fill="${ground}"/><g transform="${move}">${art}</g></svg>`;
}

const icons = [
  { name: "icon-192", size: 192, svg: drawing },
  { name: "icon-512", size: 512, svg: drawing },
  { name: "maskable-192", size: 192, svg: maskable(0.8) },
  { name: "maskable-512", size: 512, svg: maskable(0.8) },
  { name: "apple-touch-icon", size: 180, svg: maskable(0.92) },
];

const server = await launchBrowser();
try {
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  for (const { name, size, svg } of icons) {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw }</style>${svg}`);
    const image = await page.screenshot({ omitBackground: true });
    writeFileSync(join(folder, "icons", `${name}.png`), image);
    console.log(`${name}.png: ${image.length} bytes`);
  }
} finally {
  await server.close();
}
