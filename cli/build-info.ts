/** `.fb/build/ENV/PROFILE/build_info.json`: an env's tools, flags and artifacts for editors and scripts, read off the actions themselves. */
import { outFolder } from "../engine/paths.ts";
import type { RunOutcome } from "../engine/run-request.ts";
import type { ActionSpec, RunResult } from "../engine/types.ts";
import type { EnvPlan } from "../rules/env-plan.ts";
import { expandVariable, scope } from "../rules/expand.ts";
import type { HostDisk } from "./host/disk.ts";
import type { PlanInput } from "./plan-input.ts";
import { writeIfNew } from "./write-if-new.ts";

/** Paths relative to the project, arguments as the tools get them; no times, so equal builds write equal files. */
export interface BuildInfo {
  readonly schema: 1;
  readonly env: string;
  readonly profile: string;
  readonly platform: string;
  readonly board: string;
  readonly framework: string;
  /** programs: as the platform names them (cc, cxx, gdb…), whether they are installed or not. */
  readonly tools: Readonly<
    Record<string, { readonly folder: string; readonly version: string; readonly programs: Readonly<Record<string, string>> }>
  >;
  /** Of the project's sources, by language, else of the framework's: everything but defines, include folders, source and output. */
  readonly flags: Readonly<Record<"c" | "cxx" | "asm" | "link", readonly string[]>>;
  readonly defines: readonly string[];
  readonly includes: readonly string[];
  readonly libraries: readonly string[];
  readonly artifacts: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[];
}

export function buildInfoFile(env: string, profile: string): string {
  return `${outFolder(env, profile)}/build_info.json`;
}

/** @returns the file's path */
export function writeBuildInfo(disk: HostDisk, info: BuildInfo): string {
  const path = buildInfoFile(info.env, info.profile);
  writeIfNew(disk, path, `${JSON.stringify(info, null, 2)}\n`);
  return path;
}

/** The same with the artifacts as they are now. */
export function withArtifacts(info: BuildInfo, artifacts: RunResult["artifacts"]): BuildInfo {
  return { ...info, artifacts: imagesOf(info.env, artifacts) };
}

/** Takes the file away where it tells of images that a failed run has taken away, all of them. */
export function removeBuildInfo(disk: HostDisk, env: string, profile: string, images: readonly string[]): void {
  if (images.length > 0 && images.every((image) => disk.sign(image) === null)) disk.remove(buildInfoFile(env, profile));
}

function imagesOf(env: string, artifacts: RunResult["artifacts"]): BuildInfo["artifacts"] {
  return artifacts.filter((a) => a.env === env).map(({ path, sha256, bytes }) => ({ path, sha256, bytes }));
}

export function buildInfo(input: PlanInput, outcome: RunOutcome, artifacts: RunResult["artifacts"]): BuildInfo {
  const { plan } = input;
  const out = outFolder(plan.env, plan.profile);
  const specs = outcome.graph.nodes.map((n) => n.spec).filter((s) => s.env === plan.env);
  const project = specs.filter((s) => s.kind === "compile" && s.outputs[0]?.startsWith(`${out}/src/`));
  const ofRule = (rule: string) => {
    const compiled = (s: ActionSpec) => s.name.startsWith(`${plan.env}/${plan.profile}/${rule}:`);
    return project.find(compiled) ?? specs.find(compiled);
  };
  const link = specs.find((s) => s.kind === "link");
  const any = project[0];
  const named = (option: string) => (any?.argv ?? []).filter((a) => a.startsWith(option)).map((a) => a.slice(option.length));
  const board = plan.names.get("board.id");
  return {
    schema: 1,
    env: plan.env,
    profile: plan.profile,
    platform: plan.platform.platform?.names[0] ?? "",
    board: typeof board === "string" ? board : "",
    framework: plan.framework,
    tools: Object.fromEntries(
      [...plan.tools].map(([name, { folder, version }]) => [name, { folder, version, programs: programsOf(plan, name) }]),
    ),
    flags: { c: flagsOf(ofRule("c")), cxx: flagsOf(ofRule("cxx")), asm: flagsOf(ofRule("asm-cpp")), link: flagsOf(link) },
    defines: named("-D"),
    includes: named("-I"),
    libraries: specs.filter((s) => s.kind === "archive").flatMap((s) => s.outputs),
    artifacts: imagesOf(plan.env, artifacts),
  };
}

/** What a platform calls the programs of a tool, with their paths. */
function programsOf({ platform, tools }: EnvPlan, name: string): Record<string, string> {
  const folders = scope(new Map([...tools].map(([tool, { folder }]) => [`tool.${tool}`, folder])));
  const named = [...(platform.tools.get(name)?.names ?? [])].flatMap(([key, variable]) => {
    const path = expandVariable(variable, folders);
    return path.ok && typeof path.value === "string" ? [[key, path.value] as const] : [];
  });
  return Object.fromEntries(named);
}

/** The arguments of a compile or link that are flags. */
function flagsOf(spec: ActionSpec | undefined): string[] {
  const flags: string[] = [];
  const argv = spec?.argv.slice(1) ?? [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? "";
    if (["-o", "-MF"].includes(arg)) i++;
    else if (arg.startsWith("-") && !/^-([cDI]|MD$|frandom-seed=)/.test(arg)) flags.push(arg);
  }
  return flags;
}
