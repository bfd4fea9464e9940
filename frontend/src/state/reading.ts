/**
 * What the reader has open, and each way in which it changes.
 *
 * Knows what goes along with it: the prompts that wait for it, its line in the list, the address. Asks the server for
 * nothing, and knows nothing of how an answer is followed.
 */

import type { Conversation, ConversationWithMessages, Message } from "../api/types.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { atom } from "../lib/store.ts";
import type { Conversations } from "./conversations.ts";
import { newConversation, type OpenConversation } from "./open-conversation.ts";
import type { Outbox } from "./outbox.ts";

export interface Navigation {
  /** Shows the conversation's address, without opening it again. */
  replace(conversationId: string | null): void;
  open(conversationId: string | null): void;
}

export class Reading {
  readonly current = atom<OpenConversation>(newConversation());
  readonly #outbox: Outbox;
  readonly #conversations: Conversations;
  readonly #navigation: Navigation;

  constructor(outbox: Outbox, conversations: Conversations, navigation: Navigation) {
    this.#outbox = outbox;
    this.#conversations = conversations;
    this.#navigation = navigation;
  }

  path(): Message[] {
    const { messages, activeLeafId } = this.current.get();
    return new MessageTree(messages.values()).pathTo(activeLeafId);
  }

  /** `asOf`: when this device's own copy was made, where it is one. Who watches an answer stays with its branch. */
  show(found: ConversationWithMessages, asOf: number | null = null, isWatching = false): void {
    const { messages, ...conversation } = found;
    const byId = new Map(messages.map(message => [message.id, message]));
    const { activeLeafId } = this.current.get();
    const stays = isWatching && activeLeafId !== null && byId.has(activeLeafId);
    this.current.set({
      ...this.current.get(),
      conversation,
      messages: byId,
      activeLeafId: stays ? activeLeafId : found.active_leaf_id,
      status: "ready",
      error: null,
      asOf,
    });
  }

  /** The open conversation is `id` on the server, from now on if not before. */
  settleIn(id: string): void {
    const { place } = this.current.get();
    if (place === id) return;
    this.#outbox.move(place, id);
    this.#navigation.replace(id);
    this.current.update(current => ({ ...current, formerPlace: place, place: id, id }));
  }

  put(messages: readonly Message[], activeLeafId?: string): void {
    this.current.update(current => ({
      ...current,
      messages: new Map([...current.messages, ...messages.map(message => [message.id, message] as const)]),
      activeLeafId: activeLeafId ?? current.activeLeafId,
    }));
  }

  /** What the server made of a change to a conversation, open or not. */
  changed(conversation: Conversation): void {
    this.#conversations.change(conversation.id, conversation);
    if (this.current.get().id === conversation.id) this.current.update(current => ({ ...current, conversation }));
  }
}
