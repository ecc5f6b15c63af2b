/** What a link reads and writes that only its flags name: linker scripts and map files. */
import { collapse, join } from "../engine/paths.ts";
import type { PlanIo, ProjectPath } from "../engine/types.ts";

/** The files that linker flags name and no trace shows: scripts, version scripts, response files. What is not in the project is the linker's to find. */
export function linkerScripts(
  linkflags: readonly string[],
  libpath: readonly string[],
  io: Pick<PlanIo, "exists" | "read">,
): ProjectPath[] {
  const named: string[] = [];
  const words = linkflags.flatMap((flag) => (flag.startsWith("-Wl,") ? flag.slice(4).split(",") : [flag]));
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const inline = /^(?:-T|--script=|--version-script=|--dynamic-list=|--just-symbols=|--default-script=|--specs=|-specs=)(.+)$/.exec(
      word,
    )?.[1];
    if (inline !== undefined && !/^-T(text|data|bss|rodata)/.test(word)) named.push(inline);
    else if (["-T", "--script", "--version-script", "--dynamic-list", "--just-symbols", "-R", "--default-script"].includes(word))
      named.push(words[++i] ?? "");
    else if (word.startsWith("@")) named.push(word.slice(1));
    // A file that is no object is a script to ld. It is traced, what it includes is not.
    else if (!word.startsWith("-") && !/\.(o|a|so[.\d]*)$/.test(word)) named.push(word);
  }
  const found = new Set<ProjectPath>();
  const queue = [...named];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const folder of ["", ...libpath.map((l) => l.slice(2))]) {
      const path = collapse(join(folder, name)) as ProjectPath;
      if (found.has(path)) break;
      if (path.startsWith("/") || path === "." || !io.exists(path)) continue;
      const content = io.read(path);
      if (content === null) continue;
      found.add(path);
      const text = new TextDecoder().decode(content).replaceAll(/\/\*[\s\S]*?\*\//g, " ");
      queue.push(...[...text.matchAll(/(?:^|[\s;{}])INCLUDE\s+"?([^\s";]+)/g)].map((m) => m[1] ?? ""));
      break;
    }
  }
  return [...found];
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
