/** Formulas, set by the worker when they first appear. Until then, and should that fail, their TeX stands there. */

import type { MathToken } from "../lib/markdown-math.ts";
import { buildMath } from "./math-element.ts";
import { typeset } from "./typesetter.ts";

/** The open block is built anew with every token, and an answer repeats itself. */
const REMEMBERED = 1_000;

/** By TeX: the formula, or null for what is no TeX. The oldest are forgotten first. */
const made = new Map<string, Node | null>();
const coming = new Map<string, Promise<void>>();

/** Shows the formula in `element`, which holds its TeX; false while it was not set yet. */
export function showFormula(element: HTMLElement, token: MathToken): boolean {
  const formula = made.get(keyOf(token));
  if (formula) element.replaceChildren(formula.cloneNode(true));
  return formula !== undefined;
}

/** Has formulas set; they can be shown then, if the worker could be had. Never rejects. */
export async function setFormulas(tokens: readonly MathToken[]): Promise<void> {
  const unasked = tokens.filter(token => !coming.has(keyOf(token)));
  if (unasked.length > 0) {
    const answer = ask(unasked);
    for (const token of unasked) coming.set(keyOf(token), answer);
  }
  await Promise.all(tokens.map(token => coming.get(keyOf(token))));
}

async function ask(tokens: readonly MathToken[]): Promise<void> {
  const formulas = tokens.map(({ text, isDisplay }) => ({ tex: text, isDisplay }));
  const answers = await typeset({ kind: "formulas", formulas });
  for (const [index, token] of tokens.entries()) {
    coming.delete(keyOf(token));
    const math = answers?.[index];
    if (math !== undefined) made.set(keyOf(token), math === null ? null : buildMath(math));
  }
  for (const key of [...made.keys()].slice(0, -REMEMBERED)) made.delete(key);
}

function keyOf({ text, isDisplay }: MathToken): string {
  return `${isDisplay} ${text}`;
}
