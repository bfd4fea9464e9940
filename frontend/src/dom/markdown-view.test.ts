import { beforeEach, describe, expect, test } from "vitest";
import { MarkdownView } from "./markdown-view.ts";

let view: MarkdownView;
beforeEach(() => {
  view = new MarkdownView(document.createElement("div"));
});

function html(source: string): string {
  const fresh = new MarkdownView(document.createElement("div"));
  fresh.finish(source);
  return fresh.element.innerHTML;
}

const DOCUMENT = `# Head & tail

A paragraph with **bold**, *slant*, ~~gone~~, \`a < b\`, a [link](https://example.com/?a=1&b=2) and &amp; &copy; &#8212;.
Its second line
===

- one
- two

  still two
  1. inner
  2. more

- three

1. first

2. second

> quoted
> - deep
>
> \`\`\`js
> let x = "</code>";
> \`\`\`

| left | right |
|:-----|------:|
| a<br>b | \`c\` |
| d | e |

\`\`\`rust
fn main() {
    // ### not a heading

    println!("<b>");
}
\`\`\`

- [x] done
- [ ] open

![cat](https://tracker.example/cat.png)

---

tail *unclosed and \`open
`;

describe("MarkdownView", () => {
  test("shows the same when it comes a character at a time", () => {
    for (let end = 1; end <= DOCUMENT.length; end++) view.update(DOCUMENT.slice(0, end));
    view.finish(DOCUMENT);
    expect(view.element.innerHTML).toBe(html(DOCUMENT));
  });

  test("shows the same cut anywhere", () => {
    const whole = html(DOCUMENT);
    for (let at = 0; at <= DOCUMENT.length; at += 13) {
      const cut = new MarkdownView(document.createElement("div"));
      cut.update(DOCUMENT.slice(0, at));
      cut.finish(DOCUMENT);
      expect(cut.element.innerHTML, `cut at ${at}`).toBe(whole);
    }
  });

  test("never touches a settled block again", () => {
    view.update("First paragraph.\n\nSecond paragraph, which is long.\n\nThi");
    const [section] = view.element.children;
    const [first, second, third] = section?.children ?? [];
    view.update("First paragraph.\n\nSecond paragraph, which is long.\n\nThird paragraph.\n\n- and a list");
    expect(section?.children[0]).toBe(first);
    expect(section?.children[1]).toBe(second);
    expect(section?.children[2]).not.toBe(third);
    expect(section?.children.length).toBe(4);
  });

  test("an open code block keeps its frame", () => {
    view.update("```py\nprint(1)\n");
    const frame = view.element.querySelector(".code");
    view.update("```py\nprint(1)\nprint(2)\n```\n");
    expect(view.element.querySelector(".code")).toBe(frame);
    expect(frame?.querySelector("pre")?.textContent).toBe("print(1)\nprint(2)");
  });

  test("a text that does not continue is shown anew", () => {
    view.update("one\n\ntwo two two two\n\nthree");
    view.update("something else");
    expect(view.element.textContent).toBe("something else");
  });

  test("links that are named before their address come are made at the end", () => {
    const text = "see [the docs][1] for more\n\nanother paragraph here\n\n[1]: https://example.com/docs\n";
    for (let end = 1; end <= text.length; end++) view.update(text.slice(0, end));
    view.finish(text);
    expect(view.element.querySelector("a")?.getAttribute("href")).toBe("https://example.com/docs");
  });

  test("links open elsewhere and tell nothing", () => {
    view.finish("[x](https://example.com) <mailto:a@example.com>");
    for (const link of view.element.querySelectorAll("a")) {
      expect(link.getAttribute("rel")).toBe("noopener noreferrer");
      expect(link.getAttribute("target")).toBe("_blank");
    }
    expect(view.element.querySelectorAll("a").length).toBe(2);
  });

  test("an image from elsewhere is a link that names its host", () => {
    view.finish("![a cat](https://tracker.example/pixel.png?id=7)");
    expect(view.element.querySelector("img")).toBeNull();
    expect(view.element.textContent).toBe("▧ a cat (tracker.example)");
  });

  test("character references are characters, in text only", () => {
    view.finish("a &lt;b&gt; &amp;amp; `&amp;` &nosuchthing;");
    expect(view.element.textContent).toBe("a <b> &amp; &amp; &nosuchthing;");
    expect(view.element.querySelector("b")).toBeNull();
  });
});

describe("the cursor", () => {
  const growing = () => [...view.element.querySelectorAll(".is-growing")];
  const long = "word ".repeat(400);

  test("is in the last section that can be seen, until the text is whole", () => {
    const source = `${long}\n\n${long}\n\nend`;
    for (let end = 1; end <= source.length; end += 7) {
      view.update(source.slice(0, end));
      expect(growing()).toEqual([view.element.lastElementChild]);
    }
    view.finish(source);
    expect(view.element.childElementCount).toBe(3);
    expect(growing()).toEqual([]);
  });

  test("is in no text that is whole already and shown by and by", () => {
    view.update("one\n\ntwo", false);
    expect(growing()).toEqual([]);
  });
});
