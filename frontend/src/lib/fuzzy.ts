/** Fuzzy matching for pickers and completion. Pure: text in, a score out. */

/** How well `text` matches `query`, higher is better; null when its letters do not all appear in order. */
export function fuzzyScore(query: string, text: string): number | null {
  const letters = query.toLowerCase().replace(/\s+/g, "");
  if (letters === "") return 0;
  const haystack = text.toLowerCase();
  const whole = haystack.indexOf(letters);
  if (whole >= 0) return 1000 - whole - haystack.length / 100 + (isWordStart(haystack, whole) ? 100 : 0);
  let score = 0;
  let last = -1;
  for (const letter of letters) {
    const at = haystack.indexOf(letter, last + 1);
    if (at < 0) return null;
    score += at === last + 1 ? 8 : isWordStart(haystack, at) ? 6 : 1;
    last = at;
  }
  return score - haystack.length / 100;
}

/** The items that match, best first; all of them in their own order when `query` is empty. */
export function fuzzyFilter<T>(items: readonly T[], query: string, textOf: (item: T) => string): T[] {
  if (query.trim() === "") return [...items];
  return items
    .map(item => ({ item, score: fuzzyScore(query, textOf(item)) }))
    .filter((match): match is { item: T; score: number } => match.score !== null)
    .sort((a, b) => b.score - a.score)
    .map(match => match.item);
}

function isWordStart(text: string, at: number): boolean {
  return at === 0 || /[^a-z0-9]/.test(text[at - 1] ?? "");
}
