/**
 * Keeps the shell of the page on the device: it opens without a network, and without the server.
 *
 * Knows the files of one build (`__SHELL__`, put in by vite.config.ts) and nothing of what the page does. The API is
 * never touched: whatever is not a page or a file of a build goes its own way.
 *
 * - A page is asked of the server first, so nobody reads an old one while there is a new one; where the server does
 *   not answer, or a proxy answers for it, the kept shell opens.
 * - Files of builds have their content's hash in their name: kept ones are right for ever.
 * - A build is kept whole or not at all. The one before it stays until the next: pages of it may still be open.
 */

interface Shell {
  /** Changes with any byte of the shell. */
  version: string;
  /** What index.html names. */
  entry: string[];
  /** The rest: what is loaded when it is needed, and the icon. */
  others: string[];
}

declare const self: ServiceWorkerGlobalScope;
declare const __SHELL__: Shell;

const PREFIX = "shell-";
const PAGE = "/";
/** How long a page is waited for while a kept one is at hand. */
const PATIENCE_MS = 3_000;
/** `/api` has the documentation, too. */
const NOT_PAGES = /^\/(api|v1|assets)(\/|$)|^\/(openapi\.json|health|service-worker\.js)$/;

const { version, entry, others } = __SHELL__;
const current = PREFIX + version;

/** Newer than TypeScript's own list of what a browser can. */
interface InstallEvent extends ExtendableEvent {
  addRoutes?(rules: { condition: { urlPattern: URLPattern }; source: "network" }): Promise<void>;
}

self.addEventListener("install", event => {
  // What a page sends while it is left gets through only where no worker stands between.
  (event as InstallEvent).addRoutes?.({
    condition: { urlPattern: new URLPattern({ pathname: "/api/*" }) },
    source: "network",
  });
  event.waitUntil(keep());
});
self.addEventListener("activate", event => event.waitUntil(takeOver()));

self.addEventListener("fetch", event => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/assets/") || others.includes(pathname)) event.respondWith(file(request));
  else if (request.mode === "navigate" && !NOT_PAGES.test(pathname)) {
    // What is shared with the page is not for the server, which would find it in the address.
    event.respondWith(search ? keptPage(request) : page(request));
  }
});

self.addEventListener("message", event => {
  if (event.data === "take over") void self.skipWaiting();
  // A page asks whether it is of this build already.
  if (Array.isArray(event.data)) event.ports[0]?.postMessage(event.data.every(path => entry.includes(path)));
});

async function keep(): Promise<void> {
  const cache = await caches.open(current);
  const html = await fetch(PAGE, { cache: "reload" });
  const text = await html.clone().text();
  // Another build may have taken the server's place since this worker was fetched.
  if (!html.ok || html.redirected || !entry.every(path => text.includes(path)))
    throw new Error("not this build's page");
  await Promise.all([...entry, ...others].map(path => keepFile(cache, path)));
  await cache.put(PAGE, html);
  // With nobody before it there is no page of another build.
  if (!self.registration.active) await self.skipWaiting();
}

async function keepFile(cache: Cache, path: string): Promise<void> {
  const isHashed = path.startsWith("/assets/");
  const known = isHashed ? await caches.match(path, { ignoreVary: true }) : undefined;
  const response = known ?? (await fetch(path, { cache: isHashed ? "default" : "reload" }));
  if (!response.ok || response.redirected) throw new Error(`${path}: ${response.status}`);
  await cache.put(path, response);
}

async function takeOver(): Promise<void> {
  // In the order they were made.
  const former = (await caches.keys()).filter(name => name.startsWith(PREFIX) && name !== current);
  await Promise.all(former.slice(0, -1).map(name => caches.delete(name)));
  await self.clients.claim();
}

async function file(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const kept = await caches.open(current).then(cache => cache.match(pathname, { ignoreVary: true }));
  if (kept) return kept;
  return (await caches.match(pathname, { ignoreVary: true })) ?? fetch(request);
}

async function page(request: Request): Promise<Response> {
  const answer = fetch(request).then(
    response => (response.status >= 500 ? null : response),
    () => null,
  );
  const kept = await caches.match(PAGE, { cacheName: current, ignoreVary: true });
  if (!kept) return (await answer) ?? Response.error();
  return (await Promise.race([answer, elapsed(PATIENCE_MS)])) ?? kept;
}

async function keptPage(request: Request): Promise<Response> {
  return (await caches.match(PAGE, { cacheName: current, ignoreVary: true })) ?? fetch(request);
}

function elapsed(milliseconds: number): Promise<null> {
  return new Promise(resolve => setTimeout(resolve, milliseconds, null));
}

// Makes the `self` above this file's own. The build leaves nothing of it.
export {};
