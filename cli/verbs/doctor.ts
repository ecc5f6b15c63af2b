/** `fb doctor`: is all there that fb needs, on this machine and for this project, and what would change results in silence. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder, cachePath } from "../../cache/folders.ts";
import { cacheLimit } from "../../cache/gc.ts";
import { findPackage, type PackageIo, type PackageNeed } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { type Package, Store } from "../../cache/store.ts";
import type { Failure } from "../../engine/types.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import type { EnvProject, Platform, Project } from "../../rules/project.ts";
import type { PackageInfo, Tool } from "../../rules/rulefile.ts";
import { surveyPackages } from "../acquire/survey.ts";
import type { Command } from "../command.ts";
import type { Faces } from "../faces.ts";
import { buildId, version } from "../home.ts";
import { type HostDisk, openDisk } from "../host/disk.ts";
import { openProject } from "../open-project.ts";
import { projectFolder } from "../project-folder.ts";
import { isAnywhere, packageIo } from "../packages.ts";
import { bytes, count, paint } from "../show/text.ts";
import { boardShelf } from "./boards.ts";

type DoctorCommand = Extract<Command, { verb: "doctor" }>;

/** One line of the answer. ok with a hint: nothing is broken, but worth knowing. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  readonly hint: string;
}

/** Free space below which a build may not come to its end, and below which to say so early. */
const FULL = 100e6;
const TIGHT = 1e9;
const NODE_LEAST = 24;

/** gcc reads these and nothing of it shows in a command (GCC manual, "Environment Variables Affecting GCC"). */
const SILENT = [
  "CPATH",
  "C_INCLUDE_PATH",
  "CPLUS_INCLUDE_PATH",
  "OBJC_INCLUDE_PATH",
  "LIBRARY_PATH",
  "COMPILER_PATH",
  "GCC_EXEC_PREFIX",
  "GCC_COMPARE_DEBUG",
  "DEPENDENCIES_OUTPUT",
  "SUNPRO_DEPENDENCIES",
];

/** Exit 4 when a check fails. A platform whose tools are not here fails only where the project needs it. */
export async function doctorVerb(command: DoctorCommand, faces: Faces): Promise<number> {
  const folder = resolve(command.project ?? command.dir ?? ".");
  const disk = openDisk(folder);
  const asked = command.project !== null || command.dir !== null;
  const checks = [
    nodeCheck(),
    shellCheck(),
    ...cacheChecks(),
    ...platformChecks(folder, disk),
    ...variableChecks(),
    ...projectChecks(folder, asked),
  ];
  const isOk = checks.every((c) => c.ok);
  faces.out.write(command.json ? `${JSON.stringify({ ok: isOk, checks })}\n` : render(checks, faces.out.color));
  return isOk ? 0 : 4;
}

function render(checks: readonly Check[], color: boolean): string {
  const width = Math.max(...checks.map((c) => c.name.length));
  const lines = checks.flatMap(({ name, ok, message, hint }) => {
    const mark = !ok ? paint("FAIL", "red", color) : hint === "" ? paint("ok  ", "green", color) : paint("note", "yellow", color);
    const more = hint === "" ? [] : hint.split("\n").map((line) => `${" ".repeat(width + 7)} ${line}`);
    return [`${mark}  ${name.padEnd(width)}  ${message}`, ...more];
  });
  const wrong = checks.filter((c) => !c.ok).length;
  lines.push("", wrong === 0 ? "all that fb needs is there" : `${count(wrong, "check")} failed`);
  return `${lines.join("\n")}\n`;
}

function good(name: string, message: string, hint = ""): Check {
  return { name, ok: true, message, hint };
}

function bad(name: string, message: string, hint: string): Check {
  return { name, ok: false, message, hint };
}

function failed(name: string, f: Failure): Check {
  const place = f.file === null || f.line === 0 ? "" : `${f.file}:${f.line}: `;
  return bad(name, `${place}${f.message}`, f.hint);
}

// ── this machine ──

