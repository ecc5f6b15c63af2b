/** A project's memory: what was set is there in the next run, whatever the order, and damage costs the last batch at most. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Run, RunAction } from "../../engine/run-record.ts";
import { LocalState } from "../../cache/state.ts";
import type { LastRun } from "../../engine/types.ts";
import { keyOf, sha, someReads, someResult, staticKeyOf, temporary } from "./help.ts";
import { newSeed, Random } from "../random.ts";

function open(folder: string): LocalState {
  const state = LocalState.open(folder);
  if (!state.ok) throw new Error(state.failure.message);
  return state.value;
}

function run(name: string): LastRun {
  const evidence = {
    fields: [
      ["arg", "-Os"],
      ["arg", name],
    ],
    inputs: someReads(4, name).map((r) => [r.is, r.path, sha(r.path)]),
  };
  return {
    staticKey: staticKeyOf(name),
    key: keyOf(name),
    result: { ...someResult(name), reads: someReads(name.length, "") },
    evidence: JSON.stringify(evidence),
  };
}

const emptyRun: Omit<Run, "run"> = {
  time: "2026-01-01T00:00:00.000Z",
  request: [":firmware"],
  status: "ok",
  ms: 1,
  counts: { actions: 0, ran: 0, hits: 0, upToDate: 0, failed: 0 },
  builds: [],
  targets: {},
  tools: {},
  actions: [],
  links: {},
  plans: {},
  gone: [],
};
const emptyAction: RunAction = {
  name: "x",
  kind: "compile",
  env: "uno",
  label: "x",
  status: "ran",
  ms: 1,
  why: [],
  origin: null,
  before: null,
  after: null,
  same: false,
};

const plain = (r: LastRun | undefined) => r && { staticKey: r.staticKey, key: r.key, result: r.result, evidence: r.evidence };

test("the folder marks itself as ignorable", () => {
  const folder = join(temporary(), ".fb");
  open(folder);
  assert.is(readFileSync(join(folder, ".gitignore"), "utf8"), "*\n");
  assert.match(readFileSync(join(folder, "CACHEDIR.TAG"), "utf8"), /^Signature: 8a477f597d28d172789f06886806bc55\n/);
});

test("generated histories: every run sees what the last one left", async () => {
  const folder = temporary();
  const random = new Random(newSeed());
  const model = new Map<string, LastRun>();
  for (let session = 0; session < 30; session++) {
    const state = open(folder);
    for (const [name, r] of model) {
      assert.equal(plain(state.last(name)), r);
      assert.is(state.duration(name), r.result.ms);
    }
    assert.equal(state.actions().sort(), [...model.keys()].sort());
    for (let i = 0; i < random.next() * 200; i++) {
      const name = `env/release/compile:${random.below(60)}.o`;
      if (random.next() < 0.2) {
        state.forget(name);
        model.delete(name);
        assert.is(state.last(name), undefined);
      } else {
        const r = run(`${name}${random.below(5)}`);
        state.setLast(name, r);
        model.set(name, r);
        assert.equal(plain(state.last(name)), r);
      }
      if (random.next() < 0.02) await state.flush();
    }
    await state.flush();
    assert.is(state.failure, null);
  }
});

test("a record's odd texts", async () => {
  const folder = temporary();
  const a = open(folder);
  const odd: LastRun = {
    staticKey: staticKeyOf(""),
    key: keyOf(""),
    result: { outputs: [], log: "", reads: [], grown: new Uint8Array(), ms: 0.1, origin: "" },
    evidence: "",
  };
  a.setLast("", odd);
  a.setLast("ü", {
    ...odd,
    evidence: JSON.stringify({ fields: [["a", "\0"]], inputs: [] }),
    result: { ...odd.result, log: "\0\n€", grown: Uint8Array.of(0, 255) },
  });
  await a.flush();
  const b = open(folder);
  assert.equal(plain(b.last("")), odd);
  assert.is(b.last("ü")?.result.log, "\0\n€");
  assert.equal(b.last("ü")?.result.grown, Uint8Array.of(0, 255));
  assert.is(b.last("ü")?.evidence, JSON.stringify({ fields: [["a", "\0"]], inputs: [] }));
});

test("what was given out stays right when the file is rewritten", async () => {
  const folder = temporary();
  const a = open(folder);
  for (let i = 0; i < 300; i++) a.setLast(`gone ${i}`, run(`gone ${i}`));
  a.setLast("kept", run("kept"));
  await a.flush();
  const b = open(folder);
  const kept = b.last("kept");
  const before = statSync(join(folder, "state", "db")).size;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 300; i++) b.forget(`gone ${i}`);
    for (let i = 0; i < 100; i++) b.setLast(`new ${i}`, run(`new ${i} ${round}`));
    await b.flush();
  }
  assert.equal(plain(kept), run("kept"));
  assert.equal(plain(b.last("kept")), run("kept"));
  assert.ok(statSync(join(folder, "state", "db")).size < before * 10);
  const c = open(folder);
  assert.equal(c.actions().length, 101);
});

test("a file cut or damaged anywhere: whole batches stay, the rest is forgotten, and it can be written again", async () => {
  const folder = temporary();
  const file = join(folder, "state", "db");
  const a = open(folder);
  const ends: number[] = [];
  for (let i = 0; i < 5; i++) {
    a.setLast(`a${i}`, run(`a${i}`));
    await a.flush();
    ends.push(statSync(file).size);
  }
  const whole = readFileSync(file);
  const random = new Random(newSeed());
  for (let i = 0; i < 150; i++) {
    const at = random.below(whole.length);
    writeFileSync(file, whole);
    if (i % 2 === 0) truncateSync(file, at);
    else {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] as number) ^ (1 << random.below(8));
      writeFileSync(file, bad);
    }
    // The generation only leads to the evidence.
    if (at >= 8 && at < 16) continue;
    const sound = at < 8 ? 0 : ends.filter((e) => e <= at).length;
    const b = open(folder);
    for (let k = 0; k < 5; k++) assert.equal(plain(b.last(`a${k}`)), k < sound ? run(`a${k}`) : undefined, `byte ${at} action ${k}`);
    b.setLast("again", run("again"));
    await b.flush();
    const c = open(folder);
    assert.equal(plain(c.last("again")), run("again"));
    for (let k = 0; k < sound; k++) assert.equal(plain(c.last(`a${k}`)), run(`a${k}`));
  }
  writeFileSync(file, whole);
  appendFileSync(file, Buffer.alloc(4096));
  assert.equal(open(folder).actions().length, 5);
});

test("outputs of a folder are on disk when the promise settles", async () => {
  const folder = temporary();
  const a = open(folder);
  assert.equal(a.outputs(".fb/build/uno/release"), []);
  await a.setOutputs(".fb/build/uno/release", ["a.o", "dir/ü b.o"]);
  await a.setOutputs(".fb/build/uno/debug", ["c.o"]);
  const b = open(folder);
  assert.equal(b.outputs(".fb/build/uno/release"), ["a.o", "dir/ü b.o"]);
  assert.equal(b.outputs(".fb/build/uno/debug"), ["c.o"]);
  await b.setOutputs(".fb/build/uno/debug", []);
  assert.equal(open(folder).outputs(".fb/build/uno/debug"), []);
});

test("history keeps the last twenty runs; one that was half written is none, and its number is not given again", () => {
  const folder = temporary();
  const a = open(folder);
  assert.equal(a.history.numbers(), []);
  const run = (i: number) => ({ ...emptyRun, request: [`ü\n${i}`] });
  for (let i = 1; i <= 25; i++) a.addRun(run(i));
  const b = open(folder).history;
  assert.equal(
    b.numbers(),
    Array.from({ length: 20 }, (_, i) => 25 - i),
  );
  assert.equal(b.run(6), { ...run(6), run: 6 });
  assert.is(b.run(5), null);
  writeFileSync(join(folder, "state/history/26"), "half");
  assert.is(b.run(26), null);
  a.addRun(run(27));
  assert.equal(b.numbers().slice(0, 3), [27, 26, 25]);
});

test("evidence that the history names outlives the rewrite of the state", async () => {
  const folder = temporary();
  const a = open(folder);
  const evidence = (n: number) => JSON.stringify({ fields: [["arg", String(n)]], inputs: [], declared: 0 });
  a.setLast("x", { ...run("x"), evidence: evidence(0) });
  await a.flush();
  const first = a.changed("x")?.after ?? null;
  a.addRun({ ...emptyRun, actions: [{ ...emptyAction, after: first }] });
  for (let i = 1; i < 2500; i++) {
    a.setLast("x", { ...run("x"), evidence: evidence(i) });
    if (i % 10 === 0) await a.flush();
  }
  await a.flush();
  const b = open(folder);
  assert.is.not(first, null);
  assert.is(b.evidence(first ?? [0, 0, 0]), evidence(0));
  assert.is(b.last("x")?.evidence, evidence(2499));
});

test("sizes are those of the last link of each env and profile", () => {
  const folder = temporary();
  const b = open(folder);
  const size = { env: "uno", flash: { used: 10, total: 20 }, ram: { used: 1, total: null } };
  assert.is(b.sizes("uno", "release"), null);
  b.setSizes("release", size);
  b.setSizes("debug", { ...size, flash: { used: 11, total: 20 } });
  assert.equal(open(folder).sizes("uno", "release"), size);
});

test("a folder that cannot be made is a failure that names it", () => {
  const folder = temporary();
  writeFileSync(join(folder, ".fb"), "");
  const state = LocalState.open(join(folder, ".fb"));
  assert.ok(!state.ok && state.failure.exit === 4 && state.failure.message.includes(join(folder, ".fb")));
  assert.ok(existsSync(join(folder, ".fb")));
});

test.run();
