/**
 * Moving about in the tree of the open conversation, and the prompt in it that is being edited.
 *
 * Knows the server's mark of the branch that is read. Knows nothing of what is sent, or of answers that are made.
 */

import type { ApiClient } from "../api/client.ts";
import type { Message } from "../api/types.ts";
import { MessageTree } from "../lib/message-tree.ts";
import { atom } from "../lib/store.ts";
import type { Edit, Preferences } from "./preferences.ts";
import type { Reading } from "./reading.ts";

export class Branches {
  /** The prompt that is being edited: what is sent next becomes a sibling of it. */
  readonly editing = atom<Edit | null>(null);
  readonly #client: ApiClient;
  readonly #preferences: Preferences;
  readonly #reading: Reading;
  /** Done when the server has heard of every step so far, or could not. */
  #told: Promise<unknown> = Promise.resolve();

  constructor(client: ApiClient, preferences: Preferences, reading: Reading) {
    this.#client = client;
    this.#preferences = preferences;
    this.#reading = reading;
  }

  get edited(): Message | undefined {
    return this.#reading.current.get().messages.get(this.editing.get()?.id ?? "");
  }

  stopEditing(): void {
    this.editing.set(null);
    // Last: whoever writes it keeps it as it is put down.
    const { id } = this.#reading.current.get();
    if (id !== null) this.#preferences.keepEdit(id, null);
  }

  /** Goes on with what was being edited when the open conversation was left. */
  resumeEditing(): void {
    const { id, messages } = this.#reading.current.get();
    const edit = id === null ? null : this.#preferences.edit(id);
    if (edit && !this.editing.get() && messages.has(edit.id)) this.editing.set(edit);
  }

  async step(by: -1 | 1): Promise<void> {
    const tree = new MessageTree(this.#reading.current.get().messages.values());
    const parted = this.#reading.path().findLast(message => tree.siblingsOf(message).length > 1);
    if (!parted) return;
    const siblings = tree.siblingsOf(parted);
    const to = siblings[siblings.indexOf(parted) + by];
    if (to) await this.select(to);
  }

  /** Shows the branch through `message` and lets the server know; goes on with `model`, where there is one. */
  async select(message: Message, model: string | null = null): Promise<void> {
    const { id, messages } = this.#reading.current.get();
    const leaf = new MessageTree(messages.values()).latestLeaf(message.id) ?? message;
    this.#reading.current.update(current => ({ ...current, activeLeafId: leaf.id }));
    if (id === null) return;
    const wish = { active_leaf_id: leaf.id, ...(model && { model }) };
    // One after the other: of two quick steps the second is the one that holds.
    const telling = this.#told.then(() => this.#client.updateConversation(id, wish));
    this.#told = telling.catch(() => undefined);
    this.#reading.changed(await telling);
  }
}
