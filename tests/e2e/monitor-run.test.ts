/** `:monitor` in a run, after a flash, and through `fb watch`: on a virtual Uno that real avrdude writes, and on a device behind TCP. */
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { connectDaemon } from "../../cli/daemon/client.ts";
import type { Event } from "../../engine/types.ts";
import { TcpDevice } from "../cli/device/far.ts";
import { AVR, ends, type Ran, type Running, result, TestProject, unoCache } from "./harness.ts";

const missing = ["avrdude", "avr-gcc"].filter((tool) => spawnSync(tool, ["-?"]).error !== undefined);
if (missing.length > 0) process.stdout.write(`(not tested: ${missing.join(" and ")} missing) `);
const flashes = missing.length > 0 ? test.skip : test;
const vars = { FB_DAEMON_PORT: "0" };
const projects: TestProject[] = [];
test.after(() => {
  for (const project of projects) project.fb(["daemon", "kill"], { vars });
});

const SKETCH = `#include <Arduino.h>
unsigned long n = 0;
void setup() { Serial.begin(115200); Serial.println("begin A"); }
void loop() { Serial.print("n "); Serial.println(n++); delay(20); }
`;

function uno(): TestProject {
  const project = new TestProject(
    { "platformio.ini": `[env:uno]\n${AVR}monitor_speed = 115200\n`, "src/main.cpp": SKETCH },
    { cache: unoCache() },
  );
  projects.push(project);
  return project;
}

function lines(events: readonly Event[]): string[] {
  return events.flatMap((e) => (e.type === "serial" && e.partial !== true ? [e.line] : []));
}

/** Numbered lines without a gap, after what each start says. */
function assertWhole(said: readonly string[]): void {
  let next: number | null = null;
  for (const line of said) {
    const [, number] = /^n (\d+)$/.exec(line) ?? [];
    if (number === undefined) next = line.startsWith("begin ") ? 0 : next;
    else {
      if (next !== null) assert.is(Number(number), next, said.join(" | "));
      next = Number(number) + 1;
    }
  }
}

flashes("fb run :flash :monitor: nothing is missed after the reset; the patterns decide; the result comes last", async () => {
  const project = uno();
  const args = ["run", ":flash", ":monitor", "-p", "sim:uno", "--json", "--timeout", "60"];
  const good: Ran = await project.start([...args, "--halt-on-success", "^n 20$", "--expect", "begin"], { vars }).ended;
  assert.is(good.code, 0, good.stderr);
  const said = lines(good.events);
  // A fresh board says nothing before it is flashed.
  assert.is(said[0], "begin A");
  assertWhole(said);
  assert.equal([good.events.at(-1)?.type, result(good).exitCode], ["result", 0]);
  assert.ok(good.events.some((e) => e.type === "serial" && e.device === "sim:uno"));
  const bad = await project.start([...args, "--halt-on-error", "^N 3$"], { vars }).ended;
  assert.equal([bad.code, result(bad).status], [1, "failed"]);
  const deploy = ["deploy", "-p", "sim:uno", "--json", "--monitor=--timeout 60 --halt-on-success '^n 3$'"];
  assert.is((await project.start(deploy, { vars }).ended).code, 0);
});

flashes(
  "fb watch :monitor: a comment is no flash; code is, and the monitor goes on; a board that somebody had is flashed again",
  async () => {
    const project = uno();
    const watch: Running = project.start(["watch", ":monitor", "-p", "sim:uno", "--json"], { vars });
    const said = new Said(watch);
    const is = (line: string) => (e: Event) => e.type === "serial" && e.line === line;
    await watch.until(is("begin A"));
    project.edit("src/main.cpp", "void setup()", "/* a comment */ void setup()");
    await said.until('"type":"result"', 2);
    project.edit("src/main.cpp", "begin A", "begin B");
    await watch.until(is("begin B"));
    await said.until('"type":"result"', 3);
    // Somebody has the device for a moment: nobody knows what it is now.
    const daemon = await connectDaemon({ start: false }, project.vars({ vars }));
    assert.ok(daemon.ok, daemon.ok ? "" : daemon.failure.message);
    if (!daemon.ok) return;
    const lease = await daemon.value.lease("sim:uno", { mode: "exclusive", description: "a look" });
    assert.ok(lease.ok, lease.ok ? "" : lease.failure.message);
    if (lease.ok) await lease.value.release();
    await daemon.value.close();
    await said.until('"state":"reconnected"', 2);
    project.edit("src/main.cpp", "a comment", "another comment");
    await said.until('"type":"result"', 4);
    watch.child.kill("SIGINT");
    const ran = await watch.ended;
    assert.is(ran.code, 130);
    const flashed = ends(ran)
      .filter((e) => e.kind === "flash")
      .map((e) => /has this image/.test(e.output));
    assert.equal(flashed, [false, true, false, false], "first, comment, code, comment after somebody had the board");
    assertWhole(lines(ran.events));
    const states = ran.events.flatMap((e) => (e.type === "device" ? [e.state] : []));
    assert.equal(states, ["preempted", "reconnected", "preempted", "reconnected", "preempted", "reconnected"]);
  },
);

/** What a watch has said so far. */
class Said {
  private text = "";
  private readonly watch: Running;

  constructor(watch: Running) {
    this.watch = watch;
    watch.child.stdout?.on("data", (more: string) => {
      this.text += more;
    });
  }

  /** Until a text has come so often. */
  until(text: string, count: number): Promise<void> {
    return this.watch.until(() => this.text.split(text).length > count);
  }
}

test("a monitor holds no project: another fb builds meanwhile; Ctrl-C ends the run with 130", async () => {
  const project = new TestProject({ "platformio.ini": `[env:uno]\n${AVR}`, "src/main.cpp": SKETCH }, { cache: unoCache() });
  projects.push(project);
  const device = await TcpDevice.open("hello\n");
  const run = project.start(["run", ":firmware", ":monitor", "-p", device.address], { vars });
  await run.untilSaidOut(/hello/);
  const other = await project.start(["run", "--json"]).ended;
  assert.is(other.code, 0, other.stderr);
  run.child.kill("SIGINT");
  const ran = await run.ended;
  assert.is(ran.code, 130);
  await device.when(() => device.socket === null);
  project.write("src/main.cpp", "no code\n");
  const broken = await project.start(["run", ":firmware", ":monitor", "-p", device.address, "--timeout", "60"], { vars }).ended;
  assert.equal([broken.code, device.opened], [1, 1], "a failed build is not watched");
});

test.run();
