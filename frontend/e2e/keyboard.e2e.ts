import { describe, expect } from "vitest";
import { fake, journey, type Screen } from "./support/journey.ts";
import { lab } from "./support/models.ts";

describe("by keyboard alone, at a desk", () => {
  journey("a conversation from the first word to the other branch", {}, async screen => {
    const { keyboard } = screen.page;
    await screen.goto();
    // The prompt has the focus from the start.
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
    expect(await screen.prompts.innerText()).toContain("one\ntwo");
    await keyboard.press("ArrowUp");
    expect(await screen.prompt.inputValue()).toBe("one\ntwo");
    await keyboard.press("ArrowDown");
    expect(await screen.prompt.inputValue()).toBe("");
    await tabTo(screen, "retry", "Shift+Tab");
    await keyboard.press("Enter");
    await screen.reads("Hello, world! ⚡");
    await screen.settled();
    await tabTo(screen, "previous answer");
    await keyboard.press("Enter");
    await screen.reads("w1");
    await keyboard.press("Control+k");
    await screen.page.getByRole("dialog", { name: "everything" }).waitFor();
    await keyboard.type("help");
    await keyboard.press("Enter");
    await screen.says("shift enter", screen.page);
    await keyboard.press("Escape");
    await screen.log.waitFor();
    // What was being written makes room for a command, and can be had back.
    await screen.prompt.fill("half a thought");
    await keyboard.press("Control+k");
    await screen.page.getByRole("dialog", { name: "everything" }).waitFor();
    await keyboard.type("make an image");
    await keyboard.press("Enter");
    await expect.poll(() => screen.prompt.inputValue()).toBe("/image ");
    await screen.prompt.fill("");
    await keyboard.press("ArrowUp");
    expect(await screen.prompt.inputValue()).toBe("half a thought");
    expect(await fake.timesAsked("keyboard")).toBe(2);
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
              .replace(/^[+\s]+/, "")
              .trim(),
      isMarked: outlineStyle !== "none" || isPrompt,
    };
  });
}
