import { expect, test } from "vitest";
import { runsOf } from "../lib/highlight.ts";
import { h } from "./element.ts";
import { painting } from "./lazy-highlight.ts";

function codeOf(...pieces: string[]): HTMLElement {
  return h("code", {}, ...pieces.map(text => h("span", { class: "piece" }, text)));
}

test("code is coloured a piece a step, and its text stays what it was", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the code that is read
  const code = codeOf("/* a\n", "b */ const <b>", " = `<i>${1}`;");
  const text = code.textContent ?? "";
  const pieces = [...code.children].map(piece => piece.textContent);
  const steps = painting(code, runsOf(text, "js") ?? []);
  expect(steps.next().value).toBe(true);
  expect(code.children[0]?.querySelector(".hljs-comment")?.textContent).toBe("/* a\n");
  expect(code.children[1]?.children.length).toBe(0);
  expect([...steps].length).toBe(2);
  expect([...code.children].map(piece => piece.textContent)).toEqual(pieces);
  expect(code.children[1]?.querySelector(".hljs-comment")?.textContent).toBe("b */");
  expect(code.children[2]?.querySelector(".hljs-string .hljs-subst .hljs-number")?.textContent).toBe("1");
  expect(code.querySelector("b, i")).toBeNull();
});

test("a piece that is no longer what it was ends it", () => {
  const code = codeOf("let a;\n", "let b;\n");
  const steps = painting(code, runsOf(code.textContent ?? "", "js") ?? []);
  steps.next();
  const [, second] = code.children;
  second?.append("let c;\n");
  expect(steps.next()).toEqual({ value: false, done: true });
  expect(second?.children.length).toBe(0);
});
