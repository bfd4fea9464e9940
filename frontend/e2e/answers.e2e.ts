import { describe, expect, inject } from "vitest";
import { fake, journey } from "./support/journey.ts";
import { lab, MODELS } from "./support/models.ts";

const WIDE = [
  "| name | what it does | where it is found | who wrote it |",
  "|---|---|---|---|",
  `| ${"supercalifragilistic".repeat(3)} | ${"it goes on ".repeat(9)} | everywhere | nobody |`,
  "",
  "```ts",
  `const line = "${"0123456789".repeat(30)}";`,
  "```",
  "",
  `and a word without end: ${"abcdefghij".repeat(20)}`,
].join("\n");

const HOSTILE = [
  '<img src="https://images.invalid/a.png" onerror="complain(\'onerror\')">',
  "",
  "<script>complain('script')</script> and <style>body{display:none}</style>",
  "",
  "[run](javascript:complain('link')) ![look](https://images.invalid/b.png)",
  "",
  '<iframe src="https://elsewhere.invalid/"></iframe>',
].join("\n");

describe("answers", () => {
  journey("a model is chosen with the thumb, and its markdown is shown", { device: "phone" }, async screen => {
    await screen.goto();
    await screen.press(screen.button("model"));
    const picker = screen.page.getByRole("dialog", { name: "model" });
    await screen.press(picker.getByRole("option", { name: MODELS.openai }));
    await picker.waitFor({ state: "detached" });
    await screen.button(`model: ${MODELS.openai}`).waitFor();
    await screen.ask("show me everything");
    await screen.settled();
    await screen.answer.getByRole("heading", { name: "A heading" }).waitFor();
    await screen.answer.getByRole("cell", { name: "<script>alert(1)</script>" }).waitFor();
    await expect.poll(() => screen.answer.getByRole("listitem").count()).toBe(3);
    const code = screen.answer.locator(".code");
    await code.getByText("python").waitFor();
    await screen.press(screen.button("copy code", code));
    await screen.says("copied", code);
    const copied = await screen.page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe("def add(a: int, b: int) -> int:\n    return a + b");
    await screen.answer.getByRole("link", { name: "▧ a remote image (images.invalid)" }).waitFor();
    await expect.poll(() => screen.answer.locator("img, script").count()).toBe(0);
    // 11 tokens at $1.25 and 7 at $10 a million.
    await expect
      .poll(() => screen.answer.locator(".receipt").innerText())
      .toMatch(/openai-priced\/gpt-5\.1\s+11→7 tok\s+\$0\.000084/);
    await expect
      .poll(() =>
        screen.page
          .getByText(/^\$0\.\d+/)
          .first()
          .innerText(),
      )
      .toMatch(/^\$0\.\d/);
  });

  journey("thinking is one line that opens on tap", { device: "phone", model: "gpt-fake-reasoning" }, async screen => {
    await screen.goto();
    await screen.ask("think first");
    await screen.settled();
    await screen.reads("Then speak.");
    await expect.poll(() => screen.answer.getByText("First, think.").isVisible()).toBe(false);
    await screen.press(screen.answer.getByText(/^thought( for .* s)? · 12 tok$/));
    await screen.answer.getByText("First, think.").waitFor();
    await screen.reload();
    await screen.press(screen.answer.getByText(/^thought( for .* s)? · 12 tok$/));
    await screen.answer.getByText("First, think.").waitFor();
  });

  journey("the other provider, with its price", { model: MODELS.anthropic }, async screen => {
    await screen.goto();
    await screen.ask("think first");
    await screen.settled();
    await screen.reads("Then speak.");
    await screen.answer.getByText(/^thought/).waitFor();
    // 11 tokens at $3 and 19 at $15 a million.
    await expect
      .poll(() => screen.answer.locator(".receipt").innerText())
      .toMatch(/claude-sonnet-4-5\s+11→19 tok\s+\$0\.00032/);
  });

  journey("hostile markdown is text, and asks for nothing", { model: lab("echo") }, async screen => {
    await screen.goto();
    await screen.ask(HOSTILE);
    await screen.settled();
    await expect.poll(() => screen.read()).toContain("<script>complain('script')</script>");
    await expect.poll(() => screen.answer.locator("img, script, style, iframe, a[href^='javascript']").count()).toBe(0);
  });

  journey(
    "wide tables and long code scroll inside themselves",
    { device: "phone", width: 360, model: lab("echo") },
    async screen => {
      await screen.goto();
      await screen.ask(WIDE);
      await screen.settled();
      await screen.answer.locator(".table").waitFor();
      await screen.answer.getByText(/abcdefghij$/).waitFor();
      const widths = await screen.page.evaluate(() => {
        const wide = (selector: string) => {
          const element = document.querySelector(selector);
          return element ? element.scrollWidth - element.clientWidth : Number.NaN;
        };
        return {
          page: wide("html"),
          scroller: wide(".scroller"),
          table: wide(".markdown .table"),
          code: wide(".markdown pre"),
        };
      });
      expect(widths.page).toBe(0);
      expect(widths.scroller).toBe(0);
      expect(widths.table).toBeGreaterThan(100);
      expect(widths.code).toBeGreaterThan(100);
    },
  );

  journey("stop, by its key", { device: "phone", model: lab("stop-by-key") }, async screen => {
    await screen.goto();
    await screen.ask("talk");
    await screen.reads("w1");
    await screen.press(screen.button("stop"));
    await screen.says("■ stopped", screen.answer);
    await screen.reads("w1");
    await screen.says("w1 stopped. what was said is kept.", screen.page.locator("[aria-live='polite']"));
    await expect.poll(async () => (await screen.stored()).at(-1)).toMatchObject({ status: "stopped", content: "w1 " });
    await expect.poll(() => screen.button("stop").isDisabled()).toBe(true);
  });

  journey("stop, by Esc", { model: lab("stop-by-esc") }, async screen => {
    await screen.goto();
    await screen.ask("talk");
    await screen.reads("w1");
    // An input method closes its window with the same key.
    await screen.prompt.dispatchEvent("keydown", { key: "Escape", isComposing: true, bubbles: true });
    await fake.release("stop-by-esc");
    await screen.reads("w1 w2");
    await screen.page.keyboard.press("Escape");
    await screen.says("■ stopped", screen.answer);
    await expect
      .poll(async () => (await screen.stored()).at(-1))
      .toMatchObject({ status: "stopped", content: "w1 w2 " });
  });

  journey("retry makes a sibling, and both can be read", { device: "phone", model: lab("retried") }, async screen => {
    await screen.goto();
    await screen.ask("again and again");
    await screen.reads("w1 w2");
    await screen.settled();
    await screen.press(screen.button("retry", screen.answer));
    await screen.reads("w1 w2 w3");
    await screen.answer.getByText("2/2").waitFor();
    await screen.press(screen.button("previous answer", screen.answer));
    await screen.reads("w1 w2");
    await screen.answer.getByText("1/2").waitFor();
    await screen.isKept(1);
    await screen.reload();
    await screen.reads("w1 w2");
    await screen.press(screen.button("next answer", screen.answer));
    await screen.reads("w1 w2 w3");
    expect(await fake.timesAsked("retried")).toBe(2);
  });

  journey(
    "conversations: two of them, opened, renamed, deleted, and the way back",
    { device: "phone", model: lab("echo") },
    async screen => {
      const drawer = screen.page.getByRole("navigation", { name: "conversations" });
      const openDrawer = async () => {
        await screen.press(screen.button("conversations"));
        await drawer.waitFor();
      };
      await screen.goto();
      await screen.ask("the first of two");
      await screen.settled();
      const first = screen.conversationId;
      await openDrawer();
      await screen.press(screen.button(/new conversation/, drawer));
      await screen.says("models");
      await expect.poll(() => new URL(screen.page.url()).pathname).toBe("/");
      await screen.ask("the second of two");
      await screen.settled();
      const second = screen.conversationId;
      expect(second).not.toBe(first);

      await openDrawer();
      await screen.press(drawer.getByRole("link", { name: /the first of two/ }));
      await screen.reads("the first of two");
      expect(screen.conversationId).toBe(first);
      await screen.page.goBack();
      await screen.reads("the second of two");
      expect(screen.conversationId).toBe(second);
      await screen.page.goForward();
      await screen.reads("the first of two");

      await openDrawer();
      const more = async (title: string, what: string) => {
        await screen.press(screen.button(`more of ${title}`, drawer));
        await screen.press(screen.page.getByRole("dialog", { name: title }).getByRole("option", { name: what }));
      };
      await more("the first of two", "rename");
      await screen.page.getByRole("textbox", { name: "a new title" }).fill("renamed");
      await screen.press(screen.button("ok"));
      await drawer.getByRole("link", { name: /renamed/ }).waitFor();
      await more("renamed", "delete");
      await drawer.getByRole("link", { name: /renamed/ }).waitFor({ state: "detached" });
      await expect.poll(() => new URL(screen.page.url()).pathname).toBe("/");
      // The key is at hand while the drawer is open, and one press brings all back.
      await screen.press(screen.button("undo"));
      await drawer.getByRole("link", { name: /renamed/ }).waitFor();
      await screen.reads("the first of two");
      await more("renamed", "delete");
      await screen.button("undo").waitFor();
      await screen.button("undo").waitFor({ state: "detached" });
      // The words go sooner than the conversation, which can be had back for minutes.
      await screen.page.keyboard.press("Escape");
      await screen.command("/undo");
      await screen.reads("the first of two");
      await openDrawer();
      await more("renamed", "delete");
      await screen.button("undo").waitFor();
      await screen.page.goto("about:blank");
      const isGone = async () => (await fetch(`${inject("server")}/api/conversations/${first}`)).status;
      await expect.poll(isGone).toBe(404);
      await screen.goto(`/c/${first}`);
      await screen.says(/this conversation is not there/);
      await screen.goto(`/c/${second}`);
      await screen.reads("the second of two");
      // What the page was left with is seen to: the next one asked again, in case the first had not got through.
      const meant = () => screen.page.evaluate(() => localStorage.getItem("llm-router.deletions"));
      await expect.poll(meant).toBeNull();
      // The browser notes each 404 that was provoked.
      await expect.poll(() => [...new Set(screen.complaints)]).toEqual([expect.stringMatching(/404/)]);
      screen.complaints.length = 0;
    },
  );
});
