/**
 * One reader's way through the page, on a phone or at a desk, with the words a reader has for what is there.
 *
 * Every journey ends with the same question: did the browser complain? About a script, the content security policy,
 * or an address elsewhere that was asked for.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { expect, inject, onTestFinished, test } from "vitest";
import type { ConversationWithMessages, Message } from "../../src/api/types.ts";
import { configurationOf, environOf } from "./models.ts";
import { FakeProvider, Line, Server } from "./processes.ts";

export type Device = "small phone" | "phone" | "tablet" | "desktop";

export const fake = new FakeProvider(inject("provider"));

const HELD = { isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const SIZES = {
  "small phone": { viewport: { width: 360, height: 740 }, ...HELD },
  phone: { viewport: { width: 390, height: 844 }, ...HELD },
  tablet: { viewport: { width: 768, height: 1024 }, ...HELD },
  desktop: { viewport: { width: 1440, height: 900 } },
} as const;

export interface JourneyOptions {
  device?: Device;
  /** Address of the server; the shared one with keys unless said. */
  url?: string;
  /** The model chosen before; else the server's default. */
  model?: string;
  width?: number;
  /** The line breaks on purpose: the browser's own words about requests that failed are no complaint. */
  breaksTheLine?: boolean;
  /** The service worker is at work, as in any browser. Elsewhere it would only cost each journey its installation. */
  withWorker?: boolean;
}

/** How long anything is waited for, in milliseconds. Generous: the machine may be busy. */
export const PATIENCE = 30_000;

let browser: Promise<Browser> | null = null;

/** A test that reads the page; the page is photographed where it fails. */
export function journey(name: string, options: JourneyOptions, run: (screen: Screen) => Promise<void>): void {
  test(name, async () => {
    const screen = await Screen.open(options);
    try {
      await run(screen);
      expect(screen.complaints).toEqual([]);
    } catch (error) {
      await screen.photograph(name);
      throw error;
    } finally {
      await screen.context.close();
    }
  });
}

/** A server of the test's own, to be killed. */
export async function ownServer(): Promise<Server> {
  const server = new Server(environOf(fake.url), configurationOf(fake.url));
  onTestFinished(() => server.close());
  return server.start();
}

/** A line of the test's own to the shared server, to be cut. */
export async function ownLine(): Promise<Line> {
  const line = new Line(inject("server"));
  onTestFinished(() => line.cut());
  return line.mend();
}

export class Screen {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly complaints: string[] = [];
  #forgiven: RegExp | null = null;
  readonly #isHeld: boolean;
  #url: string;

  private constructor(page: Page, device: Device, url: string) {
    this.page = page;
    this.context = page.context();
    this.#isHeld = device !== "desktop";
    this.#url = url;
  }

  static async open(options: JourneyOptions): Promise<Screen> {
    const { device = "desktop", url = inject("server"), model, width } = options;
    browser ??= chromium.connect(inject("browser"));
    const size = SIZES[device];
    const viewport = { ...size.viewport, ...(width && { width }) };
    const chosen = model && { name: "llm-router.prompt", value: JSON.stringify({ model }) };
    const context = await (await browser).newContext({
      ...size,
      viewport,
      serviceWorkers: options.withWorker ? "allow" : "block",
      permissions: ["clipboard-read", "clipboard-write"],
      ...(chosen && { storageState: { cookies: [], origins: [{ origin: url, localStorage: [chosen] }] } }),
    });
    context.setDefaultTimeout(PATIENCE);
    const screen = new Screen(await context.newPage(), device, url);
    await screen.#listen(options.breaksTheLine ?? false);
    return screen;
  }

  // Where the reader is

  async goto(path = "/", url = this.#url): Promise<void> {
    this.#url = url;
    await this.page.goto(url + path);
    await this.ready();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.page.getByRole("button", { name: /^model: (?!no model$)/ }).waitFor();
    await this.prompt.waitFor();
  }

  // What is there

  get prompt(): Locator {
    return this.page.getByRole("textbox", { name: "prompt" });
  }

  get log(): Locator {
    return this.page.getByRole("log");
  }

  get light(): Locator {
    return this.page.getByRole("status", { name: "connection" });
  }

  get prompts(): Locator {
    return this.page.getByRole("article", { name: "prompt", exact: true });
  }

  get answers(): Locator {
    return this.page.getByRole("article", { name: /^answer by/ });
  }

  get answer(): Locator {
    return this.answers.last();
  }

