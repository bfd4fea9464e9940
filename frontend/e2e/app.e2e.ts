import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { Facade } from "./support/facade.ts";
import { fake, journey, ownLine, ownServer, type Screen } from "./support/journey.ts";
import { lab } from "./support/models.ts";

const PUBLIC = fileURLToPath(new URL("../public", import.meta.url));

/** The page is kept on the device, and what keeps it is at work. */
async function isKept(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
}

describe("installed", () => {
  journey("a browser finds nothing missing", { withWorker: true }, async screen => {
    await screen.goto();
    await isKept(screen.page);
    const session = await screen.context.newCDPSession(screen.page);
    const { errors, url } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect(url).toBe(`${inject("server")}/manifest.webmanifest`);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    // Every test has a window of its own, which Chromium takes for a private one.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
    const manifest = JSON.parse(readFileSync(`${PUBLIC}/manifest.webmanifest`, "utf8"));
    for (const { src, sizes } of [...manifest.icons, ...manifest.screenshots]) {
      const image = await screen.page.evaluate(async path => {
        const element = new Image();
        element.src = path;
        await element.decode();
        return `${element.naturalWidth}x${element.naturalHeight}`;
      }, src);
      if (sizes !== "any") expect(`${src} ${image}`).toBe(`${src} ${sizes}`);
    }
    for (const { url: shortcut } of manifest.shortcuts) {
      const answer = await fetch(inject("server") + shortcut, { headers: { Accept: "text/html" } });
      expect(answer.status).toBe(200);
    }
    await expect.poll(() => screen.page.locator('meta[name="theme-color"]').getAttribute("content")).toBe("#20222f");
  });

  journey(
    "what another app shares is a draft, and not told to the server",
    { device: "phone", withWorker: true },
    async screen => {
      const facade = await Facade.open(inject("server"));
      await screen.goto("/", facade.url);
      await isKept(screen.page);
      await screen.goto("/?title=A%20page&text=what%20is%20this%3F&url=https%3A%2F%2Fexample.org%2F", facade.url);
      await expect.poll(() => screen.prompt.inputValue()).toBe("A page\nwhat is this?\nhttps://example.org/");
      expect(screen.page.url()).toBe(`${facade.url}/`);
      expect(facade.asked.filter(path => path.includes("example"))).toEqual([]);
      await screen.reload();
      await expect.poll(() => screen.prompt.inputValue()).toBe("A page\nwhat is this?\nhttps://example.org/");
    },
  );

  journey("the API is never kept", { withWorker: true }, async screen => {
    await screen.goto();
    await isKept(screen.page);
    await screen.ask("hello");
    await screen.settled();
    const kept = await screen.page.evaluate(async () => {
      const names = await caches.keys();
      const requests = await Promise.all(names.map(async name => (await caches.open(name)).keys()));
      return requests.flat().map(request => new URL(request.url).pathname);
    });
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.filter(path => !/^\/$|^\/assets\/|^\/favicon\.svg$/.test(path))).toEqual([]);
  });
});

describe("without the server", () => {
  journey(
    "the page opens, takes a prompt, and sends it once on return",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const server = await ownServer();
      await screen.goto("/", server.url);
      await screen.choose(lab("opened-offline"));
      await isKept(screen.page);
      const before = await fake.timesAsked("opened-offline");
      await server.kill();
      await screen.page.goto(server.url);
      await screen.isLit("offline");
      await screen.ask("are you there?");
      await screen.says(/○ offline · it is sent as soon as/);
      await screen.page.reload();
      await screen.says("are you there?");
      await server.start();
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      expect(await fake.timesAsked("opened-offline")).toBe(before + 1);
    },
  );

  journey("a proxy that answers for it is no page", { breaksTheLine: true, withWorker: true }, async screen => {
    const facade = await Facade.open(inject("server"));
    await screen.goto("/", facade.url);
    await isKept(screen.page);
    facade.isDown = true;
    screen.forgives(/502 \(Bad Gateway\)/);
    await screen.page.goto(`${facade.url}/help`);
    await screen.page.getByRole("region", { name: "help" }).waitFor();
    facade.isDown = false;
    await screen.goto("/", facade.url);
  });

  journey(
    "what was read can be read, where the reader wants that",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const line = await ownLine();
      await screen.goto("/", line.url);
      await screen.choose(lab("hello"));
      await isKept(screen.page);
      await screen.ask("remember this");
      await screen.reads("Hello, world! ⚡");
      await screen.settled();
      const address = screen.page.url();
      expect(await copies(screen.page)).toEqual([]);
      await switchReading(screen, "on");
      await expect.poll(() => copies(screen.page)).toEqual(["remember this"]);
      await line.cut();
      await screen.page.goto(line.url);
      await screen.isLit("offline");
      await screen.page.goto(address);
      await screen.says(/○ as of \d\d:\d\d/);
      await screen.reads("Hello, world! ⚡");
      await screen.ask("and this");
      await screen.says("◌ queued");
      await line.mend();
      await expect.poll(() => screen.answers.count()).toBe(2);
      await screen.settled();
      await expect.poll(() => screen.log.getByText(/as of/).count()).toBe(0);
      await expect
        .poll(async () => (await screen.stored()).map(message => message.content))
        .toEqual(["remember this", "Hello, world! ⚡", "and this", "Hello, world! ⚡"]);

      await switchReading(screen, "off");
      await expect.poll(() => databases(screen.page)).not.toContain("llm-router-offline");
      await line.cut();
      await screen.page.goto(address);
      await screen.says("the server can't be reached");
    },
  );
});

