/** Blocks that grow long are shown in pieces: the same at the end, and never touched again on the way. */

import { describe, expect, test } from "vitest";
import { MarkdownBlocks } from "../lib/markdown-blocks.ts";
import { MarkdownView } from "./markdown-view.ts";

/** So short that every block of these texts is long. */
const LONG = 60;

const many = (count: number, line: (at: number) => string) => Array.from({ length: count }, (_, at) => line(at));

const FORMS: Record<string, string> = {
  paragraph: many(60, at => `w${at}`).join(" "),
  "paragraph of many lines": many(16, at => `line ${at} goes on, and on, to its end`).join("\n"),
  "paragraph with marks": many(
    30,
    at => `it is **bold ${at}** and \`code ${at}\`, a_snake and [a](https://a.example/${at}).`,
  ).join(" "),
  "paragraph that becomes a heading": `${many(40, at => `w${at}`).join(" ")}\n====\n\nafter it`,
  "paragraph with a mark that closes late": `${many(12, at => `w${at}`).join(" ")} **bold ${many(40, at => `b${at}`).join(" ")}** end`,
  "paragraph with money": many(12, at => `it costs $${at} or $${at + 1} a piece, they say,`).join(" "),
  "paragraph before a table": `${many(16, at => `w${at}`).join(" ")} | x\n|---|---|\n| a | b |`,
  code: `\`\`\`js\n${many(16, at => (at % 7 ? `const x${at} = "\\n";` : "")).join("\n")}\n\`\`\`\n\nafter it`,
  "code without an end": `~~~\n${many(16, at => `  line ${at}`).join("\n")}`,
  "code in a fence of four": `\`\`\`\`md\n${many(12, at => `\`\`\`\nline ${at}\n\`\`\``).join("\n")}\n\`\`\`\`\n`,
  "code set in": `  \`\`\`py\n${many(16, at => `    x = ${at}`).join("\n")}\n  \`\`\`\n`,
  list: many(16, at => `- item ${at} with **bold** words`).join("\n"),
  "numbered list": many(16, at => `${at + 3}. item ${at}\n   - inner ${at}\n   - other`).join("\n"),
  "loose list": many(12, at => `* item ${at}\n\n  and more of it\n`).join("\n"),
  "list that turns loose late": `${many(12, at => `- item ${at}`).join("\n")}\n\n- the last one`,
  "list that ends in a rule": `${many(12, at => `- item ${at}`).join("\n")}\n---\nafter it`,
  "two lists": `${many(12, at => `- item ${at}`).join("\n")}\n${many(12, at => `+ other ${at}`).join("\n")}`,
  "task list": many(12, at => `- [${at % 2 ? "x" : " "}] task ${at}`).join("\n"),
  table: `| a | b |\n|:--|--:|\n${many(30, at => `| row ${at} | **b** |`).join("\n")}\n\nafter it`,
  quote: many(12, at => `> para ${at} some text\n>\n`).join(""),
  "quote of a list and code": many(8, at => `> - item ${at}\n>\n> \`\`\`\n> code ${at}\n>\n> \`\`\`\n>\n`).join(""),
};

describe.each(Object.entries(FORMS))("%s", (_name, text) => {
  test("shows the same in pieces as in one", () => {
    for (const step of [7, 40])
      expect(bare(grow(text, step).element), `by ${step}`).toBe(bare(grow(text, Infinity).element));
  });
});

test.each(["paragraph", "code", "list", "numbered list", "table", "quote"])(
  "%s: no more than its last piece is read again",
  name => {
    const text = FORMS[name] ?? "";
    const blocks = new MarkdownBlocks(LONG);
    let longest = 0;
    let count = 0;
    for (let end = 1; end <= text.length; end++) {
      const update = blocks.update(text.slice(0, end));
      longest = Math.max(longest, update?.open.reduce((sum, { token }) => sum + token.raw.length, 0) ?? Infinity);
      count = (update?.settledCount ?? 0) + (update?.open.length ?? 0);
    }
    expect(count).toBeGreaterThan(3);
    expect(longest).toBeLessThan(LONG * 4);
  },
);

test.each(["paragraph", "code", "list", "table", "quote"])("%s: a settled piece is never touched again", name => {
  const text = FORMS[name] ?? "";
  const view = new MarkdownView(document.createElement("div"), LONG);
  let longest = 0;
  const observer = new MutationObserver(() => undefined);
  observer.observe(view.element, { childList: true, subtree: true, characterData: true });
  for (let end = 5; end <= text.length; end += 5) {
    view.update(text.slice(0, end));
    for (const { removedNodes, type } of observer.takeRecords()) {
      expect(type).toBe("childList");
      for (const node of removedNodes) longest = Math.max(longest, node.textContent?.length ?? 0);
    }
  }
  expect(view.element.textContent?.length).toBeGreaterThan(LONG * 3);
  expect(longest).toBeLessThan(LONG * 3);
});

function grow(text: string, step: number): MarkdownView {
  const isWhole = step === Infinity;
  const view = new MarkdownView(document.createElement("div"), isWhole ? Infinity : LONG);
  if (!isWhole) for (let end = step; end < text.length; end += step) view.update(text.slice(0, end));
  view.finish(text);
  return view;
}

/** Without what only holds pieces together. */
function bare(element: HTMLElement): string {
  const copy = element.cloneNode(true) as HTMLElement;
  for (const piece of copy.querySelectorAll(".piece, .section")) piece.replaceWith(...piece.childNodes);
  for (const list of copy.querySelectorAll(".goes-on")) {
    list.previousElementSibling?.append(...list.childNodes);
    list.remove();
  }
  for (const rows of copy.querySelectorAll("tbody + tbody")) {
    rows.previousElementSibling?.append(...rows.childNodes);
    rows.remove();
  }
  copy.normalize();
  return copy.innerHTML;
}
