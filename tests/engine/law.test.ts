/**
 * The law: after any edits, kills and failures the tree is the one that a clean build with an empty cache makes, and the next run keeps all of it.
 * FB_SEQUENCES=N runs N sequences instead of 300; FB_SEED=N starts with that seed, and FB_SEQUENCES=1 with it runs that sequence alone.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Edits, newProject } from "./edits.ts";
import { includesOf, PLANNER, planAction, PROGRAMS } from "./model.ts";
import { checkEvents, ends } from "./observe.ts";
import { Machine, type Observed, runOn, type Scenario } from "./machine.ts";
import { sameSignature } from "../../engine/files.ts";
import type { RunRequest } from "../../engine/run-request.ts";
import { newSeed, Random } from "../random.ts";

const seed = newSeed();
const sequences = Number(process.env["FB_SEQUENCES"] ?? 300);
const STEPS = 8;

const scenario: Scenario = { programs: PROGRAMS, planner: PLANNER, includesOf };

function request(envs: readonly string[]): Pick<RunRequest, "plans" | "goals"> {
  return {
    plans: envs.map(planAction),
    goals: envs.flatMap((env) => ["firmware", "objects"].map((target) => ({ env, profile: "release", target }))),
  };
}

/** What a clean machine makes of the same sources; null where an env fails. */
async function cleanBuild(machine: Machine, envs: readonly string[]): Promise<{ tree: Map<string, string>; failed: boolean }> {
  const clean = new Machine();
  for (const [path, text] of machine.disk.tree("/p"))
    if (!path.startsWith("/p/.fb/")) clean.disk.write(path, text.replace(/ \(executable\)$/, ""));
  for (const [name, value] of machine.values) clean.values.set(name, value);
  clean.disk.tick();
  const { outcome } = await runOn(clean, scenario, { ...request(envs), keepGoing: true });
  return { tree: clean.disk.tree(".fb"), failed: outcome.failures.length > 0 };
}

/** Only the requested envs' folders count. A killed compile may leave its depfile, a killed link its response file, until it runs again. */
function treeOf(machine: Machine, envs: readonly string[]): Map<string, string> {
  const own = [...machine.disk.tree(".fb")].filter(([path]) => envs.some((env) => path.startsWith(`.fb/build/${env}/`)));
  return new Map(own.filter(([path]) => !/\.o\.d$|\.rsp$/.test(path)));
}

function assertSameTree(got: Map<string, string>, want: Map<string, string>, what: string): void {
  const differences: string[] = [];
  for (const [path, text] of want) if (got.get(path) !== text) differences.push(`${path}: ${got.get(path) ?? "missing"}, want ${text}`);
  for (const path of got.keys()) if (!want.has(path)) differences.push(`${path}: should not be there`);
  assert.is(differences.join("\n"), "", what);
}

/**
 * Without what no goal needed in this run, which may stay of an earlier one: generated headers where nothing is compiled any more, parts of an env whose
 * plan failed.
 */
function withoutUnasked(tree: Map<string, string>, { outcome, events }: Observed): Map<string, string> {
  const stale = new Set(
    ends(events)
      .filter((e) => e.status === "failed")
      .flatMap((e) => [e.id, ...outcome.graph.dependants(e.id)]),
  );
  return new Map(
    [...tree].filter(([path]) => {
      const maker = outcome.graph.producer(path);
      return maker === undefined || outcome.results.has(maker) || stale.has(maker);
    }),
  );
}

/** Whether the next run would be answered from a snapshot: what this one rested on is believed and is still so on disk. */
function snapshotHolds(machine: Machine, { outcome }: Observed): boolean {
  if (!outcome.trusted) return false;
  machine.disk.tick();
  const { files } = outcome;
  if (!files.settle()) return false;
  for (const [path, before] of files.files()) {
    const now = machine.disk.sign(path);
    if (now === null || !sameSignature(now, before)) return false;
  }
  return [...files.absents()].every((path) => !machine.disk.isFile(path));
}

