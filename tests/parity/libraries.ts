/**
 * Projects for uno and native with libraries of all kinds: which sources are compiled with which folders and macros, what each archive holds, and how all is
 * linked, in fb's plan and by PlatformIO. The framework is a small one (small-core.ts), on both sides.
 */
import { firstDifference } from "./commands.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ActionSpec } from "../../engine/types.ts";
import { FRAMEWORK, planned } from "../rules/memory-plan.ts";
import { type Kind, type Named, numbersOf, seeded } from "./kind.ts";
import { type LibraryCase, libraryCase } from "./library-cases.ts";
import { CORE, type Peer, PROJECT } from "./peer.ts";
import { SMALL_CORE } from "./small-core.ts";

/** What an env does with its sources and libraries; outputs are named without suffixes and without the folders that each tool chooses. */
interface EnvSummary {
  /** Words of folders, macros and the like, a "", then the sources that are compiled with just these. */
  readonly compile: readonly (readonly string[])[];
  /** The archive, then its objects in their order. */
  readonly archive: readonly (readonly string[])[];
  readonly link: readonly string[];
}

/** By env; "nothing" where there is no source, null where PlatformIO gave up for another reason. */
export type LibraryAnswer = Readonly<Record<string, EnvSummary | "nothing" | null>>;

const SOURCE = /\.(c|cc|cpp|cxx|c\+\+|C|S|sx|spp|SPP|s|asm|ASM)$/;
/** Words that libraries and their places decide; others are those of the platform, which tests/rules/record-flags.ts has. */
const TELLING = /^-(?:[DIUL].|l.|Wl,--wrap|Os$)/;

// ── PlatformIO ──

const prepared = new WeakSet<Peer>();

function* ask(peer: Peer, cases: readonly Named<LibraryCase>[]): Generator<LibraryAnswer | null> {
  if (peer.avr && !prepared.has(peer)) {
    prepared.add(peer);
    peer.useFramework(SMALL_CORE);
  }
  for (const { input } of cases) {
    if (input.arduino && !peer.avr) {
      yield null;
      continue;
    }
    const folder = peer.project(input.files);
    const answer: Record<string, EnvSummary | "nothing" | null> = {};
    for (const env of input.envs) {
      const { calls, error } = peer.run(folder, [env]);
      answer[env] = error.includes("Nothing to build") ? "nothing" : error !== "" ? null : peerSummary(calls, env, copies(folder, env));
    }
    peer.remove(folder);
    yield Object.values(answer).every((each) => each === null) ? null : answer;
  }
}

/** A copy of a library, the folder that it is of, and the one that lib_deps names, which may have nothing but that. */
type Copied = readonly [copy: string, folder: string, named: string];

/** Libraries of `file://` are copied by PlatformIO and used in place by fb. */
function copies(folder: string, env: string): Copied[] {
  const storage = `.pio/libdeps/${env}`;
  if (!existsSync(join(folder, storage))) return [];
  return readdirSync(join(folder, storage)).flatMap((name): Copied[] => {
    const copy = join(folder, storage, name);
    const file = [".git/.piopm", ".piopm"].map((each) => join(copy, each)).find(existsSync);
    const uri = file === undefined ? undefined : /"uri": "file:\/\/([^"]+)"/.exec(readFileSync(file, "utf8"))?.[1];
    if (uri === undefined) return [];
    const isCopied = (from: string): boolean =>
      readdirSync(copy).every((each) => OF_INSTALL.has(each) || existsSync(join(folder, from, each)));
    const from = isCopied(uri)
      ? uri
      : readdirSync(join(folder, uri))
          .map((each) => `${uri}/${each}`)
          .find(isCopied);
    return [[`${storage}/${name}`, from ?? uri, uri]];
  });
}

/** What PlatformIO itself writes into a copy. */
const OF_INSTALL = new Set([".piopm", "library.json"]);

