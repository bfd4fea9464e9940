import { describe, expect, test } from "vitest";
import amber from "./themes/amber.css?raw";
import paper from "./themes/paper.css?raw";
import phosphor from "./themes/phosphor.css?raw";
import tokyoNight from "./themes/tokyo-night.css?raw";

const THEMES = { "tokyo-night": tokyoNight, phosphor, amber, paper };
const TEXTS = ["text", "dim", "accent", "link", "code", "keyword", "money", "warm", "error"];
const GROUNDS = ["ground", "raised", "sunken", "bar"];
/** Of the bars of charts: told apart from their ground, and from the line they end at. */
const KINDS = ["accent", "kind-1", "kind-2", "kind-3", "kind-4"];
const SHEETS = Object.values(import.meta.glob<string>("./*.css", { query: "?raw", import: "default", eager: true }));

function colours(css: string): Record<string, string> {
  return Object.fromEntries(
    [...css.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/gi)].map(([, name, value]) => [name, value]),
  );
}

/** Red, green and blue as light. */
function linear(hex: string): number[] {
  return [1, 3, 5].map(at => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = linear(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** How far apart they look: the distance in OKLab (https://bottosson.github.io/posts/oklab/); black and white are 1 apart. */
function difference(a: string, b: string): number {
  const [one, other] = [oklab(a), oklab(b)];
  return Math.hypot(...one.map((value, at) => value - (other[at] ?? 0)));
}

function oklab(hex: string): number[] {
  const [r = 0, g = 0, b = 0] = linear(hex);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The properties that `property` is set to anywhere, by name. */
function used(property: string): string[] {
  const rules = new RegExp(`[\\s{;]${property}:([^;]*);`, "g");
  const values = SHEETS.flatMap(sheet => [...sheet.matchAll(rules)].map(([, value = ""]) => value));
  return [...new Set(values.flatMap(value => [...value.matchAll(/var\(--([\w-]+)/g)].map(([, name = ""]) => name)))];
}

test("every colour that text has is measured below, and no sheet has one of its own", () => {
  // A line in the colour of its provider, which is one of these.
  const measured = [...TEXTS, "on-accent", "rule"];
  expect(used("color").filter(name => !measured.includes(name))).toEqual([]);
  expect(used("--rule").filter(name => !TEXTS.includes(name))).toEqual([]);
  expect(used("--kind").filter(name => !KINDS.includes(name))).toEqual([]);
  expect(used("fill").filter(name => name !== "kind")).toEqual([]);
  expect(used("--cover").filter(name => !GROUNDS.includes(name))).toEqual([]);
  // What bars and rules are filled with has no text on it, but for the two that are measured.
  const grounds = [...GROUNDS, "cover", "kind", "accent", "line", "scan"];
  expect(used("background").filter(name => !grounds.includes(name))).toEqual([]);
  expect(SHEETS.flatMap(sheet => sheet.match(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/gi) ?? [])).toEqual([]);
});

test("knows black on white", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(difference("#000000", "#ffffff")).toBeCloseTo(1);
});

describe.each(Object.entries(THEMES))("%s", (_name, css) => {
  const theme = colours(css);
  const pairs = [
    ...GROUNDS.flatMap(ground => TEXTS.map(text => [text, ground] as const)),
    ["on-accent", "accent"] as const, // the keys that are filled
    ["text", "line"] as const, // the chosen row of a list
  ];
  test.each(pairs)("%s on %s reaches 4.5:1", (text, ground) => {
    expect(contrast(theme[text] ?? "", theme[ground] ?? "")).toBeGreaterThanOrEqual(4.5);
  });
  test.each(KINDS)("a bar in %s is seen", kind => {
    // Three to one is what is asked of shapes.
    expect(contrast(theme[kind] ?? "", theme.ground ?? "")).toBeGreaterThanOrEqual(3);
  });
  test("any two bars are told apart", () => {
    const pairs = KINDS.flatMap((kind, at) => KINDS.slice(at + 1).map(other => [kind, other] as const));
    const alike = pairs.filter(([one, other]) => difference(theme[one] ?? "", theme[other] ?? "") < 0.09);
    expect(alike).toEqual([]);
  });
  test("sets nothing but properties", () => {
    const body = css.slice(css.indexOf("{") + 1, css.lastIndexOf("}"));
    expect(Object.keys(theme).length).toBeGreaterThan(12);
    for (const line of body
      .split(";")
      .map(line => line.trim())
      .filter(Boolean))
      expect(line).toMatch(/^(--[\w-]+|color-scheme):/);
  });
});
