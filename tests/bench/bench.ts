/**
 * What fb costs, as ratios and differences measured in one run beside ninja, a bare compiler, an empty script, and PlatformIO and fbuild where they are:
 *   npm run bench [-- --quick] [NAME…]     names: blink compiles tiny graphs edit watch libraries packages peers
 * Only for the eye: nothing fails when a target is missed, and under load the wall times mean little (processor times less so).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  type Command,
  type Contender,
  inTurns,
  least,
  load,
  type Measured,
  median,
  overPairs,
  peakMemory,
  type Time,
  time,
} from "./measure.ts";
import { besidePipe } from "./packages.ts";
import { savesToStarts } from "./saves.ts";
import { besidePeers, peerVersions } from "./peers.ts";
import { edit, generated, ninjaCommand, remove, sourceOf, stubToolchain, withLibraries, withoutOwnTools, write } from "./projects.ts";

const { values, positionals } = parseArgs({ options: { quick: { type: "boolean", default: false } }, allowPositionals: true });
const { quick } = values;
const root = resolve(import.meta.dirname, "../..");
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "fb-bench-")));
/** One cache for everything that is not measured cold. */
const cache = join(scratch, "cache");
/** Enough for a median to stand still; more for what takes milliseconds. */
const runs = quick ? { short: 7, long: 3 } : { short: 25, long: 7 };

const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);

// ── what is measured ──

/** fb as it is now, bundled into a folder of its own: a commit made meanwhile would have cli/fb bundle the checkout again. */
function ownCopy(): { readonly fb: string; readonly node: string; readonly build: string } {
  const folder = join(scratch, "fb");
  mkdirSync(folder);
  for (const name of ["cli", "engine", "rules", "cache", "platforms", "scripts", "package.json", "tsconfig.json"])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  execFileSync(process.execPath, [join(folder, "scripts/bundle.ts")]);
  const build = /"([0-9a-f]{16})"/.exec(readFileSync(join(folder, "dist/fb.cjs"), "utf8"))?.[1] ?? "unknown";
  return { fb: join(folder, "cli/fb"), node: process.execPath, build };
}

const { fb, node, build } = ownCopy();
const empty = join(scratch, "empty.cjs");
write(empty, "");

function fbIn(cwd: string, args: readonly string[] = [], cacheDir: string = cache): Command {
  return { argv: [fb, "run", ...args], cwd, vars: { FB_CACHE_DIR: cacheDir } };
}

function ninjaIn(cwd: string): Command {
  return { argv: ["ninja", "-j2"], cwd };
}

const emptyScript: Contender = { name: "empty script", argv: [node, empty], cwd: scratch };

/** Two equal projects: one that fb has built, one that ninja has by fb's own export. */
function twins(
  name: string,
  make: (folder: string) => void,
): { readonly ours: string; readonly ninjas: string; readonly took: readonly [Time, Time] } {
  const ours = join(scratch, name);
  const ninjas = join(scratch, `${name}-ninja`);
  for (const folder of [ours, ninjas]) make(folder);
  time({ ...fbIn(ninjas), argv: [fb, "export", "ninja"] }, scratch);
  const took = [time(fbIn(ours), scratch), time(ninjaIn(ninjas), scratch)] as const;
  // Files that are too young make fb look again and write no snapshot yet.
  time(fbIn(ours), scratch);
  return { ours, ninjas, took };
}

// ── what is printed ──

interface Row {
  readonly what: string;
  readonly cells: readonly string[];
}

const rows: Row[] = [];
const HEAD = ["fb: median, least, cpu ms", "beside", "median, least, cpu ms", "figure", "by cpu", "target", ""];

function figures(m: Measured): string {
  const wall = m.times.map((t) => t.wall);
  return [median(wall), least(wall), median(m.times.map((t) => t.cpu))].map((n) => n.toFixed(n < 100 ? 1 : 0)).join("  ");
}

