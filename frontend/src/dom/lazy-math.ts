/** Formulas, by a renderer that is fetched when the first one appears. Until then, and should that fail, the TeX stands there. */

import type { MathToken } from "../lib/markdown-math.ts";

type Renderer = typeof import("./math.ts");

let renderer: Renderer | null = null;
let loading: Promise<boolean> | null = null;

/** Fetches the renderer; whether it is here. */
export function loadMath(): Promise<boolean> {
  loading ??= import("./math.ts").then(
    loaded => {
      renderer = loaded;
      return true;
    },
    () => {
      loading = null;
      return false;
    },
  );
  return loading;
}

/** Shows the formula in `element`, which holds its TeX; false while the renderer is not here. */
export function renderMath(element: HTMLElement, token: MathToken): boolean {
  renderer?.showFormula(element, token.text, token.isDisplay);
  return renderer !== null;
}