  button(name: string | RegExp, within: Page | Locator = this.page): Locator {
    return within.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });
  }

  // What the reader does

  /** A finger or a mouse, whichever there is. */
  press(what: Locator): Promise<void> {
    return this.#isHeld ? what.tap() : what.click();
  }

  /** Sends a prompt, by thumb or by the enter key, and waits until it stands in the transcript. */
  async ask(text: string): Promise<void> {
    const rows = this.page.getByRole("article", { name: /prompt$/ });
    const before = await rows.count();
    await this.prompt.fill(text);
    if (this.#isHeld) await this.button("send").tap();
    else await this.prompt.press("Enter");
    await rows.nth(before).waitFor();
  }

  /** Writes a command and runs it by the keyboard, once the page knows what can be chosen. */
  async command(text: string): Promise<void> {
    await this.page.locator(".mode-line:not([aria-busy])").waitFor();
    await this.prompt.fill(text);
    await this.prompt.press(this.#isHeld ? "Control+Enter" : "Enter");
  }

  async choose(model: string): Promise<void> {
    await this.command(`/model ${model}`);
    await this.button(`model: ${model}`).waitFor();
  }

  // What the reader waits for

  /** The text so far; empty while no answer is there. */
  async read(answer = this.answer): Promise<string> {
    return (await texts(answer.locator(".markdown"))).join(" ");
  }

  async reads(text: string, answer = this.answer): Promise<void> {
    await expect.poll(() => this.read(answer), { timeout: PATIENCE, interval: 20 }).toBe(text);
  }

  /** All that was asked is answered, and the last receipt stands. */
  async settled(timeout = PATIENCE): Promise<void> {
    await this.page.getByRole("article", { name: "unsent prompt" }).first().waitFor({ state: "detached", timeout });
    await this.button("retry", this.answer).waitFor({ timeout });
  }

  async says(text: string | RegExp, within: Page | Locator = this.log): Promise<void> {
    await within.getByText(text).last().waitFor();
  }

  /** A frame is on the screen. Under a dialog that closed just now Chromium drops what is typed before that. */
  async isPainted(): Promise<void> {
    await this.page.evaluate(
      () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))),
    );
  }

  /** The prompt is where the keyboard writes. */
  async hasFocus(): Promise<void> {
    await expect.poll(() => this.prompt.evaluate(it => it === document.activeElement)).toBe(true);
  }

  async isLit(word: string): Promise<void> {
    await this.light.filter({ hasText: word }).waitFor();
  }

  get conversationId(): string {
    const [, id] = /\/c\/([\w-]+)$/.exec(this.page.url()) ?? [];
    if (!id) throw new Error(`${this.page.url()} is no conversation's`);
    return id;
  }

  /** The conversation's messages, as the server has them; `server` leads past a line that is made bad on purpose. */
  async stored(server = this.#url): Promise<Message[]> {
    return (await this.#storedConversation(server)).messages;
  }

  /** The server knows that `answer` is the one that is read. */
  async isKept(answer: number): Promise<void> {
    const active = async () => {
      const { messages, active_leaf_id } = await this.#storedConversation(this.#url);
      return messages.filter(({ role }) => role === "assistant").findIndex(({ id }) => id === active_leaf_id) + 1;
    };
    await expect.poll(active, { timeout: PATIENCE, interval: 20 }).toBe(answer);
  }

  async #storedConversation(server: string): Promise<ConversationWithMessages> {
    const answer = await fetch(`${server}/api/conversations/${this.conversationId}`);
    return (await answer.json()) as ConversationWithMessages;
  }

  /** What this device has on its disk of prompts that are not sent, oldest first: where a reload can't take it. */
  async hasNoted(texts: readonly string[]): Promise<void> {
    const kept = () =>
      this.page.evaluate(
        () =>
          new Promise<string[]>((resolve, reject) => {
            const opening = indexedDB.open("llm-router-outbox");
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
              const all = opening.result.transaction("prompts").objectStore("prompts").getAll();
              all.onerror = () => reject(all.error);
              all.onsuccess = () => {
                opening.result.close();
                const prompts: { text: string; writtenAt: number }[] = all.result;
                resolve(prompts.sort((a, b) => a.writtenAt - b.writtenAt).map(({ text }) => text));
              };
            };
          }),
      );
    await expect.poll(kept).toEqual(texts);
  }

  /** From now on the browser's words that fit are no complaint: the journey is about what they are about. */
  forgives(pattern: RegExp): void {
    this.#forgiven = pattern;
  }

  async photograph(name: string): Promise<void> {
    const folder = fileURLToPath(new URL("../../test-results", import.meta.url));
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name.replace(/\W+/g, "-")}.png`) }).catch(() => undefined);
  }

  async #listen(breaksTheLine: boolean): Promise<void> {
    const complain = (what: string) => this.complaints.push(what);
    await this.context.exposeBinding("complain", (_, what: string) => complain(what));
    await this.context.addInitScript(() => {
      const { complain } = globalThis as unknown as { complain(what: string): void };
      document.addEventListener("securitypolicyviolation", event => {
        complain(`policy: ${event.effectiveDirective} forbids ${event.blockedURI}`);
      });
    });
    this.page.on("pageerror", error => complain(`error: ${error.message}`));
    this.page.on("console", message => {
      if (message.text().startsWith("Service Worker registration blocked")) return; // by the journey itself
      const isAboutLine = /^Failed to load resource: net::/.test(message.text());
      const isForgiven = (breaksTheLine && isAboutLine) || this.#forgiven?.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isForgiven) {
        complain(`${message.type()}: ${message.text()}`);
      }
    });
    this.page.on("request", request => {
      if (!request.url().startsWith(this.#url) && !request.url().startsWith("data:"))
        complain(`asked for ${request.url()}`);
    });
  }
}

/** The words of each, also where they are far from the reader: of those `innerText` knows nothing. */
export async function texts(elements: Locator): Promise<string[]> {
  const found = await elements.evaluateAll(all =>
    all.map(element => {
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      let text = "";
      let block: Element | null | undefined = null;
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const own = node.parentElement?.closest("p, li, pre, td, th, h3, h4, h5, h6, .code-head");
        text += (own === block ? "" : " ") + node.textContent;
        block = own;
      }
      return text;
    }),
  );
  return found.map(squeeze);
}

/** As a reader sees it: one blank where the source may have many. */
export function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
