/** The same day on every size of screen: by thumb where it is held, by keyboard alone at the desk; then in every theme. */

import type { Locator } from "playwright-core";
import { describe, expect } from "vitest";
import { THEMES } from "../src/state/preferences.ts";
import { type Device, fake, journey, ownLine, type Screen, squeeze } from "./support/journey.ts";
import { dayOn, lab } from "./support/models.ts";
import { sideways, tooSmall, violations } from "./support/reach.ts";

const DEVICES: readonly Device[] = ["small phone", "phone", "tablet", "desktop"];

/** What is done, by the hand that does it. */
interface Hand {
  send(text: string): Promise<void>;
  stop(): Promise<void>;
  edit(): Promise<void>;
  retry(): Promise<void>;
  earlier(): Promise<void>;
  keep(model: string): Promise<void>;
  twiceTheSize(): Promise<void>;
}

const columnOf = (screen: Screen, model: string) =>
  screen.page.locator(".column").filter({ has: screen.page.getByRole("article", { name: `answer by ${lab(model)}` }) });

const thumb = (screen: Screen): Hand => ({
  async send(text) {
    await screen.prompt.fill(text);
    await screen.press(screen.button("send"));
  },
  stop: () => screen.press(screen.button("stop")),
  edit: () => screen.press(screen.button("edit", screen.prompts.last())),
  retry: () => screen.press(screen.button("retry", screen.answer)),
  earlier: () => screen.press(screen.button("previous answer", screen.answer)),
  keep: model => screen.press(screen.button(`keep this one: ${lab(model)}`)),
  twiceTheSize: () => screen.press(screen.button("200 %")),
});

const keyboard = (screen: Screen): Hand => {
  const { keyboard } = screen.page;
  const tabTo = async (what: Locator, key: "Tab" | "Shift+Tab") => {
    for (let step = 0; step < 100; step++) {
      if (await what.evaluate(it => it === document.activeElement)) return;
      await keyboard.press(key);
    }
    throw new Error(`${what} can't be reached by ${key}`);
  };
  return {
    async send(text) {
      await screen.hasFocus();
      await keyboard.press("Control+a");
      await keyboard.type(text);
      await keyboard.press("Enter");
    },
    stop: () => keyboard.press("Escape"),
    edit: () => keyboard.press("Alt+e"),
    retry: () => keyboard.press("Alt+r"),
    earlier: () => keyboard.press("Alt+,"),
    async keep(model) {
      await tabTo(screen.button(`keep this one: ${lab(model)}`), "Shift+Tab");
      await keyboard.press("Enter");
      await tabTo(screen.prompt, "Tab");
    },
    async twiceTheSize() {
      await screen.page.getByRole("heading", { name: "settings", level: 2 }).waitFor();
      await tabTo(screen.button("200 %"), "Tab");
      await keyboard.press("Enter");
    },
  };
};

describe("a day", () => {
  for (const device of DEVICES) {
    const model = dayOn(device);
    journey(`on a ${device}`, { device, breaksTheLine: true, withWorker: true }, async screen => {
      const isHeld = device !== "desktop";
      const hand = isHeld ? thumb(screen) : keyboard(screen);
      const line = await ownLine();
      await screen.goto("/", line.url);
      await hand.send(`/model ${lab(model)}`);
      await screen.button(`model: ${lab(model)}`).waitFor();

      await hand.send("the first wording");
      await screen.reads("w1");
      await hand.stop();
      await screen.says("■ stopped", screen.answer);
      await hand.edit();
      await expect.poll(() => screen.prompt.inputValue()).toBe("the first wording");
      await hand.send("the second wording");
      await screen.reads("the second wording");
      await screen.settled();
      await hand.retry();
      await screen.answer.getByText("2/2").waitFor();
      await screen.settled();
      await hand.earlier();
      await screen.answer.getByText("1/2").waitFor();
      const old = screen.conversationId;
      await hand.send("/fork");
      await expect.poll(() => screen.conversationId).not.toBe(old);
      await screen.reads("the second wording");

      await hand.send("/image a lighthouse");
      await screen.log.getByRole("img").waitFor();
      await hand.send(`/compare ${lab("hello")} ${lab("echo")} ping pong`);
      await screen.reads("ping pong", columnOf(screen, "echo"));
      // Both are whole: behind one that is not the next prompt would wait.
      await expect.poll(() => screen.page.locator(".column .receipt").count()).toBe(2);
      await hand.keep("hello");
      await screen.answer.getByText("1/2").waitFor();
      // The server has been told as well.
      await screen.button(`model: ${lab("hello")}`).waitFor();

      await line.cut();
      await screen.isLit("offline");
      await hand.send("from a tunnel");
      await screen.says(/○ offline/);
      await line.mend();
      await screen.isLit("live");
      await screen.settled();
      await expect.poll(async () => (await screen.stored()).at(-2)?.content).toBe("from a tunnel");

      for (const [at, theme] of THEMES.entries()) {
        await hand.send(`/theme ${theme}`);
        await screen.page.locator(`html[data-theme="${theme === "auto" ? "paper" : theme}"]`).waitFor();
        await expect.poll(async () => ({ theme, sideways: await sideways(screen) })).toEqual({ theme, sideways: [] });
        // Colours do not hang on the size of the screen: on one of them all are looked at, elsewhere one.
        if (device !== "phone" && at !== DEVICES.indexOf(device)) continue;
        await expect
          .poll(async () => ({ theme, violations: await violations(screen) }))
          .toEqual({ theme, violations: [] });
      }
      if (isHeld) await expect.poll(() => tooSmall(screen)).toEqual([]);

      const other = await screen.context.newPage();
      await other.goto(screen.page.url());
      await hand.send("for both tabs");
      await other.getByRole("article", { name: "prompt", exact: true }).getByText("for both tabs").waitFor();
      await screen.settled();
      await screen.button("retry", other.getByRole("article", { name: /^answer by/ }).last()).waitFor();
      await other.close();

      await hand.send("/settings");
      await hand.twiceTheSize();
      await expect.poll(() => screen.prompt.evaluate(it => getComputedStyle(it).fontSize)).toBe("32px");
      await screen.page.goBack();
      await screen.log.waitFor();
      await expect.poll(() => sideways(screen)).toEqual([]);
      await expect.poll(() => screen.page.locator(".scroller").evaluate(it => it.clientHeight)).toBeGreaterThan(48);
    });
  }
});

