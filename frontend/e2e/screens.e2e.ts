import type { Download, Locator } from "playwright-core";
import { describe, expect } from "vitest";
import type { Budget, Device, UsageSummary } from "../src/api/types.ts";
import { SCREENS } from "../src/routes.ts";
import { THEMES, type Theme } from "../src/state/preferences.ts";
import { journey, ownServer, type Screen } from "./support/journey.ts";
import { lab, MODELS } from "./support/models.ts";
import { sideways, tooSmall, violations } from "./support/reach.ts";

describe("every screen", () => {
  for (const device of ["phone", "desktop"] as const) {
    journey(`can be read by everyone, in every theme, on a ${device}`, { device }, async screen => {
      const server = await ownServer();
      await somethingHappened(screen, server.url);
      const dialog = screen.page.getByRole("dialog");
      for (const view of SCREENS) {
        await screen.goto(`/${view}`);
        await isOpen(screen, view);
        await expect.poll(async () => ({ view, sideways: await sideways(screen) })).toEqual({ view, sideways: [] });
        if (device === "phone")
          await expect.poll(async () => ({ view, small: await tooSmall(screen) })).toEqual({ view, small: [] });
        for (const theme of THEMES) await isReadable(screen, theme, view);
      }
      await screen.goto();
      for (const theme of THEMES) {
        await isReadable(screen, theme, "nothing said");
        await screen.prompt.fill("/");
        await screen.page.getByRole("listbox", { name: "commands" }).waitFor();
        await isReadable(screen, theme, "commands");
        await screen.prompt.fill("");
        if (device === "phone") {
          await screen.press(screen.button("conversations"));
          await screen.page.getByRole("navigation", { name: "screens" }).waitFor();
          await isReadable(screen, theme, "drawer");
          await screen.press(screen.button("conversations"));
        }
        for (const name of ["model", "theme", "open"]) {
          await screen.command(`/${name}`);
          await dialog.waitFor();
          await isReadable(screen, theme, name);
          await screen.press(screen.button("close", dialog));
          await dialog.waitFor({ state: "detached" });
        }
      }
    });

    journey(
      `has an address, a title, a name, and a way back, on a ${device}`,
      { device, model: lab("hello") },
      async screen => {
        await screen.goto();
        await screen.ask("hello?");
        await screen.settled();
        const conversation = new URL(screen.page.url()).pathname;
        await expect.poll(() => screen.page.title()).toBe("hello? · llm router");
        for (const view of SCREENS) {
          await screen.command(`/${view}`);
          await isOpen(screen, view);
          await expect.poll(() => new URL(screen.page.url()).pathname).toBe(`/${view}`);
          await expect.poll(() => screen.page.title()).toMatch(new RegExp(`^${view}.* · llm router$`));
          await expect.poll(() => heading(screen, view).evaluate(it => it === document.activeElement)).toBe(true);
          await expect.poll(() => screen.log.isVisible()).toBe(false);
          await screen.page.goBack();
          await screen.log.waitFor();
          await expect.poll(() => new URL(screen.page.url()).pathname).toBe(conversation);
          await expect.poll(() => screen.page.title()).toBe("hello? · llm router");
        }
        await screen.page.goForward();
        await isOpen(screen, "help");
        await screen.reload();
        await isOpen(screen, "help");
        await screen.press(screen.button("close help"));
        await screen.log.waitFor();
      },
    );

    journey(`loses nothing at twice the size, on a ${device}`, { device }, async screen => {
      const server = await ownServer();
      await somethingHappened(screen, server.url);
      await screen.goto("/settings");
      await isOpen(screen, "settings");
      await screen.press(screen.button("200 %"));
      for (const view of SCREENS) {
        await screen.goto(`/${view}`);
        await isOpen(screen, view);
        await expect.poll(async () => ({ view, sideways: await sideways(screen) })).toEqual({ view, sideways: [] });
        const room = () => screen.page.getByRole("main").evaluate(it => it.clientHeight);
        await expect.poll(room).toBeGreaterThan(200);
      }
      const size = await screen.prompt.evaluate(it => getComputedStyle(it).fontSize);
      expect(size).toBe("32px");
    });
  }

  journey("is reached from the drawer, and back is one step", { device: "phone" }, async screen => {
    await screen.goto("/help");
    await isOpen(screen, "help");
    await screen.press(screen.button("conversations"));
    const links = screen.page.getByRole("navigation", { name: "screens" });
    await screen.press(links.getByRole("link", { name: "models" }));
    await isOpen(screen, "models");
    await links.waitFor({ state: "hidden" });
    await screen.page.goBack();
    await isOpen(screen, "help");
  });

  journey("says so where it can't be fetched, and lets the prompt be", { breaksTheLine: true }, async screen => {
    await screen.goto();
    await screen.page.route("**/assets/usage-screen-*.js", route => route.abort());
    await screen.command("/usage");
    await screen.page
      .getByRole("alert")
      .getByText(/could not be fetched/)
      .waitFor();
    await screen.prompt.fill("still here");
    await screen.page.unroute("**/assets/usage-screen-*.js");
    await screen.press(screen.button("try again"));
    await isOpen(screen, "usage");
    await expect.poll(() => screen.prompt.inputValue()).toBe("still here");
  });
});

