/**
 * Colours code and sets formulas beside the page's own thread, which stays free for keys and for the words that come.
 *
 * Either part is fetched when it is first asked for. Knows nothing of the page: text in, plain data out.
 */

import type { AnswerMessage, Answers, Job, JobMessage } from "./lib/typesetting.ts";

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener("message", async ({ data: [id, job] }: MessageEvent<JobMessage>) => {
  const message: AnswerMessage = [id, await answer(job).catch(() => null)];
  self.postMessage(message);
});

async function answer(job: Job): Promise<Answers[Job["kind"]]> {
  if (job.kind === "code") return (await import("./lib/highlight.ts")).runsOf(job.text, job.language);
  const { mathOf } = await import("./lib/katex-math.ts");
  return job.formulas.map(mathOf);
}