/** limit: what the figure may be; null where there is no target. A difference is in ms, fb's less the other's. */
function say(what: string, ours: Measured, other: Measured, is: "ratio" | "difference", limit: number | null): void {
  const of = is === "ratio" ? (a: number, b: number) => a / b : (a: number, b: number) => a - b;
  const figure = overPairs(ours, other, "wall", of);
  const text = (n: number) => (is === "ratio" ? `${n.toFixed(2)} x` : `${n < 0 ? "" : "+"}${n.toFixed(0)} ms`);
  const byCpu = overPairs(ours, other, "cpu", of);
  add(
    what,
    [
      figures(ours),
      other.name,
      figures(other),
      text(figure),
      text(byCpu),
      limit === null ? "" : `<= ${is === "ratio" ? `${limit} x` : `+${limit} ms`}`,
    ],
    limit === null ? null : figure <= limit,
  );
}

function add(what: string, cells: readonly string[], met: boolean | null): void {
  rows.push({ what, cells: [...cells, met === null ? "" : met ? "met" : "MISSED"] });
  process.stderr.write(`${what}: ${cells.filter((c) => c !== "").join(" | ")}${met === null ? "" : met ? " | met" : " | MISSED"}\n`);
}

function printTable(): void {
  const table = [["", ...HEAD], ...rows.map((r) => [r.what, ...r.cells])];
  const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map((line) => (line[i] ?? "").length)));
  for (const line of table)
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

function pair(measured: readonly Measured[]): readonly [Measured, Measured] {
  const [a, b] = measured;
  if (a === undefined || b === undefined) throw new Error("two contenders make a pair");
  return [a, b];
}

// ── the groups ──

function blink(): void {
  const { ours, ninjas } = twins("blink", (folder) => {
    cpSync(join(root, "examples/blink"), folder, { recursive: true, filter: (path) => !path.endsWith("/.fb") });
  });
  withoutOwnTools(ninjas);
  const out = ".fb/build/uno/release";
  const unchanged = { name: "fb", ...fbIn(ours) };
  const [noop, script] = pair(inTurns([unchanged, emptyScript], runs.short, scratch, 3));
  say("blink, unchanged", noop, script, "ratio", 1.25);
  say("blink, unchanged", ...pair(inTurns([unchanged, { name: "ninja", ...ninjaIn(ninjas) }], runs.short, scratch)), "ratio", null);

  const cold: Contender[] = [
    { name: "fb", ...fbIn(ours, ["-j2"], join(scratch, "cold")), prepare: () => remove(join(ours, ".fb"), join(scratch, "cold")) },
    { name: "ninja", ...ninjaIn(ninjas), prepare: () => remove(join(ninjas, ".fb/build"), join(ninjas, ".fb/ninja")) },
  ];
  say("blink, cold", ...pair(inTurns(cold, runs.long, scratch)), "difference", 90);
  const again = { ...cold[0], name: "fb", ...fbIn(ours, ["-j2", "--no-cache"]), prepare: () => remove(join(ours, ".fb")) };
  say(
    "blink, cold, toolchain known",
    ...pair(inTurns([again, { name: "ninja", ...ninjaIn(ninjas), ...cold[1] }], runs.long, scratch)),
    "difference",
    null,
  );

  const restore = { name: "fb", ...fbIn(ours), prepare: () => remove(join(ours, ".fb")) };
  say("blink, all from cache", ...pair(inTurns([restore, emptyScript], runs.short, scratch)), "difference", 120);

  time(ninjaIn(ninjas), scratch);
  const steps = [`${out}/src/Blink.ino.cpp.o`, `${out}/firmware.elf`].map((output) => ninjaCommand(ninjas, output));
  const sketch = `${out}/src/Blink.ino.cpp`;
  const edits: Contender[] = [
    { name: "fb", ...fbIn(ours), prepare: (turn) => edit(join(ours, "src/Blink.ino"), turn) },
    { name: "compiler + linker", argv: ["sh", "-c", steps.join(" && ")], cwd: ninjas, prepare: (turn) => edit(join(ninjas, sketch), turn) },
  ];
  say("blink, one edit", ...pair(inTurns(edits, runs.long * 2, scratch)), "difference", 50);
}