describe("the prompt", () => {
  journey("sends from every screen, and the answer is read where it belongs", { model: lab("hello") }, async screen => {
    await screen.goto("/usage");
    await isOpen(screen, "usage");
    await screen.ask("hello from elsewhere");
    await screen.reads("Hello, world! ⚡");
    await screen.settled();
    await expect.poll(() => new URL(screen.page.url()).pathname).toMatch(/^\/c\//);
  });

  journey(
    "a conversation that begins while another screen is read is found on the way back",
    { model: lab("hello") },
    async screen => {
      let letGo = () => {};
      const held = new Promise<void>(resolve => {
        letGo = resolve;
      });
      await screen.page.route("**/api/chat/stream", route => held.then(() => route.continue()));
      await screen.goto();
      await screen.ask("born elsewhere");
      await screen.command("/help");
      await isOpen(screen, "help");
      letGo();
      const list = screen.page.getByRole("navigation", { name: "conversations" });
      await list.getByRole("link", { name: /born elsewhere/ }).waitFor();
      await expect.poll(() => new URL(screen.page.url()).pathname).toBe("/help");
      await screen.page.goBack();
      await screen.reads("Hello, world! ⚡");
      await expect.poll(async () => (await screen.stored())[0]?.content).toBe("born elsewhere");
    },
  );
});

describe("by keyboard alone", () => {
  journey("there, around, and back to the prompt", {}, async screen => {
    const { keyboard } = screen.page;
    const isFocused = (what: Locator) =>
      expect.poll(() => what.evaluate(it => it === document.activeElement)).toBe(true);
    await screen.goto();
    await screen.hasFocus();
    await keyboard.type("/us");
    await keyboard.press("Enter");
    await isOpen(screen, "usage");
    await isFocused(heading(screen, "usage"));
    await keyboard.press("Tab");
    await isFocused(screen.button("close usage"));
    await keyboard.press("Tab");
    await keyboard.press("Tab");
    await isFocused(screen.button("7 days"));
    await keyboard.press("Enter");
    await screen.page.getByRole("heading", { name: "usage · 7 days" }).waitFor();
    // A slash is a command from wherever the focus is.
    await keyboard.type("/models");
    await keyboard.press("Enter");
    await isOpen(screen, "models");
    await isFocused(heading(screen, "models"));
    await keyboard.press("Escape");
    await isOpen(screen, "usage");
    await isFocused(heading(screen, "usage"));
    await keyboard.press("Escape");
    await screen.log.waitFor();
    await screen.hasFocus();
  });

  journey("the palette finds commands, conversations and models", { model: lab("hello") }, async screen => {
    const { keyboard } = screen.page;
    await screen.goto();
    await screen.ask("zebra crossings");
    await screen.settled();
    await screen.command("/new");
    const palette = screen.page.getByRole("dialog", { name: "everything" });
    const find = async (words: string, found: string | RegExp) => {
      await keyboard.press("Control+k");
      await palette.waitFor();
      await keyboard.type(words);
      await palette.getByRole("option", { name: found, selected: true }).waitFor();
      await expect.poll(() => violations(screen)).toEqual([]);
      await keyboard.press("Enter");
      await palette.waitFor({ state: "detached" });
      await screen.isPainted();
    };
    await find("sttngs", /^\/settings/);
    await isOpen(screen, "settings");
    await find("zebra cro", /zebra/);
    await screen.reads("Hello, world! ⚡");
    await find("lab echo", /lab\/echo/);
    await screen.button(`model: ${lab("echo")}`).waitFor();
  });
});

describe("commands", () => {
  journey("that are not there explain themselves and stay in the prompt", { device: "phone" }, async screen => {
    await screen.goto();
    await screen.command("/exprot json");
    await screen.says(/no command \/exprot\. did you mean \/export\?/);
    await expect.poll(() => screen.prompt.inputValue()).toBe("/exprot json");
    await screen.command("/temp warm");
    await screen.says(/from 0 to 2/);
    await expect.poll(() => screen.prompt.inputValue()).toBe("/temp warm");
    // On another screen they are said above the prompt.
    await screen.goto("/help");
    await isOpen(screen, "help");
    await screen.command("/theme pink");
    await screen.page
      .getByRole("status", { name: "notices" })
      .getByText(/themes are/)
      .waitFor();
    await expect.poll(() => violations(screen)).toEqual([]);
    await expect.poll(() => tooSmall(screen)).toEqual([]);
  });

  journey("a double slash sends one", { model: lab("echo") }, async screen => {
    await screen.goto();
    await screen.command("//etc/hosts, what is it?");
    await screen.reads("/etc/hosts, what is it?");
    await screen.settled();
    await expect.poll(async () => (await screen.stored())[0]?.content).toBe("/etc/hosts, what is it?");
  });

  journey("save the conversation as a file", { model: lab("hello") }, async screen => {
    await screen.goto();
    await screen.ask("../a name: with/slashes");
    await screen.settled();
    const saved = async (command: string) => {
      const [download] = await Promise.all([screen.page.waitForEvent("download"), screen.command(command)]);
      return { name: download.suggestedFilename(), text: await textOf(download) };
    };
    const markdown = await saved("/export");
    expect(markdown.name).toBe("a-name-with-slashes.md");
    expect(markdown.text).toContain("## prompt\n\n../a name: with/slashes\n\n## lab/hello\n\nHello, world! ⚡");
    const json = await saved("/export json");
    expect(json.name).toBe("a-name-with-slashes.json");
    expect(JSON.parse(json.text).messages.map((it: { id: string }) => it.id)).toEqual(
      (await screen.stored()).map(it => it.id),
    );
    await screen.command("/copy");
    await screen.page.getByText("copied the last answer").waitFor();
    expect(await screen.page.evaluate(() => navigator.clipboard.readText())).toBe("Hello, world! ⚡");
  });

  journey(
    "a deletion can be undone, by thumb; who leaves has deleted",
    { device: "phone", model: lab("hello") },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(lab("hello"));
      await screen.ask("precious");
      await screen.settled();
      const id = screen.conversationId;
      const status = async () => (await fetch(`${server.url}/api/conversations/${id}`)).status;
      await screen.command("/delete");
      await screen.page.getByText(/deleted “precious”/).waitFor();
      await screen.page.getByText("0.2.0").waitFor();
      await expect.poll(() => tooSmall(screen)).toEqual([]);
      await screen.press(screen.button("undo"));
      await screen.reads("Hello, world! ⚡");
      expect(await status()).toBe(200);
      await screen.command("/delete");
      await screen.page.getByText(/deleted “precious”/).waitFor();
      await screen.page.goto("about:blank");
      await expect.poll(status).toBe(404);
    },
  );
});

