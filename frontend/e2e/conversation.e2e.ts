import { describe, expect } from "vitest";
import { fake, journey, ownServer, type Screen } from "./support/journey.ts";
import { lab, MODELS } from "./support/models.ts";
import { tooSmall, violations } from "./support/reach.ts";

const column = (screen: Screen, model: string) =>
  screen.page.locator(".column").filter({ has: screen.page.getByRole("article", { name: `answer by ${lab(model)}` }) });
const unsent = (screen: Screen) => screen.page.getByRole("article", { name: "unsent prompt" });

describe("the tree, by thumb", () => {
  journey(
    "a prompt is edited, both can be read, and a fork goes on alone",
    { device: "phone", model: lab("echo") },
    async screen => {
      await screen.goto();
      await screen.ask("the first wording");
      await screen.settled();
      await screen.prompt.fill("a draft that waits");
      await screen.press(screen.button("edit", screen.prompts.last()));
      await screen.says(/^editing · makes a second version/, screen.page);
      await expect.poll(() => screen.prompt.inputValue()).toBe("the first wording");
      // What is half edited is there after a reload, and so is the draft.
      await screen.prompt.fill("the second wording");
      await screen.reload();
      await expect.poll(() => screen.prompt.inputValue()).toBe("the second wording");
      await expect.poll(() => tooSmall(screen)).toEqual([]);
      await screen.press(screen.button("send"));
      await screen.reads("the second wording");
      await screen.settled();
      await expect.poll(() => screen.prompt.inputValue()).toBe("a draft that waits");
      await screen.prompt.fill("");
      await expect.poll(() => screen.prompts.count()).toBe(1);
      await screen.press(screen.button("previous prompt"));
      await screen.reads("the first wording");
      await screen.press(screen.button("next prompt"));
      await screen.reads("the second wording");
      await expect
        .poll(async () => (await screen.stored()).map(({ parent_id }) => parent_id === null))
        .toEqual([true, false, true, false]);

      const old = screen.conversationId;
      await screen.press(screen.button("fork", screen.answer));
      await expect.poll(() => screen.conversationId).not.toBe(old);
      await screen.reads("the second wording");
      await screen.says("a copy of “the first wording”, up to here. the old one stays as it is");
      await screen.page.getByRole("heading", { name: /^the first wording \(\d+\)$/, level: 1 }).waitFor();
      await expect.poll(async () => (await screen.stored()).length).toBe(2);
      await screen.page.goBack();
      await expect.poll(() => screen.conversationId).toBe(old);
      await screen.says("‹");
      await screen.command("/clone");
      await expect.poll(() => screen.conversationId).not.toBe(old);
      await expect.poll(async () => (await screen.stored()).length).toBe(4);
    },
  );

  journey(
    "another answer by a model that is chosen on the spot",
    { device: "phone", model: lab("hello") },
    async screen => {
      await screen.goto();
      await screen.ask("who are you?");
      await screen.settled();
      await screen.press(screen.button("retry with another model", screen.answer));
      const picker = screen.page.getByRole("dialog", { name: "retry with" });
      await screen.press(picker.getByRole("option", { name: lab("echo"), exact: false }));
      await screen.reads("who are you?");
      await screen.page.getByRole("article", { name: `answer by ${lab("echo")}` }).waitFor();
      await screen.answer.getByText("2/2").waitFor();
      await screen.settled();
      // Trying another model once is not choosing it.
      await screen.button(`model: ${lab("hello")}`).waitFor();
      await screen.press(screen.button("compare", screen.answer));
      await column(screen, "hello").waitFor();
      await expect.poll(() => screen.answers.count()).toBe(2);
      await screen.press(screen.button("show one"));
      await screen.answer.getByText("2/2").waitFor();
    },
  );

  journey("an answer that was cut short goes on", { device: "phone", model: lab("cut-short") }, async screen => {
    await screen.goto();
    await screen.ask("a long story");
    await screen.says("cut short", screen.answer);
    await screen.press(screen.button("continue", screen.answer));
    await screen.reads("w1 w2 w3");
    await screen.settled();
    const stored = await screen.stored();
    expect(stored.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(stored[2]).toMatchObject({ parent_id: stored[1]?.id, content: "Continue exactly where you stopped." });
  });
});

describe("several models at once", () => {
  journey(
    "on a phone: asked, swiped, one stopped, one kept",
    { device: "phone", model: lab("hello") },
    async screen => {
      const models = ["first-compared", "second-compared", "third-compared"];
      await screen.goto();
      await screen.command("/compare");
      const picker = screen.page.getByRole("dialog", { name: "compare" });
      await picker.waitFor();
      await screen.press(picker.getByRole("option", { name: lab("hello"), exact: false }));
      for (const model of models) await screen.press(picker.getByRole("option", { name: lab(model), exact: false }));
      await expect.poll(() => violations(screen)).toEqual([]);
      await screen.press(screen.button("compare 3", picker));
      await screen.button(`models: ${models.map(lab).join(", ")}`).waitFor();
      await screen.ask("tell me");
      for (const model of models.slice(0, 2)) await screen.reads("w1", column(screen, model));
      // What becomes of one is nothing to the others.
      await screen.says("▲ error", column(screen, "third-compared"));
      await expect.poll(() => tooSmall(screen)).toEqual([]);
      await expect.poll(() => violations(screen)).toEqual([]);
      await screen.press(screen.button("next column"));
      await screen.page.getByText("2/3").waitFor();
      // The next prompt would follow what is read.
      await screen.isKept(2);
      await fake.release("second-compared");
      await screen.reads("w1 w2", column(screen, "second-compared"));
      await screen.press(screen.button(`stop: ${lab("second-compared")}`));
      await screen.says("■ stopped", column(screen, "second-compared"));
      await expect.poll(() => screen.read(column(screen, "first-compared"))).toBe("w1");

      await screen.reload();
      await screen.page.getByText("2/3").waitFor();
      await screen.reads("w1", column(screen, "first-compared"));
      await fake.release("first-compared", null);
      await screen.reads("w1 w2 w3", column(screen, "first-compared"));
      await screen.press(screen.button("previous column"));
      await screen.press(screen.button(`keep this one: ${lab("first-compared")}`));
      await screen.answer.getByText("1/3").waitFor();
      await screen.button(`model: ${lab("first-compared")}`).waitFor();
      await screen.isKept(1);
      await screen.reload();
      await screen.reads("w1 w2 w3");
      await expect.poll(() => screen.answers.count()).toBe(1);
      expect(await fake.timesAsked("first-compared")).toBe(1);
      expect(await fake.timesAsked("second-compared")).toBe(1);
    },
  );
});

describe("several models at once, of which one says more", () => {
  journey("on a phone the end of what is read is in view", { device: "phone", model: lab("hello") }, async screen => {
    const isEndInView = (model: string) =>
      column(screen, model)
        .locator(".receipt, .tally")
        .evaluate(it => it.getBoundingClientRect().top > 0 && it.getBoundingClientRect().bottom < innerHeight);
    await screen.goto();
    await screen.command(`/compare ${lab("hello")} ${lab("talkative")}`);
    await screen.ask("tell me");
    await expect.poll(async () => (await screen.read(column(screen, "talkative"))).length).toBeGreaterThan(2_000);
    await screen.reads("Hello, world! ⚡", column(screen, "hello"));
    await expect.poll(() => isEndInView("hello")).toBe(true);
    await screen.press(screen.button("next column"));
    await expect.poll(() => isEndInView("talkative")).toBe(true);
    await screen.isKept(2);
  });
});

describe("the next prompt, while an answer streams", () => {
  journey(
    "waits under it, is edited or removed, survives a reload, and goes out",
    { device: "phone", model: lab("queued") },
    async screen => {
      await screen.goto();
      await screen.ask("first");
      await screen.reads("w1");
      await screen.ask("second, misspelt");
      await screen.says("◌ queued", unsent(screen));
      await screen.ask("third");
      await screen.press(screen.button("remove", unsent(screen).filter({ hasText: "third" })));
      await unsent(screen).filter({ hasText: "third" }).waitFor({ state: "detached" });
      await screen.press(screen.button("edit", unsent(screen)));
      await expect.poll(() => screen.prompt.inputValue()).toBe("second, misspelt");
      await unsent(screen).waitFor({ state: "detached" });
      await screen.ask("second");
      await screen.hasNoted(["second"]);
      await screen.reload();
      await screen.says("◌ queued", unsent(screen));
      await expect.poll(() => tooSmall(screen)).toEqual([]);
      await fake.release("queued", null);
      await screen.settled();
      await screen.reads("second");
      await expect.poll(() => fake.timesAsked("queued")).toBe(2);
    },
  );

  journey("stays a draft when that answer is stopped", { model: lab("queued-in-vain") }, async screen => {
    await screen.goto();
    await screen.ask("first");
    await screen.reads("w1");
    await screen.ask("second");
    await screen.page.keyboard.press("Escape");
    await screen.says("the answer before it was stopped", unsent(screen));
    await screen.reload();
    await screen.says("the answer before it was stopped", unsent(screen));
    expect(await fake.timesAsked("queued-in-vain")).toBe(1);
    await screen.press(screen.button("send now", unsent(screen)));
    await screen.reads("second");
  });
});

describe("a budget that has no room", () => {
  journey(
    "says which and until when, and lets one prompt through",
    { device: "phone", model: MODELS.openai },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(MODELS.openai);
      await screen.ask("spend it");
      await screen.settled();
      const overrides = async () => {
        const { logs } = (await (await fetch(`${server.url}/api/usage/logs`)).json()) as {
          logs: { budget_override: boolean }[];
        };
        return logs.map(({ budget_override }) => budget_override);
      };
      await expect.poll(overrides).toEqual([false]);
      const made = await fetch(`${server.url}/api/budgets`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ period: "day", scope: "overall", limit: 0.00005 }),
      });
      expect(made.status).toBe(201);
      screen.forgives(/402/);
      await screen.ask("more than there is");
      await screen.says(/▲ over budget · \$\S+ a day for everything: \$\S+ is spent.* it begins anew/, unsent(screen));
      await screen.says("more than there is", unsent(screen));
      await expect.poll(() => tooSmall(screen)).toEqual([]);
      await screen.press(screen.button("send once anyway", unsent(screen)));
      await screen.settled();
      await expect
        .poll(async () => (await screen.stored()).map(({ status }) => status))
        .toEqual(Array(4).fill("complete"));
      await expect.poll(overrides).toEqual([true, false]);
      await screen.ask("and again");
      await screen.says("▲ over budget", unsent(screen));
    },
  );
});

