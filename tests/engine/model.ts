/**
 * A small imaginary toolchain and planner for the law: sources with every kind of include, generated headers, generated folders, a library that is
 * built when something includes it, a second plan that reads a generated list. What a program writes follows from what it reads alone.
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import { baseOf, collapse, folderOf, join, outFolder } from "../../engine/paths.ts";
import type { ActionSpec, Discover, IncludeText, Planned, PlanIo, Planner, ProjectPath, Result } from "../../engine/types.ts";
import type { Program, ProgramDisk, ProgramExit } from "./machine.ts";
import { files, paths, sha256, spec } from "./spec.ts";

/** `ENV.cfg` in the project's folder, as JSON. */
export interface Config {
  /** Value of the macro that `#include HDR` names; null: no such macro. */
  readonly hdr: string | null;
  /** `-include`: null for none. */
  readonly forced: string | null;
  readonly search: readonly string[];
  readonly flags: readonly string[];
  /** Text file → generated header below gen/. */
  readonly gens: Readonly<Record<string, string>>;
  /** Text file → generated folder. */
  readonly dirs: Readonly<Record<string, string>>;
  /** A second plan, which compiles the extra sources that a generated list names. */
  readonly late: boolean;
  /** The generated headers come first on the search path. */
  readonly genFirst: boolean;
  readonly rsp: boolean;
  readonly sharing: ActionSpec["sharing"];
  readonly value: string | null;
}

const INCLUDE = /^#(include|include_next) ("([^"]*)"|<([^>]*)>|(\w+))$/;
const OPTIONAL = /^#optional ("([^"]*)"|<([^>]*)>)$/;

/** The include texts of the imaginary language: `#include`, `#include_next`, `#include MACRO`, and `#optional`, which is `__has_include` with its include. */
export function includesOf(content: Uint8Array): IncludeText[] {
  const found: IncludeText[] = [];
  for (const line of new TextDecoder().decode(content).split("\n")) {
    const include = INCLUDE.exec(line);
    if (include !== null) {
      const [, word, , quoted, angled, macro] = include;
      const how = macro !== undefined ? "macro" : word === "include_next" ? "next" : "include";
      found.push({ text: quoted ?? angled ?? macro ?? "", quote: angled === undefined, how });
    }
    const optional = OPTIONAL.exec(line);
    if (optional !== null) {
      const text = { text: optional[2] ?? optional[3] ?? "", quote: optional[3] === undefined };
      found.push({ ...text, how: "has" }, { ...text, how: "include" });
    }
  }
  return found;
}

class Missing extends Error {}

/** One compile: what it read, in order, and the text that results. */
class Preprocessor {
  readonly read: string[] = [];
  readonly text: string[] = [];
  private readonly disk: ProgramDisk;
  private readonly search: readonly string[];
  private readonly macro: string | null;

  constructor(disk: ProgramDisk, search: readonly string[], macro: string | null) {
    this.disk = disk;
    this.search = search;
    this.macro = macro;
  }

  *file(path: string, folder: number): Generator<void, void> {
    if (this.read.includes(path)) return;
    const text = this.disk.read(path);
    if (text === null) throw new Missing(`no file ${baseOf(path)}`);
    this.read.push(path);
    yield;
    for (const line of text.split("\n")) {
      const include = INCLUDE.exec(line);
      const optional = OPTIONAL.exec(line);
      if (include !== null) {
        const [, word, , quoted, angled, macro] = include;
        const name = quoted ?? angled ?? (macro === "HDR" ? this.macro : null);
        if (name === null) throw new Missing(`no macro ${macro}`);
        yield* this.include(name, angled === undefined ? folderOf(path) : null, word === "include_next" ? folder + 1 : 0);
      } else if (optional !== null) {
        const name = optional[2] ?? optional[3] ?? "";
        const found = this.find(name, optional[3] === undefined ? folderOf(path) : null, 0);
        this.text.push(found === null ? "absent" : "present");
        if (found !== null) yield* this.file(found[0], found[1]);
      } else this.text.push(line);
    }
  }

  *include(name: string, includer: string | null, from: number): Generator<void, void> {
    const found = this.find(name, from > 0 ? null : includer, from);
    if (found === null) throw new Missing(`cannot find ${name}`);
    yield* this.file(found[0], found[1]);
  }

  private find(name: string, includer: string | null, from: number): [path: string, folder: number] | null {
    if (includer !== null) {
      const beside = collapse(join(includer, name));
      if (this.disk.read(beside) !== null) return [beside, -1];
    }
    for (let i = from; i < this.search.length; i++) {
      const path = collapse(join(this.search[i] ?? "", name));
      if (this.disk.read(path) !== null) return [path, i];
    }
    return null;
  }
}

function option(argv: readonly string[], name: string): string | null {
  const at = argv.indexOf(name);
  return at < 0 ? null : (argv[at + 1] ?? null);
}

