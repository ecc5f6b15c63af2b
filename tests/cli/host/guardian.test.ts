import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openGuardian } from "../../../cli/host/guardian.ts";
import { acquireLock, type Holder } from "../../../cli/host/lock.ts";
import { openSlots } from "../../../cli/host/slots.ts";
import { type Fake, isAlive, marked, startFake, tempDir } from "./help.ts";
import { newSeed, Random } from "../../random.ts";

const never = new AbortController().signal;
const random = new Random(newSeed());

/** The whole content of a folder but fb's own. */
function content(dir: string): string {
  return JSON.stringify(
    fs
      .readdirSync(dir)
      .filter((n) => n !== ".fb")
      .sort()
      .map((n) => [n, fs.readFileSync(path.join(dir, n), "latin1"), fs.statSync(path.join(dir, n)).mtimeMs]),
  );
}

// Writes without end, also from a grandchild, and no signal but SIGKILL stops it.
const WRITER = ["sh", "-c", "trap '' TERM INT HUP; sh -c 'while :; do echo x >>endless; done' & while :; do echo y >>endless2; done"];

async function killed(fake: Fake, dir: string, mark: string, say: string): Promise<void> {
  for (let turns = random.below(200); turns > 0; turns--) await new Promise(setImmediate);
  fake.child.kill("SIGKILL");
  await fake.exited;
  const lock = await acquireLock(dir, { request: [], onWait: () => {}, stop: never, form: null });
  assert.ok(lock !== null);
  assert.equal(marked(mark), [], say);
  const before = content(dir);
  for (let i = 0; i < 200; i++) await new Promise(setImmediate);
  assert.is(content(dir), before, say);
  lock?.release();
}

const ROUNDS = 24;
test(`kill -9 of fb at any moment leaves no action and no late write (${ROUNDS} rounds)`, async () => {
  // Beside the writer short actions, so that slots are in every state.
  const short = Array.from({ length: 2000 }, (_, i) => ["sh", "-c", `echo ${i} >out${i % 3}`]);
  for (let round = 0; round < ROUNDS; round++) {
    const dir = tempDir();
    const mark = crypto.randomUUID();
    const fake = startFake(dir, [[WRITER], short], { FB_MARK: mark });
    // 0: while it starts, before its first words.
    const lines = random.below(12);
    for (let i = 0; i < lines; i++) await fake.next();
    await killed(fake, dir, mark, `round ${round}, killed after line ${lines}`);
  }
});

test("the next fb waits for the end of what a killed fb ran", async () => {
  const dir = tempDir();
  const mark = crypto.randomUUID();
  const fake = startFake(dir, [[["sh", "-c", "echo $$ >pid; exec 2>&-; while :; do :; done"]]], { FB_MARK: mark });
  assert.equal(await fake.next(), { locked: fake.child.pid });
  while (!fs.existsSync(path.join(dir, "pid")) || fs.readFileSync(path.join(dir, "pid"), "utf8") === "") await new Promise(setImmediate);
  const waits: (Holder | null)[] = [];
  const next = acquireLock(dir, { request: [], onWait: (h) => waits.push(h), stop: never, form: null });
  while (waits.length === 0) await new Promise(setImmediate);
  assert.is(waits[0]?.pid, fake.child.pid);
  assert.equal(waits[0]?.request, [":fake"]);
  const action = Number(fs.readFileSync(path.join(dir, "pid"), "utf8"));
  assert.ok(isAlive(action));
  fake.child.kill("SIGKILL");
  const lock = await next;
  assert.not(isAlive(action));
  assert.equal(marked(mark), []);
  lock?.release();
});

test("a released lock is free though the guardian lives", async () => {
  const dir = tempDir();
  const take = () => acquireLock(dir, { request: [], onWait: () => {}, stop: never, form: null });
  const lock = await take();
  const guardian = openGuardian({ lock, shell: "/bin/sh" });
  const o = { slots: 1, cwd: dir, base: { PATH: "/usr/bin:/bin" }, logDir: path.join(dir, "l"), shell: "/bin/sh" };
  const runner = openSlots({ ...o, guardian });
  await runner.run({ argv: ["true"], vars: {} }, never);
  lock?.release();
  const again = await take();
  assert.ok(again !== null);
  assert.equal((await runner.run({ argv: ["true"], vars: {} }, never)).exit, { is: "exited", code: 0 }, "slots go on");
  again?.release();
  await runner.close();
  await guardian.close();
});

test("a killed guardian is replaced, and close ends it", async () => {
  const dir = tempDir();
  const children = () => fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  const before = children();
  const guardian = openGuardian({ lock: null, shell: "/bin/sh" });
  const runner = openSlots({
    slots: 1,
    cwd: dir,
    base: { PATH: "/usr/bin:/bin" },
    logDir: path.join(dir, "l"),
    shell: "/bin/sh",
    guardian,
  });
  const slot = Number((await runner.run({ argv: ["sh", "-c", "echo $PPID"], vars: {} }, never)).log);
  const guards = () => children().filter((c) => !before.includes(c) && c !== slot);
  const first = guards()[0] ?? 0;
  assert.ok(first > 0);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(first, signal);
  process.kill(first, "SIGKILL");
  while (guards().length === 0 || guards().includes(first)) await new Promise(setImmediate);
  const second = guards()[0] ?? 0;
  // The second guards the slot too: closed with a slot left, it kills it.
  await guardian.close();
  assert.not(isAlive(second));
  assert.not(isAlive(slot));
  await runner.close();
  assert.equal(
    children().filter((c) => !before.includes(c)),
    [],
  );
});

test("the guardian ignores what a terminal sends", async () => {
  const dir = tempDir();
  const mark = crypto.randomUUID();
  const fake = startFake(dir, [[["sh", "-c", "echo >up; while :; do :; done"]]], { FB_MARK: mark });
  while (!fs.existsSync(path.join(dir, "up"))) await new Promise(setImmediate);
  const children = fs.readFileSync(`/proc/${fake.child.pid}/task/${fake.child.pid}/children`, "utf8").trim().split(" ").map(Number);
  const guards = children.filter((c) => fs.readFileSync(`/proc/${c}/cmdline`, "latin1").includes("trap ''"));
  assert.is(guards.length, 1);
  // From its first line on.
  while (!/^SigIgn:\s*\w*5007$/m.test(fs.readFileSync(`/proc/${guards[0]}/status`, "latin1"))) await new Promise(setImmediate);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.kill(guards[0] ?? 0, signal);
  fake.child.kill("SIGKILL");
  const lock = await acquireLock(dir, { request: [], onWait: () => {}, stop: never, form: null });
  assert.equal(marked(mark), []);
  lock?.release();
});

test.run();
