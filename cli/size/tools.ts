/** What `fb size` asks the toolchain: a map of the link, and what C++ names mean. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ActionSpec } from "../../engine/types.ts";
import { readElf } from "../../rules/elf.ts";
import { type LinkMap, readLinkMap } from "../../rules/size/link-map.ts";
import { baseVars, tempFolder } from "../world.ts";

/** A linker that takes longer has hung. */
const LIMIT_MS = 300_000;

/**
 * Links once more, into a temporary folder, with a map. The map is no output of the build's own link: it names the output folder and gcc's temporary files, so
 * no two links would be equal bytes. Null where the linker gives none, or what it made this time is laid out otherwise than the program.
 */
export function mapOf(folder: string, link: ActionSpec, elf: Uint8Array): LinkMap | null {
  let work: string | null = null;
  try {
    work = mkdtempSync(join(tempFolder(), "fb-size-"));
    const [program, map, response] = [join(work, "program"), join(work, "map"), join(work, "arguments")];
    if (link.rspfile !== null) writeFileSync(response, link.rspfile.text);
    const [linker = "", ...args] = link.argv.flatMap((word) => {
      if (word === link.outputs[0]) return [program];
      return word === "-Wl,-t" ? [] : [link.rspfile !== null && word === `@${link.rspfile.path}` ? `@${response}` : word];
    });
    const ran = spawnSync(linker, [...args, `-Wl,-Map=${map}`], {
      cwd: folder,
      env: { ...baseVars(), ...link.vars },
      stdio: "ignore",
      timeout: LIMIT_MS,
    });
    if (ran.status !== 0 || !existsSync(map) || layout(readFileSync(program)) !== layout(elf)) return null;
    return readLinkMap(readFileSync(map, "utf8"));
  } catch {
    // No room for a second program.
    return null;
  } finally {
    if (work !== null) rmSync(work, { recursive: true, force: true });
  }
}

function layout(bytes: Uint8Array): string {
  const elf = readElf("", bytes);
  return elf.ok ? JSON.stringify(elf.value.sections.map(({ name, address, size }) => [name, address, size])) : "";
}

/** C++ names as people write them, by the c++filt that stands beside the linker, else by the one on PATH; as they are where there is none. */
export function demangled(names: readonly string[], linker: string): ReadonlyMap<string, string> {
  const mangled = [...new Set(names)].filter((name) => /^_(?:Z|GLOBAL_)/.test(name));
  if (mangled.length === 0) return new Map();
  const beside = join(dirname(linker), `${/^(?:.*-)?(?=(?:gcc|g\+\+|cc|c\+\+|clang)[^/]*$)/.exec(basename(linker))?.[0] ?? ""}c++filt`);
  const filter = linker.includes("/") && existsSync(beside) ? beside : "c++filt";
  const ran = spawnSync(filter, [], { input: `${mangled.join("\n")}\n`, encoding: "utf8", maxBuffer: 1 << 28, timeout: LIMIT_MS });
  const lines = ran.status === 0 ? ran.stdout.split("\n") : [];
  return new Map(lines.length > mangled.length ? mangled.map((name, i) => [name, lines[i] ?? name]) : []);
}
