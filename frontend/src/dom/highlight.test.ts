import { expect, test } from "vitest";
import { colour, knows } from "./highlight.ts";

function show(text: string, language: string): HTMLElement {
  const code = document.createElement("code");
  code.append(...colour(text, language));
  return code;
}

test("words get classes, and the text stays what it was", () => {
  const text = "fn longest<'a>(x: &'a str) -> &'a str { \"<b>&amp;\" /* … */ }";
  const code = show(text, "rust");
  expect(code.textContent).toBe(text);
  expect(code.querySelector(".hljs-keyword")?.textContent).toBe("fn");
  expect(code.querySelector(".hljs-string")?.textContent).toBe('"<b>&amp;"');
  expect(code.querySelector("b")).toBeNull();
});

test.each(["html", "xml", "js", "python", "sh", "json", "css", "sql", "diff", "md"])(
  "%s: markup in code is text",
  language => {
    const text = '</code><img src=x onerror="alert(1)"><script>alert(2)</script> <!-- x --> $[`<i>`] &lt; &#x27;';
    const code = show(text, language);
    expect(code.textContent).toBe(text);
    expect(
      [...code.querySelectorAll("*")].every(element => element.localName === "span" && element.attributes.length === 1),
    ).toBe(true);
  },
);

test("knows languages by their other names too, and nothing by the names of things", () => {
  for (const name of ["js", "ts", "py", "rs", "sh", "shell", "yml", "c++", "html"])
    expect(knows(name), name).toBe(true);
  for (const name of ["__proto__", "constructor", "brainfuck", ""]) expect(knows(name), name).toBe(false);
});
