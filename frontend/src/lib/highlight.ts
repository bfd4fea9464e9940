/**
 * highlight.js with the languages that answers are mostly written in. Runs in the typesetting worker.
 *
 * Its markup is read for classes and lengths alone: the page keeps the characters it has.
 */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import type { Run } from "./typesetting.ts";

const LANGUAGES = {
  bash,
  c,
  cpp,
  css,
  diff,
  go,
  java,
  javascript,
  json,
  markdown,
  python,
  rust,
  sql,
  typescript,
  xml,
  yaml,
};

for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
hljs.registerAliases(["shell", "console", "fish"], { languageName: "bash" });

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
};

/** Null for a language nobody here knows, and where the highlighter lost or added a character. */
export function runsOf(text: string, language: string): Run[] | null {
  if (!hljs.getLanguage(language)) return null;
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  const runs: Run[] = [];
  const classes: string[] = [];
  let seen = "";
  for (const [piece, opened] of value.matchAll(/<span class="([^"]*)">|<\/span>|&[#\w]+;|[^<&]+/g)) {
    if (opened !== undefined) classes.push(opened);
    else if (piece === "</span>") classes.pop();
    else {
      const characters = ENTITIES[piece] ?? piece;
      seen += characters;
      addRun(runs, characters.length, classes);
    }
  }
  return seen === text ? runs : null;
}

/** A character reference is no run of its own. */
function addRun(runs: Run[], length: number, classes: readonly string[]): void {
  const [lastLength, ...lastClasses] = runs.at(-1) ?? [0];
  const isSame = runs.length > 0 && classes.join("/") === lastClasses.join("/");
  if (isSame) runs[runs.length - 1] = [lastLength + length, ...classes];
  else runs.push([length, ...classes]);
}
