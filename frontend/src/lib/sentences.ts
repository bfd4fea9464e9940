/** Finds finished sentences in a growing text, for those who listen to it. Pure. */

/** Each up to its end, or to that of the text. */
const CODE = /^[ \t]*(?<fence>`{3,}|~{3,}) *(\S*).*([\s\S]*?)(?:^[ \t]*\k<fence>|(?![\s\S]))/;
const FORMULA = /^[ \t]*(?:\$\$[\s\S]*?(?:\$\$|(?![\s\S]))|\\\[[\s\S]*?(?:\\\]|(?![\s\S])))/;
const TABLE = /^[ \t]*\|.*(?:\n[ \t]*\|.*)*\n?/;
const BLOCK = [CODE, FORMULA, TABLE].map(({ source }) => source).join("|");
const BLOCKS = new RegExp(BLOCK, "gm");
/** A block, or what ends a sentence. The number of a list's item ends none. */
const PARTS = new RegExp(`(?<block>${BLOCK})|^[ \\t]*\\d+[.)]|(?<end>[.!?…:](?=\\s)|[。！？]|\\n)`, "gm");

/** Up to where `text` has finished sentences and blocks: after the last of them that something follows. */
export function finishedEnd(text: string, from: number): number {
  let end = from;
  for (const { 0: part, index, groups } of text.slice(from).matchAll(PARTS)) {
    const partEnd = from + index + part.length;
    if (groups?.block && partEnd === text.length) break;
    if (groups?.block || groups?.end) end = partEnd;
  }
  return end;
}

/** Markdown as it would be read out: without marks and link addresses; of code, formulas and tables only that they are there. */
export function spoken(markdown: string): string {
  return markdown
    .replace(BLOCKS, (block, fence, language, code) => {
      if (!fence) return /^\s*\|/.test(block) ? "table.\n" : "formula.";
      const lines = code.trim().split("\n").length;
      return `${["code", language, `${lines} line${lines === 1 ? "" : "s"}`].filter(Boolean).join(", ")}.`;
    })
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^[ \t]*(?:#{1,6}|[-*+]|>)[ \t]+|^[-*_:| \t]+$/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
