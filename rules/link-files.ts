/** What a link reads and writes that only its flags name: linker scripts and map files. */
import { collapse, join } from "../engine/paths.ts";
import type { PlanIo, ProjectPath } from "../engine/types.ts";

/**
 * The scripts that linker flags name (`-T`, version scripts) and that no trace shows, with those that they include. words: the flags, `-Wl,` taken apart;
 * made: what steps write before the link, which is not read here, since it may not be there yet.
 * A name is looked for in the project's folder, then in those of `libpath` (`-LDIR`) and of the words; elsewhere it is the linker's to find.
 */
export function linkerScripts(
  words: readonly string[],
  libpath: readonly string[],
  made: readonly ProjectPath[],
  io: Pick<PlanIo, "read">,
): ProjectPath[] {
  const folders = ["", ...[...libpath, ...words.filter((word) => /^-L./.test(word))].map((word) => word.slice(2))];
  const found = new Set<ProjectPath>();
  const queue = namedScripts(words);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const folder of name.startsWith("/") ? [""] : folders) {
      const path = collapse(join(folder, name)) as ProjectPath;
      if (found.has(path)) break;
      if (made.includes(path)) {
        found.add(path);
        break;
      }
      // Other outputs of the build are written by the link or after it.
      const content = path === "." || path.startsWith(".fb/build/") ? null : io.read(path);
      if (content === null) continue;
      found.add(path);
      const text = new TextDecoder().decode(content).replaceAll(/\/\*[\s\S]*?\*\//g, " ");
      queue.push(...[...text.matchAll(/(?:^|[\s;{}])INCLUDE\s+"?([^\s";]+)/g)].map((m) => m[1] ?? ""));
      break;
    }
  }
  return [...found];
}

function namedScripts(words: readonly string[]): string[] {
  const named: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const inline = /^(?:-T|--script=|--version-script=|--dynamic-list=|--just-symbols=|--default-script=)(.+)$/.exec(word)?.[1];
    if (inline !== undefined && !/^-T(text|data|bss|rodata)/.test(word)) named.push(inline);
    else if (["-T", "--script", "--version-script", "--dynamic-list", "--just-symbols", "-R", "--default-script"].includes(word))
      named.push(words[++i] ?? "");
    // A file that is no object is a script to ld. It is traced, what it includes is not.
    else if (!/^[-@]/.test(word) && !/\.(o|a|so[.\d]*)$/.test(word)) named.push(word);
  }
  return named;
}

/** Map files that the user asked the linker for, below the output folder: outputs of the link as much as the program is. */
export function mapFiles(linkflags: readonly string[], build: string): ProjectPath[] {
  const found: ProjectPath[] = [];
  for (const flag of linkflags) {
    const name = /^-Wl,(?:.*,)?-Map[=,]([^,]+)/.exec(flag)?.[1];
    if (name !== undefined && collapse(name).startsWith(`${build}/`)) found.push(collapse(name) as ProjectPath);
  }
  return found;
}
