/**
 * The page's side of the typesetting worker, which is begun when there is something to be coloured or set.
 *
 * Without one (an old browser, the server went away) every answer is null: code stays plain and TeX stays TeX.
 */

import type { AnswerMessage, Answers, Job, JobMessage } from "../lib/typesetting.ts";

type Answer = Answers[Job["kind"]];

let worker: Worker | null = null;
let lastId = 0;
const waiting = new Map<number, (answer: Answer) => void>();

/** What the worker makes of `job`; null where it cannot. Never rejects. */
export function typeset<Kind extends Job["kind"]>(job: Job & { kind: Kind }): Promise<Answers[Kind]> {
  return new Promise(resolve => {
    worker ??= begin();
    if (!worker) return resolve(null);
    lastId += 1;
    waiting.set(lastId, answer => resolve(answer as Answers[Kind]));
    const message: JobMessage = [lastId, job];
    worker.postMessage(message);
  });
}

function begin(): Worker | null {
  try {
    const begun = new Worker(new URL("../typesetting-worker.ts", import.meta.url), { type: "module" });
    begun.addEventListener("message", ({ data: [id, answer] }: MessageEvent<AnswerMessage>) => settle(id, answer));
    begun.addEventListener("error", event => {
      event.preventDefault();
      begun.terminate();
      worker = null; // the next one that asks tries again
      for (const id of waiting.keys()) settle(id, null);
    });
    return begun;
  } catch {
    return null;
  }
}

function settle(id: number, answer: Answer): void {
  waiting.get(id)?.(answer);
  waiting.delete(id);
}
