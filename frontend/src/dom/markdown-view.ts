/**
 * Shows a growing markdown text. What can no longer change is never touched again.
 *
 * Elements are built by DOM calls from marked's tokens: raw HTML is shown as the text it is, nothing is loaded
 * from elsewhere, and an address that is not a plain web or mail address is no link. Every built piece is looked
 * over all the same, last, and is its text where it is more than plain: a mistake here is not yet a hole.
 */

import type { Token, Tokens } from "marked";
import { MarkdownBlocks, type Piece } from "../lib/markdown-blocks.ts";
import type { MathToken } from "../lib/markdown-math.ts";
import { h } from "./element.ts";
import { skipWhenFar } from "./far.ts";
import { highlightLater } from "./lazy-highlight.ts";
import { setFormulas, showFormula } from "./lazy-math.ts";
import { sanitize } from "./sanitize.ts";

/** From how many rows on a table keeps the columns it had while it grew. */
const LONG_TABLE = 100;

interface Block extends Piece {
  /** What the piece added to the page; of a piece that was added to a frame, without that. */
  readonly nodes: readonly ChildNode[];
  /** The element of the whole block; null where there is nothing to be seen. */
  readonly frame: HTMLElement | null;
  readonly section: HTMLElement;
  /** How many characters its section has with it. */
  readonly sectionLength: number;
}

/**
 * From how many characters on a section is full. What is out of sight is laid out and painted by no frame, section by
 * section: so a frame costs what can be seen, however long the answer.
 */
const SECTION_LENGTH = 1_500;

export class MarkdownView {
  readonly element: HTMLElement;
  readonly #long: number | undefined;
  #reader: MarkdownBlocks;
  #blocks: Block[] = [];
  #source = "";
  /** Code that is to be coloured once it is whole. */
  #plainCode: HTMLElement[] = [];
  /** Long tables that are not whole. */
  #pinned: HTMLElement[] = [];
  /** The section that ends in the cursor. What shows an answer as live hangs on it: the end of one restyles no more. */
  #growing: Element | null = null;

  /** `long` is from how many characters on a block is shown in pieces. */
  constructor(element: HTMLElement, long?: number) {
    this.element = element;
    this.#long = long;
    this.#reader = new MarkdownBlocks(long);
  }

  /** Shows `source`; cheap when it continues what is shown. `isLive`: it ends in the cursor. */
  update(source: string, isLive = true): void {
    if (source === this.#source) return;
    const update = this.#reader.update(source);
    if (update === null) this.#restart(source);
    else this.#patch(update.settledCount, update.open);
    this.#source = source;
    this.#grow(isLive ? this.element.lastElementChild : null);
    this.#endWhole(this.#blocks.at(-1)?.frame ?? null);
  }

  /** The text is whole. Links that were named before their address came are made now. */
  finish(source: string): void {
    this.update(source, false);
    if (this.#reader.hasDefinitions) this.#restart(source);
    this.#grow(null);
    this.#endWhole(null);
  }

  #grow(section: Element | null): void {
    if (section === this.#growing) return;
    this.#growing?.classList.remove("is-growing");
    section?.classList.add("is-growing");
    this.#growing = section;
  }

  #restart(source: string): void {
    this.#reader = new MarkdownBlocks(this.#long);
    this.#blocks = [];
    this.#plainCode = [];
    this.#pinned = [];
    this.element.replaceChildren();
    const update = this.#reader.update(source);
    if (update) this.#patch(0, update.open);
  }

  #patch(from: number, pieces: readonly Piece[]): void {
    const old = this.#blocks.splice(from);
    const same = old.findIndex((block, at) => !isSame(block, pieces[at]));
    const kept = same < 0 ? old.length : same;
    this.#blocks.push(...old.slice(0, kept));
    const [first, ...rest] = old.slice(kept);
    for (const block of rest) removeBlock(block);
    for (const [index, piece] of pieces.slice(kept).entries()) {
      this.#blocks.push(this.#place(piece, index === 0 ? first : undefined));
    }
    if (first && pieces.length === kept) removeBlock(first);
  }

