/**
 * Shows a growing markdown text. Blocks that can no longer change are never touched again.
 *
 * Elements are built by DOM calls from marked's tokens: raw HTML is shown as the text it is, nothing is loaded
 * from elsewhere, and an address that is not a plain web or mail address is no link. DOMPurify goes over every
 * built block all the same, last, so that a mistake here is not yet a hole.
 */

import DOMPurify from "dompurify";
import type { Token, Tokens } from "marked";
import { MarkdownBlocks } from "../lib/markdown-blocks.ts";
import { h } from "./element.ts";

/** Read once: to read it anew for every block would cost more than the cleaning. */
const PURIFY = {
  IN_PLACE: true as const,
  ADD_ATTR: ["target"],
  FORBID_TAGS: ["style", "form"],
  FORBID_ATTR: ["style"],
};

const purifier = DOMPurify(window);
purifier.setConfig(PURIFY);

interface Block {
  raw: string;
  element: HTMLElement | null;
}

export class MarkdownView {
  readonly element: HTMLElement;
  #reader = new MarkdownBlocks();
  #blocks: Block[] = [];
  #source = "";

  constructor(element: HTMLElement) {
    this.element = element;
  }

  /** Shows `source`; cheap when it continues what is shown. */
  update(source: string): void {
    if (source === this.#source) return;
    const update = this.#reader.update(source);
    if (update === null) return this.#restart(source);
    this.#source = source;
    this.#patch(update.settledCount, update.open);
  }

  /** The text is whole. Links that were named before their address came are made now. */
  finish(source: string): void {
    this.update(source);
    if (this.#reader.hasDefinitions) this.#restart(source);
  }

  #restart(source: string): void {
    this.#reader = new MarkdownBlocks();
    this.#blocks = [];
    this.#source = "";
    this.element.replaceChildren();
    const update = this.#reader.update(source);
    this.#source = source;
    if (update) this.#patch(0, update.open);
  }

  #patch(from: number, tokens: readonly Token[]): void {
    const open = this.#blocks.splice(from);
    for (const [index, token] of tokens.entries()) {
      const old = open[index];
      this.#blocks.push(old?.raw === token.raw ? old : this.#replace(old, token));
    }
    for (const stale of open.slice(tokens.length)) stale.element?.remove();
  }

  #replace(old: Block | undefined, token: Token): Block {
    if (old?.element && token.type === "code" && growCode(old.element, token as Tokens.Code)) {
      old.raw = token.raw;
      return old;
    }
    const element = buildBlock(token);
    if (element) purify(element);
    if (old?.element) {
      if (element) old.element.replaceWith(element);
      else old.element.remove();
    } else if (element) {
      // Blocks only ever grow at the end, but a `space` may have become a block before others.
      const next = this.#blocks.length;
      const after = this.#blocks.slice(0, next).findLast(block => block.element)?.element;
      if (after) after.after(element);
      else this.element.prepend(element);
    }
    return { raw: token.raw, element };
  }
}

/** DOMPurify does not clean the root itself but everything in it; our root is always a plain element of ours. */
function purify(element: HTMLElement): void {
  purifier.sanitize(element);
}

function buildBlock(token: Token): HTMLElement | null {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "code":
      return buildCode(token as Tokens.Code);
    case "heading":
      return h(HEADINGS[Math.min(token.depth, 6) - 1] ?? "h6", {}, ...buildInline(token.tokens));
    case "paragraph":
      return h("p", {}, ...buildInline(token.tokens));
    case "text":
      return h("p", {}, ...buildInline(token.tokens ?? [token]));
    case "blockquote":
      return h("blockquote", {}, ...buildBlocks(token.tokens));
    case "list":
      return buildList(token as Tokens.List);
    case "table":
      return buildTable(token as Tokens.Table);
    case "hr":
      return h("hr");
    default:
      return h("p", { class: "raw" }, token.raw.replace(/\n+$/, ""));
  }
}

// The page has its own headings; an answer's begin below them.
const HEADINGS = ["h3", "h4", "h5", "h6", "h6", "h6"] as const;

function buildBlocks(tokens: readonly Token[] = []): HTMLElement[] {
  return tokens.map(buildBlock).filter(element => element !== null);
}

