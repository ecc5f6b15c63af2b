/** Where a command looks: include folders of a compiler, library folders of a linker, read off its arguments. */

/** quote: only for `#include "…"`, after the includer's own folder; search: for both forms, in lookup order, the tool's own folders included. */
export interface IncludeSearch {
  readonly quote: readonly string[];
  readonly search: readonly string[];
}

/**
 * gcc's order (manual, "Options for Directory Search", and what `gcc -v` prints): -iquote; then -I, -isystem, the built-in folders, -idirafter, each in the
 * order given. An -I of a folder that also comes later is ignored. `-iprefix` is put before what follows in `-iwithprefix` (which gcc 12 and
 * avr-gcc 5.4 treat as -isystem, whatever the manual says) and `-iwithprefixbefore` (as -I, but after all of them: the driver hands
 * -I to cc1 first). `-nostdinc` takes the built-in folders away. Folders that only the assembler searches (`-Wa,-I`) come last.
 */
export function includeSearch(argv: readonly string[], builtIn: readonly string[]): IncludeSearch {
  const quote: string[] = [];
  const first: string[] = [];
  const prefixed: string[] = [];
  const system: string[] = [];
  const after: string[] = [];
  const assembler: string[] = [];
  let prefix = "";
  let standard = true;
  // Longer spellings first: -iwithprefixbefore begins with -iwithprefix.
  const options: readonly (readonly [string, (folder: string) => void])[] = [
    ["-iwithprefixbefore", (d) => prefixed.push(prefix + d)],
    ["-iwithprefix", (d) => system.push(prefix + d)],
    ["-iprefix", (d) => (prefix = d)],
    ["-iquote", (d) => quote.push(d)],
    ["-isystem", (d) => system.push(d)],
    ["-idirafter", (d) => after.push(d)],
    ["--include-directory-after=", (d) => after.push(d)],
    ["--include-directory=", (d) => first.push(d)],
    ["-I", (d) => first.push(d)],
  ];
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i] ?? "";
    if (arg === "-nostdinc") standard = false;
    if (!arg.startsWith("-")) continue;
    if (arg.startsWith("-Wa,")) assembler.push(...assemblerFolders(arg.slice(4).split(",")));
    if (TAKES_NEXT.has(arg)) {
      i++;
      continue;
    }
    for (const [option, take] of options) {
      if (!arg.startsWith(option)) continue;
      const folder = arg.length > option.length ? arg.slice(option.length) : argv[++i];
      if (folder !== undefined) take(folder);
      break;
    }
  }
  const late = [...system, ...(standard ? builtIn : []), ...after, ...assembler];
  return { quote: unique(quote), search: unique([...[...first, ...prefixed].filter((folder) => !late.includes(folder)), ...late]) };
}

function assemblerFolders(words: readonly string[]): string[] {
  return words.flatMap((word, i) => (word === "-I" ? (words[i + 1] ?? []) : word.startsWith("-I") ? word.slice(2) : []));
}

/** libraries: what follows -l, in order; search: -L folders in order, then the built-in ones. */
export function librarySearch(
  argv: readonly string[],
  builtIn: readonly string[],
): { readonly libraries: readonly string[]; readonly search: readonly string[] } {
  const libraries: string[] = [];
  const search: string[] = [];
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i] ?? "";
    if (TAKES_NEXT.has(arg)) {
      i++;
      continue;
    }
    const of = arg.startsWith("-L") ? search : arg.startsWith("-l") ? libraries : null;
    const value = of === null ? undefined : arg.length > 2 ? arg.slice(2) : argv[++i];
    if (value !== undefined) of?.push(value);
  }
  return { libraries: unique(libraries), search: unique([...search, ...builtIn]) };
}

/** Options whose argument follows and could be taken for one of the above. */
const TAKES_NEXT: ReadonlySet<string> = new Set([
  "-o",
  "-include",
  "-imacros",
  "-MF",
  "-MT",
  "-MQ",
  "-x",
  "-D",
  "-U",
  "-Xlinker",
  "-Xassembler",
  "-Xpreprocessor",
  "-T",
  "-e",
  "-u",
  "-z",
]);

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
