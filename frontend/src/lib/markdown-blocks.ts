/**
 * Cuts a growing markdown text into its top-level blocks, and settles those that can no longer change.
 *
 * Knows nothing of the screen. The lexer reads only what is not settled yet, so a long answer costs no more
 * per frame than its last blocks.
 */

import { Lexer, type Token } from "marked";

export interface BlockUpdate {
  /** How many blocks from the front are as they were and will stay so. */
  settledCount: number;
  /** The blocks after those, newest reading. */
  open: Token[];
}

/** Text enough to tell what the next block is: shorter ones may still turn out to continue the block before. */
const TELLING_LENGTH = 8;

export class MarkdownBlocks {
  #source = "";
  #settledLength = 0;
  #settledCount = 0;
  #hasDefinitions = false;

  /** Whether a link definition was met: it may name links in blocks that were settled before it. */
  get hasDefinitions(): boolean {
    return this.#hasDefinitions;
  }

  /** Reads `source`, which continues what was read before. Returns null when it does not: start anew. */
  update(source: string): BlockUpdate | null {
    if (!source.startsWith(this.#source)) return null;
    this.#source = source;
    const tokens = new Lexer({ gfm: true }).lex(source.slice(this.#settledLength));
    if (Object.keys(tokens.links).length > 0) this.#hasDefinitions = true;
    const settledCount = this.#settledCount;
    this.#settle(tokens);
    return { settledCount, open: [...tokens] };
  }

  #settle(tokens: readonly Token[]): void {
    // The lexer reads tabs and CR LF as other characters; where its raw text is not ours, offsets would drift.
    let end = this.#settledLength;
    let settledEnd = end;
    let settled = 0;
    for (const [index, token] of tokens.entries()) {
      if (!this.#source.startsWith(token.raw, end)) break;
      end += token.raw.length;
      const next = tokens.slice(index + 1).find(later => later.type !== "space");
      if (!next || (next.raw.trim().length < TELLING_LENGTH && !next.raw.includes("\n"))) break;
      settledEnd = end;
      settled = index + 1;
    }
    this.#settledLength = settledEnd;
    this.#settledCount += settled;
  }
}
