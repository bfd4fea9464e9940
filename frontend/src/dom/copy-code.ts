/** The copy keys of code blocks, by one listener above them all. */

import { copyText } from "./element.ts";

export async function copyCode(event: Event): Promise<void> {
  const button = event.target instanceof Element ? event.target.closest(".code .copy") : null;
  const code = button?.closest(".code")?.querySelector("pre")?.textContent;
  if (!button || code == null) return;
  button.textContent = (await copyText(code)) ? "copied" : "can't copy";
  setTimeout(() => {
    button.textContent = "copy";
  }, 1500);
}
