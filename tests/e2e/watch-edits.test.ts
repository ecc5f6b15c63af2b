/**
 * The law of watching: edits come at random moments, also in the middle of builds, and after the last of a burst the outputs are those of a clean build in
 * another folder with an empty cache. Three bursts of 170 edits in a project of 300 files; FB_SEQUENCES=N plays N bursts, FB_SEED=N repeats a seed.
 * One look after one event finds all that changed, so a burst proves little of each watch: some edits that come alone follow each.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { generated, sourceOf, stubToolchain } from "../bench/projects.ts";
import { newSeed, Random } from "../random.ts";
import { freshFolder, TestProject } from "./harness.ts";
import { Watching } from "./watch/watching.ts";

const FILES = 300;
const HEADERS = 200;
const OUT = ".fb/build/native/release";
/** A watch that has missed something would wait for ever. */
const HANG_MS = 40_000;
const PER_BURST = 170;
const ALONE = 8;

class Edits {
  private readonly project: TestProject;
  private readonly random: Random;
  private turn = 0;
  readonly done: string[] = [];

  constructor(project: TestProject, random: Random) {
    this.project = project;
    this.random = random;
  }

  one(): void {
    const { random } = this;
    const kinds = [
      [30, () => this.save(this.source())],
      [12, () => this.atomicSave(this.source())],
      [6, () => this.save(`include/h${random.below(HEADERS)}.h`)],
      [6, () => this.atomicSave(`include/h${random.below(HEADERS)}.h`)],
      [6, () => this.added()],
      [6, () => this.renamed()],
      [5, () => this.removed()],
      [5, () => this.movedFolder()],
      [3, () => this.remadeFolder()],
      [5, () => this.shadow()],
      [3, () => this.ini()],
      [2, () => this.brokenIni()],
      [4, () => this.checkout()],
      [2, () => this.lostHeader()],
      [2, () => this.touched()],
    ] as const;
    let at = random.below(kinds.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, edit] of kinds) {
      at -= weight;
      if (at < 0) return edit();
    }
  }

  /** What would keep it from building is put right. */
  mend(): void {
    for (let h = 0; h < HEADERS; h++) if (!this.project.exists(`include/h${h}.h`)) this.project.write(`include/h${h}.h`, "#pragma once\n");
    this.save(this.source());
    if (this.project.read("platformio.ini").includes("[broken")) this.writeIni("");
  }

  commitBranches(): void {
    const git = (...args: string[]) => this.git(...args);
    git("init", "-q");
    this.project.write(".gitignore", ".fb\n");
    git("add", ".");
    git("commit", "-q", "-m", "one");
    git("checkout", "-q", "-b", "other");
    for (let f = 0; f < FILES; f += 3) this.project.write(sourceOf(f), `int other${f};\n`);
    for (let f = 1; f < FILES; f += 10) this.project.remove(sourceOf(f));
    for (let f = 0; f < 20; f++) this.project.write(`src/only/there${f}.c`, `int there${f};\n`);
    git("add", "-A");
    git("commit", "-q", "-m", "two");
    git("checkout", "-q", "master");
  }

  /** The object of the source that it changed. */
  alone(): string {
    const path = this.source();
    if (this.random.chance(0.5)) this.save(path);
    else this.atomicSave(path);
    return `${OUT}/${path}.o`;
  }

  private git(...args: string[]): void {
    const ran = spawnSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=master", ...args], {
      cwd: this.project.folder,
      encoding: "utf8",
    });
    if (ran.status !== 0) throw new Error(`git ${args.join(" ")}: ${ran.stderr}`);
  }

  private note(what: string): void {
    this.done.push(what);
  }

  private sources(): string[] {
    return readdirSync(this.project.path("src"), { recursive: true, withFileTypes: true }).flatMap((e) =>
      e.isFile() && e.name.endsWith(".c") ? [`${e.parentPath.slice(this.project.folder.length + 1)}/${e.name}`] : [],
    );
  }

  private source(): string {
    const all = this.sources();
    if (all.length === 0) this.project.write("src/d0/last.c", "int last;\n");
    return all.length === 0 ? "src/d0/last.c" : this.random.pick(all);
  }

  private save(path: string): void {
    this.note(`save ${path}`);
    const text = this.project.exists(path) ? this.project.read(path) : "";
    this.project.write(path, `${text}extern int t${this.turn++};\n`);
  }

  private atomicSave(path: string): void {
    this.note(`atomic save ${path}`);
    const text = this.project.exists(path) ? this.project.read(path) : "";
    const temp = `${path}.${this.random.pick(["swp", "tmp", "new~"])}`;
    this.project.write(temp, `${text}extern int t${this.turn++};\n`);
    if (this.random.chance(0.3) && this.project.exists(path)) this.project.remove(path);
    this.project.rename(temp, path);
  }

  private added(): void {
    const path = `src/${this.random.pick(["d0", "d1", "new", "new/deep"])}/a${this.turn++}.c`;
    this.note(`add ${path}`);
    this.project.write(path, `int a${this.turn};\n`);
  }

  private renamed(): void {
    const from = this.source();
    this.note(`rename ${from}`);
    this.project.rename(from, `src/${this.random.pick(["d0", "d2", "moved"])}/r${this.turn++}.c`);
  }

  private removed(): void {
    const path = this.source();
    this.note(`remove ${path}`);
    this.project.remove(path);
  }

  private movedFolder(): void {
    const folders = readdirSync(this.project.path("src"), { withFileTypes: true }).filter((e) => e.isDirectory());
    if (folders.length === 0) return;
    const from = `src/${this.random.pick(folders).name}`;
    const to = `src/f${this.turn++}`;
    this.note(`move ${from} to ${to}`);
    this.project.rename(from, to);
    if (this.random.chance(0.6)) this.project.rename(to, from);
  }

  private remadeFolder(): void {
    const from = this.project.path("include");
    this.note("make include again");
    cpSync(from, `${from}-copy`, { recursive: true });
    rmSync(from, { recursive: true });
    renameSync(`${from}-copy`, from);
    this.save(`include/h${this.random.below(HEADERS)}.h`);
  }

  /** A header that comes before another on the way of includes, or goes again. */
  private shadow(): void {
    const path = `${this.random.pick(["src/d0", "src/d1", "src/d2"])}/h${this.random.below(HEADERS)}.h`;
    this.note(`shadow ${path}`);
    if (this.project.exists(path)) this.project.remove(path);
    else this.project.write(path, `#pragma once\nextern int shadow${this.turn++};\n`);
  }

  private writeIni(more: string): void {
    const text = this.project.read("platformio.ini").replace(/\n(build_flags|\[broken).*/g, "");
    this.project.write("platformio.ini", `${text.trimEnd()}\n${more}`);
  }

  private ini(): void {
    this.note("ini");
    this.writeIni(this.random.chance(0.7) ? `build_flags = -DTURN=${this.random.below(4)}\n` : "");
  }

  private brokenIni(): void {
    this.note("broken ini");
    this.writeIni("[broken\n");
  }

  private checkout(): void {
    const branch = this.random.pick(["master", "other"]);
    this.note(`git checkout ${branch}`);
    this.git("checkout", "-q", "-f", branch);
    if (this.random.chance(0.5)) this.git("clean", "-q", "-f", "-d");
  }

  private lostHeader(): void {
    const path = `include/h${this.random.below(HEADERS)}.h`;
    this.note(`lose ${path}`);
    if (this.project.exists(path)) this.project.remove(path);
    if (this.random.chance(0.5)) this.save(path);
  }

  private touched(): void {
    const path = this.source();
    this.note(`touch ${path}`);
    utimesSync(this.project.path(path), new Date(), new Date());
  }
}

