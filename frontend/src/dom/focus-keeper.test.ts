import { afterEach, beforeEach, expect, test } from "vitest";
import type { Disposables } from "./component.ts";
import { h } from "./element.ts";
import { keepFocus } from "./focus-keeper.ts";

const frames = async (count: number) => {
  for (let frame = 0; frame < count; frame++) await new Promise(resolve => requestAnimationFrame(resolve));
};

let root: HTMLElement;
let prompt: HTMLElement;
let kept: Disposables;
beforeEach(() => {
  root = h("div");
  prompt = h("textarea");
  document.body.append(root, prompt);
  kept = keepFocus(root, () => prompt.focus());
});
afterEach(() => {
  kept.dispose();
  document.body.replaceChildren();
});

const row = (...keys: string[]) => h("article", {}, ...keys.map(key => h("button", {}, key)));
const focusedText = () => document.activeElement?.textContent;

test("goes to the key of the same name in the row that took the place", async () => {
  const old = row("copy", "next");
  root.append(row("copy", "next"), old, row("copy", "next"));
  (old.lastChild as HTMLElement).focus();
  old.remove();
  const taken = row("copy", "next");
  root.children[0]?.after(taken);
  await frames(3);
  expect(document.activeElement).toBe(taken.lastChild);
});

test("waits for a row that is filled a frame later", async () => {
  const old = row("next");
  root.append(old);
  (old.firstChild as HTMLElement).focus();
  const shell = h("div");
  old.replaceWith(shell);
  requestAnimationFrame(() => shell.append(row("next")));
  await frames(3);
  expect(document.activeElement).toBe(shell.querySelector("button"));
});

test("of a list, the neighbour", async () => {
  const list = h("ul", {}, ...["a", "b", "c"].map(name => h("li", {}, h("button", {}, name))));
  root.append(list);
  list.querySelectorAll("button")[1]?.focus();
  list.children[1]?.remove();
  await frames(3);
  expect(focusedText()).toBe("c");
  list.children[1]?.remove();
  await frames(3);
  expect(focusedText()).toBe("a");
});

test("to the prompt where nothing took the place, or much did", async () => {
  const one = row("undo");
  root.append(one);
  (one.firstChild as HTMLElement).focus();
  one.remove();
  await frames(3);
  expect(document.activeElement).toBe(prompt);

  const many = h("div", {}, row("fork"), row("fork"));
  root.append(many);
  (many.querySelector("button") as HTMLElement).focus();
  many.replaceWith(h("div", {}, row("fork"), row("fork")));
  await frames(3);
  expect(document.activeElement).toBe(prompt);
});

test("one that was only moved has it again", async () => {
  const [first, second] = [row("one"), row("two")];
  root.append(first, second);
  (second.firstChild as HTMLElement).focus();
  root.prepend(second);
  await frames(3);
  expect(focusedText()).toBe("two");
});

test("leaves alone who went elsewhere", async () => {
  const old = row("next");
  root.append(old);
  (old.firstChild as HTMLElement).focus();
  prompt.focus();
  old.replaceWith(row("next"));
  await frames(3);
  expect(document.activeElement).toBe(prompt);
  prompt.blur();
  await frames(3);
  expect(document.activeElement).toBe(document.body);
});