/** `cc SRC -o OUT -MF DEP [-I DIR]… [-HDR NAME] [-include FILE] [-D…]`: half of the output first, as a compiler that is killed leaves it. */
const cc: Program = function* (argv, disk): Generator<void, ProgramExit> {
  const [source = ""] = argv;
  const out = option(argv, "-o") ?? "";
  const search = argv.flatMap((a, i) => (a === "-I" ? [argv[i + 1] ?? ""] : []));
  const preprocessor = new Preprocessor(disk, search, option(argv, "-HDR"));
  disk.write(out, "half");
  yield;
  try {
    const forced = option(argv, "-include");
    if (forced !== null) yield* preprocessor.include(forced, "", 0);
    yield* preprocessor.file(source, -1);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { code: 1, log: `${baseOf(source)}: ${error.message}\n` };
  }
  const text = preprocessor.text.join("\n");
  if (text.includes("ERROR")) return { code: 1, log: `${baseOf(source)}: ERROR\n` };
  yield;
  const defines = argv.filter((a) => a.startsWith("-D"));
  // Lines that begin with a blank are comments: an edit of one changes no output.
  const code = text.split("\n").filter((l) => !l.startsWith(" "));
  disk.write(out, `object ${sha256([...defines, ...code].join("\n"))}`);
  disk.write(option(argv, "-MF") ?? "", `${out}: ${preprocessor.read.join(" \\\n ")}\n`);
  return { code: 0, log: text.includes("WARN") ? `${out}: warning\n` : "" };
};

/** `gen OUT IN`: the first line of a text, so that an edit below it changes nothing after this. */
const gen: Program = function* (argv, disk): Generator<void, ProgramExit> {
  const [out = "", source = ""] = argv;
  const text = disk.read(source);
  disk.write(out, "half");
  yield;
  if (text === null || text.includes("ERROR")) return { code: 1, log: "ERROR\n" };
  disk.write(out, `${text.split("\n")[0]}\n`);
  return { code: 0, log: "" };
};

/** `gendir DIR IN`: a file for each line of a text. */
const gendir: Program = function* (argv, disk): Generator<void, ProgramExit> {
  const [folder = "", source = ""] = argv;
  const text = disk.read(source);
  if (text === null) return { code: 1, log: "no input\n" };
  for (const line of text.split("\n")) {
    if (line === "ERROR") return { code: 1, log: "ERROR\n" };
    if (/^\w+$/.test(line)) disk.write(join(folder, `${line}.txt`), line, line.length % 2 === 0);
    yield;
  }
  return { code: 0, log: "" };
};

/** `join OUT IN…` (or `@RSP`): all inputs in one; folders with all their files. */
const joined: Program = function* (argv, disk): Generator<void, ProgramExit> {
  const [out = "", ...given] = argv;
  disk.write(out, "half");
  const inputs = given.flatMap((a) => (a.startsWith("@") ? (disk.read(a.slice(1)) ?? "").split("\n") : [a]));
  const parts: string[] = [];
  for (const input of inputs) {
    yield;
    if (input.endsWith("/")) for (const e of disk.list(input.slice(0, -1)) ?? []) parts.push(`${e.name}=${disk.read(input + e.name)}`);
    else parts.push(disk.read(input) ?? "MISSING");
  }
  disk.write(out, `joined ${sha256(parts.join("\n"))} of ${parts.length}`, true);
  return { code: 0, log: "" };
};

/** `count OUT IN`: the number of inputs alone; most changes are cut off here. */
const count: Program = function* (argv, disk): Generator<void, ProgramExit> {
  const [out = "", source = ""] = argv;
  disk.write(out, "half");
  yield;
  disk.write(out, /of \d+/.exec(disk.read(source) ?? "")?.[0] ?? "none");
  return { code: 0, log: "" };
};

export const PROGRAMS: Readonly<Record<string, Program>> = { cc, gen, gendir, join: joined, count };

export function planAction(env: string): ActionSpec {
  return spec({ name: `${env}/release/plan`, kind: "plan", env, sharing: "folder", argv: ["plan", "env", env], claims: [] });
}

export const PLANNER: Planner = {
  plan(action, io): Result<Planned> {
    const [, stage] = action.argv;
    const cfg = `${action.env}.cfg`;
    const bytes = io.read(cfg);
    let config: Config;
    try {
      config = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as Config;
    } catch {
      return fail(failure("cfg.broken", 3, `${cfg} is no JSON`, { file: cfg, line: 1 }));
    }
    return ok(new Planning(action.env, config, io).go(stage === "late"));
  },
};

class Planning {
  private readonly env: string;
  private readonly config: Config;
  private readonly io: PlanIo;
  private readonly out: string;

  constructor(env: string, config: Config, io: PlanIo) {
    this.env = env;
    this.config = config;
    this.io = io;
    this.out = outFolder(env, "release");
  }

