/** Finds finished sentences in a growing text, for those who listen to it. Pure. */

/** Up to where `text` has finished sentences: after the last full stop or line end that something follows. */
export function finishedEnd(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(/[.!?…:](?=\s)|[。！？]|\n/g))
    end = from + match.index + match[0].length;
  return end;
}

/** Markdown as it would be read out: without fences, marks and link addresses. */
export function spoken(markdown: string): string {
  return markdown
    .replace(/^ {0,3}(```|~~~).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^[ \t]*(?:#{1,6}|[-*+]|>)[ \t]+/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
