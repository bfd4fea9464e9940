import type { Locator } from "playwright-core";
import { describe, expect } from "vitest";
import { fake, journey, ownServer, type Screen } from "./support/journey.ts";
import { lab, MODELS } from "./support/models.ts";
import { tooSmall } from "./support/reach.ts";

describe("under the fingers", () => {
  journey(
    "a draft survives a reload, and typing goes on while an answer comes",
    { device: "phone", model: lab("waited") },
    async screen => {
      await screen.goto();
      await screen.prompt.fill("half a thought");
      await screen.reload();
      await expect.poll(() => screen.prompt.inputValue()).toBe("half a thought");
      await screen.ask("first");
      await screen.reads("w1");
      await expect.poll(() => screen.prompt.inputValue()).toBe("");
      await screen.prompt.pressSequentially("sec");
      await fake.release("waited");
      await screen.reads("w1 w2");
      await screen.prompt.pressSequentially("ond");
      await expect.poll(() => screen.prompt.inputValue()).toBe("second");
      await screen.press(screen.button("send"));
      await screen.says(/◌ queued/);
      await fake.release("waited", null);
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      await expect
        .poll(async () => (await screen.stored()).map(message => message.content))
        .toEqual(["first", "w1 w2 ", "second", "Hello, world! ⚡"]);
    },
  );

  journey("who scrolls up is left alone, and ↓ new leads back", { model: lab("scrolled") }, async screen => {
    const top = () => screen.page.locator(".scroller").evaluate(element => element.scrollTop);
    const toEnd = () =>
      screen.page.locator(".scroller").evaluate(it => it.scrollHeight - it.clientHeight - it.scrollTop);
    await screen.goto();
    await screen.page.setViewportSize({ width: 600, height: 500 });
    await screen.ask("a long one");
    await screen.settled();
    await screen.ask("and another");
    await screen.reads("w1");
    await expect.poll(toEnd).toBeLessThan(1);
    await screen.log.hover();
    const end = await top();
    await screen.page.mouse.wheel(0, -300);
    await screen.button("↓ end").waitFor();
    // Chromium takes its time to turn a wheel.
    await expect.poll(top).toBeCloseTo(end - 300, 0);
    const before = await top();
    await fake.release("scrolled");
    await screen.reads("w1 w2");
    expect(await top()).toBe(before);
    await screen.button("↓ new").click();
    await expect.poll(toEnd).toBeLessThan(1);
    await fake.release("scrolled", null);
    await screen.settled();
    await expect.poll(toEnd).toBeLessThan(1);
    await expect.poll(() => screen.button(/^↓/).isVisible()).toBe(false);
  });

  journey("a thought that opens leaves its line under the finger", { device: "phone" }, async screen => {
    await screen.goto();
    await screen.choose(lab("long"));
    await screen.ask("a long one");
    await screen.settled();
    await screen.choose("gpt-fake-reasoning");
    await screen.ask("think first");
    await screen.settled();
    const line = screen.answer.getByText(/^thought/);
    const top = () => line.evaluate(it => it.getBoundingClientRect().top);
    const before = await top();
    await screen.press(line);
    await screen.answer.getByText("First, think.").waitFor();
    await screen.isPainted();
    expect(await top()).toBe(before);
    await screen.button("↓ end").waitFor();
    await screen.press(line);
    await screen.button("↓ end").waitFor({ state: "hidden" });
    expect(await top()).toBe(before);
  });

  journey("a slow finger is not pulled back by what arrives", { model: lab("talkative") }, async screen => {
    await screen.goto();
    await screen.page.setViewportSize({ width: 600, height: 400 });
    await screen.ask("talk and talk");
    const room = () => screen.page.locator(".scroller").evaluate(it => it.scrollHeight - it.clientHeight);
    await expect.poll(room).toBeGreaterThan(100);
    await screen.log.hover();
    for (let step = 0; step < 5; step++) {
      await screen.page.mouse.wheel(0, -4);
      await screen.isPainted();
    }
    await screen.button("↓ new").waitFor();
    await expect.poll(() => screen.answer.getAttribute("aria-busy")).toBe("true");
  });

  journey(
    "the drawer: closed after a reload, and nothing under its veil is reached",
    { device: "phone" },
    async screen => {
      const drawer = screen.page.getByRole("navigation", { name: "conversations" });
      await screen.goto();
      await screen.press(screen.button("conversations"));
      await drawer.waitFor();
      const takesFocus = (it: HTMLElement) => {
        it.focus();
        return document.activeElement === it;
      };
      await expect.poll(() => screen.prompt.evaluate(takesFocus)).toBe(false);
      await screen.reload();
      await screen.press(screen.button("conversations"));
      await drawer.waitFor();
      await screen.press(screen.button("conversations"));
      await drawer.waitFor({ state: "detached" });
      await screen.prompt.fill("free again");
    },
  );

  journey("a row of the list opens wherever it is pressed", { device: "phone", model: lab("hello") }, async screen => {
    const drawer = screen.page.getByRole("navigation", { name: "conversations" });
    await screen.goto();
    await screen.ask("a row to press");
    await screen.settled();
    const { pathname } = new URL(screen.page.url());
    for (const size of ["100%", "200%"]) {
      for (const part of [0.1, 0.5, 0.9]) {
        await screen.goto();
        await screen.page.evaluate(to => document.documentElement.style.setProperty("font-size", to), size);
        await screen.press(screen.button("list"));
        const row = drawer.getByRole("link", { name: /a row to press/ }).first();
        await row.waitFor();
        await screen.page.evaluate(() => Promise.all(document.getAnimations().map(animation => animation.finished)));
        const box = await row.boundingBox();
        if (!box) throw new Error("the row is nowhere");
        await screen.page.touchscreen.tap(box.x + part * box.width, box.y + box.height / 2);
        await expect.poll(() => new URL(screen.page.url()).pathname).toBe(pathname);
      }
    }
  });

  journey("a keyboard beside a touch screen filters the palette", { device: "phone" }, async screen => {
    await screen.goto();
    await screen.page.keyboard.press("Control+k");
    const palette = screen.page.getByRole("dialog", { name: "everything" });
    await palette.waitFor();
    await screen.page.keyboard.type("theme");
    await palette.getByRole("option", { name: "/theme", selected: true }).waitFor();
    expect(await palette.getByRole("combobox").inputValue()).toBe("theme");
  });

  for (const device of ["phone", "desktop"] as const) {
    journey(`nothing moves while an answer streams, on a ${device}`, { device }, async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await isEquipped(screen);
      for (const model of ["gpt-fake-reasoning", lab("long"), MODELS.openai, lab("short")]) {
        await screen.choose(model);
        await watchShifts(screen);
        await screen.ask("say something");
        await screen.settled();
        expect({ model, shifts: await shifts(screen) }).toEqual({ model, shifts: [] });
      }
      await screen.choose(lab("long"));
      await screen.command(`/compare ${lab("long")} gpt-fake-reasoning ${lab("short")}`);
      await screen.ask("all of you");
      await watchShifts(screen);
      await expect.poll(() => screen.page.locator(".column .receipt").count()).toBe(3);
      expect({ model: "several", shifts: await shifts(screen) }).toEqual({ model: "several", shifts: [] });
    });
  }

  journey("every key can be hit with a thumb", { device: "phone", model: lab("pressed") }, async screen => {
    await screen.goto();
    await screen.ask("keys, please");
    await screen.settled();
    await screen.press(screen.button("retry", screen.answer));
    await screen.answer.getByText("2/2").waitFor();
    await screen.settled();
    await screen.choose(MODELS.openai);
    await screen.ask("show me everything");
    await screen.settled();
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await screen.prompt.fill("/");
    await screen.page.getByRole("listbox", { name: "commands" }).waitFor();
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await screen.prompt.fill("");
    await screen.press(screen.button("conversations"));
    await screen.page.getByRole("navigation").getByRole("link").first().waitFor();
    await screen.page.evaluate(() => Promise.all(document.getAnimations().map(animation => animation.finished)));
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    await screen.press(screen.button("conversations"));
    await screen.press(screen.button("model"));
    await screen.page.getByRole("dialog").waitFor();
    await expect.poll(() => tooSmall(screen)).toEqual([]);
    const size = (what: Locator) => what.evaluate(element => Number.parseFloat(getComputedStyle(element).fontSize));
    expect(await size(screen.prompt)).toBeGreaterThanOrEqual(16);
    expect(await size(screen.page.getByRole("dialog"))).toBeGreaterThanOrEqual(16);
  });
});

