/** The composition root: the one file that knows everyone, and follows the address, the network and the page. */

import { ApiClient } from "./api/client.ts";
import { isTouchKeyboard } from "./components/composer.ts";
import type { Disposables } from "./dom/component.ts";
import { keepFocus } from "./dom/focus-keeper.ts";
import { applyFontSize } from "./dom/font-size.ts";
import { NewVersion } from "./dom/new-version.ts";
import { followPageLife } from "./dom/page-life.ts";
import { applyTheme } from "./dom/theme.ts";
import { followViewport } from "./dom/viewport.ts";
import { atom } from "./lib/store.ts";
import { isKnown, parsePath, pathOf, type Route } from "./routes.ts";
import { ServerFacts } from "./state/catalog.ts";
import { Changes } from "./state/changes.ts";
import { Chat } from "./state/chat.ts";
import { systemClock } from "./state/clock.ts";
import { Conversations } from "./state/conversations.ts";
import { sweepDrafts } from "./state/drafts.ts";
import { CostToSend } from "./state/estimate.ts";
import { Line } from "./state/line.ts";
import { Notices } from "./state/notices.ts";
import { offlineCopies, offlineReading } from "./state/offline.ts";
import { Outbox } from "./state/outbox.ts";
import { DeviceStorage, Preferences } from "./state/preferences.ts";
import { openPromptStore } from "./state/prompt-store.ts";
import { Removals } from "./state/removals.ts";
import { takeShared } from "./state/shared-text.ts";
import { Frame, isDrawerState } from "./views/frame.ts";

export function startApp(root: HTMLElement): Disposables {
  const storage = new DeviceStorage(openStorage());
  const preferences = new Preferences(storage);
  const address = takeShared(new URL(location.href), preferences);
  if (address !== null) history.replaceState(null, "", address);
  const clock = systemClock;
  const line = new Line((url, init) => fetch(url, init), clock);
  const client = new ApiClient(line.fetch, preferences.deviceId);
  const facts = new ServerFacts(client, clock);
  const conversations = new Conversations(client, clock, offlineCopies);
  const outbox = new Outbox(storage, openPromptStore(), clock);
  const notices = new Notices(clock);

  const route = atom<Route>(parsePath(location.pathname));
  const show = (next: Route) => {
    if (pathOf(next) !== pathOf(route.get())) route.set(next);
    if (next.view !== "chat" || chat.current.get().id === next.conversationId) return;
    if (next.conversationId === null) chat.openNew();
    else void chat.open(next.conversationId);
  };
  const go = (next: Route) => {
    const path = pathOf(next);
    const isFromDrawer = isDrawerState();
    if (path === location.pathname) isFromDrawer && history.back();
    // The drawer was an entry of its own in the history; where it leads takes its place.
    else if (isFromDrawer) history.replaceState({ isInner: true }, "", path);
    // What is pushed from inside can be left by going back.
    else history.pushState({ isInner: true }, "", path);
    show(next);
  };
  const open = (conversationId: string | null) => {
    // A new one is a new one, also where another new one is open.
    if (conversationId === null && chat.current.get().id === null) chat.openNew();
    go({ view: "chat", conversationId });
  };
  const replace = (conversationId: string | null) => {
    // On another screen the address is that screen's; the way back finds the conversation all the same.
    if (route.get().view !== "chat") return;
    const next: Route = { view: "chat", conversationId };
    history.replaceState(history.state, "", pathOf(next));
    route.set(next);
  };
  const chat: Chat = new Chat({
    client,
    clock,
    outbox,
    facts,
    conversations,
    preferences,
    navigation: { open, replace },
    copies: offlineCopies,
  });
  const openId = () => chat.current.get().id;
  const removals = new Removals({ client, clock, conversations, outbox, notices, storage, openId, open });
  const costToSend = new CostToSend({ client, clock, line, chat });
  const leave = () => {
    if ((history.state as { isInner?: boolean } | null)?.isInner) history.back();
    else go({ view: "chat", conversationId: openId() });
  };

  const disposables = applyTheme(preferences);
  disposables.add(applyFontSize(preferences));
  const frame = new Frame({
    client,
    chat,
    facts,
    conversations,
    outbox,
    preferences,
    removals,
    notices,
    costToSend,
    clock,
    line,
    route,
    go,
    open,
    leave,
  });
  root.replaceChildren(frame.element);
  // On glass the keyboard would come up with it.
  const focus = keepFocus(root, () => isTouchKeyboard() || frame.focus());
  disposables.add(() => focus.dispose());
  const viewport = followViewport(frame.element);
  disposables.add(() => viewport.dispose());
  disposables.add(() => frame.dispose());

  const newVersion = new NewVersion(facts.health);
  disposables.add(() => newVersion.dispose());
  disposables.add(
    newVersion.next.subscribe(load => {
      if (load) notices.say("there is a new version of this page", { key: { label: "reload", run: load } });
    }),
  );
  disposables.add(
    conversations.list.subscribe(list =>
      sweepDrafts(openStorage(), list, id => id === openId() || conversations.isHidden(id)),
    ),
  );
  disposables.add(
    offlineReading.subscribe(isOn => {
      // What is open is the first that is kept.
      if (isOn) void Promise.all([chat.reload(), conversations.refresh()]);
    }),
  );
  const changes = new Changes(client, clock, change => chat.heard(change));
  const pageLife = followPageLife({ chat, changes, conversations, facts, line, outbox });
  disposables.add(() => pageLife.dispose());
  disposables.listen(window, "pagehide", () => removals.flush());
  disposables.listen(window, "popstate", () => {
    const next = parsePath(location.pathname);
    const { id, formerPlace } = chat.current.get();
    const wasBornElsewhere = next.view === "chat" && next.conversationId === null && formerPlace !== null;
    if (wasBornElsewhere && route.get().view !== "chat") {
      // The new conversation got its address while another screen was read.
      const born: Route = { view: "chat", conversationId: id };
      history.replaceState(history.state, "", pathOf(born));
      show(born);
    } else show(next);
  });
  disposables.listen(window, "storage", event => {
    if ((event as StorageEvent).key === "llm-router.outbox") void outbox.reread();
  });

  if (!isKnown(location.pathname)) {
    notices.say(`there is nothing at ${location.pathname.slice(0, 60)}`);
    history.replaceState(null, "", "/");
  }
  const first = route.get();
  if (first.view === "chat" && first.conversationId !== null) void chat.open(first.conversationId);
  else chat.openNew();
  void facts.load();
  void removals.resume();
  void conversations.refresh();
  // On a phone the keyboard would cover the page before it was read.
  if (first.view === "chat" && !isTouchKeyboard()) frame.focus();
  return disposables;
}

function openStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null; // forbidden here
  }
}
