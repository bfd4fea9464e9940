import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, "../src/llm_router/web/static");
const server = "http://127.0.0.1:8000";

/** The Latin faces and the signs are needed for the first paint, so the page asks for them before the style sheet does. */
function preloadFonts(): Plugin {
  return {
    name: "preload-fonts",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (_html, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter(file => /(ubuntu-mono-latin-[47]00|glyphs)-.*\.woff2$/.test(file))
          .map(file => ({
            tag: "link",
            attrs: { rel: "preload", href: `/${file}`, as: "font", type: "font/woff2", crossorigin: true },
            injectTo: "head-prepend" as const,
          })),
    },
  };
}

/** Tells the service worker which files make this build. It has to be the last to see the bundle. */
function nameShell(): Plugin {
  return {
    name: "name-shell",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const html = bundle["index.html"];
        const worker = bundle["service-worker.js"];
        if (html?.type !== "asset" || worker?.type !== "chunk") throw new Error("the shell is not whole");
        const page = String(html.source);
        const entry = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(match => match[1]);
        const code = Object.keys(bundle).filter(file => /^assets\/.*\.(js|css)$/.test(file));
        const icon = readFileSync(join(here, "public/favicon.svg"));
        const others = [...code.map(file => `/${file}`).filter(path => !entry.includes(path)), "/favicon.svg"];
        const version = createHash("sha256").update(page).update(icon).update(others.join()).update(worker.code);
        const shell = { version: version.digest("hex").slice(0, 16), entry, others };
        worker.code = worker.code.replace("__SHELL__", () => JSON.stringify(shell));
      },
    },
  };
}

/** `/api/docs` reads its assets from here too: nothing is fetched from elsewhere. */
function copySwaggerUi(): Plugin {
  return {
    name: "copy-swagger-ui",
    apply: "build",
    closeBundle() {
      const source = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
      const target = join(outDir, "docs");
      mkdirSync(target, { recursive: true });
      for (const file of ["swagger-ui-bundle.js", "swagger-ui.css"])
        copyFileSync(join(source, file), join(target, file));
    },
  };
}

/** The server keeps what it finds compressed beside a file, and compresses nothing by itself. */
function compress(): Plugin {
  return {
    name: "compress",
    apply: "build",
    enforce: "post",
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
          if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
          const content = readFileSync(join(outDir, name));
          const quality = { [constants.BROTLI_PARAM_QUALITY]: name.startsWith("docs") ? 6 : 11 };
          writeFileSync(join(outDir, `${name}.br`), brotliCompressSync(content, { params: quality }));
          writeFileSync(join(outDir, `${name}.gz`), gzipSync(content, { level: 9 }));
        }
      },
    },
  };
}

/**
 * One file of JavaScript for the first load, however many screens share a piece of it: six requests at most before
 * the prompt is usable. `getModuleInfo` knows the graph when the chunks are made.
 */
function firstLoad(): (
  id: string,
  graph: { getModuleInfo(id: string): { importedIds: readonly string[] } | null },
) => string | null {
  let members: Set<string> | null = null;
  return (id, graph) => {
    members ??= reachable(join(here, "src/main.ts"), module => graph.getModuleInfo(module)?.importedIds ?? []);
    return members.has(id) ? "index" : null;
  };
}

function reachable(from: string, next: (id: string) => readonly string[]): Set<string> {
  const found = new Set([from]);
  for (const id of found) for (const other of next(id)) found.add(other);
  return found;
}

export default defineConfig({
  root: here,
  plugins: [preloadFonts(), nameShell(), copySwaggerUi(), compress()],
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: join(here, "index.html"), "service-worker": join(here, "src/service-worker.ts") },
      output: {
        // The worker is found by its name, and has no hash in it: a new one is the same one, changed.
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
        codeSplitting: { groups: [{ name: firstLoad(), debugName: "first load" }] },
      },
    },
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/api": server,
      "/health": server,
      "/openapi.json": server,
    },
  },
});
