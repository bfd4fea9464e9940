import type { Page } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { Facade, RoughLine } from "./support/facade.ts";
import { fake, journey, ownLine, ownServer, PATIENCE, type Screen, squeeze, texts } from "./support/journey.ts";
import { lab } from "./support/models.ts";

describe("a line that breaks at random bytes", () => {
  for (const seed of [1, 2]) {
    journey(
      `loses, doubles and moves no character: seed ${seed}`,
      { breaksTheLine: true, withWorker: true },
      async screen => {
        const line = await RoughLine.open(inject("server"), seed);
        await screen.goto("/", line.url);
        await screen.choose(lab("rough"));
        line.cutsToCome = 12;
        await screen.ask("count to twelve hundred");
        const seen: string[] = [];
        const words = screen.answer.locator(".markdown");
        const isOver = screen.button("retry", screen.answer);
        await expect
          .poll(
            async () => {
              seen.push((await texts(words)).join(" "));
              return isOver.isVisible();
            },
            { timeout: 90_000, interval: 30 },
          )
          .toBe(true);
        const [, stored] = await screen.stored(inject("server"));
        const text = squeeze(stored?.content ?? "");
        expect(text).toMatch(/^w1 w2 .* w1200$/);
        await screen.reads(text);
        for (const [at, sight] of seen.entries()) {
          expect(text.startsWith(sight)).toBe(true);
          expect(sight.length).toBeGreaterThanOrEqual(seen[at - 1]?.length ?? 0);
        }
        expect(line.cutsToCome).toBe(0);
        await expect.poll(() => screen.prompts.count()).toBe(1);
        await expect.poll(() => screen.answers.count()).toBe(1);
      },
    );
  }
});

journey(
  "a proxy that holds streams back: the answer is read all the same",
  { model: lab("held-back"), withWorker: true },
  async screen => {
    const facade = await Facade.open(inject("server"));
    await screen.goto("/", facade.url);
    await screen.choose(lab("held-back"));
    facade.isHoldingBack = true;
    await screen.ask("count to three");
    await screen.reads("w1");
    await fake.release("held-back");
    await screen.reads("w1 w2");
    await fake.release("held-back", null);
    await screen.settled();
    await screen.reads("w1 w2 w3");
    expect(await fake.timesAsked("held-back")).toBe(1);
  },
);

