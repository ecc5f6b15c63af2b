/** fb ended by SIGKILL at random moments: the next run is right, the cache is sound, nobody is left at work and nothing is written late. */
import { existsSync, rmSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isClean, isSound, isSpoken, later, OUT, projectOf, rounds, seeded, sources, waitFor, workersIn } from "./faults.ts";
import { freshFolder, isNoop, result, TestProject } from "./harness.ts";
import type { Random } from "../random.ts";

/** FB_KILLS=100 for the whole proof. */
const KILLS = rounds("FB_KILLS", 12);
const VERSIONS = [1, 2, 3];

/** What a run that will be killed has to do. */
const SITUATIONS = ["a first build", "an edit of all", "all to restore", "an edit of all, to restore"] as const;

/** Milliseconds that a whole build takes here and now, cold and from the cache. */
function lengths(): { readonly cold: number; readonly warm: number; readonly cache: string } {
  const cache = freshFolder("warm");
  const timed = (version: number): number => {
    const project = projectOf(sources(version), cache);
    const began = performance.now();
    project.run();
    return performance.now() - began;
  };
  const cold = Math.max(...VERSIONS.map(timed));
  return { cold, warm: timed(1), cache };
}

/** Puts the project into a situation; the milliseconds that its build takes at most. */
function prepare(project: TestProject, is: (typeof SITUATIONS)[number], length: { readonly cold: number; readonly warm: number }): number {
  if (is === "a first build" && project.exists(".fb")) project.remove(".fb");
  if (is === "all to restore" && project.exists(".fb/build")) project.remove(".fb/build");
  return is.endsWith("to restore") ? length.warm : length.cold;
}

async function killedAtRandom(whole: boolean, kills: number, random: Random, seed: number): Promise<void> {
  const length = lengths();
  const folder = projectOf({}).folder;
  const moments: number[] = [];
  let unfinished = 0;
  for (let i = 0; i < kills; i++) {
    const situation = random.pick(SITUATIONS);
    const what = `seed ${seed}, kill ${i}: ${situation}`;
    const cache = situation.endsWith("to restore") ? length.cache : freshFolder("cache");
    const before = sources(random.pick(VERSIONS));
    const project = new TestProject(before, { folder, cache });
    const moment = random.next() * 1.05 * prepare(project, situation, length);
    const running = project.start(["run", "--json"], { group: whole });
    await later(moment);
    moments.push(moment);
    // It may have ended by itself.
    if (running.child.exitCode === null) process.kill(whole ? -(running.child.pid ?? 0) : (running.child.pid ?? 0), "SIGKILL");
    if ((await running.ended).code === null) unfinished++;
    const left = workersIn(folder).map((w) => `${w.pid} ${w.start}`);
    // Sometimes the sources are others again when the next run comes.
    const version = random.below(4) === 0 ? random.pick(VERSIONS) : Number(project.read("VERSION"));
    const files = sources(version);
    for (const [path, text] of Object.entries(files)) if (project.read(path) !== text) project.write(path, text);
    const next = project.run();
    assert.is(result(next).status, "ok", what);
    isSpoken(next, what);
    assert.equal(
      workersIn(folder).filter((w) => left.includes(`${w.pid} ${w.start}`)),
      [],
      `${what}: somebody of the killed run outlived the next one`,
    );
    isClean(project, files, what);
    const written = modified(project);
    await waitFor("everybody to be gone", () => workersIn(folder).length === 0);
    assert.equal(modified(project), written, `${what}: written late`);
    isSound(project, what);
    isNoop(project.run(), what);
    if (cache !== length.cache) rmSync(cache, { recursive: true });
  }
  assert.ok(kills < 10 || unfinished > kills / 4, `${unfinished} of ${kills} were killed before their end`);
  process.stdout.write(`(${unfinished} of ${kills} unfinished) `);
}

function modified(project: TestProject): Record<string, number> {
  return Object.fromEntries(Object.keys(project.tree(".fb/build")).map((path) => [path, project.mtime(`.fb/build/${path}`)]));
}

for (const [whole, name] of [
  [true, "the process group"],
  [false, "fb alone"],
] as const)
  test(`kill -9 of ${name} at random moments`, async () => {
    const { seed, random } = seeded();
    await killedAtRandom(whole, KILLS, random, seed);
  });

/** A step that leaves what tools leave when they are killed, then waits for ever, or ends. */
const step = (end: string) =>
  `schema = 1\n[[step]]\nname = "slow"\nout = "\${build}/made.txt"\nsh = "touch $(dirname \${out})/stRAY123 $(dirname \${out})/made.map; touch \${out}; ${end}"\n`;

for (const signal of ["SIGKILL", "SIGINT"] as const)
  test(`${signal}: temporary files that a killed tool left in the output folder go, by-products and what was there before stay`, async () => {
    const project = projectOf({ ...sources(1), "fb.toml": step("sleep 1000") + sources(1)["fb.toml"]?.replace("schema = 1\n", "") });
    // In a folder of which nothing is recorded all counts as left over.
    project.run();
    project.write(`${OUT}/mine.txt`, "put here by someone");
    const running = project.start(["run", "slow", "--json"]);
    await waitFor("the step", () => project.exists(`${OUT}/made.txt`));
    running.child.kill(signal);
    await running.ended;
    if (signal === "SIGINT") assert.not.ok(project.exists(`${OUT}/stRAY123`));
    assert.ok(project.exists(`${OUT}/made.map`));
    project.write("fb.toml", step("true").replace(/touch .*?;/, "") + sources(1)["fb.toml"]?.replace("schema = 1\n", ""));
    project.run([":slow", ":firmware"]);
    const there = Object.keys(project.tree(OUT));
    assert.equal([there.includes("stRAY123"), there.includes("mine.txt"), there.includes("made.map")], [false, true, true]);
  });

test("temporary files of a killed run go also where the next one takes its plan from the cache", async () => {
  const gone = freshFolder("gone");
  const project = projectOf({
    ...sources(1),
    "fb.toml": `${step("true").replace(/sh = .*/, `sh = "[ -e ${gone}/x ] || { touch $(dirname \${out})/stRAY123 ${gone}/x; sleep 1000; }; touch \${out}"`)}${sources(1)["fb.toml"]?.replace("schema = 1\n", "")}`,
  });
  project.run();
  const running = project.start(["run", "slow", "--json"]);
  await waitFor("the step", () => existsSync(`${gone}/x`));
  running.child.kill("SIGKILL");
  await running.ended;
  project.remove(".fb/state/db");
  project.run([":slow", ":firmware"]);
  assert.not.ok(project.exists(`${OUT}/stRAY123`));
});

test.run();
