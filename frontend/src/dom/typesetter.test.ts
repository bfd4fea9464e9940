/** Where there are no workers, as here; with one it is tried in a real browser (e2e/rendering.e2e.ts). */

import { expect, test } from "vitest";
import { MarkdownView } from "./markdown-view.ts";
import { typeset } from "./typesetter.ts";

test("without a worker there is no answer, and no error", async () => {
  expect(await typeset({ kind: "code", text: "let a;", language: "js" })).toBeNull();
  expect(await typeset({ kind: "formulas", formulas: [{ tex: "x", isDisplay: false }] })).toBeNull();
});

test("without a worker code is plain, and a formula its TeX", async () => {
  const view = new MarkdownView(document.createElement("div"));
  view.finish("it is $x^2$ here\n\n```js\nlet a;\n```\n");
  await typeset({ kind: "code", text: "", language: "" }); // asked for last
  expect(view.element.querySelector("p")?.textContent).toBe("it is $x^2$ here");
  expect(view.element.querySelector("pre")?.innerHTML).toBe('<code><span class="piece">let a;</span></code>');
});
