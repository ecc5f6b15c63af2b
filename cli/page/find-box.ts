/** The search box of a page: a row for each of what fits, arrow keys, Enter and Escape; "/" goes to it from anywhere. */

/** Every id is in the page's own html. */
export function element<E extends Element = HTMLElement>(id: string): E {
  return document.getElementById(id) as unknown as E;
}

export interface Finds<T> {
  /** The first of what fits a text, and how much fits in all. */
  find(text: string): { readonly found: readonly T[]; readonly count: number };
  /** What stands in its row. */
  row(found: T): readonly (Node | string)[];
  go(found: T): void;
}

/** Brings #search and #results of the page to life; the box. */
export function findBox<T>({ find, row, go }: Finds<T>): HTMLInputElement {
  const search = element<HTMLInputElement>("search");
  const results = element("results");
  let chosen = 0;
  let found: readonly T[] = [];

  const look = (): void => {
    const { found: fits, count } = find(search.value);
    found = fits;
    chosen = 0;
    results.replaceChildren(
      ...found.map((each) => {
        const option = document.createElement("div");
        option.role = "option";
        option.append(...row(each));
        return option;
      }),
    );
    if (count === 0 || count > found.length) {
      const none = document.createElement("div");
      none.className = "none";
      none.textContent = count === 0 ? "nothing is called so" : `${count - found.length} more: go on typing`;
      results.append(none);
    }
    results.hidden = search.value.trim() === "";
    search.setAttribute("aria-expanded", String(!results.hidden));
    mark();
  };
  const mark = (): void => {
    for (const [i, option] of [...results.children].entries())
      option.setAttribute("aria-selected", String(i === chosen && found.length > 0));
    results.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const leave = (): void => {
    results.hidden = true;
    search.setAttribute("aria-expanded", "false");
    search.blur();
  };
  /** at: a place among the rows. */
  const take = (at: number): boolean => {
    const each = found[at];
    if (each === undefined) return false;
    leave();
    go(each);
    return true;
  };

  search.addEventListener("input", look);
  search.addEventListener("focus", () => search.value !== "" && look());
  search.addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      chosen = Math.max(0, Math.min(found.length - 1, chosen + (e.key === "ArrowDown" ? 1 : -1)));
      mark();
    } else if (e.key === "Enter") take(chosen);
    else if (e.key === "Escape") leave();
  });
  results.addEventListener("pointerdown", (e) => {
    const option = (e.target as Element).closest("[role=option]");
    if (option !== null && take([...results.children].indexOf(option))) e.preventDefault();
  });
  window.addEventListener("keydown", (e) => {
    if (e.target === search || e.key !== "/") return;
    e.preventDefault();
    search.focus();
    search.select();
  });
  return search;
}
