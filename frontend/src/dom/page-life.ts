/**
 * What happens to the page and its network, told to those who follow answers and changes: hidden and seen, frozen and
 * thawed, offline and back.
 *
 * What the browser says of its network is a hint to ask at once, never a reason not to.
 */

import type { ServerFacts } from "../state/catalog.ts";
import type { Changes } from "../state/changes.ts";
import type { Chat } from "../state/chat.ts";
import type { Conversations } from "../state/conversations.ts";
import type { Line } from "../state/line.ts";
import type { Outbox } from "../state/outbox.ts";
import { Disposables } from "./component.ts";

export interface PageLifeParts {
  chat: Chat;
  changes: Changes;
  conversations: Conversations;
  facts: ServerFacts;
  line: Line;
  outbox: Outbox;
}

export function followPageLife({ chat, changes, conversations, facts, line, outbox }: PageLifeParts): Disposables {
  const disposables = new Disposables();
  const isSeen = () => document.visibilityState === "visible";
  const wake = (isLineSuspect: boolean) => {
    void chat.wake(isLineSuspect);
    changes.wake(isLineSuspect);
    if (!facts.isComplete) void facts.load();
  };
  const follow = () => {
    if (isSeen()) changes.open();
    else changes.close();
  };
  disposables.listen(window, "online", () => wake(true));
  disposables.listen(window, "offline", () => line.ask());
  disposables.listen(document, "resume", () => wake(true));
  disposables.listen(window, "pageshow", event => {
    if (!(event as PageTransitionEvent).persisted) return;
    follow();
    wake(true);
  });
  // An open stream keeps a page out of the cache that the back button shows at once.
  disposables.listen(window, "pagehide", () => {
    changes.close();
    outbox.letGo();
  });
  disposables.listen(document, "visibilitychange", () => {
    follow();
    if (isSeen()) wake(false);
  });
  disposables.add(
    line.isOffline.subscribe(isOffline => {
      if (isOffline) return;
      // A server that was away may come back with other keys and models.
      void facts.load(true);
      wake(false);
    }),
  );
  disposables.add(
    changes.isTold.subscribe(isTold => {
      conversations.isTold = isTold;
    }),
  );
  follow();
  disposables.add(() => changes.close());
  return disposables;
}
