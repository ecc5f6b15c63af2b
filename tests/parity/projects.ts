/** Whole native projects: the commands of fb's plan against those that PlatformIO gave to its compilers, archiver and linker, word by word. */
import { firstDifference } from "./commands.ts";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openDisk } from "../../cli/host/disk.ts";
import { hashing } from "../../cli/host/hash.ts";
import { RecordingProjectIo } from "../../cli/open-project.ts";
import { findPackages, linkPackages } from "../../cli/packages.ts";
import { planInput } from "../../cli/plan-input.ts";
import { outFolder, Paths } from "../../engine/paths.ts";
import type { ActionSpec, Memo, Result } from "../../engine/types.ts";
import { planEnv } from "../../rules/plan-env.ts";
import { readProject } from "../../rules/project.ts";
import { memory, PLATFORMS } from "../platforms/builder.ts";
import { memoryIo } from "../rules/memory-io.ts";
import { type Kind, type Named, numbersOf, seeded } from "./kind.ts";
import { CORE, type Peer, PROJECT } from "./peer.ts";
import { type ProjectCase, projectCase } from "./project-cases.ts";

/** The commands of an env, paths of outputs without the build folder and without suffix. */
interface EnvCommands {
  /** Words up to a "", then the sources that are compiled with just these words. */
  readonly compile: readonly (readonly string[])[];
  /** The archive, then its objects. */
  readonly archive: readonly (readonly string[])[];
  readonly link: readonly string[];
}

/** By env; "nothing" where no source passes the filter, null where PlatformIO gave up for another reason. */
export type ProjectAnswer = Readonly<Record<string, EnvCommands | "nothing" | null>>;

const SOURCE = /\.(c|cc|cpp|cxx|c\+\+|S|sx|spp|SPP|s|asm|ASM)$/;

// ── PlatformIO ──

function* ask(peer: Peer, cases: readonly Named<ProjectCase>[]): Generator<ProjectAnswer | null> {
  for (const { input } of cases) {
    const folder = peer.project(input.files);
    const answer: Record<string, EnvCommands | "nothing" | null> = {};
    for (const env of input.envs) {
      const { calls, error } = peer.run(folder, [env]);
      answer[env] = error.includes("Nothing to build") ? "nothing" : error !== "" ? null : peerCommands(calls, env);
    }
    peer.remove(folder);
    yield Object.values(answer).every((each) => each === null) ? null : answer;
  }
}

function peerCommands(calls: readonly (readonly string[])[], env: string): EnvCommands {
  const build = `.pio/build/${env}`;
  const all = calls.map(([tool = "", ...words]) => [
    tool,
    ...words.map((word, i) =>
      wanted(word, words[i - 1] ?? "")
        .replaceAll(`${PROJECT}/${build}`, "@")
        .replaceAll(build, "@"),
    ),
  ]);
  return commands(all.filter(([tool]) => tool !== "ranlib"));
}

/**
 * What fb wants otherwise: folders that are not there are relative to the project and not to the platform's builder, folders in the project are never
 * absolute, a bare word is named as it was written.
 */
