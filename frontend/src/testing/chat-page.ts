/** A page's state before a scripted server, as `app.ts` puts it together. Tests only. */

import { ApiClient } from "../api/client.ts";
import type { ConversationWithMessages } from "../api/types.ts";
import { ServerFacts } from "../state/catalog.ts";
import { Chat } from "../state/chat.ts";
import { Conversations } from "../state/conversations.ts";
import type { Copies } from "../state/offline.ts";
import { Outbox, type PromptStore } from "../state/outbox.ts";
import { DeviceStorage, Preferences } from "../state/preferences.ts";
import { aMessage, FakeClock, type FakeServer } from "./fake-server.ts";

/** Another one with the same `server` is what a reload opens: what is stored is shared. */
export function newPage(server: FakeServer, store: PromptStore | null = null, copies?: Copies) {
  const opened: (string | null)[] = [];
  const replaced: (string | null)[] = [];
  const storage = new DeviceStorage(localStorage);
  const preferences = new Preferences(storage);
  const client = new ApiClient(server.fetch, preferences.deviceId);
  const clock = new FakeClock();
  const outbox = new Outbox(storage, store, clock);
  const facts = new ServerFacts(client, clock);
  const conversations = new Conversations(client, clock, copies);
  const navigation = {
    open: (id: string | null) => void opened.push(id),
    replace: (id: string | null) => void replaced.push(id),
  };
  const parts = { client, clock, outbox, facts, conversations, preferences, navigation };
  const chat = new Chat({ ...parts, ...(copies && { copies }) });
  chat.openNew();
  return { chat, outbox, clock, conversations, preferences, facts, opened, replaced };
}

/** One prompt, m1, and its answer, m2. */
export function aConversation(change: Partial<ConversationWithMessages> = {}): ConversationWithMessages {
  return {
    id: "c1",
    title: "t",
    model: null,
    system_prompt: null,
    device_id: null,
    active_leaf_id: "m2",
    created_at: "",
    updated_at: "",
    cost: null,
    message_count: 2,
    is_live: false,
    messages: [aMessage({ id: "m1", parent_id: null, role: "user", content: "hello" }), aMessage({ content: "Hi." })],
    ...change,
  };
}
