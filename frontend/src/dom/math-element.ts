/** Builds the elements of a formula. What is not on the list here is left out: nothing names an address, a style or a script. */

import type { MathNode } from "../lib/typesetting.ts";

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";

const ELEMENTS = new Set(
  (
    "math mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup " +
    "mtable mtd mtext mtr munder munderover"
  ).split(" "),
);
const ATTRIBUTES = new Set(
  (
    "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height largeop " +
    "linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits rowlines " +
    "rowspacing rspace scriptlevel separator side stretchy symmetric voffset width"
  ).split(" "),
);
/** Words, colours and lengths. */
const VALUE = /^[-+#%.\w ]*$/;

/** Of an element that is not on the list, its contents alone. */
export function buildMath(node: MathNode): Node {
  if (typeof node === "string") return document.createTextNode(node);
  const [name, attributes, children] = node;
  const isListed = ELEMENTS.has(name);
  const place = isListed ? document.createElementNS(NAMESPACE, name) : document.createDocumentFragment();
  place.append(...children.map(buildMath));
  place.normalize();
  if (place instanceof Element)
    for (const [attribute, value] of attributes)
      if (ATTRIBUTES.has(attribute) && VALUE.test(value)) place.setAttribute(attribute, value);
  return place;
}