/** A run that something happens to: other options, a Ctrl-C, a kill, files that change under it. */
async function adventure(machine: Machine, edits: Edits, random: Random, envs: readonly string[]): Promise<void> {
  const stop = new AbortController();
  let alive = true;
  let acts = 0;
  const dies = random.chance(0.25) ? random.below(120) : -1;
  const stops = random.chance(0.15) ? random.below(120) : -1;
  let disturbances = random.chance(0.3) ? 1 + random.below(2) : 0;
  const fate = {
    act() {
      acts++;
      if (acts === dies) alive = false;
      if (acts === stops) stop.abort();
      return alive;
    },
  };
  const between = () => {
    if (!alive || disturbances === 0 || !random.chance(0.05)) return;
    disturbances--;
    edits.source();
  };
  const observed = await runOn(
    machine,
    { ...scenario, random, fate, between, slowCache: random.chance(0.2) },
    {
      ...request(envs),
      jobs: 1 + random.below(4),
      keepGoing: random.chance(0.5),
      records: random.chance(0.1) ? "no-cache" : random.chance(0.1) ? "fresh" : "use",
      dryRun: random.chance(0.05),
      commands: random.chance(0.5),
    },
    stop.signal,
  );
  if (!alive) return machine.lose(random.below(machine.pending + 1));
  machine.forgetUndo();
  checkEvents(observed, stop.signal.aborted);
  if (!snapshotHolds(machine, observed)) return;
  const clean = await cleanBuild(machine, envs);
  assertSameTree(withoutUnasked(treeOf(machine, envs), observed), clean.tree, "a trusted run's tree");
}

async function sequence(random: Random, history: string[]): Promise<void> {
  const machine = new Machine();
  newProject(machine, random);
  const edits = new Edits(machine, random, history);
  for (let step = 0; step < STEPS; step++) {
    const envs = random.pick([["a"], ["b"], ["a", "b"], ["a", "b"]]);
    for (let n = random.below(4); n > 0; n--) edits.any();
    if (random.chance(0.6)) {
      history.push(`── adventure ${envs.join(" ")} ──`);
      await adventure(machine, edits, random, envs);
    }
    history.push(`── calm ${envs.join(" ")} ──`);
    for (let n = random.below(2); n > 0; n--) edits.any();
    const clean = await cleanBuild(machine, envs);
    const calm = await runOn(machine, { ...scenario, random }, { ...request(envs), jobs: 1 + random.below(4), keepGoing: true });
    checkEvents(calm, false);
    assert.is(
      calm.outcome.failures.some((f) => f.severity === "error"),
      clean.failed,
      `failures: ${calm.outcome.failures.map((f) => f.message).join("; ")}`,
    );
    if (calm.outcome.failures.some((f) => f.exit === 3)) continue;
    const tree = treeOf(machine, envs);
    assertSameTree(withoutUnasked(tree, calm), clean.tree, "the tree after a run");
    if (random.chance(0.8)) machine.disk.tick();
    const again = await runOn(machine, { ...scenario, random }, { ...request(envs), keepGoing: true });
    assertSameTree(treeOf(machine, envs), tree, "the tree after the next run");
    if (!clean.failed)
      assert.equal(
        [again.outcome.counts.ran, again.outcome.counts.hits],
        [0, 0],
        JSON.stringify(again.events.filter((e) => e.type === "end")),
      );
    if (random.chance(0.7)) machine.disk.tick();
  }
}

test(`the law, ${sequences} sequences from seed ${seed}`, async () => {
  for (let i = 0; i < sequences; i++) {
    const random = new Random(seed + i);
    const history: string[] = [];
    try {
      await sequence(random, history);
    } catch (error) {
      console.error(`the law is broken by FB_SEED=${seed + i} FB_SEQUENCES=1\n${history.join("\n")}`);
      throw error;
    }
  }
});

test.run();
