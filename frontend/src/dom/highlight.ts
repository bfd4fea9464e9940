/** highlight.js with the languages that answers are mostly written in. Its markup is read here and built by DOM calls. */

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
import { h } from "./element.ts";

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

export function knows(language: string): boolean {
  return hljs.getLanguage(language) !== undefined;
}

/** The code as text and spans; its characters are those of `text`, whatever the highlighter made of them. */
export function colour(text: string, language: string): Node[] {
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  const root = h("span");
  let place: Element = root;
  for (const [piece, classes] of value.matchAll(/<span class="([^"]*)">|<\/span>|&[#\w]+;|[^<&]+/g)) {
    if (classes !== undefined) place = place.appendChild(h("span", { class: classes }));
    else if (piece === "</span>") place = place.parentElement ?? root;
    else place.append(ENTITIES[piece] ?? piece);
  }
  root.normalize();
  return root.textContent === text ? [...root.childNodes] : [document.createTextNode(text)];
}
