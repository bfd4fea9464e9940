/** The composition root: the one file that knows everyone, and follows the address, the network and the page. */

import { ApiClient } from "./api/client.ts";
import type { Disposables } from "./dom/component.ts";
import { applyTheme } from "./dom/theme.ts";
import { followViewport } from "./dom/viewport.ts";
import { parsePath, pathOf } from "./routes.ts";
import { ServerFacts } from "./state/catalog.ts";
import { Chat } from "./state/chat.ts";
import { systemClock } from "./state/clock.ts";
import { Conversations } from "./state/conversations.ts";
import { Line } from "./state/line.ts";
import { Outbox } from "./state/outbox.ts";
import { DeviceStorage, Preferences } from "./state/preferences.ts";
import { ChatView } from "./views/chat-view.ts";

export function startApp(root: HTMLElement): Disposables {
  const storage = new DeviceStorage(openStorage());
  const preferences = new Preferences(storage);
  const clock = systemClock;
  const line = new Line((url, init) => fetch(url, init), clock);
  const client = new ApiClient(line.fetch, preferences.deviceId);
  const facts = new ServerFacts(client, clock);
  const conversations = new Conversations(client, clock);
  const outbox = new Outbox(storage);

  const show = (id: string | null) => (id === null ? chat.openNew() : void chat.open(id));
  const open = (id: string | null) => {
    const path = pathOf({ view: "chat", conversationId: id });
    if (path !== location.pathname) history.pushState(null, "", path);
    show(id);
  };
  const replace = (id: string | null) =>
    history.replaceState(history.state, "", pathOf({ view: "chat", conversationId: id }));
  const chat: Chat = new Chat({
    client,
    clock,
    outbox,
    facts,
    conversations,
    preferences,
    navigation: { open, replace },
  });

  const disposables = applyTheme(preferences);
  const view = new ChatView({ chat, facts, conversations, outbox, preferences, clock, line, open });
  root.replaceChildren(view.element);
  const viewport = followViewport(view.element);
  disposables.add(() => viewport.dispose());
  disposables.add(() => view.dispose());

  const wake = (isLineSuspect: boolean) => {
    void chat.wake(isLineSuspect);
    if (!facts.isComplete) void facts.load();
  };
  disposables.listen(window, "online", () => wake(true));
  disposables.listen(window, "offline", () => line.ask());
  disposables.listen(window, "pageshow", event => (event as PageTransitionEvent).persisted && wake(true));
  disposables.listen(document, "visibilitychange", () => document.visibilityState === "visible" && wake(false));
  disposables.add(
    line.isOffline.subscribe(isOffline => {
      if (isOffline) return;
      // A server that was away may come back with other keys and models.
      void facts.load(true);
      void chat.wake(false);
    }),
  );
  disposables.listen(window, "popstate", () => {
    const { conversationId } = parsePath(location.pathname);
    const { id } = chat.current.get();
    if (conversationId !== id) show(conversationId);
  });
  disposables.listen(window, "storage", event => {
    if ((event as StorageEvent).key !== "llm-router.outbox") return;
    outbox.reread();
    void chat.wake(false);
  });

  show(parsePath(location.pathname).conversationId);
  void facts.load();
  void conversations.refresh();
  // On a phone the keyboard would cover the page before it was read.
  if (!matchMedia("(pointer: coarse)").matches) view.focus();
  return disposables;
}

function openStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null; // forbidden here
  }
}
