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

/** The one of `words` that `typed` was most likely meant to be; null where it is like none of them. */
export function nearest(words: readonly string[], typed: string): string | null {
  if (typed === "") return null;
  const [match] = fuzzyFilter(words, typed, word => word);
  if (match !== undefined) return match;
  const lower = typed.toLowerCase();
  const distances = words.map(word => ({ word, distance: editDistance(lower, word) }));
  const best = distances.sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : null;
}

/** Letters to add, drop, change or swap with their neighbour until `a` is `b`. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const above = rows[i - 1] ?? [];
      row[j] = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + cost,
        isSwapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(row);
  }
  return rows.at(-1)?.[b.length] ?? 0;
}

function isWordStart(text: string, at: number): boolean {
  return at === 0 || /[^a-z0-9]/.test(text[at - 1] ?? "");
}
