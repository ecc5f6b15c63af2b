/** The packages that an env needs, found, and the links by which its commands name them. */
import { readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolders } from "../cache/folders.ts";
import { LocalProvider } from "../cache/providers/local.ts";
import {
  findPackage,
  type PackageIo,
  type PackageNeed,
  type PackageProvider,
  type PackageRef,
  packageLinks,
  programIn,
  programPlaces,
} from "../cache/providers/package.ts";
import { SystemProvider } from "../cache/providers/system.ts";
import { errorCode } from "../cache/trouble.ts";
import { isEffect } from "../engine/effects.ts";
import { fail, ok } from "../engine/failure.ts";
import type { Paths } from "../engine/paths.ts";
import type { Result } from "../engine/types.ts";
import { publishedRanges, uncovered } from "../rules/platform-package.ts";
import { type EnvProject, envNames, type Project } from "../rules/project.ts";
import { namesReached, templatesOf } from "../rules/reached-names.ts";
import { isMeant } from "../rules/resolve.ts";
import { namesIn } from "../rules/template.ts";
import type { PackageInfo, Rule, RuleFile, Tool } from "../rules/rulefile.ts";
import { DiskError, type HostDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";

export interface EnvPackages {
  /** Tools that a build calls, each with its package. */
  readonly tools: readonly (readonly [Tool, PackageRef])[];
  readonly framework: PackageRef | null;
  /** Of tools that are called for devices alone. */
  readonly uploaders: readonly (readonly [Tool, PackageRef])[];
  readonly all: readonly PackageRef[];
  /** Tools that are not here, and rules do without. */
  readonly absent: readonly Tool[];
}

/** The kinds of rule that `:firmware` needs; a tool of flash rules is not looked for to build. */
const BUILD_KINDS: ReadonlySet<string> = new Set(["compile", "archive", "link", "objcopy", "size", "step"]);

/** What an env needs packages for. */
export interface EnvNeeds {
  readonly tools: readonly (readonly [Tool, PackageNeed])[];
  readonly framework: PackageNeed | null;
  readonly uploaders: readonly (readonly [Tool, PackageNeed])[];
}

/** targets: those that the run is asked for; what builds need of no firmware, they may. */
export function packageNeeds(project: Project, env: EnvProject, targets: ReadonlySet<string>): EnvNeeds {
  const { rules } = env.platform;
  const range = publishedRanges(rules).at(-1);
  const isAsked = env.platformPackage !== null || env.isPending;
  const address = rules.platform?.addresses[0];
  const known = address ?? (range === undefined ? "" : `${env.platform.name} @ ${range}`);
  const fetchedBy = known === "" || isAsked ? "" : `platform = ${known}`;
  const core = env.packageWants.find((want) => want.name === rules.frameworks.get(env.framework ?? "")?.package);
  const isFetched = env.framework !== null && core?.source.is !== "folder";
  const needOf = (info: PackageInfo, kind: "tool" | "folder"): PackageNeed => {
    const want = env.packageWants.find((w) => w.name === info.package) ?? null;
    const { package: name, finds, debian, pypi } = info;
    return {
      name,
      kind,
      finds,
      anywhere: isAnywhere(info),
      paired: isFetched && isPaired(info),
      debian,
      pypi,
      want,
      neededBy: `[env:${env.name}]`,
      fetchedBy,
    };
  };
  const steps = project.ruleFile?.steps.map((s) => [...s.run, s.sh].map((t) => t?.text ?? "").join(" ")) ?? [];
  const info = rules.frameworks.get(env.framework ?? "");
  const mcu = env.board?.mcu ?? "";
  const all = [...rules.tools.values()].filter(({ mcus }) => mcus.length === 0 || mcus.includes(mcu));
  const mayBeThere = all.flatMap(({ name, optional }): [string, string][] => (optional ? [[`tool.${name}`, name]] : []));
  const names = new Map([...envNames(env), ...mayBeThere]);
  const meant = [...rules.rules.values()].filter((rule) => isMeant(rule, names));
  const used = usedTools(rules, all, wanted(meant, targets), steps, info?.tools ?? []);
  // upload_command is the only program of a protocol that is the env's own.
  const own = env.options.get("upload_protocol")?.value === "custom";
  const asked = meant.filter((rule) => isEffect(rule) && targets.has(rule.target) && !(own && rule.name === "flash"));
  const uploaders = all.filter((tool) => !used.includes(tool) && asked.some((rule) => calls(rules, rule, tool)));
  return {
    tools: used.map((tool) => [tool, needOf(tool, tool.probe === "folder" ? "folder" : "tool")]),
    uploaders: uploaders.map((tool) => [tool, needOf(tool, tool.probe === "folder" ? "folder" : "tool")]),
    framework: info === undefined || info.package === "" ? null : needOf(info, "folder"),
  };
}

/**
 * Asks the providers for every package of an env: folders that the project names, what is in the store (fetched; null for nothing), the system. The first that is
 * missing is a failure (exit 4) that says how to bring it; a framework's version that the rules are not for is one, too (`framework.not-covered`, exit 3).
 */
export function findPackages(
  project: Project,
  env: EnvProject,
  targets: ReadonlySet<string>,
  disk: HostDisk,
  fetched: PackageProvider | null,
): Result<EnvPackages> {
  const io = packageIo(project.dir, disk);
  const providers = [new LocalProvider(io), ...(fetched === null ? [] : [fetched]), new SystemProvider(io)];
  const needs = packageNeeds(project, env, targets);
  const tools: [Tool, PackageRef][] = [];
  const uploaders: [Tool, PackageRef][] = [];
  const absent: Tool[] = [];
  for (const [list, wanted] of [
    [tools, needs.tools],
    [uploaders, needs.uploaders],
  ] as const)
    for (const [tool, need] of wanted) {
      const ref = findPackage(need, providers);
      if (ref.ok) list.push([tool, list === uploaders ? startable(ref.value, need, io) : ref.value]);
      else if (!tool.optional || need.want !== null) return ref;
      else absent.push(tool);
    }
  const framework = needs.framework === null ? ok(null) : findPackage(needs.framework, providers);
  if (!framework.ok) return framework;
  const info = env.platform.rules.frameworks.get(env.framework ?? "");
  const place = env.options.get(env.platformPackage === null ? "framework" : "platform")?.origin ?? null;
  const version = framework.value?.version ?? "";
  const wrong = info === undefined ? null : uncovered(env.name, info, [version], env.platformPackage, place);
  if (wrong !== null) return fail(wrong);
  const all = [...[...tools, ...uploaders].map(([, ref]) => ref), ...(framework.value === null ? [] : [framework.value])];
  return ok({ tools, framework: framework.value, uploaders, all, absent });
}

/** Packages of a platform's tools that no build calls. */
export function uploaderPackages(rules: RuleFile): string[] {
  const all = [...rules.tools.values()];
  const ofFrameworks = [...rules.frameworks.values()].flatMap((framework) => framework.tools);
  const used = usedTools(rules, all, wanted([...rules.rules.values()], new Set()), [], ofFrameworks);
  return all.filter((tool) => !used.includes(tool)).map((tool) => tool.package);
}

/** Rules of a build, and what is made for the targets that are asked for alone: also what they write. */
function wanted(rules: readonly Rule[], targets: ReadonlySet<string>): Rule[] {
  const read = rules.filter((rule) => targets.has(rule.target)).flatMap((rule) => rule.in.map(({ text }) => text));
  return rules.filter((rule) => rule.target === "" || targets.has(rule.target) || rule.out.some(({ text }) => read.includes(text)));
}

/** Whether a rule names a program of a tool, itself or through variables. */
function calls(rules: RuleFile, rule: Rule, tool: Tool): boolean {
  for (const name of namesReached(rules, rule.run)) if (name.startsWith(`tool.${tool.name}.`)) return true;
  return false;
}

/** Tools that a build needs: those with a compiler, those that rules of a build or steps name, and those of the framework, by their names. */
function usedTools(
  file: RuleFile,
  tools: readonly Tool[],
  rules: readonly Rule[],
  steps: readonly string[],
  frameworks: readonly string[],
): Tool[] {
  const building = rules.filter((r) => BUILD_KINDS.has(r.kind));
  return tools.filter(
    (tool) =>
      tool.probe === "gcc" ||
      frameworks.includes(tool.name) ||
      building.some((rule) => calls(file, rule, tool)) ||
      steps.some((text) => text.includes(`\${tool.${tool.name}.`)),
  );
}

/**
 * A fetched package whose program is a script at its top brings none of the modules that it needs: PlatformIO has its own Python for those. So who has the program
 * on PATH, as pip installs it, has that started.
 */
function startable(ref: PackageRef, need: PackageNeed, io: PackageIo): PackageRef {
  if (ref.from !== "store" || programIn(ref.folder, programPlaces(need), io)?.includes("/") !== false) return ref;
  const system = new SystemProvider(io).find(need);
  return system?.ok === true ? system.value : ref;
}

function isPaired(info: PackageInfo): boolean {
  return "paired" in info && (info as Tool).paired;
}

/** Whether nothing is named of a tool's package but the program by which it was found: that may lie in any folder of PATH. */
export function isAnywhere(info: PackageInfo): boolean {
  if (!("names" in info)) return false;
  const { name, names } = info as Tool;
  const used = [...names.values()].flatMap(templatesOf).flatMap(namesIn);
  return used.includes(`tool.${name}.program`) && !used.includes(`tool.${name}`);
}

/** The program by which a tool was found, as commands name it; null where it has none. */
export function programOf(tool: Tool, ref: PackageRef, disk: HostDisk): string | null {
  const program = programIn(ref.folder, programPlaces({ finds: tool.finds, anywhere: isAnywhere(tool) }), disk);
  return program === null ? null : `${ref.as === "/" ? "" : ref.as}/${program}`;
}

/** Makes the links of packages in the project, and lets paths below their folders be spelled through them. */
export function linkPackages(folder: string, packages: readonly PackageRef[], paths: Paths): Result<null> {
  const links = packageLinks(packages);
  if (!links.ok) return links;
  for (const [link, target] of links.value) {
    const at = join(folder, link);
    if (linkTarget(at) !== target) {
      try {
        makeFolders(dirname(at));
        rmSync(at, { recursive: true, force: true });
        symlinkSync(target, at);
      } catch (error) {
        return fail(new DiskError("write", link, errorCode(error), error).failure);
      }
    }
    paths.addRoot({ prefix: link, real: target });
  }
  return ok(null);
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    // Not there, or no link.
    return null;
  }
}

/** What the providers ask, answered by the disk. */
export function packageIo(projectDir: string, disk: HostDisk): PackageIo {
  return {
    projectDir,
    realpath: (path) => disk.realpath(path),
    isDir: (path) => disk.isDir(path),
    isExecutable: (path) => disk.isExecutable(path),
    read: (path) => (disk.sign(path) === null ? null : new TextDecoder().decode(disk.read(path))),
    value: (name) => process.env[name],
    sha256: (text) => hashing.sha256(text),
  };
}