function compiles(toolchain: string): void {
  coldBesideNinja("300 compiles of 50 ms, cold", toolchain, 300, 50, quick ? 1 : 3, 1.08);
}

function tiny(toolchain: string): void {
  coldBesideNinja("3k tiny actions, cold", toolchain, quick ? 500 : 3000, 0, quick ? 2 : 5, 1.4);
}

function coldBesideNinja(what: string, toolchain: string, files: number, compileMs: number, times: number, limit: number): void {
  const { ours, ninjas } = twins(`cold${compileMs}`, (folder) => generated(folder, toolchain, { files, compileMs }));
  const coldCache = join(scratch, "cold");
  const contenders: Contender[] = [
    { name: "fb", ...fbIn(ours, ["-j2"], coldCache), prepare: () => remove(join(ours, ".fb"), coldCache) },
    { name: "ninja", ...ninjaIn(ninjas), prepare: () => remove(join(ninjas, ".fb/build"), join(ninjas, ".fb/ninja")) },
  ];
  say(`${what}${quick && files !== 300 ? ` (${files})` : ""}`, ...pair(inTurns(contenders, times, scratch, 0)), "ratio", limit);
  remove(ours, ninjas, coldCache);
}

function graphs(toolchain: string): void {
  const sizes: readonly (readonly [string, number, number])[] = [
    ["1k", 1000, 5],
    ["10k", 10_000, 1.2],
    ["30k", 30_000, 1],
  ];
  for (const [name, files, limit] of quick ? sizes.slice(0, 1) : sizes) {
    const { ours, ninjas, took } = twins(`graph${name}`, (folder) => generated(folder, toolchain, { files, compileMs: 0 }));
    const [built, byNinja] = took;
    say(`${name} actions, cold, once`, { name: "fb", times: [built] }, { name: "ninja", times: [byNinja] }, "ratio", null);
    const contenders = [
      { name: "fb", ...fbIn(ours) },
      { name: "ninja", ...ninjaIn(ninjas) },
    ];
    say(`${name} actions, unchanged`, ...pair(inTurns(contenders, runs.short, scratch, 2)), "ratio", limit);
    const edits = contenders.map((c, i) => ({ ...c, prepare: (turn: number) => edit(join(i === 0 ? ours : ninjas, sourceOf(7)), turn) }));
    say(`${name} actions, one edit`, ...pair(inTurns(edits, runs.long, scratch)), "ratio", null);
    memory(name, ours);
    remove(ours, ninjas);
  }
}

function memory(name: string, project: string): void {
  const limit = name === "30k" ? 250 : null;
  const peak = (what: string, args: readonly string[], prepare: () => void) => {
    prepare();
    // The shell that starts fb becomes Node: one process.
    const mb = peakMemory(fbIn(project, args), scratch, write);
    add(
      `${name} actions, peak memory, ${what}`,
      [`${mb.toFixed(0)} MB`, "", "", "", "", limit === null ? "" : `<= ${limit} MB`],
      limit === null ? null : mb <= limit,
    );
  };
  peak("unchanged", [], () => {});
  peak("one edit", [], () => edit(join(project, sourceOf(7)), 1000));
  peak("cold", ["-j2", "--no-cache"], () => remove(join(project, ".fb")));
}

function oneEdit(toolchain: string): void {
  const [large, small] = [2000, 20].map((files) => {
    const folder = join(scratch, `edit${files}`);
    generated(folder, toolchain, { files, compileMs: 0 });
    time(fbIn(folder), scratch);
    time(fbIn(folder), scratch);
    return { name: `among ${files}`, ...fbIn(folder), prepare: (turn: number) => edit(join(folder, sourceOf(7)), turn) };
  });
  if (large === undefined || small === undefined) return;
  say("one edit among 2,000 files", ...pair(inTurns([large, small], runs.long * 2, scratch)), "difference", 40);
}

