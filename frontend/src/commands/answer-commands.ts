/** Commands for what is answered: now, again, as an image, and what becomes of the words. */

import type { ConversationWithMessages, Message } from "../api/types.ts";
import { COMPARED, readComparison } from "../lib/comparison.ts";
import { nearest } from "../lib/fuzzy.ts";
import { imageOptionValues, readImageArgument } from "../lib/image-argument.ts";
import { isGoOn } from "../state/open-conversation.ts";
import { type Command, type CommandContext, CommandError, values } from "./command.ts";
import { chatModels, modelValue, needCatalog, usable } from "./model-names.ts";

export const ANSWER_COMMANDS: readonly Command[] = [
  {
    name: "stop",
    group: "answers",
    summary: "stop the answer; what was said is kept",
    softKey: { glyph: "■", label: "stop", isOn: ({ chat }) => chat.canStop },
    run: ({ chat }) => {
      if (!chat.canStop.get()) throw new CommandError("nothing is being answered");
      return chat.stop();
    },
  },
  {
    name: "retry",
    group: "answers",
    argument: "[model]",
    summary: "answer the last prompt again, by this or another model",
    values: ({ facts }) => chatModels(facts).map(modelValue),
    run: ({ chat, facts }, argument) => {
      const answer = lastAnswer(chat.path());
      if (!answer) throw new CommandError("there is no answer to retry yet");
      if (chat.liveHere()) throw new CommandError("an answer is still on its way. /stop it first");
      chat.retry(answer, argument === "" ? undefined : usable(argument, facts, chat.isImage(answer)).id);
    },
  },
  {
    name: "continue",
    group: "answers",
    summary: "let an answer that broke off go on where it stopped",
    run: ({ chat }) => {
      const answer = lastAnswer(chat.path());
      if (chat.liveHere()) throw new CommandError("an answer is still on its way");
      if (!answer?.content || chat.isImage(answer)) throw new CommandError("there is no answer to continue yet");
      chat.goOn(answer);
    },
  },
  {
    name: "edit",
    group: "answers",
    summary: "change the last prompt and send it beside the old one",
    run: ({ chat, surface }) => {
      const prompt = chat.path().findLast(message => message.role === "user" && !isGoOn(message.content));
      if (!prompt) throw new CommandError("there is no prompt to edit yet");
      surface.edit(prompt);
    },
  },
  {
    name: "compare",
    group: "answers",
    argument: "[models] [prompt]",
    takesText: true,
    summary: "ask two or three models at once and read them side by side",
    values: ({ facts }, typed) => {
      const [, named = ""] = /^([\s\S]*\s)?\S*$/.exec(typed) ?? [];
      const { models, prompt } = readComparison(named, word => facts.model(word) !== undefined);
      if (prompt !== "" || models.length >= COMPARED.most) return [];
      const left = chatModels(facts).filter(({ id }) => !models.includes(id));
      return left.map(model => ({ ...modelValue(model), value: named + model.id, isOpen: true }));
    },
    run: ({ chat, facts, surface }, argument) => {
      if (argument === "") return surface.pickComparison();
      needCatalog(facts);
      const { models, prompt } = readComparison(argument, word => facts.model(word) !== undefined);
      const [next = ""] = prompt.split(/\s/);
      const like = nearest(
        chatModels(facts).map(({ id }) => id),
        next,
      );
      // A short word is found in many a name.
      if (like !== null && next.length > 0.7 * like.length) usable(next, facts);
      if (models.length < COMPARED.least || models.length > COMPARED.most) {
        const other = next && models.length < COMPARED.least ? `. “${next}” is none` : "";
        throw new CommandError(`name two or three models: /compare model-a model-b${other}`);
      }
      for (const model of models) usable(model, facts);
      chat.comparing.set(models);
      if (prompt) surface.send(prompt);
    },
  },
  {
    name: "image",
    group: "answers",
    argument: "<text>",
    isWritten: true,
    takesText: true,
    summary: "make an image; size=, quality= and model= may stand before or after the text",
    values: ({ facts }, typed) => imageOptionValues(typed, facts.catalog.get()?.models ?? []),
    run: ({ chat, facts }, argument) => {
      const { prompt, options, problem } = readImageArgument(argument);
      if (problem) throw new CommandError(problem);
      if (prompt === "") throw new CommandError("say what the image shows: /image a lighthouse at dusk");
      const catalog = facts.catalog.get();
      if (catalog && !catalog.defaults.image && !options.model) {
        throw new CommandError("no image model is available. add OPENAI_API_KEY to .env and start again");
      }
      if (catalog && options.model) usable(options.model, facts, true);
      chat.submitImage(prompt, options);
    },
  },
  {
    name: "copy",
    group: "answers",
    argument: "[all]",
    summary: "copy the last answer, or the conversation as Markdown",
    values: () => values("all"),
    run: async (context, argument) => {
      const { chat, surface } = context;
      if (!["", "all"].includes(argument)) throw new CommandError("/copy copies the last answer, /copy all all of it");
      const answer = lastAnswer(chat.path());
      const text =
        argument === "all" ? (await import("../lib/export.ts")).asMarkdown(await fetchOpen(context)) : answer?.content;
      const isImage = argument === "" && answer !== undefined && chat.isImage(answer);
      if (!text)
        throw new CommandError(isImage ? "an image is not copied: download saves it" : "there is nothing to copy yet");
      if (!(await surface.copy(text))) throw new CommandError("the browser lets nothing into its clipboard here");
      const last = isImage ? "the words that came with the image" : "the last answer";
      surface.say(`copied ${argument === "all" ? "the conversation" : last}`);
    },
  },
  {
    name: "export",
    group: "answers",
    argument: "[markdown|json]",
    summary: "save what is read here as Markdown, or all of its branches as JSON",
    values: () => values("markdown", "json"),
    run: async (context, argument) => {
      const format = argument || "markdown";
      if (format !== "markdown" && format !== "json") {
        throw new CommandError("a conversation is exported as markdown or as json");
      }
      const conversation = await fetchOpen(context);
      const { asJson, asMarkdown, fileName } = await import("../lib/export.ts");
      const name = fileName(conversation.title, format);
      if (format === "json") context.surface.save(name, "application/json", asJson(conversation));
      else context.surface.save(name, "text/markdown", asMarkdown(conversation));
      context.surface.say(`saved ${format === "json" ? "all branches" : "what is read here"} as ${name}`);
    },
  },
];

/** The open conversation, as the server has it. */
function fetchOpen({ chat, client }: CommandContext): Promise<ConversationWithMessages> {
  const { id } = chat.current.get();
  if (id === null) throw new CommandError("there is no conversation here yet");
  return client.conversation(id);
}

function lastAnswer(path: readonly Message[]): Message | undefined {
  return path.findLast(message => message.role === "assistant");
}