function buildList(token: Tokens.List): HTMLElement {
  const items = token.items.map(item => {
    const children = item.tokens.flatMap((child): Node[] => {
      if (child.type === "text") return buildInline((child as Tokens.Text).tokens ?? [child]);
      if (child.type === "checkbox") return [];
      const block = buildBlock(child);
      return block ? [block] : [];
    });
    const box = item.task ? h("span", { class: "task" }, item.checked ? "[x] " : "[ ] ") : null;
    return h("li", { class: item.task ? "has-task" : null }, box, ...children);
  });
  if (!token.ordered) return h("ul", {}, ...items);
  return h("ol", { start: token.start !== 1 && token.start !== "" ? token.start : null }, ...items);
}

function buildTable(token: Tokens.Table): HTMLElement {
  const cell = (tag: "th" | "td", of: Tokens.TableCell) =>
    h(tag, { class: of.align ? `align-${of.align}` : null }, ...buildInline(of.tokens));
  const head = h("thead", {}, h("tr", {}, ...token.header.map(of => cell("th", of))));
  const rows = token.rows.map(row => h("tr", {}, ...row.map(of => cell("td", of))));
  // A region of its own that can be scrolled by keyboard too: the page never scrolls sideways.
  const label = "table";
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": label },
    h("table", {}, head, h("tbody", {}, ...rows)),
  );
}

function buildCode(token: Tokens.Code): HTMLElement {
  const language = (token.lang ?? "").trim().split(/\s+/)[0] ?? "";
  const copy = h("button", { class: "copy", type: "button", "aria-label": "copy code" }, "copy");
  const code = h("code", {}, token.text);
  return h(
    "div",
    { class: "code", "data-language": language },
    h("div", { class: "code-head" }, h("span", {}, language || "text"), copy),
    h("pre", { tabindex: 0, "aria-label": language ? `code, ${language}` : "code", role: "region" }, code),
  );
}

/**
 * Shows the longer text of an open code block, leaving its frame alone.
 *
 * The inner element is new each time: the cursor at its end would otherwise count as something that moved.
 */
function growCode(element: HTMLElement, token: Tokens.Code): boolean {
  const language = (token.lang ?? "").trim().split(/\s+/)[0] ?? "";
  const code = element.querySelector("pre > code");
  if (!code || element.dataset.language !== language) return false;
  code.replaceWith(h("code", {}, token.text));
  return true;
}

function buildInline(tokens: readonly Token[] = []): Node[] {
  return tokens.flatMap((token): Node[] => {
    switch (token.type) {
      case "text":
        return token.tokens ? buildInline(token.tokens) : [document.createTextNode(decodeEntities(token.text))];
      case "escape":
        return [document.createTextNode(token.text)];
      case "strong":
      case "em":
      case "del":
        return [h(token.type, {}, ...buildInline(token.tokens))];
      case "codespan":
        return [h("code", {}, token.text)];
      case "br":
        return [h("br")];
      case "link":
        return [buildLink(token as Tokens.Link)];
      case "image":
        return [buildImage(token as Tokens.Image)];
      case "html":
        // The one tag that models write where markdown has nothing: a break inside a table cell.
        return /^<br\s*\/?>$/i.test(token.raw.trim()) ? [h("br")] : [document.createTextNode(token.raw)];
      default:
        return [document.createTextNode(token.raw)];
    }
  });
}

function buildLink(token: Tokens.Link): Node {
  const href = safeAddress(token.href);
  const children = buildInline(token.tokens);
  return href
    ? h("a", { href, rel: "noopener noreferrer", target: "_blank" }, ...children)
    : h("span", {}, ...children);
}

/** An image from elsewhere would tell that it was read, and by whom: it is a link that says where it leads. */
function buildImage(token: Tokens.Image): Node {
  const name = decodeEntities(token.text) || "image";
  const href = safeAddress(token.href);
  if (!href) return document.createTextNode(`▧ ${name}`);
  const host = new URL(href).host;
  return h("a", { href, class: "remote-image", rel: "noopener noreferrer", target: "_blank" }, `▧ ${name} (${host})`);
}

function safeAddress(href: string): string | null {
  try {
    const url = new URL(decodeEntities(href));
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // relative: there is nothing of the model's on this server
  }
}

const entities = new Map<string, string>();

/** Character references as characters: the tokens keep them as they were written. */
function decodeEntities(text: string): string {
  return text.replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][\da-z]{1,31});/gi, entity => {
    let character = entities.get(entity);
    if (character === undefined) {
      // The pattern admits one reference and nothing else, so this parses no markup.
      character = new DOMParser().parseFromString(entity, "text/html").documentElement.textContent ?? entity;
      entities.set(entity, character);
    }
    return character;
  });
}