function base(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function escaped(text: string): string {
  return text.replace(/[.+]/g, "\\$&");
}

function peerSummary(calls: readonly (readonly string[])[], env: string, copied: readonly Copied[]): EnvSummary {
  const builder = new RegExp(`${CORE}/platforms/\\w+/builder/`);
  const plain = (word: string): string => {
    let text = word.replace(`${PROJECT}/`, "").replace(PROJECT, ".").replace(builder, "").replace(`.pio/build/${env}`, "@");
    for (const [copy, folder, named] of copied)
      text = text
        .replace(copy, folder)
        .replace(new RegExp(`^(@/lib[0-9a-f]{3}/(?:lib)?)${escaped(base(copy))}(?=/|\\.a$|$)`), (_, before) => before + base(named));
    return text;
  };
  return summary(calls.map((words) => words.map(plain)));
}

// ── fb ──

function ownSummary(actions: readonly ActionSpec[], env: string): EnvSummary {
  const own = (word: string): string => word.replace(`.fb/build/${env}/release`, "@");
  return summary(
    actions
      .filter(({ kind }) => ["compile", "archive", "link"].includes(kind))
      .map(({ argv }) => argv.map((word, i) => (i === 0 ? word.slice(word.lastIndexOf("/") + 1) : own(word)))),
  );
}

// ── both ──

function summary(calls: readonly (readonly string[])[]): EnvSummary {
  const compile = new Map<string, string[]>();
  const archive: string[][] = [];
  let link: string[] = [];
  for (const [tool = "", ...words] of calls) {
    const source = words.at(-1) ?? "";
    const out = words[words.lastIndexOf("-o") + 1] ?? "";
    if (words.includes("-E") || /(ranlib|objcopy|size)$/.test(tool)) continue;
    if (/ar$/.test(tool)) archive.push([archiveName(words[1] ?? ""), ...words.slice(2).map(output)]);
    else if (/^@\/(program|firmware\.elf)$/.test(out))
      link = words.filter((word) => word !== "-Wl,-t" && word !== out && /^-[LlW]|^@/.test(word)).map(output);
    else if (SOURCE.test(source)) {
      const told = words.filter((word) => TELLING.test(word) && !word.startsWith("-DDECIMAL_DIG"));
      const key = JSON.stringify([tool.replace(/^avr-/, ""), ...told]);
      compile.set(key, [...(compile.get(key) ?? []), sourceName(source)]);
    } else throw new Error(`what is this? ${tool} ${words.join(" ")}`);
  }
  const sorted = (all: readonly (readonly string[])[]) => [...all].sort((a, b) => (a.join("\0") < b.join("\0") ? -1 : 1));
  const isCore = (name: string): boolean => /libFrameworkArduino(Variant)?$/.test(name);
  return {
    compile: sorted([...compile].map(([key, sources]) => [...JSON.parse(key), "", ...sources.sort()])).filter(
      (words) => words.at(-1) !== "",
    ),
    archive: sorted(archive.filter(([name = ""]) => !isCore(name))),
    link: link.filter((word, i) => !word.endsWith("libFrameworkArduinoVariant") && (word !== "-L@" || link.indexOf(word) === i)),
  };
}

/** A sketch is converted in each tool's own place. */
function sourceName(source: string): string {
  return source.replace(/^(?:@\/)?(?:src\/)(\w+\.ino\.cpp)$/, "SKETCH/$1");
}

/** An object or archive without what each tool makes of its name: `@/lib/One/sub/x`, `@/libOne`. */
function output(word: string): string {
  if (!word.startsWith("@/")) return word;
  if (!word.endsWith(".o")) return archiveName(word);
  const plain = word.replace(/^@\/lib[0-9a-f]{3}\//, "@/lib/").replace(/^(@\/lib\/.*?)-\d+(?=\/)/, "$1");
  return plain
    .slice(0, -2)
    .replace(SOURCE, "")
    .replace(/\.ino$/, "");
}

/** PlatformIO gives an archive no suffix where the library's folder has a dot. */
function archiveName(word: string): string {
  return `@/${base(word).replace(/(?:-\d+)?\.a$/, "")}`;
}

const CORE_FILES = Object.fromEntries(Object.entries(SMALL_CORE).map(([path, text]) => [`${FRAMEWORK}/${path}`, text]));

function compare(test: LibraryCase, answer: LibraryAnswer): string {
  const project = planned({ ...test.files, ...(test.arduino ? CORE_FILES : {}) }, null);
  for (const [env, expected] of Object.entries(answer)) {
    if (expected === null) continue;
    let actions: readonly ActionSpec[] = [];
    let said = "";
    try {
      actions = project.actions(env);
    } catch (error) {
      said = (error as Error).message;
    }
    if (expected === "nothing") {
      if (!said.startsWith("project.no-sources")) return `${env}: PlatformIO has nothing to build, fb: ${said || "builds"}`;
      continue;
    }
    if (said !== "") return `${env}: PlatformIO builds it, fb: ${said}`;
    const difference = firstDifference(ownSummary(actions, env), expected);
    if (difference !== "") return `${env}: ${difference}`;
  }
  return "";
}

export const librariesKind: Kind<LibraryCase, LibraryAnswer> = {
  name: "libraries",
  about: "projects for uno and native with libraries: sources, folders and macros of each compile, archives, the link",
  usual: 100,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? null : libraryCase(...numbers);
  },
  kept: seeded(1, 120),
  ask,
  compare,
  files: ({ files }) => files,
};
