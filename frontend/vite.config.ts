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

/** The two Latin faces are needed for the first paint, so the page asks for them before the style sheet does. */
function preloadFonts(): Plugin {
  return {
    name: "preload-fonts",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (_html, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter(file => /ubuntu-mono-latin-[47]00-.*\.woff2$/.test(file))
          .map(file => ({
            tag: "link",
            attrs: { rel: "preload", href: `/${file}`, as: "font", type: "font/woff2", crossorigin: true },
            injectTo: "head-prepend" as const,
          })),
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
          if (!/\.(js|css|html|svg)$/.test(name)) continue;
          const content = readFileSync(join(outDir, name));
          const quality = { [constants.BROTLI_PARAM_QUALITY]: name.startsWith("docs") ? 6 : 11 };
          writeFileSync(join(outDir, `${name}.br`), brotliCompressSync(content, { params: quality }));
          writeFileSync(join(outDir, `${name}.gz`), gzipSync(content, { level: 9 }));
        }
      },
    },
  };
}

export default defineConfig({
  root: here,
  plugins: [preloadFonts(), copySwaggerUi(), compress()],
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // One file of JavaScript and one of CSS: six requests at most before the prompt is usable.
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": server,
      "/health": server,
      "/openapi.json": server,
    },
  },
});
