/**
 * What the page asks of its typesetting worker, and what it gets: plain data both ways, so that neither code nor
 * formula is ever markup. The page's side is `dom/typesetter.ts`, the other `typesetting-worker.ts`.
 */

/** How many characters, and the classes around them, outermost first. */
export type Run = readonly [length: number, ...classes: string[]];

/** An element of MathML: its name, its attributes, and what is in it. */
export type MathNode =
  | string
  | readonly [name: string, attributes: readonly (readonly [string, string])[], children: readonly MathNode[]];

export interface Tex {
  readonly tex: string;
  /** On a line of its own. */
  readonly isDisplay: boolean;
}

/** Each job is answered once. The answer to one that failed is null. */
export type Job =
  | { readonly kind: "code"; readonly text: string; readonly language: string }
  | { readonly kind: "formulas"; readonly formulas: readonly Tex[] };

export interface Answers {
  /** Null for a language nobody here knows. */
  code: readonly Run[] | null;
  /** As many as were asked for; null for what is no TeX. */
  formulas: readonly (MathNode | null)[] | null;
}

export type JobMessage = readonly [id: number, job: Job];
export type AnswerMessage = readonly [id: number, answer: Answers[Job["kind"]]];
