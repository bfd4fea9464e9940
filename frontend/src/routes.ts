/** Addresses of the page. Pure. */

export const SCREENS = ["conversations", "usage", "models", "images", "settings", "help"] as const;
export type ScreenName = (typeof SCREENS)[number];

export type Route = { view: "chat"; conversationId: string | null } | { view: ScreenName };

/** What stands at `path`; an address that is not known shows a new conversation. */
export function parsePath(path: string): Route {
  const [, id] = /^\/c\/([A-Za-z0-9-]{1,64})\/?$/.exec(path) ?? [];
  const screen = SCREENS.find(name => path === `/${name}` || path === `/${name}/`);
  return screen ? { view: screen } : { view: "chat", conversationId: id ?? null };
}

/** Whether anything stands there by that address. */
export function isKnown(path: string): boolean {
  return pathOf(parsePath(path)) === path.replace(/(?<=.)\/$/, "");
}

export function pathOf(route: Route): string {
  if (route.view !== "chat") return `/${route.view}`;
  return route.conversationId === null ? "/" : `/c/${route.conversationId}`;
}
