/** `‹2/3›`: the keys that switch between the siblings of a message. */

import type { Message } from "../api/types.ts";
import { h } from "../dom/element.ts";

export function siblingKeys(
  message: Message,
  siblings: readonly Message[],
  what: "answer" | "prompt",
  select: (sibling: Message) => void,
): HTMLElement | null {
  if (siblings.length < 2) return null;
  const at = siblings.findIndex(sibling => sibling.id === message.id);
  const key = (label: string, glyph: string, to: Message | undefined) =>
    h(
      "button",
      { type: "button", "aria-label": label, "aria-disabled": !to && "true", onclick: () => to && select(to) },
      glyph,
    );
  return h(
    "span",
    { class: "siblings" },
    key(`previous ${what}`, "‹", siblings[at - 1]),
    h("span", {}, `${at + 1}/${siblings.length}`),
    key(`next ${what}`, "›", siblings[at + 1]),
  );
}