function nodeCheck(): Check {
  const message = `fb ${version}${buildId === "sources" ? " from its sources" : ""} on Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const old = Number(process.versions.node.split(".")[0]) < NODE_LEAST;
  return old
    ? bad("node", message, `fb needs Node ${NODE_LEAST} or later: \`npm install\` in fb's folder brings one`)
    : good("node", message);
}

/** Actions run in it. */
function shellCheck(): Check {
  try {
    accessSync("/bin/sh", constants.X_OK);
    return good("shell", "/bin/sh");
  } catch {
    return bad("shell", "there is no /bin/sh, in which actions run", "install a POSIX shell (Debian, Ubuntu: sudo apt install dash)");
  }
}

function cacheChecks(): Check[] {
  const folder = cacheFolder(process.env);
  if (!folder.ok) return [failed("cache", folder.failure)];
  const limit = cacheLimit(process.env);
  const { bavail, bsize } = statfsSync(folder.value);
  const free = bavail * bsize;
  const room = `${bytes(free)} free`;
  const hint = "free some space, run `fb cache gc`, or set FB_CACHE_DIR to a folder on another disk";
  const space = free < FULL ? bad("disk", `${room}: too little to build`, hint) : good("disk", room, free < TIGHT ? hint : "");
  const cache = limit.ok ? good("cache", `${folder.value}, at most ${bytes(limit.value)}`) : failed("cache", limit.failure);
  return [cache, space, ...packageChecks(new Store(join(folder.value, "packages")))];
}

/** Stored packages and their manifests; `fb cache verify` reads their files too. */
function packageChecks(store: Store): Check[] {
  const packages = store.list();
  if (packages.length === 0) return [];
  const damaged = packages.filter((each) => store.entries(each) === null);
  const names = (all: readonly Package[]): string => all.map((each) => `${each.name} ${each.version}`).join(", ");
  return damaged.length === 0
    ? [good("packages", `${names(packages)}: manifests are sound`)]
    : [
        bad(
          "packages",
          `the manifests of ${names(damaged)} are damaged`,
          damaged.map((each) => `remove ${each.folder}; the next build brings it again`).join("\n"),
        ),
      ];
}

/** Those that are set, with what fb makes of them. */
function variableChecks(): Check[] {
  const set = SILENT.filter((name) => (process.env[name] ?? "") !== "");
  const own = Object.keys(process.env).filter((name) => name.startsWith("PLATFORMIO_") && process.env[name] !== "");
  const checks: Check[] = [];
  if (set.length > 0)
    checks.push(
      good(
        "variables",
        `${set.join(", ")}: set`,
        "a compiler would obey without a word; fb removes them for its actions, other build tools may not",
      ),
    );
  if (own.length > 0)
    checks.push(
      good(
        "variables",
        `${own.sort().join(", ")}: set`,
        "such variables take part in what platformio.ini says: `fb config` shows the outcome",
      ),
    );
  if (checks.length === 0) checks.push(good("variables", "none that would change results in silence"));
  return checks;
}

// ── platforms ──

function platformChecks(folder: string, disk: HostDisk): Check[] {
  const platforms = boardShelf(disk).all();
  if (!platforms.ok) return [failed("platforms", platforms.failure)];
  const io = packageIo(folder, disk);
  return platforms.value.map((platform) => platformCheck(platform, io));
}

/** What the system has of a platform. That something is missing is no failure here: a project may not need it, or bring its own. */
function platformCheck(platform: Platform, io: PackageIo): Check {
  const found: string[] = [];
  const missing: PackageInfo[] = [];
  const look = (info: PackageInfo, kind: PackageNeed["kind"], say: (folder: string, version: string) => string) => {
    const need: PackageNeed = {
      name: info.package,
      kind,
      finds: info.finds,
      anywhere: isAnywhere(info),
      ...{ debian: info.debian, pypi: info.pypi },
      want: null,
      neededBy: platform.name,
      fetchedBy: "",
      paired: false,
    };
    const ref = findPackage(need, [new SystemProvider(io)]);
    if (ref.ok) found.push(say(ref.value.folder, ref.value.version));
    else missing.push(info);
  };
  for (const tool of platform.rules.tools.values())
    look(tool, tool.probe === "folder" ? "folder" : "tool", (folder) => toolText(tool, folder));
  for (const info of platform.rules.frameworks.values())
    if (info.package !== "") look(info, "folder", (folder, v) => `${info.package}${v === "" ? "" : ` ${v}`} (${folder})`);
  const debian = [...new Set(missing.flatMap((m) => m.debian))];
  const names = missing.map((m) => m.package).join(", ");
  const apt = debian.length === 0 ? "name them in platform_packages" : `Debian, Ubuntu: sudo apt install ${debian.join(" ")}`;
  const message = [found.join(", "), missing.length === 0 ? "" : `not here: ${names}`].filter((t) => t !== "").join("; ");
  return good(platform.name, message, missing.length === 0 ? "" : apt);
}

