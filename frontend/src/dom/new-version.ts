/**
 * Finds out when the server has a newer page than this one, and changes over when the reader says so.
 *
 *   the worker's file changed ─► installing ─► waiting ─┬─ of this page's build ─► takes over unseen
 *                                                       └─ of another ─► `next` ─reader─► takes over ─► reload
 *
 * Where there is no service worker (plain http in a home network), the version that `/health` tells is the sign.
 * Nothing is lost by a reload: drafts, unsent prompts and running answers outlive it.
 */

import type { Health } from "../api/types.ts";
import { type Atom, atom, type ReadableAtom } from "../lib/store.ts";
import { Disposables } from "./component.ts";

const WORKER = "/service-worker.js";
/** How long a worker has to answer, and to take over, until it is asked again: the browser may have stopped it meanwhile. */
const PATIENCE_MS = 5_000;

export class NewVersion {
  /** Loads the new version; null while this is the newest. */
  readonly next: ReadableAtom<(() => void) | null>;
  readonly #next: Atom<(() => void) | null> = atom<(() => void) | null>(null);
  readonly #disposables = new Disposables();
  #registration: ServiceWorkerRegistration | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(health: ReadableAtom<Health | null>) {
    this.next = this.#next;
    let first = health.get()?.version;
    this.#disposables.add(
      health.subscribe(known => {
        if (!known) return;
        first ??= known.version;
        // The server was away, and may have another page now.
        this.#ask();
        if (known.version !== first) this.#next.set(this.#next.get() ?? (() => location.reload()));
      }),
    );
    // A piece of this build that the server has no more, and no cache kept.
    this.#disposables.listen(window, "vite:preloadError", () => this.#next.set(() => location.reload()));
    if (import.meta.env.PROD && "serviceWorker" in navigator) void this.#register();
  }

  dispose(): void {
    clearTimeout(this.#again);
    this.#disposables.dispose();
  }

  async #register(): Promise<void> {
    // The page comes first, what makes it quicker the next time after it.
    if (document.readyState !== "complete") await once(window, "load");
    // Refused in some private windows; then there is no worker, and nothing else is amiss.
    const registration = await navigator.serviceWorker.register(WORKER, { updateViaCache: "none" }).catch(() => null);
    if (!registration) return;
    this.#registration = registration;
    const look = () => void this.#look();
    const watch = () => {
      if (registration.installing) this.#disposables.listen(registration.installing, "statechange", look);
    };
    this.#disposables.listen(registration, "updatefound", watch);
    // The browser may have found it before this page came to listen.
    watch();
    this.#disposables.listen(document, "visibilitychange", () => document.visibilityState === "visible" && this.#ask());
    look();
  }

  #ask(): void {
    // Offline it fails, and is asked again the next time.
    this.#registration?.update().catch(() => undefined);
  }

  async #look(): Promise<void> {
    clearTimeout(this.#again);
    const waiting = this.#registration?.waiting;
    if (!waiting) return;
    this.#again = setTimeout(() => void this.#look(), PATIENCE_MS);
    if (await isOfThisBuild(waiting)) return waiting.postMessage("take over");
    clearTimeout(this.#again);
    this.#next.set(() => changeOver(waiting));
  }
}

function changeOver(waiting: ServiceWorker): void {
  // Another page was quicker.
  if (waiting.state !== "installed") return location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting.postMessage("take over");
}

function isOfThisBuild(worker: ServiceWorker): Promise<boolean> {
  const files = document.querySelectorAll<HTMLScriptElement | HTMLLinkElement>(
    'script[src^="/assets/"], link[rel="stylesheet"][href^="/assets/"]',
  );
  const paths = [...files].map(file => file.getAttribute("src") ?? file.getAttribute("href"));
  const { port1, port2 } = new MessageChannel();
  return new Promise(resolve => {
    port1.onmessage = ({ data }) => {
      resolve(data === true);
      port1.close();
    };
    worker.postMessage(paths, [port2]);
  });
}

function once(target: EventTarget, type: string): Promise<unknown> {
  return new Promise(resolve => target.addEventListener(type, resolve, { once: true }));
}