  /** Puts the piece into the page, in the place of `old` where that is given. */
  #place({ token, joins }: Piece, old: Block | undefined): Block {
    const host = joins && token.type !== "list" ? (this.#blocks.at(-1)?.frame ?? null) : null;
    const nodes = this.#build(token, host);
    const frame = host ?? (nodes[0] as HTMLElement | undefined) ?? null;
    const { section, length } = this.#sectionFor(host !== null, old);
    const placed = { token, joins, section, sectionLength: length + token.raw.length };
    if (!host && frame && old?.frame && adoptFrame(old, token, frame))
      return { ...placed, nodes: [old.frame], frame: old.frame };
    if (!section.parentNode && nodes.length > 0) this.element.append(section);
    (host ? insideOf(host) : section).append(...nodes);
    if (old) removeBlock(old);
    if (joins && !host) frame?.classList.add("goes-on");
    if (token.type === "code" && frame && !this.#plainCode.includes(frame)) this.#plainCode.push(frame);
    return { ...placed, nodes, frame };
  }

  /** Where the next piece goes, and how many characters are there before it. */
  #sectionFor(isInHost: boolean, old: Block | undefined): { section: HTMLElement; length: number } {
    const last = this.#blocks.at(-1);
    if (last && (isInHost || last.sectionLength < SECTION_LENGTH))
      return { section: last.section, length: last.sectionLength };
    if (old && old.section !== last?.section) return { section: old.section, length: 0 };
    if (last) skipWhenFar(last.section);
    return { section: h("div", { class: "section" }), length: 0 };
  }

  /** The nodes of a piece; of one that joins `host`, those to be added to it. */
  #build(token: Token, host: HTMLElement | null): ChildNode[] {
    const builder = new Builder();
    const built = host ? builder.part(token) : builder.block(token);
    if (!built) return [];
    const element = sanitize(built);
    this.#fillMath(builder.math);
    if (!host || element !== built || element.localName === "span") return [element];
    if (token.type !== "table") return [...element.childNodes];
    if (pinColumns(host)) this.#pinned.push(host);
    const before = host.querySelector("tbody:last-of-type");
    if (before) skipWhenFar(before);
    return [...element.querySelectorAll("tbody")];
  }

  /** Formulas are set last, as elements that are made of plain data and no markup. */
  #fillMath(formulas: ReadonlyMap<HTMLElement, MathToken>): void {
    const waiting = [...formulas].filter(([element, token]) => !showFormula(element, token));
    if (waiting.length === 0) return;
    void setFormulas(waiting.map(([, token]) => token)).then(() => {
      const [first] = waiting.filter(
        ([element, token]) => this.element.contains(element) && showFormula(element, token),
      );
      if (first) this.#putBackFrom(this.#blocks.findIndex(({ frame }) => frame?.contains(first[0])));
    });
  }

  /** What has grown beside `open`, the block that still grows, is whole. */
  #endWhole(open: HTMLElement | null): void {
    this.#plainCode = this.#plainCode.filter(frame => {
      if (frame === open) return true;
      const code = frame.querySelector("code");
      if (code) highlightLater(code, frame.dataset.language ?? "");
      return false;
    });
    this.#pinned = this.#pinned.filter(frame => {
      if (frame === open) return true;
      if (unpinColumns(frame)) this.#putBackFrom(this.#blocks.findIndex(block => block.frame === frame));
      return false;
    });
  }

  /** What is put back has not moved: nothing under a block that took another height counts as shifted. */
  #putBackFrom(index: number): void {
    if (index < 0) return;
    const moved = this.#blocks.slice(index);
    const section = moved[0]?.section;
    section?.append(...new Set(moved.flatMap(block => (block.section === section && block.frame) || [])));
    this.element.append(...new Set(moved.flatMap(it => (it.section !== section && it.frame ? it.section : []))));
  }
}

/** Of everything some: what an answer mostly is. */
const SAMPLE = "# a\n\nb **c** `d` [e](https://f.invalid) $5\n\n- g\n\n| h |\n|---|\n| i |\n\n```\nj\n```\n\nk";