/** `avr-gcc 5.4.0 (/usr)`. */
function toolText(tool: Tool, folder: string): string {
  const program = `${folder === "/" ? "" : folder}/bin/${tool.finds}`;
  const told = tool.probe === "gcc" ? compilerVersion(program) : "";
  return `${tool.finds.replaceAll("|", " or ") || tool.package}${told === "" ? "" : ` ${told}`} (${folder})`;
}

/** "" where the compiler does not answer: building says why. */
function compilerVersion(program: string): string {
  try {
    return execFileSync(program, ["-dumpfullversion", "-dumpversion"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "(does not run)";
  }
}

// ── the project ──

/** Nothing where no project is here and none was named. */
function projectChecks(folder: string, asked: boolean): Check[] {
  if (!existsSync(join(folder, CONFIG_FILE)) && !asked) return [good("project", `no ${CONFIG_FILE} in this folder`)];
  const there = projectFolder(folder);
  if (!there.ok) return [failed("project", there.failure)];
  const checks: Check[] = [];
  try {
    accessSync(there.value, constants.W_OK);
  } catch {
    checks.push(
      bad("project", `${there.value} cannot be written, and outputs go to its .fb folder`, "give your user access, or copy the project"),
    );
  }
  const opened = openProject(there.value);
  if (!opened.ok) return [...checks, failed("project", opened.failure)];
  const { project, disk } = opened.value;
  const envs = [...project.envs.keys()];
  const wrong = project.warnings.length;
  const lint = wrong === 0 ? "" : `${count(wrong, "warning")}: fb config --lint`;
  checks.push(good("project", `${there.value}: ${count(envs.length, "env")}${envs.length === 0 ? "" : ` (${envs.join(", ")})`}`, lint));
  for (const [name, env] of project.envs) {
    if (env.ok) checks.push(envCheck(project, env.value, disk));
    else checks.push(brokenEnv(name, env.failures));
  }
  if (project.later.length > 0)
    checks.push(
      good(
        "options",
        `not used yet: ${project.later.join(", ")}`,
        "they belong to verbs that this version does not have; the firmware is the same",
      ),
    );
  return checks;
}

/** All that is wrong with an env, the first as the message. */
function brokenEnv(name: string, failures: readonly Failure[]): Check {
  const all = failures.map((f) => failed(`env ${name}`, f));
  const [first, ...more] = all;
  if (first === undefined) return bad(`env ${name}`, "does not read", "fb config --lint");
  return { ...first, hint: [first.hint, ...more.flatMap((c) => [c.message, c.hint])].filter((t) => t !== "").join("\n") };
}

function envCheck(project: Project, env: EnvProject, disk: HostDisk): Check {
  const name = `env ${env.name}`;
  const survey = surveyPackages(project, env, disk, cachePath(process.env));
  if (!survey.ok) return failed(name, survey.failure);
  const { packages, toFetch } = survey.value;
  if (packages === null) return good(name, `to be fetched: ${toFetch.join(", ")}`, "the next build fetches them; `fb deps` does so now");
  const texts = [
    ...packages.tools.map(([tool, ref]) => toolText(tool, ref.folder)),
    ...(packages.framework === null ? [] : [`${packages.framework.name} ${packages.framework.version}`.trimEnd()]),
  ];
  return good(name, texts.join(", "), env.warnings.map((w) => `${w.file ?? CONFIG_FILE}:${w.line}: ${w.message}`).join("\n"));
}