journey("a tab that was frozen catches up when it thaws", { breaksTheLine: true, withWorker: true }, async screen => {
  const line = await ownLine();
  await screen.goto("/", line.url);
  await screen.choose(lab("frozen"));
  await screen.ask("count to three");
  await screen.reads("w1");
  const session = await screen.context.newCDPSession(screen.page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  await line.cut();
  await fake.release("frozen");
  await line.mend();
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await screen.reads("w1 w2");
  await screen.says("● live", screen.answer);
  await fake.release("frozen", null);
  await screen.settled();
  await screen.reads("w1 w2 w3");
});

describe("pages of one owner", () => {
  journey("two devices on one conversation stay in step", { model: lab("devices"), withWorker: true }, async screen => {
    const phone = await (await screen.context.browser())?.newContext({ viewport: { width: 390, height: 844 } });
    if (!phone) throw new Error("no browser");
    try {
      await screen.goto();
      await screen.ask("from the desk");
      await screen.reads("w1");
      const page = await phone.newPage();
      await page.goto(screen.page.url());
      const answers = page.getByRole("article", { name: /^answer by/ });
      const read = () => texts(answers.locator(".markdown"));
      await expect.poll(read).toEqual(["w1"]);
      await fake.release("devices", null);
      await screen.settled();
      await expect.poll(read).toEqual(["w1 w2 w3"]);

      await page.getByRole("textbox", { name: "prompt" }).fill("from the phone");
      await page.getByRole("button", { name: "send", exact: true }).click();
      await screen.says("from the phone");
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      await expect.poll(() => screen.prompts.count()).toBe(2);

      await screen.command("/rename the same everywhere");
      await page.getByRole("heading", { name: "the same everywhere" }).waitFor();
      const id = screen.conversationId;
      await screen.page.evaluate(
        async path => void (await fetch(path, { method: "DELETE" })),
        `/api/conversations/${id}`,
      );
      await page.getByText("this conversation is not there").first().waitFor();
      await screen.says("this conversation is not there");
    } finally {
      await phone.close();
    }
  });

  journey(
    "a prompt that two tabs hold is asked once, when the server is back",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(lab("hello"));
      await screen.ask("first");
      await screen.settled();
      await screen.choose(lab("outbox"));
      const other = await anotherTab(screen);
      await server.kill();
      await screen.ask("are you there?");
      await other.getByRole("article", { name: "unsent prompt" }).getByText("are you there?").waitFor();
      await server.start();
      for (const tab of [screen.page, other])
        await tab
          .getByRole("article", { name: /^answer by/ })
          .nth(1)
          .getByText("Hello, world! ⚡")
          .waitFor();
      await screen.settled();
      await expect
        .poll(async () => (await screen.stored()).map(message => message.content))
        .toEqual(["first", "Hello, world! ⚡", "are you there?", "Hello, world! ⚡"]);
      expect(await fake.timesAsked("outbox")).toBe(1);
      await expect.poll(() => other.getByRole("article", { name: "unsent prompt" }).count()).toBe(0);
    },
  );

  journey(
    "a prompt that one tab sends is called off in the other",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const line = await ownLine();
      await screen.goto("/", line.url);
      await screen.choose(lab("hello"));
      await screen.ask("first");
      await screen.settled();
      await screen.choose(lab("called-off"));
      const other = await anotherTab(screen);
      await line.cut();
      await screen.ask("are you there?");
      await other.getByRole("article", { name: "unsent prompt" }).getByText("◌ sending").waitFor();
      await other.keyboard.press("Escape");
      await screen.says(/■ stopped · called off/);
      // Its keys are there as soon as no try to send it is under way any more.
      const edit = screen.button("edit", screen.page.getByRole("article", { name: "unsent prompt" }));
      await edit.waitFor();
      await line.mend();
      await screen.isLit("live");
      await screen.press(edit);
      await expect.poll(() => screen.prompt.inputValue()).toBe("are you there?");
      await expect.poll(() => other.getByRole("article", { name: "unsent prompt" }).count()).toBe(0);
      expect(await fake.timesAsked("called-off")).toBe(0);
    },
  );

  journey(
    "what was written offline is sent by the next page, after the browser was closed",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const line = await ownLine();
      await screen.goto("/", line.url);
      await screen.choose(lab("outbox"));
      const before = await fake.timesAsked("outbox");
      await line.cut();
      await screen.ask("written in a tunnel");
      await screen.says(/○ offline · it is sent as soon as/);
      await screen.page.close();
      await line.mend();
      const page = await screen.context.newPage();
      await page.goto(line.url);
      // A page that was closed is trusted for some seconds to be sending it still.
      await page
        .getByRole("article", { name: /^answer by/ })
        .getByText("Hello, world! ⚡")
        .waitFor({ timeout: 2 * PATIENCE });
      await expect.poll(() => page.getByRole("article", { name: "prompt", exact: true }).count()).toBe(1);
      expect(await fake.timesAsked("outbox")).toBe(before + 1);
      await expect.poll(() => page.evaluate(() => localStorage.getItem("llm-router.outbox"))).toBeNull();
    },
  );
});

/** A second page on what `screen` shows, which has read it to its end. */
async function anotherTab(screen: Screen): Promise<Page> {
  const tab = await screen.context.newPage();
  await tab.goto(screen.page.url());
  await screen.button("retry", tab.getByRole("article", { name: /^answer by/ }).last()).waitFor();
  return tab;
}
