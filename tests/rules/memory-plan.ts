/** Plans of projects that are only in memory: readProject and planEnv as a run has them, with a compiler that is never asked. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { libraryOptions } from "../../cli/library-input.ts";
import type { ActionSpec, Digest } from "../../engine/types.ts";
import type { EnvPlan } from "../../rules/env-plan.ts";
import type { LibraryOptions } from "../../rules/plan-libs.ts";
import { planEnv } from "../../rules/plan-env.ts";
import { type EnvProject, envNames, type Project, readProject } from "../../rules/project.ts";
import type { Tool } from "../../rules/rulefile.ts";
import { memoryIo } from "./memory-io.ts";

/** tool: of every compiler, where it is not Debian's. */
interface PlannedFramework {
  readonly folder: string;
  readonly version: string;
  readonly tool?: { readonly folder: string; readonly version: string };
  /** Of tools that lie elsewhere, by their packages. */
  readonly folders?: Readonly<Record<string, string>>;
}

/** Where the files of the framework for AVR lie. */
export const FRAMEWORK = "/CORE/packages/framework-arduino-avr";

const PROJECT = "/P";
const platforms = join(import.meta.dirname, "../../platforms");
const hash = (text: string): Digest => createHash("sha256").update(text).digest("hex") as Digest;

export interface PlannedProject {
  /** Throws with the failure's code and message where there is no plan. */
  actions(env: string): readonly ActionSpec[];
  /** What the plans looked at so far. */
  readonly asked: readonly string[];
}

/**
 * `files`: the project's, by their paths in it; others by absolute ones. `predefines`: the compiler's own macros, which the modes with a plus know beside
 * PlatformIO's; null for PlatformIO's reading alone.
 */
export function planned(
  files: Readonly<Record<string, string>>,
  predefines: string | null,
  framework: PlannedFramework = { folder: FRAMEWORK, version: "1.2.3" },
): PlannedProject {
  const io = memoryIo(files);
  const project = readProject(PROJECT, platforms, {
    read: (path) => (path.startsWith(platforms) ? readFileSync(path, "utf8") : io.text(path)),
    glob: () => [],
    list: (path) =>
      path === platforms
        ? readdirSync(platforms, { withFileTypes: true }).map((e) => ({ name: e.name, is: e.isDirectory() ? "dir" : "file" }))
        : io.list(path),
    value: () => undefined,
    unixTime: () => 0,
    sha1: (text) => createHash("sha1").update(text).digest("hex"),
  });
  if (!project.ok) throw new Error(project.failure.message);
  return {
    asked: io.asked,
    actions(name) {
      const env = project.value.envs.get(name);
      if (env?.ok !== true) throw new Error(JSON.stringify(env));
      const variables = new Map([["PIOENV", name]]);
      const libraries = libraryOptions(project.value, env.value, variables, { isDir: (path) => io.list(path) !== null }, null);
      if (!libraries.ok) throw new Error(libraries.failure.message);
      const result = planEnv(planOf(env.value, project.value, variables, { ...libraries.value, predefines }, framework), io, hash);
      if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
      return result.value.actions;
    },
  };
}

/** A tool's program, by the name that it has first. */
function programName({ name, finds }: Tool): [string, string] {
  return [`tool.${name}.program`, finds.split("|")[0] ?? ""];
}

function planOf(
  env: EnvProject,
  { dirs }: Project,
  variables: ReadonlyMap<string, string>,
  libraries: LibraryOptions,
  framework: PlannedFramework,
): EnvPlan {
  const arduino = env.framework === "arduino";
  const from = (items: readonly string[]) => ({ items, option: "build_flags", file: null, line: 0, column: 0 });
  const tool = { folder: "/usr", version: "12.2.0", ...framework.tool, digest: hash("tool"), includeC: [], includeCxx: [], libraries: [] };
  return {
    env: env.name,
    profile: env.buildType === "debug" ? "debug" : "release",
    host: "linux",
    projectDir: PROJECT,
    platform: env.platform.rules,
    framework: arduino ? "arduino" : "",
    frameworkFolder: arduino ? framework.folder : "",
    frameworkDigest: "",
    frameworkVersion: framework.version,
    names: new Map([...envNames(env), ...[...env.platform.rules.tools.values()].map(programName)]),
    mcu: env.board?.mcu ?? "",
    variantFolder: null,
    tools: new Map(
      [...env.platform.rules.tools.values()].map((each) => [
        each.name,
        { ...tool, folder: framework.folders?.[each.package] ?? tool.folder },
      ]),
    ),
    variables,
    flags: {
      board: env.board?.extraFlags ?? [],
      user: from(env.buildFlags),
      unflags: from(env.buildUnflags),
      src: from(env.buildSrcFlags),
      debug: from(env.debugBuildFlags),
    },
    commands: new Map(),
    srcFilter: env.srcFilter,
    srcDir: dirs.src,
    includeDir: dirs.include,
    testDir: dirs.test,
    dataDir: dirs.data,
    libraries,
    own: null,
    envs: [env.name],
    programs: new Map(),
    notes: [],
  };
}
