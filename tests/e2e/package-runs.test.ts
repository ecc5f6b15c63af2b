/** Packages while they come, through the binary: what is said of them, and what an interruption or a kill leaves. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Store } from "../../cache/store.ts";
import type { Event } from "../../engine/types.ts";
import { later, rounds, seeded, waitFor } from "./faults.ts";
import { diagnostics, freshFolder, type Ran, type RunOptions, type Running, result, TestProject } from "./harness.ts";
import { archive, type Content, PackageServer } from "./package-server.ts";

/** FB_KILLS=30 for the whole proof. */
const KILLS = rounds("FB_KILLS", 4);

const server = await PackageServer.start();
test.after(() => void server.close());

/** Libraries of several hundred files, so that they take a moment. */
function library(name: string, files: number): Content {
  const content: Record<string, string> = {
    "library.json": `{"name":"${name}","version":"1.0.0"}`,
    [`src/${name}.h`]: `#define ${name.toUpperCase()} 7\n`,
  };
  for (let i = 0; i < files; i++) content[`extras/e${i % 20}/${i}.txt`] = `${i * 7919}\n`.repeat(200);
  return content;
}

const BIG = server.put("big.tar.gz", archive("big.tar.gz", library("Big", 1500)));
const SMALL = server.put("small.tar.xz", archive("small.tar.xz", library("Small", 3)));
const INI = `[env:a]\nplatform = native\nlib_deps =\n  Big=${BIG}\n  Small=${SMALL}\n`;
const MAIN = "#include <Big.h>\n#include <Small.h>\nint main() { return BIG - SMALL; }\n";

function project(): TestProject {
  return new TestProject({ "platformio.ini": INI, "src/main.cpp": MAIN });
}

function start(p: TestProject, options: RunOptions & { readonly group?: boolean } = {}): Running {
  return p.start(["run", "--json"], options);
}

function of(ran: Pick<Ran, "events">, name: string): Extract<Event, { type: "fetch" }>[] {
  return ran.events.filter((e) => e.type === "fetch").filter((e) => e.package === name);
}

function isFetch(name: string, state: string, bytes: number): (e: Event) => boolean {
  return (e) => e.type === "fetch" && e.package === name && e.state === state && e.bytes >= bytes;
}

/** Names in a folder of the cache. */
function names(p: TestProject, folder: string): string[] {
  const path = join(p.cache, folder);
  return existsSync(path) ? readdirSync(path) : [];
}

async function isWhole(p: TestProject, ran: Ran, what: string): Promise<void> {
  assert.is(ran.code, 0, `${what}\n${ran.stderr}`);
  const store = new Store(join(p.cache, "packages"));
  const packages = store.list();
  assert.equal(packages.map((each) => each.name).sort(), ["Big", "Small"], what);
  for (const each of packages) assert.ok((await store.verify(each)).ok, `${what}: ${each.name}`);
  assert.equal(
    [...names(p, "downloads"), ...names(p, "packages")].filter((name) => name.startsWith(".")),
    [],
    `${what}: nothing is left over`,
  );
}

/** It ended as an interruption, which is no failure of anything. */
function isInterrupted(ran: Ran): void {
  assert.is(ran.code, 130, ran.stderr);
  assert.is(result(ran).status, "cancelled");
  assert.equal(diagnostics(ran), []);
  assert.not.match(ran.stderr, /error|abort/i);
  assert.match(ran.stderr, /interrupted after/);
}

test("JSON has each package's states in order, people one line at its begin and one at its end", async () => {
  const p = project();
  const release = server.hold("big.tar.gz");
  const running = start(p);
  await running.until(isFetch("Big", "downloading", 1));
  await running.untilError(/^fetching Big \(.*B\) from http:.*\/big\.tar\.gz$/m);
  release();
  const ran = await running.ended;
  await isWhole(p, ran, "a run");
  for (const name of ["Big", "Small"]) {
    const states = of(ran, name).map((e) => e.state);
    const changes = states.filter((state, i) => state !== states[i - 1] && state !== "waiting");
    assert.equal(changes, ["downloading", "unpacking", "installing", "done"]);
    const last = of(ran, name).at(-1);
    assert.ok(last !== undefined && last.bytes > 0 && last.bytes === last.total);
    assert.is(ran.stderr.match(new RegExp(`^fetched ${name}: .* in .* s$`, "gm"))?.length, 1, ran.stderr);
    assert.not.match(ran.stderr, new RegExp(`(fetch|extract|install) ${name}`));
  }
  assert.ok(!ran.stdout.includes('"type":"progress"') && !ran.stdout.includes('"type":"queued"'));
  // From the downloads: at most a line.
  const other = new TestProject({ "platformio.ini": INI, "fb.lock": p.read("fb.lock"), "src/main.cpp": MAIN }, { cache: p.cache });
  const stored = await start(other).ended;
  assert.is(stored.code, 0);
  assert.not.match(stored.stderr, /Big|Small/);
});

