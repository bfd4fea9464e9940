import { expect, test } from "vitest";
import { runsOf } from "./highlight.ts";

/** The runs with the text they stand for. */
function show(text: string, language: string): [string, string[]][] {
  let at = 0;
  const shown = (runsOf(text, language) ?? []).map(([length, ...classes]): [string, string[]] => {
    at += length;
    return [text.slice(at - length, at), classes];
  });
  expect(at).toBe(text.length);
  return shown;
}

test("words get classes, outermost first", () => {
  const shown = show("fn longest<'a>(x: &'a str) { \"<b>&amp;\" /* … */ }", "rust");
  expect(shown).toContainEqual(["fn", ["hljs-keyword"]]);
  expect(shown).toContainEqual(['"<b>&amp;"', ["hljs-string"]]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the code that is read
  expect(show("`a ${1} b`", "js")).toContainEqual(["1", ["hljs-string", "hljs-subst", "hljs-number"]]);
});

test.each(["html", "xml", "js", "python", "sh", "json", "css", "sql", "diff", "md"])(
  "%s: markup in code is text, and classes are names",
  language => {
    const text = '</code><img src=x onerror="alert(1)"><script>alert(2)</script> <!-- x --> $[`<i>`] &lt; &#x27;';
    for (const [, classes] of show(text, language))
      for (const name of classes) expect(name).toMatch(/^(hljs|language)-[\w-]+( [\w-]+)*$/);
  },
);

test("knows languages by their other names too, and nothing by the names of things", () => {
  for (const name of ["js", "ts", "py", "rs", "sh", "shell", "yml", "c++", "html"])
    expect(runsOf("x", name), name).not.toBeNull();
  for (const name of ["__proto__", "constructor", "brainfuck", ""]) expect(runsOf("x", name), name).toBeNull();
});