describe("usage", () => {
  journey("says what the server says, by model, day, device and certainty", {}, async screen => {
    const server = await ownServer();
    await somethingHappened(screen, server.url);
    const booked = async () => (await (await fetch(`${server.url}/api/usage/summary`)).json()) as UsageSummary;
    await expect.poll(async () => (await booked()).totals.requests).toBe(3);
    const summary = await booked();
    await screen.goto("/usage");
    await isOpen(screen, "usage");
    const page = screen.page.getByRole("region", { name: "usage", exact: true });
    await page.getByText(/how sure/).waitFor();
    const rows = page.getByRole("table", { name: "spent by model" }).getByRole("row");
    await expect.poll(() => rows.count()).toBe(summary.by_model.length + 1);
    for (const { model } of summary.by_model) await page.getByRole("rowheader", { name: model, exact: true }).waitFor();
    const calls = page
      .locator("dt", { hasText: /^calls?/ })
      .locator("xpath=..")
      .locator("dd");
    await expect.poll(() => calls.innerText()).toBe(String(summary.totals.requests));
    await page.getByText("as a table").click();
    await page
      .getByRole("region", { name: "what was spent, as a table" })
      .getByRole("rowheader", { name: "today" })
      .waitFor();
    await page.getByRole("button", { name: "source" }).click();
    await page.getByRole("rowheader", { name: "web", exact: true }).waitFor();
    await page.getByText("the calls, one by one").click();
    await expect.poll(() => page.locator(".calls li").count()).toBe(summary.totals.requests);
    const csv = await fetch(server.url + (await page.getByRole("link", { name: /csv/ }).getAttribute("href")));
    expect(csv.headers.get("content-type")).toContain("text/csv");
    await expect.poll(() => violations(screen)).toEqual([]);
  });
});