describe("another build on the server", () => {
  journey(
    "is announced, and loaded when the reader says so; the build before the last is not kept",
    { withWorker: true },
    async screen => {
      const facade = await Facade.open(inject("server"));
      await screen.goto("/", facade.url);
      await isKept(screen.page);
      await screen.prompt.fill("half a thought");
      await serve(facade, "second");
      await lookForUpdate(screen);
      await screen.page.getByText("there is a new version of this page").waitFor();
      expect(await script(screen)).not.toContain("second");
      await screen.press(screen.button("reload"));
      await expect.poll(() => script(screen)).toContain("second");
      await screen.ready();
      await expect.poll(() => screen.prompt.inputValue()).toBe("half a thought");
      expect(await builds(screen)).toEqual([expect.stringMatching(/^shell-[0-9a-f]+$/), "shell-second"]);

      await serve(facade, "third");
      // Whoever loads the page anew has the new one at once, and is told nothing.
      await screen.reload();
      expect(await script(screen)).toContain("third");
      await expect.poll(() => builds(screen)).toEqual(["shell-second", "shell-third"]);
      await expect.poll(() => screen.page.getByText("new version").count()).toBe(0);

      // Back to the first, as if the second had been a mistake.
      facade.own.clear();
      await screen.reload();
      expect(await script(screen)).toMatch(/\/assets\/index-/);
      await expect.poll(() => builds(screen)).toEqual(["shell-third", expect.stringMatching(/^shell-[0-9a-f]{16}$/)]);
    },
  );

  journey(
    "that is not whole changes nothing, and the page opens without it",
    { breaksTheLine: true, withWorker: true },
    async screen => {
      const facade = await Facade.open(inject("server"));
      await screen.goto("/", facade.url);
      await isKept(screen.page);
      const [before] = await builds(screen);
      screen.forgives(/404 \(Not Found\)|502 \(Bad Gateway\)/);
      const { name } = await serve(facade, "broken");
      facade.own.set(name, null);
      await lookForUpdate(screen);
      await expect.poll(() => facade.asked.includes(name)).toBe(true);
      facade.isDown = true;
      await screen.page.reload();
      await screen.prompt.waitFor();
      expect(await script(screen)).not.toContain("broken");
      expect(await builds(screen)).toContain(before);
    },
  );
});

/** The same page under another name, as the next build is. */
async function serve(facade: Facade, version: string): Promise<{ name: string }> {
  const [html, worker] = await Promise.all(
    ["/", "/service-worker.js"].map(async path => (await fetch(inject("server") + path)).text()),
  );
  const [, first = ""] = /src="(\/assets\/index-[^"]+\.js)"/.exec(html ?? "") ?? [];
  const name = `/assets/${version}.js`;
  const code = await (await fetch(inject("server") + first)).text();
  facade.own.set("/", { type: "text/html", body: (html ?? "").replaceAll(first, name) });
  facade.own.set(name, { type: "text/javascript", body: code });
  const changed = (worker ?? "").replaceAll(first, name).replace(/"version":"[^"]+"/, `"version":"${version}"`);
  facade.own.set("/service-worker.js", { type: "text/javascript", body: changed });
  return { name };
}

/** As the page does by itself when it is looked at again. */
async function lookForUpdate(screen: Screen): Promise<void> {
  await screen.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
}

function script(screen: Screen): Promise<string | null> {
  return screen.page.locator("script[type=module]").getAttribute("src");
}

function builds(screen: Screen): Promise<string[]> {
  return screen.page.evaluate(() => caches.keys());
}

/** With the key in the settings. */
async function switchReading(screen: Screen, word: "on" | "off"): Promise<void> {
  const address = screen.page.url();
  await screen.command("/settings");
  const keys = screen.page.getByRole("group", { name: "keep what was read" });
  await screen.press(screen.button(word, screen.page.getByRole("group", { name: "keep what was read" })));
  await keys.getByRole("button", { name: word, pressed: true }).waitFor();
  await screen.page.goBack();
  await expect.poll(() => screen.page.url()).toBe(address);
}

async function databases(page: Page): Promise<(string | undefined)[]> {
  return page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
}

/** The titles of the conversations that are kept on this device. */
async function copies(page: Page): Promise<string[]> {
  if (!(await databases(page)).includes("llm-router-offline")) return [];
  return page.evaluate(
    () =>
      new Promise<string[]>(resolve => {
        const opening = indexedDB.open("llm-router-offline");
        opening.onsuccess = () => {
          const database = opening.result;
          const all = database.transaction("conversations").objectStore("conversations").getAll();
          all.onsuccess = () => {
            database.close();
            resolve(all.result.map(copy => copy.value.title));
          };
        };
      }),
  );
}