function wanted(word: string, before: string): string {
  const builder = new RegExp(`^${CORE}/platforms/\\w+/builder/`);
  if (/^-[IL]\/CORE\/platforms/.test(word))
    return (
      word.slice(0, 2) +
      word
        .slice(2)
        .replace(builder, "")
        .replace(/^\/CORE\/platforms\/\w+\//, "/")
    );
  if (before === "-imacros") return word.replace(builder, "");
  if (/^-(include|isystem|iquote|idirafter)$/.test(before)) return word.replace(/^\/P\//, "");
  return word.replace(/^-l\/P\//, "-l./");
}

// ── fb ──

const memo: Memo = memory();

/** Everything that fb would run for an env, as `fb run` plans it; a text says why it would not. */
async function planned(folder: string, test: ProjectCase, name: string): Promise<readonly ActionSpec[] | string> {
  const must = <T>(result: Result<T>): T => {
    if (!result.ok) throw new Refused(`${result.failure.code} ${result.failure.message}`);
    return result.value;
  };
  try {
    const disk = openDisk(folder);
    const project = must(readProject(folder, PLATFORMS, new RecordingProjectIo(folder, disk)));
    const env = project.envs.get(name);
    if (env?.ok !== true) throw new Refused(JSON.stringify(env?.failures));
    const packages = must(findPackages(project, env.value, new Set(), disk, null));
    must(linkPackages(folder, packages.all, new Paths(folder, { realpath: (path) => disk.realpath(path) })));
    const { plan } = must(
      await planInput(project, env.value, env.value.buildType === "debug" ? "debug" : "release", packages, [], disk, memo),
    );
    // The compiler's own macros make fb find more libraries than PlatformIO in the modes with a plus.
    const likePeer = { ...plan, libraries: { ...plan.libraries, predefines: null } };
    return must(planEnv(likePeer, memoryIo(test.files), (text) => hashing.sha256(text))).actions;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

class Refused extends Error {}

/** fb's own additions (platforms/README.md), which PlatformIO's commands have not. */
const OWN = new Set(["-no-canonical-prefixes", "-fno-canonical-system-headers", "-Wl,-t", "-MD"]);

function ownCommands(actions: readonly ActionSpec[], folder: string, build: string): EnvCommands {
  const all = actions
    .filter((action) => ["compile", "archive", "link"].includes(action.kind))
    .map(({ argv, kind }) => {
      const words: string[] = [];
      for (let i = 1; i < argv.length; i++) {
        const word = argv[i] ?? "";
        if (word === "-MF" || word === "--MD") i++;
        else if (!OWN.has(word) && !word.startsWith("-frandom-seed="))
          words.push(word.replaceAll(folder, PROJECT).replaceAll(dirname(folder), "").replaceAll(build, "@"));
      }
      if (kind === "archive") words[0] = "rc";
      return [(argv[0] ?? "").replace(/.*\//, ""), ...words];
    });
  return commands(all);
}

// ── both ──

function commands(all: readonly (readonly string[])[]): EnvCommands {
  const compile = new Map<string, string[]>();
  const archive: string[][] = [];
  let link: readonly string[] = [];
  for (const [tool = "", ...words] of all) {
    const source = words.at(-1) ?? "";
    const out = words[words.lastIndexOf("-o") + 1] ?? "";
    if (tool === "ar") archive.push(words.slice(1).map(output));
    else if (out === "@/program") link = [tool, ...words.map(output)];
    else if (SOURCE.test(source)) {
      const key = JSON.stringify([tool, ...words.slice(0, -1).map((word) => (word === out ? "OBJ" : word))]);
      compile.set(key, [...(compile.get(key) ?? []), `${source} ${output(out)}`]);
    } else throw new Error(`what is this? ${tool} ${words.join(" ")}`);
  }
  const groups = [...compile].map(([key, sources]) => [...JSON.parse(key), "", ...sources.sort()]);
  return {
    compile: groups.sort((a, b) => (a.join("\0") < b.join("\0") ? -1 : 1)),
    archive: archive.sort((a, b) => (a.join("\0") < b.join("\0") ? -1 : 1)),
    link: linkWords(link),
  };
}

/** Of -llib nothing is left, and PlatformIO puts an empty group there. The build folder counts once, however often -L names it (compose.test.ts has that). */
function linkWords(words: readonly string[]): readonly string[] {
  const full = words[words.length - 2] === "-Wl,--start-group" ? words.slice(0, -2) : words;
  return full.filter((word, i) => word !== "-L@" || full.indexOf(word) === i);
}

/** An object or archive without what each tool makes of its name: `@/lib/Alpha/sub/x`, `@/libAlpha.a`. */
function output(word: string): string {
  if (!/^@\/.*\.[ao]$/.test(word)) return word;
  const plain = word.replace(/^@\/lib[0-9a-f]{3}\//, "@/lib/").replace(/^(@\/lib\/.*?)-\d+(?=\/|\.a$)/, "$1");
  return plain.endsWith(".a")
    ? `@/${plain.slice(plain.lastIndexOf("/") + 1).replace(/-\d+\.a$/, ".a")}`
    : plain.slice(0, -2).replace(SOURCE, "");
}

async function compare(test: ProjectCase, answer: ProjectAnswer): Promise<string> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "fb-project-")));
  try {
    for (const [path, text] of Object.entries(test.files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    for (const [env, expected] of Object.entries(answer)) {
      if (expected === null) continue;
      const actions = await planned(folder, test, env);
      const said = typeof actions === "string" ? actions : null;
      if (expected === "nothing") {
        if (!said?.startsWith("project.no-sources")) return `${env}: PlatformIO has nothing to build, fb: ${said ?? "builds"}`;
        continue;
      }
      if (typeof actions === "string") return `${env}: PlatformIO builds it, fb: ${actions}`;
      const profile = actions.some((action) => action.outputs[0]?.startsWith(`${outFolder(env, "debug")}/`)) ? "debug" : "release";
      const difference = firstDifference(ownCommands(actions, folder, outFolder(env, profile)), {
        ...expected,
        link: linkWords(expected.link),
      });
      if (difference !== "") return `${env}: ${difference}`;
    }
    return "";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const projectsKind: Kind<ProjectCase, ProjectAnswer> = {
  name: "projects",
  about: "native projects: every command of compiler, archiver and linker",
  usual: 100,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? null : projectCase(...numbers);
  },
  kept: seeded(1, 217),
  ask,
  compare,
  files: ({ files }) => files,
};