describe("models", () => {
  journey("are sorted, filtered, explained and chosen, by thumb", { device: "phone" }, async screen => {
    await screen.goto("/models");
    await isOpen(screen, "models");
    const names = () => screen.page.locator(".models-table tbody th").allInnerTexts();
    await expect.poll(async () => (await names()).length).toBeGreaterThan(3);
    const sorted = await names();
    await screen.press(screen.button("model", screen.page.locator(".models-table")));
    await expect
      .poll(() => screen.page.getByRole("columnheader", { name: "model" }).getAttribute("aria-sort"))
      .toBe("descending");
    await expect.poll(async () => (await names())[0]).not.toBe(sorted[0]);
    await screen.page.getByRole("searchbox").fill("claude-sonnet-4-5 anthropic-priced");
    await expect.poll(async () => (await names()).length).toBe(1);
    await screen.press(screen.button(/claude-sonnet-4-5/, screen.page.locator(".models-table")));
    await screen.page
      .getByText(/^\$3 per M/)
      .first()
      .waitFor();
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await expect.poll(() => violations(screen)).toEqual([]);
    await screen.press(screen.button("use it"));
    await screen.button(`model: ${MODELS.anthropic}`).waitFor();
  });
});

describe("images", () => {
  journey("are made at a size, kept in the gallery, and asked for again", { device: "phone" }, async screen => {
    const server = await ownServer();
    await screen.goto("/", server.url);
    await screen.command("/image size=portrait quality=low a lighthouse");
    await screen.log.getByRole("img").waitFor();
    await screen.page.getByRole("heading", { name: "image: a lighthouse", level: 1 }).waitFor();
    await screen.command("/images");
    await isOpen(screen, "images");
    const picture = screen.page.getByRole("img", { name: "a lighthouse" });
    await picture.waitFor();
    await expect.poll(() => picture.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBeGreaterThan(0);
    await expect
      .poll(() => screen.page.getByRole("link", { name: "download" }).getAttribute("download"))
      .toBe("a-lighthouse.png");
    await expect.poll(() => violations(screen)).toEqual([]);
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await screen.press(screen.button(/^reuse prompt/));
    await expect.poll(() => screen.prompt.inputValue()).toBe("/image a lighthouse");
    await screen.press(screen.button(/^conversation/, screen.page.locator(".gallery-item")));
    await screen.log.getByRole("img").waitFor();
  });

  journey("are made again and changed as images, and never asked of a model that chats", {}, async screen => {
    const server = await ownServer();
    await screen.goto("/", server.url);
    await screen.command("/image a lighthouse size=portrait quality=low");
    await screen.log.getByRole("img").waitFor();
    await screen.press(screen.button("retry", screen.answer));
    await screen.prompts.getByText("2/2").waitFor();
    await screen.log.getByRole("img").waitFor();
    await screen.press(screen.button("edit", screen.prompts.last()));
    await expect
      .poll(() => screen.prompt.inputValue())
      .toMatch(/^\/image size=1024x1536 quality=low model=\S+ a lighthouse$/);
    await screen.prompt.press("End");
    await screen.page.keyboard.type(" at dusk");
    await screen.prompt.press("Enter");
    await screen.prompts.getByText("3/3").waitFor();
    await screen.log.getByRole("img").waitFor();
    expect(new Set((await screen.stored()).map(({ parent_id, role }) => role + (parent_id === null)))).toEqual(
      new Set(["usertrue", "assistantfalse"]),
    );
    const booked = (await (await fetch(`${server.url}/api/usage/summary`)).json()) as UsageSummary;
    expect(booked.by_model).toHaveLength(1);
    expect(booked.totals.requests).toBe(3);
    // The history has the command too.
    await screen.prompt.press("ArrowUp");
    await expect.poll(() => screen.prompt.inputValue()).toMatch(/^\/image .* at dusk$/);
  });
});

describe("settings", () => {
  journey("stay, and the owner's devices and budgets are kept by the server", { device: "phone" }, async screen => {
    const server = await ownServer();
    await screen.goto("/settings", server.url);
    await isOpen(screen, "settings");
    await screen.press(screen.button("paper"));
    await screen.page.locator("html[data-theme='paper']").waitFor();
    await screen.press(screen.button("125 %"));
    const effects = screen.page.getByRole("group", { name: "scan lines and glow" });
    await screen.press(screen.button("off", effects));
    await screen.reload();
    await isOpen(screen, "settings");
    await expect.poll(() => screen.button("paper").getAttribute("aria-pressed")).toBe("true");
    await expect.poll(() => screen.button("off", effects).getAttribute("aria-pressed")).toBe("true");
    await expect
      .poll(() => screen.page.evaluate(() => getComputedStyle(document.documentElement).fontSize))
      .toBe("20px");

    await screen.press(screen.button(/^rename /).first());
    await screen.page.getByRole("textbox", { name: "a name for this device" }).fill("pocket");
    await expect.poll(() => violations(screen)).toEqual([]);
    await screen.press(screen.button("ok"));
    await screen.button("rename pocket").waitFor();
    const devices = async () =>
      ((await (await fetch(`${server.url}/api/devices`)).json()) as { devices: Device[] }).devices;
    await expect.poll(async () => (await devices()).map(({ name }) => name)).toContain("pocket");

    const budgets = async () =>
      ((await (await fetch(`${server.url}/api/budgets`)).json()) as { budgets: Budget[] }).budgets;
    const limit = screen.page.getByRole("textbox", { name: "limit in dollars" });
    await limit.fill("five");
    await screen.press(screen.button("add budget"));
    await screen.page
      .getByRole("alert")
      .getByText(/an amount of dollars/)
      .waitFor();
    await limit.fill("0,50");
    await screen.page.getByRole("combobox", { name: "of what" }).selectOption("device");
    await screen.page.getByRole("combobox", { name: "which" }).selectOption({ label: "pocket" });
    await screen.press(screen.button("add budget"));
    await screen.button("remove $0.50 a day on pocket").waitFor();
    await expect.poll(budgets).toMatchObject([{ period: "day", scope: "device", limit: 0.5 }]);
    await expect.poll(() => violations(screen)).toEqual([]);
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await screen.press(screen.button(/^remove \$0\.50/));
    await screen.page.getByText(/nothing is held back/).waitFor();
    await expect.poll(budgets).toEqual([]);
    await screen.page
      .locator(".settings-screen")
      .getByText(/llm-router\.db$/)
      .waitFor();
  });
});

journey(
  "the mode line says what sending would cost, and never before it is asked",
  { model: MODELS.anthropic },
  async screen => {
    await screen.goto();
    const cost = screen.page.locator(".to-send");
    expect(await cost.innerText()).toBe("");
    await screen.prompt.fill("how much is the fish?");
    await expect.poll(() => cost.innerText()).toMatch(/^~\$0\.\d+ to send$/);
    await screen.prompt.fill("/model");
    await expect.poll(() => cost.innerText()).toBe("");
  },
);

async function textOf(download: Download): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

/** A server with two answers, an image and a failure on its books. */
async function somethingHappened(screen: Screen, url: string): Promise<void> {
  await screen.goto("/", url);
  await screen.choose(MODELS.anthropic);
  await screen.ask("say something");
  await screen.settled();
  await screen.choose(lab("hello"));
  await screen.ask("and something else");
  await screen.settled();
  await screen.command("/image a lighthouse");
  await screen.log.getByRole("img").waitFor();
}

function heading(screen: Screen, view: string): Locator {
  return screen.page.getByRole("heading", { name: view, level: 2, exact: true });
}

/**
 * In a theme axe has nothing to say. What is not a matter of colours is the same in all of them, and asked in the first.
 * "auto" is one of the others, whichever the system likes.
 */
async function isReadable(screen: Screen, theme: Theme, what: string): Promise<void> {
  if (theme === "auto") return;
  await screen.page.evaluate(theme => {
    document.documentElement.dataset.theme = theme;
  }, theme);
  const part = theme === THEMES.find(other => other !== "auto") ? "all" : "colours";
  await expect
    .poll(async () => ({ what, theme, violations: await violations(screen, part) }))
    .toEqual({ what, theme, violations: [] });
}

/** The screen itself is there, not only its name. */
async function isOpen(screen: Screen, view: string): Promise<void> {
  await screen.page.locator(`.${view}-screen`).waitFor();
  await heading(screen, view).waitFor();
  await expect
    .poll(() => screen.page.locator(`.${view}-screen [role="status"]:visible`, { hasText: "…" }).count())
    .toBe(0);
}
