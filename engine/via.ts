/** Through which includes a compile comes to a header: the shortest chain, by the include texts of the files that it read. */
import { baseOf, folderOf, join } from "./paths.ts";
import type { IncludeText } from "./types.ts";

const NAMES_A_FILE: ReadonlySet<IncludeText["how"]> = new Set(["include", "next", "import", "has", "incbin", "asm"]);

/**
 * The files from a source down to the one that includes `target`; empty where no text explains it (an include by macro), or where it is itself a source.
 * sources: where it begins; read: every file that the action read; includesOf: of a file, null if it is not there.
 */
export function includeChain(
  target: string,
  sources: readonly string[],
  read: Iterable<string>,
  includesOf: (path: string) => readonly IncludeText[] | null,
): string[] {
  if (sources.includes(target)) return [];
  const byName = new Map<string, string[]>();
  for (const path of read) {
    const there = byName.get(baseOf(path));
    if (there === undefined) byName.set(baseOf(path), [path]);
    else there.push(path);
  }
  const from = new Map<string, string | null>(sources.map((source) => [source, null]));
  const queue = [...sources];
  for (let at = 0; at < queue.length; at++) {
    const file = queue[at] as string;
    for (const { text, quote, how } of includesOf(file) ?? []) {
      if (!NAMES_A_FILE.has(how)) continue;
      const candidates = (byName.get(baseOf(text)) ?? []).filter((path) => path === text || path.endsWith(`/${text}`));
      const beside = quote ? candidates.filter((path) => path === join(folderOf(file), text)) : [];
      for (const found of beside.length > 0 ? beside : candidates) {
        if (from.has(found)) continue;
        from.set(found, file);
        if (found === target) return chainTo(file, from);
        queue.push(found);
      }
    }
  }
  return [];
}

function chainTo(file: string, from: ReadonlyMap<string, string | null>): string[] {
  const chain: string[] = [];
  for (let at: string | null = file; at !== null; at = from.get(at) ?? null) chain.unshift(at);
  return chain;
}
