/** Images: everything that was made here, newest first; to open, to keep, to ask for again. */

import type { ImagePage, StoredImage } from "../api/types.ts";
import { Disposables } from "../dom/component.ts";
import { h, setText } from "../dom/element.ts";
import { fileName } from "../lib/export.ts";
import { describeCost, formatCost, formatDate } from "../lib/format.ts";
import { atom } from "../lib/store.ts";
import { type Screen, type ScreenParts, screenHead } from "./screen.ts";

export class ImagesScreen implements Screen {
  readonly element: HTMLElement;
  readonly subtitle = atom("");
  readonly #parts: ScreenParts;
  readonly #gallery = h("ul", { class: "gallery" });
  readonly #state = h("p", { class: "screen-note", role: "status" }, "…");
  readonly #more = h("button", { type: "button", class: "text-key", hidden: true }, "more");
  readonly #disposables = new Disposables();
  readonly #known = new Set<string>();
  #cursor: string | null = null;
  #isLoading = false;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    this.element = h(
      "section",
      { class: "screen images-screen", "aria-label": "images" },
      screenHead("images", parts.leave),
      this.#gallery,
      this.#state,
      this.#more,
    );
    this.#disposables.listen(this.#more, "click", () => void this.#load());
    // The next page is asked for before the end of this one is seen.
    if (typeof IntersectionObserver !== "undefined") {
      const observer = new IntersectionObserver(
        entries => entries.some(entry => entry.isIntersecting) && this.#cursor !== null && void this.#load(),
        { root: this.element, rootMargin: "600px" },
      );
      observer.observe(this.#more);
      this.#disposables.add(() => observer.disconnect());
    }
    void this.#load();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  async #load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const query = new URLSearchParams({ limit: "30", ...(this.#cursor && { cursor: this.#cursor }) });
      const page = await this.#parts.client.request<ImagePage>("GET", `/api/images?${query}`);
      this.#cursor = page.next_cursor;
      const fresh = page.images.filter(image => !this.#known.has(image.id));
      for (const image of fresh) this.#known.add(image.id);
      this.#gallery.append(...fresh.map(image => this.#figure(image)));
      this.#state.hidden = this.#known.size > 0;
      setText(this.#state, "no image yet. /image a lighthouse at dusk makes one");
      this.#more.hidden = this.#cursor === null;
      setText(this.#more, "more");
      this.subtitle.set(this.#known.size ? `${this.#known.size}${this.#cursor ? "+" : ""}` : "");
    } catch (error) {
      this.#state.hidden = false;
      setText(this.#state, `▲ ${error instanceof Error ? error.message : error}`);
      this.#more.hidden = false;
      setText(this.#more, "try again");
    } finally {
      this.#isLoading = false;
    }
  }

  #figure(image: StoredImage): HTMLElement {
    const { surface } = this.#parts.commands;
    const { url, prompt, model, media_type, conversation_id, cost, cost_status, created_at } = image;
    const picture = h("img", { src: url, alt: prompt, loading: "lazy", decoding: "async" });
    picture.addEventListener("error", () => picture.replaceWith(h("p", { class: "is-error" }, "▲ its file is gone")));
    const name = fileName(prompt, "json").replace(/json$/, media_type.split("/")[1]?.replace(/\W.*$/, "") || "png");
    const price = formatCost(cost, cost_status);
    const facts = [model ?? "", formatDate(new Date(created_at), this.#parts.clock.date())].filter(Boolean).join(" · ");
    return h(
      "li",
      { class: "gallery-item" },
      h("a", { href: url, target: "_blank", rel: "noopener", class: "gallery-picture" }, picture),
      h("p", { class: "gallery-prompt" }, h("span", { class: "mark", "aria-hidden": "true" }, "❯ "), prompt),
      h("p", { class: "dim" }, facts, " ", h("span", { class: "money", title: describeCost(cost_status) }, price)),
      h(
        "p",
        { class: "gallery-keys" },
        h("a", { href: url, download: name, class: "text-key", "aria-label": `download ${prompt}` }, "download"),
        h(
          "button",
          {
            type: "button",
            class: "text-key",
            "aria-label": `reuse prompt ${prompt}`,
            onclick: () => this.#parts.write(`/image ${prompt}`),
          },
          "reuse prompt",
        ),
        conversation_id &&
          h(
            "button",
            {
              type: "button",
              class: "text-key",
              "aria-label": `conversation of ${prompt}`,
              onclick: () => surface.open(conversation_id),
            },
            "conversation",
          ),
      ),
    );
  }
}