/** Shows a few lines to nobody, step by step, so that the first words of an answer find the code read and run. */
export function* warmUp(): Generator<void> {
  const view = new MarkdownView(h("div"));
  for (let end = 1; end < SAMPLE.length; end += 2) yield view.update(SAMPLE.slice(0, end));
  view.finish(SAMPLE);
}

function isSame(block: Block, piece: Piece | undefined): boolean {
  return piece !== undefined && piece.joins === block.joins && piece.token.raw === block.token.raw;
}

function removeBlock({ nodes, section }: Block): void {
  for (const node of nodes) node.remove();
  if (!section.firstChild) section.remove();
}

/** Where the further pieces of a block go. */
function insideOf(frame: HTMLElement): Element {
  return frame.querySelector(":scope > table, :scope > pre > code") ?? frame;
}

/**
 * Puts the newly built content into the frame that stands: a reader may have scrolled it, or hold its key.
 *
 * The content is new each time: the cursor at its end would otherwise count as something that moved.
 */
function adoptFrame(old: Block, token: Token, built: HTMLElement): boolean {
  const frame = old.frame;
  if (!frame || old.joins || old.token.type !== token.type || languageOf(old.token) !== languageOf(token)) return false;
  const selector = token.type === "code" ? ":scope > pre > code" : token.type === "table" ? ":scope > table" : null;
  const stale = selector && frame.querySelector(selector);
  const fresh = selector && built.querySelector(selector);
  if (!stale || !fresh) return false;
  stale.replaceWith(fresh);
  return true;
}

/**
 * Until it is whole a long table keeps the columns that its first rows made: a wide cell far down moves nothing, and
 * no row has to be laid out for another's sake.
 */
function pinColumns(frame: HTMLElement): boolean {
  const table = frame.querySelector("table");
  if (!table || table.classList.contains("is-pinned")) return false;
  const widths = [...table.querySelectorAll<HTMLElement>("thead th")].map(cell => cell.offsetWidth);
  if (widths.includes(0)) return false; // not laid out
  table.classList.add("is-pinned");
  table.style.setProperty("--columns", widths.map(width => `${width}px`).join(" "));
  return true;
}

/** One so long stays as it is: nobody sees all of its rows at once, and to lay them all out is felt. */
function unpinColumns(frame: HTMLElement): boolean {
  const table = frame.querySelector("table");
  if (!table || table.rows.length > LONG_TABLE) return false;
  table.removeAttribute("style");
  table.removeAttribute("class");
  return true;
}

/** Builds the elements of one piece, and remembers the formulas in it. */
class Builder {
  readonly math = new Map<HTMLElement, MathToken>();

