import { describe, expect, inject } from "vitest";
import type { Catalog, Health } from "../src/api/types.ts";
import { journey, squeeze } from "./support/journey.ts";

describe("a first run, without any key", () => {
  const url = inject("demoServer");

  journey(
    "the boot lines are true, and the demo model is called one",
    { device: "phone", url, withWorker: true },
    async screen => {
      await screen.goto();
      const health = (await (await fetch(`${url}/health`)).json()) as Health;
      const catalog = (await (await fetch(`${url}/api/usage/models`)).json()) as Catalog;
      expect(catalog.models.filter(model => model.available).map(model => model.id)).toEqual(["local/smollm2"]);
      const lines = screen.log.locator(".boot-line");
      await expect
        .poll(async () => (await lines.allInnerTexts()).map(squeeze))
        .toEqual([`llm router ${health.version}`, "models 1 found · local", `data ${health.database.path}`]);
      await screen.says(/tiny demo model/);
      await screen.says("OPENAI_API_KEY=…");
      await screen
        .button(/^model: local\/smollm2/)
        .getByText("tiny demo")
        .waitFor();
      await screen.isLit("live");
    },
  );

  journey(
    "a prompt from a phone is answered, and a reload in the middle loses nothing",
    { device: "phone", url, withWorker: true },
    async screen => {
      await screen.goto();
      await screen.ask("List ten colours.");
      await expect.poll(() => screen.read(), { timeout: 60_000, interval: 20 }).not.toBe("");
      const before = await screen.read();
      await screen.reload();
      await screen.settled(60_000);
      const [, stored] = await screen.stored();
      expect(stored?.status).toBe("complete");
      // A quick machine may have said it all by then.
      expect(stored?.content.length).toBeGreaterThanOrEqual(before.length);
      await expect.poll(() => screen.prompts.count()).toBe(1);
      await expect.poll(() => screen.answers.count()).toBe(1);
      await screen.press(screen.button("copy", screen.answer));
      await screen.says("copied", screen.answer);
      expect(await screen.page.evaluate(() => navigator.clipboard.readText())).toBe(stored?.content);
      await expect.poll(() => screen.answer.innerText()).toContain("local/smollm2 (tiny demo model)");
      await expect.poll(() => screen.answer.innerText()).toContain(`→${stored?.tokens_output} tok`);
      await expect.poll(() => screen.answer.innerText()).toContain("$0");
    },
  );
});