/** The outputs of a clean build of the same files; null while that does not build. */
function cleanTree(project: TestProject): Record<string, string> {
  const folder = freshFolder("clean");
  cpSync(project.folder, folder, { recursive: true, filter: (path) => !/\/\.(fb|git)$/.test(path) });
  const clean = new TestProject({}, { folder });
  clean.run([":firmware", "--json"]);
  const tree = clean.tree(OUT);
  rmSync(folder, { recursive: true });
  return tree;
}

/** Empty while a build takes away what is looked at. */
function treeNow(project: TestProject): Record<string, string> {
  try {
    return project.tree(OUT);
  } catch {
    return {};
  }
}

const bursts = Number(process.env["FB_SEQUENCES"] ?? 3);

test(`after random edits at random moments a watched project is as a clean build: ${bursts} bursts of ${PER_BURST}`, async () => {
  const random = new Random(newSeed());
  const project = new TestProject({});
  mkdirSync(project.folder, { recursive: true });
  generated(project.folder, stubToolchain(freshFolder("stub")), { files: FILES, compileMs: 0 });
  const edits = new Edits(project, random);
  edits.commitBranches();
  const watch = new Watching(project);
  await watch.next("the start");
  for (let burst = 0; burst < bursts; burst++) {
    edits.done.length = 0;
    for (let i = 0; i < PER_BURST; i++) {
      edits.one();
      // Mostly a moment, sometimes long enough for a build, often none.
      await after(random.pick([0, 0, 1, 5, 10, 20, 40, 80, 150]));
    }
    edits.mend();
    const clean = cleanTree(project);
    const limit = Date.now() + HANG_MS;
    for (;;) {
      const ours = treeNow(project);
      if (JSON.stringify(ours) === JSON.stringify(clean)) break;
      if (Date.now() > limit) {
        const off = [...new Set([...Object.keys(ours), ...Object.keys(clean)])].filter((path) => ours[path] !== clean[path]);
        assert.unreachable(
          `burst ${burst}: ${off.slice(0, 5).join(", ")} (${off.length}) differ from a clean build after\n${edits.done.slice(-15).join("\n")}\n${watch.err.slice(-1500)}`,
        );
      }
      await after(50);
    }
    for (let i = 0; i < ALONE; i++) {
      const before = treeNow(project);
      const object = edits.alone().slice(OUT.length + 1);
      await watch.until(() => (treeNow(project)[object] ?? before[object]) !== before[object], `${object} after an edit`);
    }
  }
  assert.ok(watch.runs.length > bursts * 5, `only ${watch.runs.length} runs`);
  assert.is(await watch.stop(), 130);
});

test.run();
