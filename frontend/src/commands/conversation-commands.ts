/** Commands for whole conversations. */

import type { Conversation } from "../api/types.ts";
import { fuzzyFilter } from "../lib/fuzzy.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";

export const CONVERSATION_COMMANDS: readonly Command[] = [
  {
    name: "new",
    group: "conversations",
    summary: "start a new conversation",
    run: ({ surface }) => surface.open(null),
  },
  {
    name: "open",
    group: "conversations",
    argument: "[title]",
    summary: "open a conversation",
    values: ({ conversations }) => conversations.list.get().items.map(({ title }) => ({ value: title || "untitled" })),
    run: async ({ conversations, surface }, argument) => {
      if (argument === "") return surface.pickConversation();
      await conversations.all();
      const { items } = conversations.list.get();
      const exact = items.find(({ title }) => title === argument);
      const found = exact ?? fuzzyFilter(items, argument, ({ title }) => title)[0];
      if (!found)
        throw new CommandError(`no conversation is called anything like “${argument}”. /open alone lists them`);
      surface.open(found.id);
    },
  },
  {
    name: "rename",
    group: "conversations",
    argument: "[title]",
    summary: "rename this conversation",
    run: async (context, argument) => {
      const { id, title } = await opened(context, "rename");
      const wished = argument || (await context.surface.ask("a new title", title));
      if (wished) await context.chat.rename(id, wished);
    },
  },
  {
    name: "clone",
    group: "conversations",
    summary: "copy this conversation, all its branches, into a new one",
    run: async context => {
      await opened(context, "clone");
      await context.chat.clone();
    },
  },
  {
    name: "fork",
    group: "conversations",
    summary: "go on in a new conversation that begins with what is read here",
    run: async context => {
      await opened(context, "fork");
      const leaf = context.chat.path().at(-1);
      if (!leaf) throw new CommandError("there is nothing to fork yet");
      if (context.chat.liveHere()) throw new CommandError("an answer is still on its way. /stop it first");
      await context.chat.clone(leaf.id);
    },
  },
  {
    name: "delete",
    group: "conversations",
    summary: "delete this conversation; for some minutes /undo brings it back",
    run: async context => context.removals.remove(await opened(context, "delete")),
  },
  {
    name: "undo",
    group: "conversations",
    summary: "bring back what was deleted just now",
    run: ({ removals }) => {
      if (!removals.undo()) throw new CommandError("there is nothing to bring back");
    },
  },
];

/** The open conversation; of one that was just begun the page may know no more than its id. */
async function opened({ chat, client, conversations }: CommandContext, what: string): Promise<Conversation> {
  const { id, conversation } = chat.current.get();
  if (id === null) throw new CommandError(`there is nothing to ${what} yet`);
  const listed = conversations.list.get().items.find(item => item.id === id);
  return conversation ?? listed ?? (await client.conversation(id));
}