/** From a save to the start of the compiler, as `fb watch --json` tells it: half of it is the wait for more of the same save. */
async function watched(toolchain: string): Promise<void> {
  for (const files of quick ? [300] : [300, 10_000]) {
    const folder = join(scratch, `watch${files}`);
    generated(folder, toolchain, { files, compileMs: 0 });
    time(fbIn(folder), scratch);
    const times = await savesToStarts([fb, "watch", "--json"], folder, { FB_CACHE_DIR: cache }, join(folder, sourceOf(7)), runs.short);
    const start = { name: "fb", times: times.map((wall) => ({ wall, cpu: 0 })) };
    const limit = files === 300 ? 40 : null;
    const figure = median(times);
    add(
      `watch ${files} files: save to compiler start`,
      [figures(start), "", "", `${figure.toFixed(0)} ms`, "", limit === null ? "" : `<= ${limit} ms`],
      limit === null ? null : figure <= limit,
    );
    remove(folder);
  }
}

function libraries(toolchain: string): void {
  const { ours, ninjas } = twins("libraries", (folder) => withLibraries(folder, toolchain, 40, 12));
  const unchanged = { name: "fb", ...fbIn(ours) };
  say("40 libraries x 12 files, unchanged", ...pair(inTurns([unchanged, emptyScript], runs.short, scratch, 2)), "ratio", 1.4);
  say(
    "40 libraries x 12 files, unchanged",
    ...pair(inTurns([unchanged, { name: "ninja", ...ninjaIn(ninjas) }], runs.short, scratch)),
    "ratio",
    null,
  );
  const edits = (path: string): Contender[] => [
    { name: "fb", ...fbIn(ours), prepare: (turn) => edit(join(ours, path), turn) },
    { name: "ninja", ...ninjaIn(ninjas), prepare: (turn) => edit(join(ninjas, path), turn) },
  ];
  say("40 libraries x 12 files, one edit", ...pair(inTurns(edits("src/main.cpp"), runs.long * 2, scratch, 3)), "difference", null);
  // Read by its library's 12 sources and the program.
  const header = edits("lib/lib0/src/lib0.h");
  say("40 libraries x 12 files, a header", ...pair(inTurns(header, runs.long * 2, scratch, 3)), "difference", 80);
}

// ── all of it ──

function has(program: string): string | null {
  const ran = spawnSync(program, ["--version"], { encoding: "utf8" });
  return ran.status === 0 ? (ran.stdout.split("\n")[0] ?? "").trim() : null;
}

async function main(): Promise<void> {
  const ninja = has("ninja");
  const versions = [
    `Node ${process.versions.node}`,
    `fb ${build}`,
    `ninja ${ninja ?? "missing"}`,
    has("gcc") ?? "gcc missing",
    has("avr-gcc") ?? "avr-gcc missing",
  ];
  console.log([...versions, ...peerVersions()].join("; "));
  const before = load();
  console.log(`${before.text}${before.busy ? ": WARNING, something else runs on this machine; wall times mean nothing" : ""}`);
  if (ninja === null || has("gcc") === null) throw new Error("ninja and gcc are what fb is measured beside: install them");
  const toolchain = stubToolchain(join(scratch, "stub"));
  if (wanted("blink")) {
    if (existsSync("/usr/bin/avr-gcc")) blink();
    else console.log("blink: skipped, there is no avr-gcc");
  }
  if (wanted("compiles")) compiles(toolchain);
  if (wanted("tiny")) tiny(toolchain);
  if (wanted("graphs")) graphs(toolchain);
  if (wanted("edit")) oneEdit(toolchain);
  if (wanted("watch")) await watched(toolchain);
  if (wanted("libraries")) libraries(toolchain);
  if (wanted("packages")) await besidePipe({ scratch, fb, runs: quick ? 1 : 3, quick, say });
  if (wanted("peers")) await besidePeers({ scratch, fb, runs: runs.long, blink: join(root, "examples/blink"), toolchain, say });
  printTable();
  const after = load();
  console.log(`${after.text} at the end${after.busy ? ": WARNING, see above" : ""}`);
}

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
