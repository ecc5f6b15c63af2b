/** What an env of a project says of libraries, as its plan takes it: folders, modes, lib_deps, and what the compiler predefines. */
import { homedir } from "node:os";
import { type Macros, predefines, type Toolchain, type ToolchainIo } from "../cache/toolchain.ts";
import { ok } from "../engine/failure.ts";
import type { Memo, Result } from "../engine/types.ts";
import { type LibraryWant, parseLibraryWant } from "../rules/lib-deps.ts";
import type { CompatMode, LdfMode } from "../rules/library.ts";
import type { LibraryOptions } from "../rules/plan-libs.ts";
import { type EnvProject, type Project, projectRelative } from "../rules/project.ts";
import { expandText } from "../rules/subst.ts";
import { storedRef } from "./acquire/acquirer.ts";
import type { FetchedLibrary } from "./acquire/libraries.ts";
import type { HostDisk } from "./host/disk.ts";

export interface CompilerAsk {
  readonly toolchain: Toolchain;
  /** What the conditions of includes are read with: the platform's flags and the user's. */
  readonly macros: Macros;
  /** The same without the user's flags. */
  readonly plain: Macros;
  readonly io: ToolchainIo;
  readonly memo: Memo;
}

/** Flags that change what a compiler predefines. */
const CHOOSES_MACROS = /^-(?:std=|ansi$|m|O|f(?!macro-prefix|file-prefix|debug-prefix|random-seed|diagnostics))/;

/** `variables`: of flags. `fetched`: libraries of the store. `compiler`: null for an env without one. Fails where the compiler does not answer (exit 4). */
export function libraryOptions(
  project: Project,
  env: EnvProject,
  variables: ReadonlyMap<string, string>,
  disk: Pick<HostDisk, "isDir">,
  compiler: CompilerAsk | null,
  fetched: readonly FetchedLibrary[] = [],
): Result<LibraryOptions> {
  const section = `env:${env.name}`;
  const place = (path: string): string => {
    const whole = expandText(path, variables).trim();
    const home = whole.startsWith("~/") || whole === "~" ? homedir() + whole.slice(1) : whole;
    return projectRelative(project.dir, home);
  };
  const libdeps = project.config.get("platformio", "libdeps_dir");
  if (!libdeps.ok) return libdeps;
  const cpu = env.board?.values.get("build.cpu");
  const macros = compiler === null ? ok(null) : macrosOf(compiler);
  if (!macros.ok) return macros;
  const wants: LibraryWant[] = [];
  for (const item of env.libDeps) {
    const want = parseLibraryWant(item, project.config.origin(section, "lib_deps", item), (path) => disk.isDir(path));
    if (!want.ok) return want;
    const there = fetched.find((library) => library.want?.text === want.value.text);
    if (there !== undefined) wants.push({ ...want.value, name: there.name, folder: storedRef(there.package).as });
    else wants.push(want.value.folder === null ? want.value : { ...want.value, folder: place(want.value.folder) });
  }
  return ok({
    before: [...env.libExtraDirs.map(place), project.dirs.lib],
    relative: env.libExtraDirs.filter((path) => !/^[/~]/.test(expandText(path, variables).trim())).map(place),
    installed: `${projectRelative(project.dir, String(libdeps.value ?? ".pio/libdeps"))}/${env.name}`,
    fetched: fetched.flatMap((library) => (library.want === null ? [[library.name, storedRef(library.package).as] as const] : [])),
    after: [project.dirs.globallib],
    wants,
    ignore: env.libIgnore,
    platform: env.platform.name,
    predefines: macros.value,
    ignoreScripts: project.ruleFile?.extraScripts === "ignore",
    cpu: typeof cpu === "string" ? cpu : "",
    mode: env.ldfMode as LdfMode,
    modeSet: env.options.has("lib_ldf_mode"),
    compat: env.libCompatMode as CompatMode,
    archive: env.libArchive,
    archiveSet: env.options.has("lib_archive"),
  });
}

/** Of the user's flags those that change what a compiler predefines. */
export function macroFlags(env: EnvProject): readonly string[] {
  return [...env.buildFlags, ...env.buildSrcFlags].flatMap((item) => item.split(/\s+/)).filter((word) => CHOOSES_MACROS.test(word));
}

function macrosOf({ toolchain, macros, plain, io, memo }: CompilerAsk): Result<string> {
  const asked = predefines(toolchain, macros, io, memo);
  // What the user's flags break, the first compile will say better.
  return asked.ok || macros.flags.length === plain.flags.length ? asked : predefines(toolchain, plain, io, memo);
}
