/** What is written behind /image: the words for the picture, with options before or after them. Pure. */

import type { Model } from "../api/types.ts";

export interface ImageOptions {
  size?: string;
  quality?: string;
  model?: string | null;
}

/** Names for sizes that every image model of today takes. */
const SIZES: Readonly<Record<string, string>> = {
  square: "1024x1024",
  portrait: "1024x1536",
  landscape: "1536x1024",
  auto: "auto",
};
const QUALITIES = ["auto", "low", "medium", "high"];
const OPTION = /^(size|quality|model)=(\S*)\s*/;
/** Behind the words nothing is passed over: what is meant as an option would be paid for as if it were not there. */
const LAST_OPTION = /(?:^|\s)(size|quality|model)=(\S*)$/;

export interface ImageArgument {
  readonly prompt: string;
  readonly options: ImageOptions;
  /** Why an option can't be meant. */
  readonly problem: string | null;
}

/** `size=portrait quality=low a lighthouse` as what is asked for. */
export function readImageArgument(argument: string): ImageArgument {
  const options: ImageOptions = {};
  let rest = argument.trim();
  for (;;) {
    const found = OPTION.exec(rest) ?? LAST_OPTION.exec(rest);
    if (!found) return { prompt: rest, options, problem: null };
    const [whole, name, value = ""] = found;
    rest = found.index === 0 ? rest.slice(whole.length) : rest.slice(0, found.index).trimEnd();
    if (name === "size") {
      const size = SIZES[value.toLowerCase()] ?? value;
      if (!/^\d{2,5}x\d{2,5}$|^auto$/.test(size)) {
        return { prompt: rest, options, problem: `a size is ${Object.keys(SIZES).join(", ")} or like 1024x1024` };
      }
      options.size = size;
    } else if (value === "") {
      return { prompt: rest, options, problem: `${name}= needs a value` };
    } else if (name === "quality") options.quality = value.toLowerCase();
    else options.model = value;
  }
}

/** What `readImageArgument` reads as the same. */
export function writeImageArgument(prompt: string, { size, quality, model }: ImageOptions): string {
  const options = Object.entries({ size, quality, model }).filter(([, value]) => value);
  return [...options.map(option => option.join("=")), prompt].join(" ");
}

/** The options that may come next, while nothing but options has been written. */
export function imageOptionValues(
  typed: string,
  models: readonly Model[],
): { value: string; detail?: string; isOpen: true }[] {
  let done = "";
  let rest = typed;
  for (let found = OPTION.exec(rest); found?.[0].endsWith(" "); found = OPTION.exec(rest)) {
    done += found[0];
    rest = rest.slice(found[0].length);
  }
  if (rest.includes(" ") || (rest !== "" && !/^(s|q|m)/i.test(rest))) return [];
  const given = new Set([...done.matchAll(/(size|quality|model)=/g)].map(([, name]) => name));
  const offers = [
    ...Object.entries(SIZES).map(([name, size]) => ({ name: "size", value: name, detail: size })),
    ...QUALITIES.map(value => ({ name: "quality", value, detail: "" })),
    ...models
      .filter(model => model.generates_images && model.available)
      .map(model => ({ name: "model", value: model.id, detail: model.label })),
  ];
  return offers
    .filter(({ name, value }) => !given.has(name) && `${name}=${value}`.startsWith(rest))
    .map(({ name, value, detail }) => ({ value: `${done}${name}=${value}`, detail, isOpen: true }));
}
