/** Several models' answers to one prompt: which siblings are such, and which models a command names. Pure. */

import type { Message } from "../api/types.ts";

/** How many models are asked at once. */
export const COMPARED = { least: 2, most: 3 } as const;

/** How long after one answer began the next may begin where both were asked for at once: a slow line, not a reader. */
const TOGETHER_MS = 2_000;

type Timed = Pick<Message, "model" | "created_at" | "duration" | "status">;

/**
 * Whether the answers to a prompt were asked for together: by different models, each begun before the one before it
 * had ended, or hardly later. A retry comes when its answer has been read.
 */
export function areTogether(answers: readonly Timed[]): boolean {
  if (answers.length < COMPARED.least) return false;
  if (new Set(answers.map(({ model }) => model)).size < answers.length) return false;
  const inOrder = answers.toSorted((a, b) => begin(a) - begin(b));
  return inOrder.every((answer, at) => at === 0 || begin(answer) <= latest(inOrder.slice(0, at)));
}

function latest(answers: readonly Timed[]): number {
  return Math.max(...answers.map(answer => Math.max(end(answer), begin(answer) + TOGETHER_MS)));
}

function begin({ created_at }: Timed): number {
  return Date.parse(created_at);
}

function end(answer: Timed): number {
  if (["pending", "streaming"].includes(answer.status)) return Number.POSITIVE_INFINITY;
  return begin(answer) + (answer.duration ?? 0) * 1000;
}

/** The models that `argument` begins with, and the prompt behind them; `isModel` knows their names. */
export function readComparison(
  argument: string,
  isModel: (word: string) => boolean,
): { models: string[]; prompt: string } {
  const models: string[] = [];
  let rest = argument.trim();
  for (;;) {
    const [whole = "", word = ""] = /^(\S+)\s*/.exec(rest) ?? [];
    if (!isModel(word)) return { models: [...new Set(models)], prompt: rest };
    models.push(word);
    rest = rest.slice(whole.length);
  }
}
