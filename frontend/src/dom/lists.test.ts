/** The two lists that do not build everything: one builds what is near and the rest in time, the other only what is seen. */

import { expect, test } from "vitest";
import { h } from "./element.ts";
import { LazyList } from "./lazy-list.ts";
import { WindowList } from "./window-list.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

function row(item: number) {
  const element = h("p");
  element.append(String(item));
  return { element, update: () => undefined };
}

function lazy() {
  const container = h("div");
  let built = 0;
  const list = new LazyList<number>(container, h("div", {}, container), {
    keyOf: String,
    create: item => {
      built += 1;
      return row(item);
    },
    lengthOf: () => 100,
    isCounted: () => true,
    resized: () => undefined,
  });
  return {
    list,
    container,
    built: () => built,
    text: () => [...container.querySelectorAll("p")].map(it => Number(it.textContent)),
  };
}

test("of a long list only the end is built, the rest from the end upwards, in its order", () => {
  const { list, built, text } = lazy();
  list.update(numbers(2_000));
  expect(built()).toBe(0);
  list.fillEnd(2);
  expect(text()).toEqual([1998, 1999]);
  expect(list.get("1998")).toBeDefined();
  expect(list.get("3")).toBeUndefined();
  expect(list.fillOne()).toBe(true);
  expect(text()).toEqual([1997, 1998, 1999]);
  while (list.fillOne());
  expect(text()).toEqual(numbers(2_000));
  expect(built()).toBe(2_000);
});

test("what is built stays when the list grows or loses its end", () => {
  const { list, container, built, text } = lazy();
  list.update(numbers(50));
  while (list.fillOne());
  const first = container.querySelector("p");
  list.update(numbers(51));
  list.fillEnd(1);
  expect(built()).toBe(51);
  list.update(numbers(30));
  expect(text()).toEqual(numbers(30));
  expect(container.querySelector("p")).toBe(first);
  expect(built()).toBe(51);
});

test("of ten thousand rows only those in sight are in the page, each with its place", () => {
  const container = h("ul");
  const scroller = h("div", {}, container);
  document.body.append(scroller);
  const list = new WindowList<number>(container, scroller, {
    keyOf: String,
    kindOf: () => "row",
    create: item => ({ element: h("li", {}, h("a", { href: `/${item}` }, String(item))), update: () => undefined }),
  });
  list.update(numbers(10_000));
  expect(container.childElementCount).toBeLessThan(40);
  expect(container.style.getPropertyValue("block-size")).toBe("440000px");
  expect(container.firstElementChild?.getAttribute("aria-posinset")).toBe("1");
  expect(container.firstElementChild?.getAttribute("aria-setsize")).toBe("10000");

  container.querySelector("a")?.focus();
  list.reveal(5_000);
  expect(list.get("5000")?.element.style.getPropertyValue("inset-block-start")).toBe("220000px");
  // The row with the focus stays, and keeps it; those around it go.
  expect(document.activeElement?.textContent).toBe("0");
  expect(list.get("1")).toBeUndefined();
  list.dispose();
  scroller.remove();
});
