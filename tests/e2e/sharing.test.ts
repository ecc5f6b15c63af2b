/** One cache under many hands: builds, cleans, collections and clearings of several projects at once. All succeed, and what they make is what a clean build makes. */
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isClean, isSound, isSpoken, projectOf, rounds, seeded, sources } from "./faults.ts";
import { freshFolder, type Ran, TestProject } from "./harness.ts";

/** How many times ten processes meet: FB_MEETINGS=20 for more. */
const MEETINGS = rounds("FB_MEETINGS", 1);
const WORDS = [["run", "--json"], ["run", "--json", "--no-cache"], ["clean"], ["cache", "gc"], ["cache", "stats"]] as const;

/** Hours ago, so that a collection may take it: what was put or used within the hour stays. */
function age(project: TestProject): void {
  const then = Date.now() / 1000 - 7200;
  for (const path of Object.keys(new TestProject({}, { folder: join(project.cache, "blobs") }).tree(".")))
    utimesSync(join(project.cache, "blobs", path), then, then);
}

test("two projects, ten processes, one cache: builds, cleans and collections, cold and warm", async () => {
  const { seed, random } = seeded();
  for (let i = 0; i < MEETINGS; i++) {
    const cache = freshFolder("cache");
    const vars = { FB_CACHE_LIMIT: random.below(2) === 0 ? "1k" : undefined };
    const projects = [1, 2].map((version) => ({ files: sources(version, 2), project: projectOf(sources(version, 2), cache) }));
    if (random.below(2) === 0) {
      projectOf(sources(1, 2), cache).run();
      age(projects[0]?.project ?? projectOf({}));
    }
    const runs: Promise<readonly [string, Ran]>[] = [];
    for (let n = 0; n < 10; n++) {
      const words = n < 2 ? WORDS[0] : random.pick(WORDS);
      const { project } = projects[n % 2] ?? random.pick(projects);
      runs.push(project.start(words, { vars }).ended.then((ran) => [words.join(" "), ran] as const));
    }
    for (const [words, ran] of await Promise.all(runs)) {
      const what = `seed ${seed}, meeting ${i}: ${words}`;
      isSpoken(ran, what);
      assert.is(ran.code, 0, `${what}\n${ran.stderr}`);
    }
    for (const { files, project } of projects) {
      project.run();
      isClean(project, files, `seed ${seed}, meeting ${i}`);
      isSound(project, `seed ${seed}, meeting ${i}`);
    }
  }
});

test("a collection down to nothing while a build takes from the cache: the build succeeds and is right", async () => {
  const files = sources(1, 2);
  const first = projectOf(files);
  first.run();
  for (const moment of ["plan", "start", "end"]) {
    age(first);
    const project = projectOf(files, first.cache);
    const running = project.start(["run", "--json"]);
    await running.until((e) => e.type === moment || e.type === "result");
    const collected = first.fb(["cache", "gc"], { vars: { FB_CACHE_LIMIT: "1k" } });
    assert.is(collected.code, 0, collected.stderr);
    const ran = await running.ended;
    isSpoken(ran, moment);
    assert.is(ran.code, 0, ran.stderr);
    isClean(project, files, `collected at its first ${moment}`);
    isSound(project, moment);
  }
});

test("the cache is cleared while others build from it: they succeed and are right", async () => {
  const files = sources(1, 6);
  const cache = freshFolder("cache");
  const projects = [1, 2].map(() => projectOf(files, cache));
  const runs = projects.map((p) => p.start(["run", "--json"]));
  await runs[0]?.until((e) => e.type === "end");
  const cleared = projects[0]?.fb(["cache", "clear"]);
  // 4: it says that others use the cache.
  assert.ok(cleared?.code === 0 || cleared?.code === 4, cleared?.stderr);
  for (const run of runs) {
    const ran = await run.ended;
    assert.is(ran.code, 0, ran.stderr);
  }
  for (const project of projects) {
    project.run();
    isClean(project, files, "cleared");
  }
});

test.run();