describe("for everyone", () => {
  journey("zoomed to 200 %, and as far as a page can be, nothing is lost", { model: lab("echo") }, async screen => {
    await screen.goto();
    await screen.ask(`| a | table | of | words |\n|---|---|---|---|\n| ${"wide ".repeat(40)} | b | c | d |`);
    await screen.settled();
    // What zoom does to a window of 1440×900 and of 1280×1024: it has fewer pixels, each of them larger.
    for (const viewport of [
      { width: 720, height: 450 },
      { width: 320, height: 256 },
    ]) {
      await screen.page.setViewportSize(viewport);
      await expect
        .poll(async () => ({ viewport, sideways: await sideways(screen) }))
        .toEqual({ viewport, sideways: [] });
      await expect.poll(() => screen.page.locator(".scroller").evaluate(it => it.clientHeight)).toBeGreaterThan(48);
      await screen.prompt.fill("still here");
      await screen.press(screen.button("send"));
      await screen.settled();
      await screen.reads("still here");
    }
  });

  journey("more contrast is more contrast", { model: lab("hello") }, async screen => {
    const colour = (selector: string) =>
      screen.page
        .locator(selector)
        .first()
        .evaluate(it => getComputedStyle(it).color);
    await screen.goto();
    await screen.ask("hello?");
    await screen.settled();
    expect(await colour(".receipt")).not.toBe(await colour("body"));
    await screen.page.emulateMedia({ contrast: "more" });
    await expect.poll(() => colour(".receipt")).toBe(await colour("body"));
    await expect.poll(() => violations(screen)).toEqual([]);
  });

  journey("what a screen reader is told of a conversation", { model: lab("told") }, async screen => {
    await screen.goto();
    await screen.ask("count to three");
    await screen.reads("w1");
    const spoken = screen.page.locator(".announcer, [aria-live='polite']");
    await expect.poll(() => screen.log.getAttribute("aria-live")).toBe("off");
    await expect.poll(() => screen.answer.getAttribute("aria-busy")).toBe("true");
    await fake.release("told", null);
    await screen.settled();
    await expect.poll(() => screen.answer.getAttribute("aria-busy")).not.toBe("true");
    await expect.poll(async () => squeeze((await spoken.allInnerTexts()).join(" "))).toContain("w1 w2 w3");
    const tree = async (what: string) => {
      const snapshot = await screen.page.getByRole(what as "main").ariaSnapshot();
      return snapshot.replace(/[\d.]+ (s|tok\/s)\b/g, "N $1");
    };
    for (const part of ['heading "count to three" [level=1]', 'status "connection": ● live'])
      await expect.poll(() => tree("banner")).toContain(part);
    await expect
      .poll(() => tree("main"))
      .toBe(
        `
- main:
  - region "conversation":
    - log "transcript":
      - article "prompt":
        - paragraph: count to three
        - button "edit"
      - article "answer by lab/told":
        - paragraph: w1 w2 w3
        - paragraph:
          - text: lab/told 11→3 tok $? N s first N tok/s
          - button "copy"
          - button "retry"
          - button "retry with another model": ▾
          - button "fork"
  - text: w1 w2 w3
`.trim(),
      );
    await expect
      .poll(() => tree("contentinfo"))
      .toBe(
        `
- contentinfo:
  - textbox "prompt":
    - /placeholder: message, or / for commands
  - button "send": ⏎
  - 'button "model: lab/told"': lab/told
  - 'button "temp: default"': · temp
  - text: · ctx 14
`.trim(),
      );
  });
});
