// A page under measurement: a slowed processor, a trace of the main thread, and what the browser itself observes.

import { setTimeout as pause } from "node:timers/promises";

/** How much slower than this machine: a phone of the middle class. */
export const THROTTLE = 4;

export class BenchPage {
  #session;

  static async open(context) {
    const page = new BenchPage();
    page.page = await context.newPage();
    page.#session = await context.newCDPSession(page.page);
    await page.page.addInitScript(observe);
    page.#session.on("Page.screencastFrame", ({ sessionId }) => {
      page.#session.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined); // the page may be gone
    });
    await page.#session.send("Emulation.setCPUThrottlingRate", { rate: THROTTLE });
    return page;
  }

  /** The tasks of the page's main thread during `run`, milliseconds of processor time: what else runs is not in them. */
  async tasksDuring(run) {
    const events = [];
    const collect = ({ value }) => events.push(...value);
    this.#session.on("Tracing.dataCollected", collect);
    await this.#session.send("Tracing.start", {
      transferMode: "ReportEvents",
      traceConfig: { includedCategories: ["toplevel", "__metadata", "disabled-by-default-devtools.timeline"] },
    });
    await run();
    const complete = new Promise(resolve => this.#session.once("Tracing.tracingComplete", resolve));
    await this.#session.send("Tracing.end");
    await complete;
    this.#session.off("Tracing.dataCollected", collect);
    return mainThreadTasks(events);
  }

  /** What was observed since the last time: layout shift, and from a key's press to the paint that follows, milliseconds. */
  async observed() {
    return this.page.evaluate(() => window.observed.take());
  }

  /** Resolves after the frame that is being made has been painted. */
  async painted() {
    await this.page.evaluate(
      () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))),
    );
  }

  /** Milliseconds from now in the page until `selector` is there and painted. */
  async timeUntil(act, selector) {
    return this.page.evaluate(
      async ([act, selector]) => {
        const painted = () => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
        const start = performance.now();
        document.querySelector(act).click();
        while (!document.querySelector(selector)) await painted();
        await painted();
        return performance.now() - start;
      },
      [act, selector],
    );
  }

  /**
   * Types `text` as a hand would, `gap` milliseconds between keys. Somebody looks on: of a page that nobody sees the
   * browser may tell that a frame was shown only with the next blink of the caret.
   */
  async type(text, gap = 120) {
    await this.#session.send("Page.startScreencast", { format: "jpeg", quality: 1, maxWidth: 64, maxHeight: 64 });
    for (const key of text) {
      await this.page.keyboard.press(key === " " ? "Space" : key);
      await pause(gap);
    }
    await this.#session.send("Page.stopScreencast");
  }
}

/** Runs in the page before anything of it does. */
function observe() {
  let shift = 0;
  let keys = [];
  new PerformanceObserver(list => {
    // What follows a key within half a second is meant to be: a prompt that gets a second line, for one.
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") keys.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  window.observed = {
    take() {
      const seen = { shift, keys };
      shift = 0;
      keys = [];
      return seen;
    },
  };
}

function mainThreadTasks(events) {
  const renderers = events.filter(it => it.name === "thread_name" && it.args.name === "CrRendererMain");
  const tasks = events.filter(
    it => it.ph === "X" && it.name === "RunTask" && renderers.some(({ pid, tid }) => it.pid === pid && it.tid === tid),
  );
  return tasks.map(it => (it.tdur ?? it.dur ?? 0) / 1000);
}

export const median = values => quantile(values, 0.5);

export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
