/** Commands of an env on both sides: what only one of them has, whatever the order; the link in its order. */
export interface Commands {
  readonly compile: readonly (readonly string[])[];
  readonly archive: readonly (readonly string[])[];
  readonly link: readonly unknown[];
}

/** "" where both are the same; else the first part that differs, with what either side has alone. */
export function firstDifference(ours: Commands, theirs: Commands): string {
  for (const part of ["compile", "archive"] as const) {
    const own = new Set(ours[part].map((words) => words.join("\0")));
    const other = new Set(theirs[part].map((words) => words.join("\0")));
    const only = (from: readonly (readonly string[])[], to: ReadonlySet<string>): string =>
      from
        .filter((words) => !to.has(words.join("\0")))
        .map((words) => JSON.stringify(words))
        .join("\n    ");
    const missing = only(theirs[part], own);
    const more = only(ours[part], other);
    if (missing + more !== "") return `${part}\n  PlatformIO:\n    ${missing}\n  fb:\n    ${more}`;
  }
  const [own, other] = [JSON.stringify(ours.link), JSON.stringify(theirs.link)];
  return own === other ? "" : `link\n  PlatformIO: ${other}\n  fb:         ${own}`;
}
