/**
 * Cuts a growing markdown text into pieces, and settles those that can no longer change.
 *
 * A piece is a top-level block, or a part of one that has grown long: some lines of code, some rows, items,
 * sentences. So the lexer reads only what is not settled yet, and an answer of any length and any form costs no
 * more per frame than its last piece. Knows nothing of the screen.
 */

import { Lexer, type Token, type Tokens, type TokensList } from "marked";
import { INLINE_MATH_LENGTH, MATH_OPTIONS } from "./markdown-math.ts";

export interface Piece {
  readonly token: Token;
  /** Whether it goes on with the block of the piece before it: the same list, table, code, paragraph or quote. */
  readonly joins: boolean;
}

export interface BlockUpdate {
  /** How many pieces from the front are as they were and will stay so. */
  settledCount: number;
  /** The pieces after those, newest reading. */
  open: Piece[];
}

/** Where a long block was cut: what comes is read behind `prefix`, and has to be of the same type. */
interface Cut {
  readonly type: string;
  readonly prefix: string;
  readonly blockStart: number;
  readonly blockCount: number;
}

/** Text enough to tell what the next block is: shorter ones may still turn out to continue the block before. */
const TELLING_LENGTH = 8;
/** From how many characters on a block is cut: some dozens of lines, which any phone reads and paints in a frame. */
const LONG = 2_000;
/** Rows and items make so many times more elements of their characters than sentences and lines of code do. */
const DENSITY: Readonly<Record<string, number>> = { list: 5, table: 4 };
/** What is left open behind a cut in a paragraph. */
const TAIL = 64;

export class MarkdownBlocks {
  readonly #long: number;
  #source = "";
  #settledLength = 0;
  #settledCount = 0;
  #cut: Cut | null = null;
  /** Where a block begins that turned out to be another than its first part was read as. */
  #uncuttable = -1;
  #hasDefinitions = false;

  constructor(long = LONG) {
    this.#long = long;
  }

  /** Whether a link definition was met: it may name links in blocks that were settled before it. */
  get hasDefinitions(): boolean {
    return this.#hasDefinitions;
  }