/** What the first answer needs is here: the page fetches it when it has nothing else to do. */
async function isEquipped(screen: Screen): Promise<void> {
  await screen.page.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => /\/markdown-view-[^/]+\.js$/.test(name)),
  );
}

/** From now on it is noted what moves. The list beside the page may make room for a conversation that was just begun. */
async function watchShifts(screen: Screen): Promise<void> {
  await screen.page.evaluate(async () => {
    await document.fonts.ready;
    type Source = { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly };
    type Shift = PerformanceEntry & { sources: Source[]; hadRecentInput: boolean };
    const shifts: string[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver(list => {
      for (const entry of list.getEntries() as Shift[]) {
        const moved = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement));
        if (entry.hadRecentInput && moved.every(element => element?.closest(".conversations"))) continue;
        // What the scroller made up for in the same frame is counted, too, and stays where it is.
        const isInPlace = ({ previousRect: from, currentRect: to }: Source) => from.x === to.x && from.y === to.y;
        if (entry.sources.every(isInPlace)) continue;
        const places = entry.sources.map(
          ({ previousRect: from, currentRect: to }) => `${from.x},${from.y} to ${to.x},${to.y}`,
        );
        shifts.push(moved.map((element, at) => `${element?.outerHTML.slice(0, 120)} from ${places[at]}`).join("; "));
      }
    }).observe({ type: "layout-shift" });
  });
}

/** What has moved; the observer is told after the paint. */
async function shifts(screen: Screen): Promise<string[]> {
  await screen.isPainted();
  return screen.page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts);
}