test("Ctrl-C while a package comes: no error, what came is kept, and the next run goes on from there", async () => {
  const p = project();
  const release = server.hold("big.tar.gz");
  const running = start(p);
  await running.until(isFetch("Big", "downloading", 1));
  await running.until(isFetch("Small", "done", 1));
  running.child.kill("SIGINT");
  isInterrupted(await running.ended);
  release();
  assert.equal(names(p, "downloads").filter((name) => name.startsWith(".")).length, 1);
  assert.match(names(p, "downloads").join(" "), /\.part-[0-9a-f]{16}-free/);
  assert.equal(
    names(p, "packages").filter((name) => name.startsWith(".")),
    [],
  );
  server.resumed.length = 0;
  await isWhole(p, await start(p).ended, "the next run");
  assert.equal(server.resumed, ["/big.tar.gz"]);
});

test("Ctrl-C while a package is unpacked: nothing of it stays but its archive", async () => {
  const p = project();
  const running = start(p);
  await running.until(isFetch("Big", "unpacking", 0));
  running.child.kill("SIGINT");
  isInterrupted(await running.ended);
  assert.equal(
    [...names(p, "packages"), ...names(p, "downloads")].filter((name) => name.startsWith(".")),
    [],
  );
  await isWhole(p, await start(p).ended, "the next run");
});

test("Ctrl-C while a registry's client is at work: it is ended with all that it started", async () => {
  const first = project();
  assert.is((await start(first).ended).code, 0);
  // What is locked is asked of nobody else.
  const lock = first.read("fb.lock").replace(BIG, "pypi:big@1.0.0");
  const p = new TestProject({ "platformio.ini": INI.replace(BIG, BIG), "fb.lock": lock, "src/main.cpp": MAIN });
  const bin = freshFolder("bin");
  writeFileSync(join(bin, "pip"), `#!/bin/sh\nsleep 1000 &\necho $! $$ > ${bin}/pids.new; mv ${bin}/pids.new ${bin}/pids\nwait\n`, {
    mode: 0o755,
  });
  const running = start(p, { vars: { PATH: `${bin}:${process.env["PATH"]}` } });
  await waitFor("the client", () => existsSync(join(bin, "pids")));
  running.child.kill("SIGINT");
  isInterrupted(await running.ended);
  const pids = readFileSync(join(bin, "pids"), "utf8").trim().split(" ").map(Number);
  assert.is(pids.length, 2);
  await waitFor("the client's end", () => pids.every((pid) => !isRunning(pid)));
  assert.equal(
    names(p, "downloads").filter((name) => name.startsWith(".")),
    [],
  );
});

/** A process that is dead and not yet waited for by its parent is none. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("kill -9 at random moments of a fetch and an install: the next run completes, and nothing is left over", async () => {
  const { seed, random } = seeded();
  const began = performance.now();
  const whole = project();
  assert.is((await start(whole).ended).code, 0);
  const length = performance.now() - began;
  for (let i = 0; i < KILLS; i++) {
    const p = project();
    const moment = random.next() * length;
    const release = random.below(3) === 0 ? server.hold("big.tar.gz") : () => {};
    const running = start(p, { group: true });
    await later(moment);
    if (running.child.exitCode === null) process.kill(-(running.child.pid ?? 0), "SIGKILL");
    await running.ended;
    release();
    await isWhole(p, await start(p).ended, `seed ${seed}, kill ${i}, after ${Math.round(moment)} ms`);
  }
});

test.run();