  /** Reads `source`, which continues what was read before. Returns null when it does not: start anew. */
  update(source: string): BlockUpdate | null {
    if (!source.startsWith(this.#source)) return null;
    this.#source = source;
    let pieces = this.#read(source.slice(this.#settledLength));
    if (pieces === null) {
      this.#heal();
      pieces = this.#read(source.slice(this.#settledLength)) ?? [];
    }
    const settledCount = this.#settledCount;
    const settled = this.#settle(pieces);
    return { settledCount, open: this.#divide(pieces, settled) };
  }

  /** Null where the rest of a block that was cut is of another type than its beginning. */
  #read(text: string): Piece[] | null {
    const { type, prefix } = this.#cut ?? { type: "", prefix: "" };
    const tokens = lex(prefix + text);
    if (Object.keys(tokens.links).length > 0) this.#hasDefinitions = true;
    const [first, ...rest] = tokens;
    if (!this.#cut || !first) return tokens.map(token => ({ token, joins: false }));
    if (first.type !== type || first.raw.length < prefix.length) return null;
    return [{ token: withoutPrefix(first, prefix), joins: true }, ...rest.map(token => ({ token, joins: false }))];
  }

  /** The block is read again as one. */
  #heal(): void {
    if (!this.#cut) return;
    this.#settledLength = this.#uncuttable = this.#cut.blockStart;
    this.#settledCount = this.#cut.blockCount;
    this.#cut = null;
  }

  /** How many of the pieces are settled now. */
  #settle(pieces: readonly Piece[]): number {
    // The lexer reads tabs and CR LF as other characters; where its raw text is not ours, offsets would drift.
    let end = this.#settledLength;
    let settledEnd = end;
    let settled = 0;
    for (const [index, { token }] of pieces.entries()) {
      if (!this.#source.startsWith(token.raw, end)) break;
      end += token.raw.length;
      const next = pieces.slice(index + 1).find(later => later.token.type !== "space")?.token;
      if (!next || (next.raw.trim().length < TELLING_LENGTH && !next.raw.includes("\n"))) break;
      settledEnd = end;
      settled = index + 1;
    }
    if (settled === 0) return 0;
    this.#settledLength = settledEnd;
    this.#settledCount += settled;
    this.#cut = null;
    return settled;
  }

  /** Where all that is open is one long block, its first part is settled too. */
  #divide(pieces: readonly Piece[], settled: number): Piece[] {
    const last = pieces[settled];
    const { blockStart, blockCount, prefix } = this.#cut ?? {
      blockStart: this.#settledLength,
      blockCount: this.#settledCount,
      prefix: "",
    };
    if (!last || pieces.length > settled + 1 || blockStart === this.#uncuttable) return [...pieces];
    const { raw, type } = last.token;
    if (raw.length < this.#long / (DENSITY[type] ?? 1) || !this.#source.startsWith(raw, this.#settledLength))
      return [...pieces];
    const found = findCut(last.token, prefix);
    if (!found) return [...pieces];
    const [head] = this.#read(raw.slice(0, found.at)) ?? [];
    if (!head || head.token.type !== type) return [...pieces];
    const before = this.#cut;
    this.#cut = { type, prefix: found.prefix, blockStart, blockCount };
    const rest = this.#read(raw.slice(found.at));
    if (rest?.length !== 1 || !isWhole(last.token, head.token, rest[0]?.token)) {
      this.#cut = before;
      return [...pieces];
    }
    const token = type === "code" ? withLineEnds(head.token as Tokens.Code, raw.slice(0, found.at)) : head.token;
    this.#settledLength += found.at;
    this.#settledCount += 1;
    return [...pieces.slice(0, settled), { token, joins: last.joins }, ...rest];
  }
}

function lex(text: string): TokensList {
  return new Lexer(MATH_OPTIONS).lex(text);
}

/** The token as it is without the words that were put before it to have it read. */
function withoutPrefix(token: Token, prefix: string): Token {
  const raw = token.raw.slice(prefix.length);
  if (token.type !== "paragraph") return { ...token, raw } as Token;
  const text = raw.replace(/\n+$/, "");
  return { type: "paragraph", raw, text, tokens: new Lexer(MATH_OPTIONS).inlineTokens(text) };
}

/** The line breaks before a cut are the code's own: the lexer takes them for its end. */
function withLineEnds(token: Tokens.Code, raw: string): Tokens.Code {
  const lineEnds = /\n*$/.exec(raw)?.[0] ?? "";
  return { ...token, text: token.text.replace(/\n*$/, "") + lineEnds };
}

/** Nothing got lost or changed its place by the cut. */
function isWhole(whole: Token, head: Token, rest: Token | undefined): boolean {
  const parts = partsOf(whole);
  return rest !== undefined && (parts === null || parts.join() === [head, rest].flatMap(it => partsOf(it)).join());
}

function partsOf(token: Token): string[] | null {
  if (token.type === "list") return (token as Tokens.List).items.map(item => item.raw.trimEnd());
  if (token.type === "blockquote") return (token.tokens ?? []).map(child => child.raw.trim()).filter(Boolean);
  return null;
}

/** Where a block can be cut for good, whatever comes after it; null where it can't be told. */
function findCut(token: Token, prefix: string): { at: number; prefix: string } | null {
  switch (token.type) {
    case "code":
      return cutLines(token.raw, prefix, 1, /^ {0,3}(?:`{3}|~{3})/);
    case "table":
      return cutLines(token.raw, prefix, 2, /\|/);
    case "list":
      return cutAt((token as Tokens.List).items.slice(0, -2).reduce((sum, item) => sum + item.raw.length, 0));
    case "blockquote":
      return cutQuote(token as Tokens.Blockquote);
    case "paragraph":
      return cutParagraph(token as Tokens.Paragraph);
    default:
      return null;
  }
}

/** What is read behind a cut has no prefix, or a word where a line can't begin anything else with it. */
function cutAt(at: number, prefix = ""): { at: number; prefix: string } | null {
  return at > 0 ? { at, prefix } : null;
}

/** Before the last two lines that are whole. The first `headLines` say what it is, and are read again with the rest. */
function cutLines(raw: string, prefix: string, headLines: number, head: RegExp): { at: number; prefix: string } | null {
  let headEnd = 0;
  for (let line = 0; line < headLines; line++) headEnd = (prefix || raw).indexOf("\n", headEnd) + 1;
  const opening = (prefix || raw).slice(0, headEnd);
  if (headEnd === 0 || !head.test(opening)) return null;
  let at = raw.lastIndexOf("\n");
  for (let line = 0; line < 2 && at > 0; line++) at = raw.lastIndexOf("\n", at - 1);
  return at + 1 > (prefix ? 0 : headEnd) ? { at: at + 1, prefix: opening } : null;
}

/** After a blank line of the quote that its blocks are whole before. */
function cutQuote({ raw, tokens }: Tokens.Blockquote): { at: number; prefix: string } | null {
  const first = tokens.length - 3;
  if (first < 2 || tokens[first - 1]?.type !== "space") return null;
  const lines = tokens.slice(0, first).reduce((sum, child) => sum + child.raw.split("\n").length - 1, 0);
  let at = 0;
  for (let line = 0; line < lines; line++) at = raw.indexOf("\n", at) + 1;
  return cutAt(at);
}

/** What may still find its other half further on: marks of emphasis, code, links and tags that stand in plain text. */
const UNDECIDED = /(?<!\s)[*~]|[*~](?!\s)|[`[\]]|<(?!\s)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u;

/** At a blank with nothing undecided before it. */
function cutParagraph({ raw, tokens = [] }: Tokens.Paragraph): { at: number; prefix: string } | null {
  const end = raw.length - TAIL;
  let at = 0;
  let offset = 0;
  let undecidedUntil = 0;
  for (const token of tokens) {
    if (offset > end || !raw.startsWith(token.raw, offset) || token.type === "html") break;
    if (token.type === "escape" && token.raw === "\\(") undecidedUntil = offset + INLINE_MATH_LENGTH + 2;
    if (token.type === "text") {
      const undecided = token.raw.search(UNDECIDED);
      const calm = undecided < 0 ? token.raw : token.raw.slice(0, undecided);
      if (calm.includes("$")) undecidedUntil = offset + calm.lastIndexOf("$") + INLINE_MATH_LENGTH + 2;
      for (const { index } of calm.matchAll(/(?<=\S) (?=\S)/g)) {
        const place = offset + index + 1;
        if (place > undecidedUntil && place < end) at = place;
      }
      if (undecided >= 0) break;
    }
    offset += token.raw.length;
  }
  // A line with columns may turn out to be the head of a table.
  if (raw.slice(raw.lastIndexOf("\n", at - 1) + 1, at).includes("|")) return null;
  return cutAt(at, "x ");
}
