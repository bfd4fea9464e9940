/** Addresses of the page. Pure. */

export type Route = { view: "chat"; conversationId: string | null };

export function parsePath(path: string): Route {
  const [, id] = /^\/c\/([A-Za-z0-9-]{1,64})\/?$/.exec(path) ?? [];
  return { view: "chat", conversationId: id ?? null };
}

export function pathOf(route: Route): string {
  return route.conversationId === null ? "/" : `/c/${route.conversationId}`;
}
