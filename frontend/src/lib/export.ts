/** A conversation as a file: Markdown of the branch that is read, or JSON of the whole tree. Pure. */

import type { ConversationWithMessages, Message } from "../api/types.ts";
import { formatCost, formatTokens } from "./format.ts";
import { MessageTree } from "./message-tree.ts";

/** The tree as the server gave it. */
export function asJson(conversation: ConversationWithMessages): string {
  return `${JSON.stringify(conversation, null, 2)}\n`;
}

/** From the first prompt to the leaf that is active. What was said stays as it was said: it is Markdown already. */
export function asMarkdown(conversation: ConversationWithMessages): string {
  const path = new MessageTree(conversation.messages).pathTo(conversation.active_leaf_id);
  const head = [
    `# ${oneLine(conversation.title) || "untitled"}`,
    "",
    `${conversation.created_at} · ${conversation.id}`,
  ];
  const system = conversation.system_prompt ? ["", "## system", "", conversation.system_prompt] : [];
  return `${[...head, ...system, ...path.flatMap(section)].join("\n").trimEnd()}\n`;
}

function section(message: Message): string[] {
  if (message.role === "user") return ["", "## prompt", "", message.content];
  const images = message.parts.flatMap(part => (part.type === "image" ? [`![image](${part.url})`] : []));
  const said = [message.content, ...images].filter(Boolean).join("\n\n");
  const facts = [
    formatTokens(message.tokens_input, message.tokens_output),
    formatCost(message.cost, message.cost_status),
    message.status === "complete" ? "" : message.status,
    message.error?.message ?? "",
  ];
  const receipt = facts.filter(Boolean).map(oneLine).join(" · ");
  return ["", `## ${oneLine(message.model ?? "answer")}`, "", said, ...(receipt ? ["", `*${receipt}*`] : [])];
}

/** A name that is one on every system: no path, no control characters, nothing reserved, not too long. */
export function fileName(title: string, format: "markdown" | "json"): string {
  const words = title
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  const short = [...words].slice(0, 60).join("").replace(/-+$/, "");
  const isReserved = /^(con|prn|aux|nul|com\d|lpt\d)$/.test(short);
  return `${isReserved || short === "" ? `conversation${short && `-${short}`}` : short}.${format === "json" ? "json" : "md"}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
