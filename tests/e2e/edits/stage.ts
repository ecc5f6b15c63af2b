/** Where a sequence is played: a project, its cache, and the question whether the law holds there now. */
import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { RunResult } from "../../../engine/types.ts";
import { diagnostics, ends, executed, freshFolder, type Ran, restored, result, TestProject } from "../harness.ts";
import { applyFileOp, applyOp, type Op, opText, type Place, type RunOp, runWords, STRAY } from "./ops.ts";

type Kind = "ended" | "said" | "tree" | "result" | "restless" | "snapshot" | "shell";

/** The law does not hold. */
export class Broken extends Error {
  /** In what way: a shorter sequence that breaks it in another is not the same find. */
  readonly kind: Kind;
  constructor(kind: Kind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Something that a run made: its mode and content. Folders count. */
type Tree = Map<string, string>;

export class Stage {
  readonly place: Place;
  private readonly project: TestProject;
  /** Times ahead of the clock are never trusted, so no snapshot is. */
  private future = false;

  /** ini: what platformio.ini says before anything says otherwise. */
  constructor(ini: string) {
    const around = freshFolder("law");
    mkdirSync(join(around, "p"));
    mkdirSync(join(around, "out"));
    this.project = new TestProject({ "platformio.ini": ini }, { folder: join(around, "p") });
    this.place = { folder: this.project.folder, cache: this.project.cache, note: join(around, "note"), vars: new Map() };
  }

  /** Does it; of a run, whether it succeeded. Throws Broken. */
  async apply(op: Op): Promise<boolean> {
    if (op.do !== "run") {
      applyOp(this.place, op);
      if (op.do === "touch" && op.time === "future") this.future = true;
      return true;
    }
    if (!op.check) return await this.adventure(op);
    return await this.ask(op);
  }

  /** Nothing of it is needed any more. */
  close(): void {
    for (const path of [join(this.place.folder, ".."), this.place.cache]) rmSync(path, { recursive: true, force: true });
  }

  private async run(project: TestProject, words: readonly string[], tries = 8): Promise<Ran> {
    const ran = await project.start(["run", ...words, "--json"], { vars: Object.fromEntries(this.place.vars) }).ended;
    // What is in the way of an output is not fb's to remove: it is done as the message says.
    const ways = diagnostics(ran).flatMap((d) => (d.code === "disk.in-the-way" && d.file !== null ? [d.file] : []));
    if (ran.code === 4 && ways.length > 0 && tries > 0) {
      for (const way of ways) rmSync(join(project.folder, way), { recursive: true, force: true });
      return await this.run(project, words, tries - 1);
    }
    if (ran.code === null || ![0, 1, 3].includes(ran.code) || ran.events.at(-1)?.type !== "result")
      throw new Broken(
        "ended",
        `fb run ${words.join(" ")} ended with ${ran.code}:\n${ran.stdout.slice(-2000)}\n${ran.stderr.slice(-2000)}`,
      );
    return ran;
  }

  /** A run that nothing is asked of but that it ends as runs end. */
  private async adventure(op: RunOp): Promise<boolean> {
    const running = this.project.start(["run", ...runWords(op), "--json"], { vars: Object.fromEntries(this.place.vars) });
    if (op.during.length > 0) {
      // Where nothing starts, what happens meanwhile happens after it.
      await running.until((e) => e.type === "start" && e.kind !== "plan").catch(() => {});
      for (const edit of op.during) applyFileOp(this.place.folder, this.place.note, edit);
    }
    const ran = await running.ended;
    if (ran.code === null || ![0, 1, 3, 4].includes(ran.code))
      throw new Broken("ended", `${opText(op)} ended with ${ran.code}:\n${ran.stderr.slice(-2000)}`);
    // A file that never holds still, or a cache that was emptied, may cost exit 4 while it happens.
    const inTheWay = diagnostics(ran).some((d) => d.code === "disk.in-the-way");
    if (ran.code === 4 && !inTheWay && op.during.length === 0 && !op.words.includes("--offline"))
      throw new Broken("ended", `${opText(op)} ended with 4:\n${ran.stdout.slice(-2000)}`);
    return ran.code === 0;
  }

  /** The law: the same as a clean build's, whether it fails or not; and then nothing is left to do. */
  private async ask(op: RunOp): Promise<boolean> {
    const words = [...runWords(op), "-k"];
    const elsewhere = this.copy("clean at");
    const [here, clean] = await Promise.all([this.run(this.project, words), this.run(elsewhere, words)]);
    try {
      this.compare(op, here, this.project, clean, elsewhere, "a clean build");
      const good = here.code === 0;
      const again = await this.run(this.project, words);
      if (good) this.assertNothing(again, "the run after");
      this.compare(op, again, this.project, clean, elsewhere, "a clean build, after a second run");
      if (good && !this.future) {
        const quick = await this.run(this.project, words);
        this.assertNothing(quick, "the third run");
        const [, plan] = quick.events;
        if (plan?.type !== "plan" || !plan.final || plan.files !== 0)
          throw new Broken("snapshot", "the third run was not answered from the snapshot");
      }
      if (op.twin) await this.askTwin(op, words, clean, elsewhere);
      if (op.sh && good) await this.askShell(op, clean, elsewhere);
      return good;
    } finally {
      rmSync(join(elsewhere.folder, ".."), { recursive: true, force: true });
      rmSync(elsewhere.cache, { recursive: true, force: true });
    }
  }

  /** Another folder with this one's cache: what is there for the taking is right. */
  private async askTwin(op: RunOp, words: readonly string[], clean: Ran, elsewhere: TestProject): Promise<void> {
    const twin = this.copy("twin", this.place.cache);
    const ran = await this.run(twin, words);
    this.compare(op, ran, twin, clean, elsewhere, "a clean build, in another folder with the same cache");
    rmSync(join(twin.folder, ".."), { recursive: true, force: true });
  }

  /** The exported commands, by plain sh. ninja only lists them, in an order in which they can run. */
  private async askShell(op: RunOp, clean: Ran, elsewhere: TestProject): Promise<void> {
    const shell = this.copy("by hand");
    const vars = shell.vars({ vars: Object.fromEntries(this.place.vars) });
    const exported = shell.fb(["export", "ninja", ...runWords(op)], { vars: Object.fromEntries(this.place.vars) });
    if (exported.code !== 0) throw new Broken("shell", `fb export ninja ended with ${exported.code}: ${exported.stderr}`);
    for (const folder of foldersOf(clean)) mkdirSync(join(shell.folder, folder), { recursive: true });
    const listed = spawnSync("ninja", ["-t", "commands"], { cwd: shell.folder, encoding: "utf8" });
    if (listed.status !== 0) throw new Broken("shell", `ninja -t commands: ${listed.stderr}`);
    const ran = spawnSync("/bin/sh", ["-e"], { cwd: shell.folder, env: vars, input: listed.stdout, encoding: "utf8" });
    if (ran.status !== 0) throw new Broken("shell", `the exported commands fail: ${ran.stderr}`);
    for (const folder of requested(clean, elsewhere)) {
      const want = treeOf(join(elsewhere.folder, folder), []);
      const got = treeOf(join(shell.folder, folder), []);
      for (const tree of [want, got]) for (const path of [...tree.keys()]) if (isBeside(path)) tree.delete(path);
      assertSame(got, want, `${opText(op)}: ${folder} of the exported commands by sh`);
    }
    rmSync(join(shell.folder, ".."), { recursive: true, force: true });
  }

  /** All that was written by hand, in a fresh folder. */
  private copy(name: string, cache?: string): TestProject {
    const around = freshFolder(name);
    const from = join(this.place.folder, "..");
    for (const part of ["p", "out"])
      cpSync(join(from, part), join(around, part), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => relative(from, path) !== join("p", ".fb"),
      });
    return new TestProject({}, { folder: join(around, "p"), ...(cache === undefined ? {} : { cache }) });
  }

  private compare(op: RunOp, ran: Ran, project: TestProject, clean: Ran, elsewhere: TestProject, what: string): void {
    const name = `${opText(op)}: compared with ${what}`;
    const did = `\nit executed ${executed(ran).join(", ")}; took ${restored(ran).join(", ")}`;
    const said = problems(ran, project);
    const wanted = problems(clean, elsewhere);
    if (ran.code !== clean.code || said.join("\n") !== wanted.join("\n"))
      throw new Broken("said", `${name}: exit ${ran.code}, not ${clean.code}; said\n${said.join("\n")}\nnot\n${wanted.join("\n")}${did}`);
    // A project that can not be planned says nothing of what is to be built.
    if (clean.code === 3) return;
    for (const folder of requested(clean, elsewhere)) {
      const trees = [project, elsewhere].map((p) => treeOf(join(p.folder, folder), namesOf(p)));
      const [got = new Map(), want = new Map()] = clean.code === 0 ? trees : trees.map(onlyFiles);
      assertSame(got, want, `${name}: ${folder}${did}`);
    }
    const [got, want] = [ran, clean].map((r) => JSON.stringify(facts(result(r))));
    if (got !== want) throw new Broken("result", `${name}: the result says\n${got}\nnot\n${want}`);
  }

  private assertNothing(ran: Ran, what: string): void {
    const { ran: executions, hits, upToDate, actions } = result(ran);
    if (executions !== 0 || hits !== 0 || upToDate !== actions)
      throw new Broken(
        "restless",
        `${what} did something: ${[...executed(ran), ...restored(ran).map((a) => `${a} (restored)`)].join(", ")}\n${whys(ran)}`,
      );
  }
}

function whys(ran: Ran): string {
  return ends(ran)
    .map((e) => `${e.kind} ${e.label}: ${JSON.stringify(e.why)}`)
    .join("\n");
}

function facts({ exitCode, actions, artifacts, size }: RunResult): unknown {
  return { exitCode, actions, artifacts, size };
}

/** The output folders that a clean build made: those that were asked for. */
function requested(clean: Ran, elsewhere: TestProject): string[] {
  const plan = clean.events.find((e) => e.type === "plan");
  if (plan?.type !== "plan") return [];
  return plan.envs.flatMap((env) =>
    (elsewhere.exists(`.fb/build/${env}`) ? readdirSync(elsewhere.path(`.fb/build/${env}`)) : []).map(
      (profile) => `.fb/build/${env}/${profile}`,
    ),
  );
}

/** What could not be built may have left its folder. */
function onlyFiles(tree: Tree): Tree {
  return new Map([...tree].filter(([path]) => !path.endsWith("/")));
}

/** What a build made, with the folders of it. */
function foldersOf(ran: Ran): string[] {
  return ends(ran).flatMap((e) => e.outputs.map((o) => o.slice(0, o.lastIndexOf("/"))));
}

/** Written beside what actions make, or by actions that run only for what they say. */
function isBeside(path: string): boolean {
  return /(^|\/)build_info\.json$|\.d$|\.rsp$/.test(path);
}

/** Texts that name a place, and what to call it. */
function namesOf(project: TestProject): (readonly [string, string])[] {
  return [
    [project.folder, "<folder>"],
    [join(project.folder, ".."), "<around>"],
    [project.cache, "<cache>"],
  ];
}

function renamed(text: string, names: readonly (readonly [string, string])[]): string {
  return names.reduce((t, [from, to]) => t.replaceAll(from, to), text);
}

/** Everything that went wrong, in an order that no schedule changes. */
function problems(ran: Ran, project: TestProject): string[] {
  const names = namesOf(project);
  // Some warnings are said once and never again.
  const errors = diagnostics(ran).filter((d) => d.severity === "error");
  const said = errors.map(({ severity, code, message, file, line, column, hint }) =>
    JSON.stringify({ severity, code, message, file, line, column, hint }),
  );
  const failed = ends(ran).flatMap((e) => (e.status === "failed" ? [`${e.kind} ${e.env} ${e.label} ${e.exitCode}: ${e.output}`] : []));
  return [...said, ...failed].map((t) => renamed(t, names)).sort();
}

function treeOf(folder: string, names: readonly (readonly [string, string])[]): Tree {
  const tree: Tree = new Map();
  const visit = (path: string) => {
    // Laid there by a harm, and not fb's to remove.
    if (path.endsWith(STRAY)) return;
    const at = join(folder, path);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const mode = (stat.mode & 0o777).toString(8);
    if (stat.isDirectory()) {
      if (path !== "") tree.set(`${path}/`, mode);
      for (const name of readdirSync(at)) visit(path === "" ? name : `${path}/${name}`);
    } else if (stat.isSymbolicLink()) tree.set(path, `link to ${readlinkSync(at)}`);
    else {
      const bytes = readFileSync(at);
      // It names places, and nobody runs it.
      const isInfo = path.endsWith("build_info.json");
      tree.set(path, isInfo ? renamed(bytes.toString(), names) : `${mode} ${bytes.toString("latin1")}`);
    }
  };
  visit("");
  return tree;
}

function assertSame(got: Tree, want: Tree, what: string): void {
  const differences: string[] = [];
  for (const [path, content] of want) {
    const there = got.get(path);
    if (there === undefined) differences.push(`${path} is missing`);
    else if (there !== content) differences.push(`${path} differs: ${difference(there, content)}`);
  }
  for (const path of got.keys()) if (!want.has(path)) differences.push(`${path} should not be there`);
  if (differences.length > 0) throw new Broken("tree", `${what}\n  ${differences.join("\n  ")}`);
}

function difference(got: string, want: string): string {
  let at = 0;
  while (at < got.length && got[at] === want[at]) at++;
  const part = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20));
  return `${got.length} and ${want.length} bytes, from ${at}: ${part(got)}, want ${part(want)}`;
}
