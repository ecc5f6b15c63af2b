/** A hint for a header that a compiler did not find: which library has it. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readAbout } from "../cache/manifest.ts";
import { warning } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { knownHeader } from "../rules/known-headers.ts";
import { stripSgr } from "./show/text.ts";

export interface HeaderPlaces {
  /** The project's folder, and its folders of libraries, relative to it. */
  readonly project: string;
  readonly libraries: readonly string[];
  /** The store's folder. */
  readonly store: string;
}

/** The registry's page for people, with a header's name behind it. */
const SEARCH = "https://registry.platformio.org/search?q=header:";

/** What gcc and clang say of it: `FILE:LINE:COLUMN: fatal error: NAME: No such file or directory`, clang `'NAME' file not found`. */
const GONE = /^(.+?):(\d+):(\d+): fatal error: (?:'([^'\n]+)' file not found|(\S[^:\n]*): No such file or directory)/m;

/**
 * null: the output speaks of no missing header, of one that no library can have, or of one that a plan has spoken of.
 * @param excluded what plans of this run said of includes that only an excluded library has (rules/plan-libs.ts), with the reason, which is not known here
 */
export function missingHeader(output: string, places: HeaderPlaces, excluded: readonly string[]): Failure | null {
  const match = GONE.exec(stripSgr(output));
  const name = match?.[4] ?? match?.[5] ?? "";
  if (match === null || name === "" || name.startsWith("/") || name.split("/").includes("..")) return null;
  if (excluded.some((message) => message.startsWith(`${name} is in library `))) return null;
  const place = { file: match[1] ?? "", line: Number(match[2]), column: Number(match[3]) };
  const [message, hint] = whereIs(name, places);
  return warning("library.header", message, { ...place, hint });
}

function whereIs(name: string, { project, libraries, store }: HeaderPlaces): readonly [message: string, hint: string] {
  for (const folder of libraries)
    for (const library of foldersIn(join(project, folder)))
      if (has(join(project, folder, library), name))
        return [`${name} is in ${folder}/${library}, which this env does not use`, "look at lib_ignore, lib_compat_mode and lib_ldf_mode"];
  const known = knownHeader(name);
  if (known !== null) {
    const spelled = known.header === name ? "" : ` (it is spelled ${known.header})`;
    return [`${name} belongs to the library ${known.library}${spelled}`, `add to the env: lib_deps = ${known.library}`];
  }
  for (const entry of foldersIn(store)) {
    const folder = join(store, entry);
    const about = entry.startsWith(".") || !has(folder, name) ? null : readAbout(folder);
    if (about !== null && ["library.json", "library.properties"].some((manifest) => existsSync(join(folder, manifest))))
      return [
        `${name} is in the library ${about.name} ${about.version}, which another project has`,
        `add to the env: lib_deps = ${about.name}`,
      ];
  }
  const where = `${SEARCH}${encodeURIComponent(name)}`;
  return [
    `${name} is in no library that fb knows`,
    `correct the include, or add the library that has it to the env: lib_deps = OWNER/NAME (${where} lists those of the registry)`,
  ];
}

function has(library: string, name: string): boolean {
  return ["", "src", "include"].some((folder) => existsSync(join(library, folder, name)));
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    // Not there.
    return [];
  }
}
