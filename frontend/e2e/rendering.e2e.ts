/** What an answer does to the page: nothing it should not, nothing twice, nothing that moves. */

import { describe, expect, onTestFinished } from "vitest";
import { ScriptedProvider } from "../scripts/scripted-provider.mjs";
import { HOSTILE } from "../src/testing/hostile-markdown.ts";
import { journey } from "./support/journey.ts";
import { lab } from "./support/models.ts";
import { Server } from "./support/processes.ts";

const CODE = "```js\nconst answer = 42; // why\n```";
const FORMS = [
  "it costs $5 and $6, and $e^{i\\pi} + 1 = 0$ holds",
  CODE,
  Array.from({ length: 90 }, (_, at) => `- item ${at} with **bold** and \`code\``).join("\n"),
  `| a | b |\n|---|---|\n${Array.from({ length: 90 }, (_, at) => `| row ${at} | is it wide |`).join("\n")}`,
  Array.from({ length: 600 }, (_, at) => `w${at}`).join(" "),
  `\`\`\`js\n${Array.from({ length: 90 }, (_, at) => `const x${at} = f(${at});`).join("\n")}\n\`\`\``,
].join("\n\n");

describe("rendering", () => {
  for (const [family, payloads] of Object.entries(HOSTILE)) {
    journey(`hostile answers do nothing: ${family}`, { model: lab("echo") }, async screen => {
      screen.page.on("dialog", dialog => {
        screen.complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await screen.goto();
      const before = await screen.page.evaluate(() => Object.keys(window).length);
      await screen.ask([...payloads, "the end of it"].join("\n\nand then\n\n"));
      await screen.settled();
      // A long answer is shown a piece at a time.
      await screen.says("the end of it", screen.answer);
      // Formulas and colours come later than the words; whatever has the focus or the pointer might act.
      await screen.isPainted();
      await screen.answer.hover();
      expect(await screen.page.evaluate(() => "hacked" in window)).toBe(false);
      expect(await screen.page.evaluate(() => Object.keys(window).length)).toBe(before);
      const alien = "img, script, style, iframe, svg, form, input, object, embed, link, meta, base, [style*='url']";
      await expect.poll(() => screen.answer.locator(alien).count()).toBe(0);
      await expect.poll(() => screen.answer.locator("a:not([href^='http']):not([href^='mailto:'])").count()).toBe(0);
      await expect.poll(() => new URL(screen.page.url()).pathname).toMatch(/^\/c\//);
    });
  }

  journey("a long answer moves nothing, and touches nothing that stands", { device: "phone" }, async screen => {
    await screen.goto("/", await serverThatSays(FORMS));
    await screen.ask("show me everything");
    await screen.page.evaluate(() => {
      const seen = { shift: 0, removed: 0, frames: 0 };
      Object.assign(window, { seen });
      new PerformanceObserver(list => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
          if (!entry.hadRecentInput) seen.shift += entry.value;
      }).observe({ type: "layout-shift" });
      new MutationObserver(records => {
        for (const { removedNodes, target } of records) {
          if (!(target instanceof Element && target.closest(".is-live .markdown"))) continue;
          seen.frames += 1;
          for (const node of removedNodes) seen.removed = Math.max(seen.removed, node.textContent?.length ?? 0);
        }
      }).observe(document.body, { childList: true, subtree: true });
    });
    await screen.settled();
    const { shift, removed, frames } = await screen.page.evaluate(() => (window as unknown as { seen: Seen }).seen);
    expect(shift).toBe(0);
    expect(frames).toBeGreaterThan(50);
    // The largest thing that was built anew is one piece, of a text of some twelve thousand characters.
    expect(removed).toBeLessThan(4_500);
  });

  journey(
    "finished code is coloured, money is no formula, and a formula is one",
    { model: lab("echo") },
    async screen => {
      await screen.goto();
      await screen.ask(FORMS);
      await screen.settled();
      await screen.answer.locator(".hljs-keyword").first().waitFor();
      await expect
        .poll(() => screen.answer.locator(".code").first().locator("pre").textContent())
        .toBe("const answer = 42; // why");
      await screen.answer.locator("math").waitFor();
      await expect.poll(() => screen.answer.locator("math").count()).toBe(1);
      await expect.poll(() => screen.read()).toContain("it costs $5 and $6, and");
    },
  );
});

interface Seen {
  shift: number;
  removed: number;
  frames: number;
}

/** A server of the test's own, with a model that says `text` at the pace of a quick one. */
async function serverThatSays(text: string): Promise<string> {
  const answer = { say: text, seconds: 4, tokens: { input: 1, output: 2_000 } };
  const provider = await new ScriptedProvider({ "gpt-5.1": [answer] }).start();
  onTestFinished(() => provider.close());
  const openai = { OPENAI_API_KEY: "sk-test-0123456789", OPENAI_BASE_URL: `${provider.url}/openai/v1` };
  const server = new Server({ LOCAL_MODEL: "off", ...openai });
  onTestFinished(() => server.close());
  await server.start();
  return server.url;
}
