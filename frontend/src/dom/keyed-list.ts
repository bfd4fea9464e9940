/** Keeps an element's children in step with a list, by key: rows that stay are never rebuilt or needlessly moved. */

export interface Row<T> {
  readonly element: HTMLElement;
  update(item: T): void;
  dispose?(): void;
}

export class KeyedList<T> {
  readonly #container: HTMLElement;
  readonly #keyOf: (item: T) => string;
  readonly #create: (item: T) => Row<T>;
  readonly #rows = new Map<string, Row<T>>();

  constructor(container: HTMLElement, keyOf: (item: T) => string, create: (item: T) => Row<T>) {
    this.#container = container;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  update(items: readonly T[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.dispose?.();
      row.element.remove();
      this.#rows.delete(key);
    }
    let place: Element | null = this.#container.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      let row = this.#rows.get(key);
      if (!row) {
        row = this.#create(item);
        this.#rows.set(key, row);
      }
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else this.#container.insertBefore(row.element, place);
    }
  }

  get(key: string): Row<T> | undefined {
    return this.#rows.get(key);
  }

  dispose(): void {
    for (const row of this.#rows.values()) row.dispose?.();
    this.#rows.clear();
  }
}
