import { describe, expect } from "vitest";
import { journey } from "./support/journey.ts";

describe("errors, as a stranger reads them", () => {
  journey(
    "a key that is refused is named, and where it comes from",
    { device: "phone", model: "gpt-fake-401" },
    async screen => {
      await screen.goto();
      await screen.ask("hello?");
      await screen.says("▲ error", screen.answer);
      const words = await screen.answer.innerText();
      expect(words).toContain("OPENAI_API_KEY");
      expect(words).toMatch(/press retry to ask again/);
      expect(words).not.toContain("sk-test");
      await expect.poll(() => screen.prompts.innerText()).toContain("hello?");
    },
  );

  journey("too many requests", { device: "phone", model: "gpt-fake-429" }, async screen => {
    await screen.goto();
    await screen.ask("hello?");
    await screen.says("▲ error", screen.answer);
    await expect.poll(() => screen.answer.innerText()).toMatch(/Too many requests/);
    await expect.poll(() => screen.answer.innerText()).toMatch(/press retry in 7\.0 s/);
  });

  journey("a model the provider does not know", { model: "claude-fake-404" }, async screen => {
    await screen.goto();
    await screen.ask("hello?");
    await screen.says("▲ error", screen.answer);
    await expect.poll(() => screen.answer.innerText()).toMatch(/claude-fake-404/);
  });

  journey("a model that was typed wrong stays in the prompt", {}, async screen => {
    await screen.goto();
    await screen.command("/model gpt-9000");
    await screen.says(/▲ there is no model “gpt-9000”/);
    await expect.poll(() => screen.prompt.inputValue()).toBe("/model gpt-9000");
    await screen.command("/modle");
    await screen.says(/there is no command \/modle/);
    await expect.poll(() => screen.prompt.inputValue()).toBe("/modle");
  });

  journey("an answer that breaks off keeps its words", { model: "gpt-fake-error" }, async screen => {
    await screen.goto();
    await screen.ask("hello?");
    await screen.says("▲ error", screen.answer);
    await screen.reads("I begin and then");
    await screen.reload();
    await screen.says("▲ error", screen.answer);
    await screen.reads("I begin and then");
  });
});