  go(late: boolean): Planned {
    const { config, out } = this;
    const listed = (this.io.list("src") ?? []).filter((e) => e.is === "file" && e.name.endsWith(".c")).map((e) => `src/${e.name}`);
    const usesLibrary = listed.some((path) => this.io.includes(path)?.some((t) => t.text === "lib.h"));
    const sources = [...listed, ...(usesLibrary && this.io.exists("lib/lib.c") ? ["lib/lib.c"] : [])];
    const compiles = sources.map((s) => this.compile(s));
    const gens = Object.entries(config.gens).map(([from, to]) =>
      this.action("step", `gen:${to}`, ["gen", `${out}/gen/${to}`, from], [from], [`${out}/gen/${to}`]),
    );
    const dirs = Object.entries(config.dirs).map(([from, to]) =>
      this.action("step", `dir:${to}`, ["gendir", `${out}/${to}`, from], [from], [`${out}/${to}/`]),
    );
    const list = `${out}/list`;
    const objects = compiles.flatMap((c) => c.outputs);
    if (!late && config.late) {
      const lister = this.action("step", "list", ["gen", list, "list.txt"], ["list.txt"], [list]);
      const next = spec({
        name: `${this.env}/release/late`,
        kind: "plan",
        env: this.env,
        sharing: "folder",
        argv: ["plan", "late", this.env],
        inputs: files(list),
        claims: [],
      });
      return { actions: [...gens, ...dirs, ...compiles, lister, next], targets: { objects }, notes: [] };
    }
    const extra = late ? this.extra(list) : [];
    const all = [...compiles, ...extra];
    return {
      actions: [...(late ? extra : [...gens, ...dirs, ...compiles]), ...this.end(all, dirs)],
      targets: { objects: late ? extra.flatMap((c) => c.outputs) : objects, firmware: [`${out}/firmware.hex` as ProjectPath] },
      notes: [],
    };
  }

  private extra(list: string): ActionSpec[] {
    const names = new TextDecoder()
      .decode(this.io.read(list) ?? new Uint8Array())
      .trim()
      .split(" ");
    return names.filter((n) => /^\w+$/.test(n) && this.io.exists(`extra/${n}.c`)).map((n) => this.compile(`extra/${n}.c`));
  }

  private compile(source: string): ActionSpec {
    const { config, out } = this;
    const object = `${out}/${source}.o`;
    const search = config.genFirst ? [`${out}/gen`, ...config.search] : [...config.search, `${out}/gen`];
    const argv = ["cc", source, "-o", object, "-MF", `${object}.d`, ...search.flatMap((s) => ["-I", s])];
    if (config.hdr !== null) argv.push("-HDR", config.hdr);
    if (config.forced !== null) argv.push("-include", config.forced);
    const discover: Discover = { by: "depfile", path: `${object}.d` as ProjectPath, quote: [], search };
    const waits = Object.values(config.gens).map((g) => `${out}/gen/${g}`);
    const value = config.value === null ? [] : [{ is: "value" as const, path: config.value as ProjectPath }];
    const action = this.action("compile", `cc:${source}`, [...argv, ...config.flags], [source], [object]);
    return {
      ...action,
      discover,
      orderOnly: paths(...waits),
      inputs: [...action.inputs, ...value],
      sharing: config.sharing,
      unkeyed: { argv: [], vars: { COLOUR: this.env } },
    };
  }

  private end(compiles: readonly ActionSpec[], dirs: readonly ActionSpec[]): ActionSpec[] {
    const { config, out } = this;
    const inputs = [...compiles.flatMap((c) => c.outputs), ...dirs.flatMap((d) => d.outputs)];
    const elf = `${out}/firmware.elf`;
    const rsp = `${out}/firmware.rsp`;
    const link = this.action("link", "link", config.rsp ? ["join", elf, `@${rsp}`] : ["join", elf, ...inputs], inputs, [elf]);
    return [
      config.rsp ? { ...link, rspfile: { path: rsp as ProjectPath, text: inputs.join("\n") } } : link,
      this.action("objcopy", "hex", ["count", `${out}/firmware.hex`, elf], [elf], [`${out}/firmware.hex`]),
      this.action("size", "size", ["count", `${out}/size.txt`, `${out}/firmware.hex`], [`${out}/firmware.hex`], [`${out}/size.txt`]),
    ];
  }

  private action(
    kind: ActionSpec["kind"],
    name: string,
    argv: readonly string[],
    inputs: readonly string[],
    outputs: readonly string[],
  ): ActionSpec {
    return spec({
      name: `${this.env}/release/${name}`,
      label: name,
      kind,
      env: this.env,
      argv,
      inputs: files(...inputs),
      outputs: paths(...outputs),
      claims: [{ on: "cpu", units: kind === "link" ? 2 : 1 }],
    });
  }
}