  /** A further piece of a block: a span to be added to it, or a block whose insides are. */
  part(token: Token): HTMLElement | null {
    if (token.type === "code") return h("span", { class: "piece" }, (token as Tokens.Code).text);
    if (token.type === "paragraph") return h("span", { class: "piece" }, ...this.#inline(token.tokens));
    return this.block(token);
  }

  block(token: Token): HTMLElement | null {
    switch (token.type) {
      case "space":
      case "def":
        return null;
      case "code":
        return buildCode(token as Tokens.Code);
      case "heading":
        return h(HEADINGS[Math.min(token.depth, 6) - 1] ?? "h6", {}, ...this.#inline(token.tokens));
      case "paragraph":
        return h("p", {}, ...this.#inline(token.tokens));
      case "text":
        return h("p", {}, ...this.#inline(token.tokens ?? [token]));
      case "blockquote":
        return h("blockquote", {}, ...this.#blocks(token.tokens));
      case "list":
        return this.#list(token as Tokens.List);
      case "table":
        return this.#table(token as Tokens.Table);
      case "math":
        return token.isOpen ? rawText(token) : h("p", {}, this.#formula(token as MathToken));
      case "hr":
        return h("hr");
      default:
        return rawText(token);
    }
  }

  #blocks(tokens: readonly Token[] = []): HTMLElement[] {
    return tokens.map(token => this.block(token)).filter(element => element !== null);
  }

  #list(token: Tokens.List): HTMLElement {
    const items = token.items.map(item => {
      const blocks = this.#blocks(item.tokens.filter(child => child.type !== "checkbox"));
      if (item.task) {
        const box = h("span", { class: "task" }, item.checked ? "[x] " : "[ ] ");
        if (blocks[0]?.localName === "p") blocks[0].prepend(box);
        else blocks.unshift(h("p", {}, box));
      }
      return h("li", { class: item.task ? "has-task" : null }, ...blocks);
    });
    if (!token.ordered) return h("ul", {}, ...items);
    return h("ol", { start: token.start !== 1 && token.start !== "" ? token.start : null }, ...items);
  }

  #table(token: Tokens.Table): HTMLElement {
    const cell = (tag: "th" | "td", of: Tokens.TableCell) =>
      h(tag, { class: of.align ? `align-${of.align}` : null }, ...this.#inline(of.tokens));
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

  #inline(tokens: readonly Token[] = []): Node[] {
    return tokens.flatMap((token): Node[] => {
      switch (token.type) {
        case "text":
          return token.tokens ? this.#inline(token.tokens) : [document.createTextNode(decodeEntities(token.text))];
        case "escape":
          return [document.createTextNode(token.text)];
        case "strong":
        case "em":
        case "del":
          return [h(token.type, {}, ...this.#inline(token.tokens))];
        case "codespan":
          return [h("code", {}, token.text)];
        case "br":
          return [h("br")];
        case "link":
          return [this.#link(token as Tokens.Link)];
        case "image":
          return [buildImage(token as Tokens.Image)];
        case "math":
          return [this.#formula(token as MathToken)];
        case "checkbox":
          return [];
        case "html":
          // The one tag that models write where markdown has nothing: a break inside a table cell.
          return /^<br\s*\/?>$/i.test(token.raw.trim()) ? [h("br")] : [document.createTextNode(token.raw)];
        default:
          return [document.createTextNode(token.raw)];
      }
    });
  }

  #link(token: Tokens.Link): Node {
    const href = safeAddress(token.href);
    const children = this.#inline(token.tokens);
    return href
      ? h("a", { href, rel: "noopener noreferrer", target: "_blank" }, ...children)
      : h("span", {}, ...children);
  }

  #formula(token: MathToken): HTMLElement {
    const element = h("span", { class: token.isDisplay ? "math is-display" : "math" }, token.raw.trim());
    this.math.set(element, token);
    return element;
  }
}

// The page has its own headings; an answer's begin below them.
const HEADINGS = ["h3", "h4", "h5", "h6", "h6", "h6"] as const;

/** Of a language: a head of one line has room for so much. */
const LONGEST_NAME = 24;

function rawText(token: Token): HTMLElement {
  return h("p", { class: "raw" }, token.raw.replace(/\n+$/, ""));
}

/** The first word behind the fence, without what no plain attribute may hold; nothing of what is no code. */
function languageOf(token: Token): string {
  const [name = ""] = ((token as Tokens.Code).lang ?? "").trim().split(/\s+/);
  return name.replace(/[<>]/g, "").slice(0, LONGEST_NAME);
}

function buildCode(token: Tokens.Code): HTMLElement {
  const language = languageOf(token);
  const copy = h("button", { class: "copy", type: "button", "aria-label": "copy code" }, "copy");
  const code = h("code", {}, h("span", { class: "piece" }, token.text));
  return h(
    "div",
    { class: "code", "data-language": language },
    h("div", { class: "code-head" }, h("span", {}, language || "text"), copy),
    h("pre", { tabindex: 0, "aria-label": language ? `code, ${language}` : "code", role: "region" }, code),
  );
}

/**
 * An image from elsewhere would tell that it was read, and by whom, so none is loaded into the page, which the
 * content security policy forbids anyway: it is a link that says where it leads, and a tap opens it there.
 */
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
    // Of a mail address the browser leaves angle brackets as they are.
    const plain = url.href.replace(/[<>]/g, encodeURIComponent);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? plain : null;
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
