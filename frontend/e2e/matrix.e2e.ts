/** The same day on every size of screen: by thumb where it is held, by keyboard alone at the desk; then in every theme. */

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
  keep(column: ReturnType<typeof columnOf>): Promise<void>;
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
  keep: column => screen.press(screen.button(/^keep this one: /, column)),
});

const keyboard = (screen: Screen): Hand => {
  const { keyboard } = screen.page;
  return {
    async send(text) {
      expect(await hasFocus(screen)).toBe(true);
      await keyboard.press("Control+a");
      await keyboard.type(text);
      await keyboard.press("Enter");
    },
    stop: () => keyboard.press("Escape"),
    edit: () => keyboard.press("Alt+e"),
    retry: () => keyboard.press("Alt+r"),
    earlier: () => keyboard.press("Alt+,"),
    async keep(column) {
      const key = screen.button(/^keep this one: /, column);
      for (let step = 0; step < 60 && !(await key.evaluate(it => it === document.activeElement)); step++)
        await keyboard.press("Shift+Tab");
      await keyboard.press("Enter");
      while (!(await hasFocus(screen))) await keyboard.press("Tab");
    },
  };
};

describe("a day", () => {
  for (const device of DEVICES) {
    const model = dayOn(device);
    journey(`on a ${device}`, { device, breaksTheLine: true }, async screen => {
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
      await hand.keep(columnOf(screen, "hello"));
      await screen.answer.getByText("1/2").waitFor();

      await line.cut();
      await screen.isLit("offline");
      await hand.send("from a tunnel");
      await screen.says(/○ offline/);
      await line.mend();
      await screen.isLit("live");
      await screen.settled();
      expect((await screen.stored()).at(-2)?.content).toBe("from a tunnel");

      for (const [at, theme] of THEMES.entries()) {
        await hand.send(`/theme ${theme}`);
        await screen.page.locator(`html[data-theme="${theme === "auto" ? "paper" : theme}"]`).waitFor();
        expect({ theme, sideways: await sideways(screen) }).toEqual({ theme, sideways: [] });
        // Colours do not hang on the size of the screen: on one of them all are looked at, elsewhere one.
        if (device !== "phone" && at !== DEVICES.indexOf(device)) continue;
        expect({ theme, violations: await violations(screen) }).toEqual({ theme, violations: [] });
      }
      if (isHeld) expect(await tooSmall(screen)).toEqual([]);
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
      expect({ viewport, sideways: await sideways(screen) }).toEqual({ viewport, sideways: [] });
      expect(await screen.page.locator(".scroller").evaluate(it => it.clientHeight)).toBeGreaterThan(48);
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
    expect(await colour(".receipt")).toBe(await colour("body"));
    expect(await violations(screen)).toEqual([]);
  });

  journey("what a screen reader is told of a conversation", { model: lab("told") }, async screen => {
    await screen.goto();
    await screen.ask("count to three");
    await screen.reads("w1");
    const spoken = screen.page.locator(".announcer, [aria-live='polite']");
    expect(await screen.log.getAttribute("aria-live")).toBe("off");
    expect(await screen.answer.getAttribute("aria-busy")).toBe("true");
    await fake.release("told", null);
    await screen.settled();
    expect(await screen.answer.getAttribute("aria-busy")).not.toBe("true");
    await expect.poll(async () => squeeze((await spoken.allInnerTexts()).join(" "))).toContain("w1 w2 w3");
    const tree = async (what: string) => {
      const snapshot = await screen.page.getByRole(what as "main").ariaSnapshot();
      return snapshot.replace(/[\d.]+ (s|tok\/s)\b/g, "N $1");
    };
    for (const part of ['heading "count to three" [level=1]', 'status "connection": ● live'])
      await expect.poll(() => tree("banner")).toContain(part);
    expect(await tree("main")).toBe(
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
          - text: lab/told 11→3 tok $? N s N tok/s
          - button "copy"
          - button "retry"
          - button "retry with another model": ▾
          - button "fork"
  - text: w1 w2 w3
`.trim(),
    );
    expect(await tree("contentinfo")).toBe(
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

/** The prompt is where the keyboard writes. */
function hasFocus(screen: Screen): Promise<boolean> {
  return screen.prompt.evaluate(it => it === document.activeElement);
}