describe("a text that begins like a command", () => {
  journey(
    "is explained and kept; what was typed is in the history as it was",
    { model: lab("hello") },
    async screen => {
      await screen.goto();
      await screen.ask("something precious");
      await screen.settled();
      const { conversationId } = screen;
      const letter = "/delete the second paragraph of this letter:\n\nDear landlord";
      await screen.command(letter);
      await screen.says("/delete takes nothing after it");
      await expect.poll(() => screen.prompt.inputValue()).toBe(letter);
      expect(screen.conversationId).toBe(conversationId);
      await screen.command(`/${letter}`);
      await screen.says("Dear landlord", screen.prompts.last());
      // What was put right is not complained about any more.
      await expect.poll(() => screen.log.getByRole("alert").count()).toBe(0);
      await screen.settled();
      await screen.prompt.press("ArrowUp");
      await expect.poll(() => screen.prompt.inputValue()).toBe(`/${letter}`);
    },
  );
});

describe("by keyboard alone, at a desk", () => {
  journey("compare, keep, edit, step between branches, retry, go on", { model: lab("hello") }, async screen => {
    const { keyboard } = screen.page;
    await screen.goto();
    await screen.hasFocus();
    await keyboard.type(`/compare ${lab("hello")} ${lab("echo")} ping pong`);
    await keyboard.press("Enter");
    await screen.reads("ping pong", column(screen, "echo"));
    await screen.reads("Hello, world! ⚡", column(screen, "hello"));
    await screen.button(/^keep this one: /, column(screen, "hello")).waitFor();
    await expect.poll(() => violations(screen)).toEqual([]);
    await screen.button(/^keep this one: /, column(screen, "hello")).focus();
    await keyboard.press("Enter");
    await screen.answer.getByText("1/2").waitFor();
    await screen.prompt.focus();
    await keyboard.press("Alt+.");
    await screen.reads("ping pong");
    await keyboard.press("Alt+,");
    await screen.reads("Hello, world! ⚡");
    await keyboard.press("Alt+e");
    await expect.poll(() => screen.prompt.inputValue()).toBe("ping pong");
    await keyboard.press("Escape");
    await expect.poll(() => screen.prompt.inputValue()).toBe("");
    await keyboard.press("Alt+e");
    await expect.poll(() => screen.prompt.inputValue()).toBe("ping pong");
    await screen.hasFocus();
    await keyboard.type(" again");
    await keyboard.press("Enter");
    await screen.says("ping pong again", screen.prompts.last());
    await screen.settled();
    await keyboard.press("Alt+r");
    await screen.answer.getByText("2/2").waitFor();
    await screen.settled();
    await keyboard.press("Alt+c");
    await screen.says("continued", screen.prompts.last());
    await expect.poll(() => screen.button("edit", screen.prompts.last()).count()).toBe(0);
    await screen.settled();
  });
});
