/** The names that a mistyped word most likely stands for: what "did you mean" hints are made of. */

/** Steps between two words, where a step adds, drops or changes a character or swaps two neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) steps = Math.min(steps, (before[j - 2] ?? 0) + 1);
      row.push(steps);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/**
 * At most three candidates that are close to `word`, the closest first, ties in the order given. Case does not count.
 * Close means that at most a third of the longer word (but always one step) differs, and at most one step more than the closest.
 */
export function nearest(word: string, candidates: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const found: { name: string; steps: number }[] = [];
  for (const name of new Set(candidates)) {
    const limit = Math.max(1, Math.floor(Math.max(word.length, name.length) / 3));
    if (Math.abs(word.length - name.length) > limit) continue;
    const steps = editDistance(wanted, name.toLowerCase());
    if (steps <= limit) found.push({ name, steps });
  }
  found.sort((a, b) => a.steps - b.steps);
  const best = found[0]?.steps ?? 0;
  return found
    .filter((f) => f.steps <= best + 1)
    .slice(0, 3)
    .map((f) => f.name);
}

/** A ready sentence for a hint: `did you mean "x" or "y"?`, or `otherwise` when nothing is close. */
export function didYouMean(word: string, candidates: Iterable<string>, otherwise: string): string {
  const names = nearest(word, candidates).map((n) => `"${n}"`);
  if (names.length === 0) return otherwise;
  return `did you mean ${names.join(" or ")}?`;
}
