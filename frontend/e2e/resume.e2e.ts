import { describe, expect } from "vitest";
import { fake, journey, ownLine, ownServer } from "./support/journey.ts";
import { lab } from "./support/models.ts";

describe("a line that breaks", () => {
  journey(
    "reloads at any point change nothing",
    { device: "phone", model: lab("reloaded"), withWorker: true },
    async screen => {
      await screen.goto();
      await screen.ask("count to six");
      for (const words of ["w1", "w1 w2", "w1 w2 w3", "w1 w2 w3 w4", "w1 w2 w3 w4 w5", "w1 w2 w3 w4 w5 w6"]) {
        await screen.reads(words);
        await screen.reload();
        await screen.reads(words);
        await expect.poll(() => screen.answer.getAttribute("aria-busy")).toBe("true");
        await screen.says("● live", screen.answer);
        await screen.isLit("live");
        const text = await screen.answer.locator(".markdown").boundingBox();
        const tally = await screen.answer.locator(".tally").boundingBox();
        expect(tally?.y).toBeGreaterThanOrEqual((text?.y ?? 0) + (text?.height ?? 0));
        await fake.release("reloaded");
      }
      await screen.settled();
      await screen.reads("w1 w2 w3 w4 w5 w6");
      await expect.poll(() => screen.prompts.count()).toBe(1);
      await expect.poll(() => screen.answers.count()).toBe(1);
      await expect
        .poll(async () => (await screen.stored()).map(message => message.content))
        .toEqual(["count to six", "w1 w2 w3 w4 w5 w6 "]);
      expect(await fake.timesAsked("reloaded")).toBe(1);
    },
  );

  journey("a tunnel: offline, then whole", { device: "phone", breaksTheLine: true, withWorker: true }, async screen => {
    const line = await ownLine();
    await screen.goto("/", line.url);
    await screen.choose(lab("tunnel"));
    await screen.ask("count to four");
    await screen.reads("w1");
    await screen.context.setOffline(true);
    await line.cut();
    await screen.says("○ offline", screen.answer);
    await screen.isLit("offline");
    await screen.prompt.fill("typed in the dark");
    await fake.release("tunnel", 2);
    await line.mend();
    await screen.context.setOffline(false);
    await screen.reads("w1 w2 w3");
    await screen.says("● live", screen.answer);
    await fake.release("tunnel", null);
    await screen.settled();
    await screen.reads("w1 w2 w3 w4");
    await expect.poll(() => screen.prompt.inputValue()).toBe("typed in the dark");
    expect(await fake.timesAsked("tunnel")).toBe(1);
  });

  journey(
    "back on the line while the model is silent: resuming, not offline",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const line = await ownLine();
      await screen.goto("/", line.url);
      await screen.choose(lab("unplugged"));
      await screen.ask("count to four");
      await screen.reads("w1");
      await line.cut();
      await screen.isLit("offline");
      await line.mend();
      await screen.isLit("resuming");
      await screen.says("◐ resuming", screen.answer);
      await fake.release("unplugged", null);
      await screen.settled();
      await screen.reads("w1 w2 w3 w4");
    },
  );

  journey(
    "the server is killed and comes back: interrupted with its text, and on we go",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(lab("killed"));
      await screen.ask("count to four");
      await screen.reads("w1");
      await fake.release("killed");
      await screen.reads("w1 w2");
      await server.hasKept(2);
      await server.kill();
      await screen.isLit("offline");
      await screen.reads("w1 w2");
      await server.start();
      await screen.says("▲ interrupted", screen.answer);
      await screen.reads("w1 w2");
      await screen.isLit("live");
      await screen.choose(lab("hello"));
      await screen.ask("and now?");
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      await expect.poll(() => screen.answers.count()).toBe(2);

      // The same again, with a reload: what is on the disk tells the same.
      await screen.choose(lab("killed"));
      await screen.ask("count again");
      await screen.reads("w1");
      await server.hasKept(1);
      await server.kill();
      await server.start();
      await screen.reload();
      await screen.says("▲ interrupted", screen.answer);
      await screen.reads("w1");
      await expect
        .poll(async () => (await screen.stored()).map(message => message.status))
        .toEqual(["complete", "interrupted", "complete", "complete", "complete", "interrupted"]);
    },
  );

  journey(
    "a prompt sent while the server is away is kept, and asked once",
    { device: "phone", breaksTheLine: true, withWorker: true },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(lab("late"));
      await server.kill();
      await screen.ask("are you there?");
      await screen.says("are you there?");
      await screen.says(/○ offline · it is sent as soon as the server can be reached/);
      await screen.prompt.fill("typed meanwhile");
      await server.start();
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      await expect.poll(() => screen.prompts.count()).toBe(1);
      expect(await fake.timesAsked("late")).toBe(1);
      await expect.poll(() => screen.prompt.inputValue()).toBe("typed meanwhile");
    },
  );

  journey(
    "with nothing on its way: offline while it is, live when it is not any more",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const line = await ownLine();
      await screen.goto("/", line.url);
      await line.cut();
      await screen.page.evaluate(() => window.dispatchEvent(new Event("offline")));
      await screen.isLit("offline");
      await line.mend();
      await screen.isLit("live");
    },
  );

  journey(
    "what is asked in one tab is answered in the other too",
    { model: lab("echo"), withWorker: true },
    async screen => {
      await screen.goto();
      await screen.ask("first");
      await screen.settled();
      const other = await screen.context.newPage();
      await other.goto(screen.page.url());
      await other.getByRole("article", { name: "prompt", exact: true }).getByText("first").waitFor();
      await screen.ask("second");
      await screen.settled();
      const answers = other.getByRole("article", { name: /^answer by/ });
      await expect
        .poll(() => answers.allInnerTexts())
        .toEqual([expect.stringMatching(/^first/), expect.stringMatching(/^second/)]);
    },
  );
});
