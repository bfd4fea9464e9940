import type { Locator } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { fake, journey, type Screen } from "./support/journey.ts";
import { lab } from "./support/models.ts";

describe("by keyboard alone, at a desk", () => {
  journey("a conversation from the first word to the other branch", {}, async screen => {
    const { keyboard } = screen.page;
    await screen.goto();
    // The prompt has the focus from the start.
    await screen.hasFocus();
    await keyboard.type("/mod");
    await keyboard.press("Enter");
    const picker = screen.page.getByRole("dialog", { name: "model" });
    await picker.waitFor();
    await keyboard.type("lab keyboard");
    await picker.getByRole("option", { name: lab("keyboard"), selected: true }).waitFor();
    await keyboard.press("Enter");
    await screen.button(`model: ${lab("keyboard")}`).waitFor();
    await screen.isPainted();
    await keyboard.type("one");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    await screen.reads("w1");
    await keyboard.press("Escape");
    await screen.says("■ stopped", screen.answer);
    await expect.poll(() => screen.prompts.innerText()).toContain("one\ntwo");
    await keyboard.press("ArrowUp");
    await expect.poll(() => screen.prompt.inputValue()).toBe("one\ntwo");
    await keyboard.press("ArrowDown");
    await expect.poll(() => screen.prompt.inputValue()).toBe("");
    await tabTo(screen, "retry", "Shift+Tab");
    await keyboard.press("Enter");
    await screen.reads("Hello, world! ⚡");
    await screen.settled();
    await tabTo(screen, "previous answer");
    await keyboard.press("Enter");
    await screen.reads("w1");
    const palette = screen.page.getByRole("dialog", { name: "everything" });
    await keyboard.press("Control+k");
    await palette.waitFor();
    await keyboard.type("help");
    await palette.getByRole("option", { name: /^\/help/, selected: true }).waitFor();
    await keyboard.press("Enter");
    await screen.says("shift enter", screen.page);
    await keyboard.press("Escape");
    await screen.log.waitFor();
    // What was being written makes room for a command, and can be had back.
    await screen.prompt.fill("half a thought");
    await keyboard.press("Control+k");
    await palette.waitFor();
    await keyboard.type("make an image");
    await palette.getByRole("option", { name: /^\/image/, selected: true }).waitFor();
    await keyboard.press("Enter");
    await expect.poll(() => screen.prompt.inputValue()).toBe("/image ");
    await screen.prompt.fill("");
    await keyboard.press("ArrowUp");
    await expect.poll(() => screen.prompt.inputValue()).toBe("half a thought");
    expect(await fake.timesAsked("keyboard")).toBe(2);
  });

  journey("what goes away leaves the focus at a sensible place", { model: lab("kept-place") }, async screen => {
    const { keyboard } = screen.page;
    const press = async (name: string | RegExp, within?: Locator) => {
      await screen.button(name, within).first().focus();
      await keyboard.press("Enter");
    };
    const has = (name: string) => expect.poll(async () => (await focused(screen)).name).toBe(name);
    await screen.goto();
    await screen.ask("one");
    await screen.reads("w1 w2");
    await press("retry");
    await screen.reads("w1 w2 w3");
    // On the same key of the new answer, where that is complete before the old one is missed.
    await expect.poll(async () => (await focused(screen)).name).toMatch(/^(prompt|retry)$/);
    await press("previous answer");
    await screen.reads("w1 w2");
    await has("previous answer");
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await screen.reads("w1 w2 w3");
    await has("next answer");
    await keyboard.press("Enter");
    await has("next answer");
    const { conversationId } = screen;
    await press("fork", screen.answer);
    await expect.poll(() => screen.conversationId).not.toBe(conversationId);
    await has("prompt");
    await screen.ask("two");
    await screen.reads("w1");
    await screen.ask("three");
    await press("remove");
    await screen.page.getByRole("article", { name: "unsent prompt" }).waitFor({ state: "detached" });
    await has("prompt");
    await fake.release("kept-place", null);
    await screen.settled();
    await screen.command("/system");
    await press("dismiss", screen.log);
    await has("prompt");
    const list = screen.page.getByRole("navigation", { name: "conversations" });
    await press(/^rename /, list);
    await screen.page.getByRole("dialog").waitFor();
    await keyboard.type("kept");
    await keyboard.press("Enter");
    await screen.button("rename kept").waitFor();
    await has("rename kept");
    await press("delete kept");
    await screen.button("undo").waitFor();
    await screen.button("delete kept").waitFor({ state: "detached" });
    await expect.poll(async () => (await focused(screen)).name).not.toBe("");
    await press("undo");
    await screen.button("delete kept").waitFor();
    await expect.poll(async () => (await focused(screen)).name).not.toBe("");
  });

  journey("a list to choose from obeys the keys that lists obey", { model: lab("kept-place") }, async screen => {
    const { keyboard } = screen.page;
    const chosen = (name: string | RegExp) =>
      screen.page.getByRole(
        "option",
        typeof name === "string" ? { name, exact: true, selected: true } : { name, selected: true },
      );
    await screen.goto();
    await screen.command("/theme");
    await screen.page.getByRole("dialog", { name: "theme" }).waitFor();
    // Few choices have no filter: letters go to what begins so.
    await keyboard.press("Home");
    await chosen(/^auto/).waitFor();
    await keyboard.press("p");
    await chosen("phosphor").waitFor();
    await keyboard.press("p");
    await chosen("paper").waitFor();
    await keyboard.press("End");
    await keyboard.press("Home");
    await keyboard.press("t");
    await chosen("tokyo-night").waitFor();
    await keyboard.press("Enter");
    await screen.page.getByRole("dialog").waitFor({ state: "detached" });
    await screen.command("/compare");
    const dialog = screen.page.getByRole("dialog", { name: "compare" });
    await dialog.waitFor();
    await keyboard.press("End");
    await keyboard.press("Enter");
    await dialog.getByRole("status").filter({ hasText: "local/smollm2 can't be chosen: no local model" }).waitFor();
    await keyboard.press("ArrowUp");
    await keyboard.press("Space");
    await screen.button("compare 2", dialog).waitFor();
    await keyboard.press("ArrowUp");
    await keyboard.press("Space");
    await screen.button("compare 3", dialog).waitFor();
    await keyboard.press("Home");
    await keyboard.press("Space");
    await dialog.getByRole("status").filter({ hasText: "3 at most" }).waitFor();
    await keyboard.press("ArrowDown");
    await dialog.getByRole("status").filter({ hasText: "two or three models" }).waitFor();
  });

  journey("a list is one stop, however long, and going back finds the place in it", {}, async screen => {
    const { keyboard } = screen.page;
    for (let made = 0; made < 40; made++) await createConversation(screen, `numbered ${made}`);
    await screen.goto("/conversations");
    // Who reads with the ears hears where they are.
    await expect.poll(async () => (await focused(screen)).name).toBe("conversations");
    const all = screen.page.getByRole("navigation", { name: "all conversations" });
    await all.getByRole("searchbox").focus();
    await keyboard.type("numbered");
    await all.getByRole("status").filter({ hasText: "40 found" }).waitFor({ state: "attached" });
    await keyboard.press("Tab");
    await keyboard.press("Tab");
    await expect.poll(async () => (await focused(screen)).name).toContain("numbered 39");
    await keyboard.press("PageDown");
    await keyboard.press("PageDown");
    const { name } = await focused(screen);
    expect(name).not.toContain("numbered 39");
    const scroller = all.locator(".conversations-scroller");
    const scrolled = await scroller.evaluate(it => it.scrollTop);
    expect(scrolled).toBeGreaterThan(0);
    await keyboard.press("Enter");
    await screen.page.waitForURL(/\/c\//);
    await screen.hasFocus();
    await screen.page.goBack();
    await expect.poll(async () => (await focused(screen)).name).toBe(name);
    expect(await scroller.evaluate(it => it.scrollTop)).toBe(scrolled);
    await tabTo(screen, `rename ${name}`);
    await tabTo(screen, `delete ${name}`);
    await keyboard.press("Tab");
    // Out of the list, and not to the keys of the next row.
    expect((await focused(screen)).name).not.toContain("numbered");
  });

  journey("four times as large there is room to read, to write and to choose", { model: lab("echo") }, async screen => {
    const { page } = screen;
    const height = (what: Locator) => what.evaluate(it => it.getBoundingClientRect().height);
    await screen.goto();
    await page.setViewportSize({ width: 360, height: 225 });
    const reading = screen.page.getByRole("region", { name: "conversation" });
    await expect.poll(() => height(reading)).toBeGreaterThan(225 / 2);
    await screen.prompt.fill("one\ntwo\nthree\nfour\nfive");
    await expect.poll(() => height(screen.prompt)).toBeLessThan(225 / 3 + 1);
    expect(await height(reading)).toBeGreaterThan(225 / 2);
    await screen.prompt.fill("/");
    for (let at = 0; at < 5; at++) await page.keyboard.press("ArrowDown");
    const cut = () =>
      page.getByRole("option", { selected: true }).evaluate(it => {
        const list = it.parentElement?.getBoundingClientRect();
        const own = it.getBoundingClientRect();
        return list === undefined || own.top < list.top || own.bottom > list.bottom + 1;
      });
    await expect.poll(cut).toBe(false);
    await screen.prompt.fill("");
    await page.goto(new URL("/settings", page.url()).href);
    await page.getByRole("button", { name: "phosphor" }).waitFor();
    await expect.poll(() => height(page.getByRole("region", { name: "settings" }))).toBeGreaterThan(225 / 2);
  });

  journey("with the colours of the system what is chosen is seen", { model: lab("echo") }, async screen => {
    const { page } = screen;
    await page.emulateMedia({ forcedColors: "active" });
    await screen.goto();
    const ground = (what: Locator) => what.evaluate(it => getComputedStyle(it).backgroundColor);
    await screen.prompt.fill("/");
    const option = (selected: boolean) => page.getByRole("option", { selected }).first();
    expect(await ground(option(true))).not.toBe(await ground(option(false)));
    await screen.prompt.fill("");
    await screen.command("/settings");
    const key = (pressed: boolean) => page.getByRole("button", { pressed }).first();
    await key(true).waitFor();
    expect(await ground(key(true))).not.toBe(await ground(key(false)));
    for (const name of ["send", "conversations"]) {
      const edge = await screen.button(name).evaluate(it => getComputedStyle(it).borderTopStyle);
      expect({ name, edge }).toEqual({ name, edge: "solid" });
    }
  });

  journey(
    "everything that can be pressed can be reached, and shows that it is",
    { model: "gpt-fake-markdown" },
    async screen => {
      await screen.goto();
      await screen.ask("show me everything");
      await screen.settled();
      await screen.page.getByRole("navigation").getByRole("link").first().waitFor();
      const reached = new Set<string>();
      const first = await focused(screen);
      for (let step = 0; step < 400; step++) {
        await screen.page.keyboard.press("Tab");
        const { name, isMarked } = await focused(screen);
        if (name === first.name) break;
        if (name === "") continue; // the browser's own bars
        reached.add(name);
        expect({ name, isMarked }).toEqual({ name, isMarked: true });
      }
      for (const name of [
        "conversations",
        "new conversation",
        "conversation",
        "copy code",
        "copy",
        "retry",
        "fork",
        "send",
      ]) {
        expect([...reached]).toContain(name);
      }
      expect([...reached].some(name => name.startsWith("model: "))).toBe(true);
      expect([...reached].some(name => name.startsWith("delete "))).toBe(true);
    },
  );
});

async function createConversation(screen: Screen, title: string): Promise<void> {
  const made = await screen.context.request.post(`${inject("server")}/api/conversations`, { data: { title } });
  expect(made.ok()).toBe(true);
}

async function tabTo(screen: Screen, name: string, key = "Tab"): Promise<void> {
  for (let step = 0; step < 60; step++) {
    if ((await focused(screen)).name === name) return;
    await screen.page.keyboard.press(key);
  }
  throw new Error(`${name} can't be reached by ${key}`);
}

/** What has the focus, by its name, and whether a reader sees that it has. */
function focused(screen: Screen): Promise<{ name: string; isMarked: boolean }> {
  return screen.page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const { outlineStyle } = getComputedStyle(element);
    const foot = element.closest(".foot");
    const isPrompt = element.tagName === "TEXTAREA" && foot?.matches(":has(textarea:focus-visible)") === true;
    return {
      name:
        element === document.body
          ? ""
          : (element.ariaLabel ?? element.innerText ?? element.tagName)
              .replace(/\s+/g, " ")
              .replace(/^[+▌\s]+/, "")
              .trim(),
      isMarked: outlineStyle !== "none" || isPrompt,
    };
  });
}
