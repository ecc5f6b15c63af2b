/** `fb tool emulate`: a real image on the simulator, its lines and exit codes. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FB, freshFolder } from "./harness.ts";
import { ticker } from "./talker.ts";

const folder = freshFolder();
const SOURCE = ticker("\\r\\n", "caf\\xc3\\xa9 \\xff bye");

function image(mcu: string): string {
  const base = join(folder, mcu);
  if (existsSync(`${base}.hex`)) return `${base}.hex`;
  writeFileSync(`${base}.c`, SOURCE);
  for (const argv of [
    ["avr-gcc", "-Os", `-mmcu=${mcu}`, "-DF_CPU=16000000L", `${base}.c`, "-o", `${base}.elf`],
    ["avr-objcopy", "-O", "ihex", `${base}.elf`, `${base}.hex`],
  ]) {
    const ran = spawnSync(argv[0] ?? "", argv.slice(1), { encoding: "utf8" });
    if (ran.status !== 0) throw new Error(ran.stderr);
  }
  return `${base}.hex`;
}

interface Emulated {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly said: string;
}

function emulate(mcu: string, ...options: readonly string[]): Emulated {
  const argv = ["tool", "emulate", image(mcu), "--mcu", mcu, "--clock", "16000000L", ...options];
  const ran = spawnSync(FB, argv, { encoding: "utf8", cwd: folder, timeout: 60_000 });
  return { code: ran.status, lines: ran.stdout.split("\n").slice(0, -1), said: ran.stderr };
}

const ALL = ["tick 1", "tick 2", "tick 3", "sum ok", "tick 4", "tick 5", "tick 6", "café \uFFFD bye"];

for (const mcu of ["atmega328p", "atmega2560"])
  test(`${mcu}: its lines, to the time limit`, () => {
    assert.equal(emulate(mcu, "--timeout", "0.9"), { code: 0, lines: ALL, said: "" });
  });

test("what ends it, and with which exit code", () => {
  const success = emulate("atmega328p", "--timeout", "9", "--halt-on-success", "SUM ok", "--expect", "tick 2");
  assert.equal(success, { code: 0, lines: ALL.slice(0, 4), said: "" });
  const error = emulate("atmega328p", "--halt-on-error", "tick [2-9]");
  assert.equal([error.code, error.lines], [1, ALL.slice(0, 2)]);
  assert.match(error.said, /--halt-on-error tick \[2-9\] matched: tick 2/);
  const unseen = emulate("atmega328p", "--timeout", "0.25", "--expect", "tick 3");
  assert.equal([unseen.code, unseen.lines], [1, ALL.slice(0, 2)]);
  assert.is(emulate("atmega328p", "--timeout", "0.9", "--expect", "bye$").code, 0);
});

test("what can not begin says so", () => {
  const bad = emulate("atmega328p", "--expect", "a(");
  assert.equal([bad.code, bad.lines], [2, []]);
  assert.match(bad.said, /--expect "a\("/);
  assert.is(emulate("atmega328p", "--timeout", "soon").code, 2);
  writeFileSync(join(folder, "cut.hex"), readFileSync(image("atmega328p"), "utf8").slice(0, 100));
  const argv = ["tool", "emulate", join(folder, "cut.hex"), "--mcu", "atmega328p", "--clock", "16000000L"];
  const cut = spawnSync(FB, argv, { encoding: "utf8", cwd: folder, timeout: 60_000 });
  assert.is(cut.status, 5);
  assert.match(cut.stderr, /cut\.hex/);
  const gone = spawnSync(FB, [...argv.slice(0, 2), "gone.hex", ...argv.slice(3)], { encoding: "utf8", cwd: folder });
  assert.is(gone.status, 5);
  assert.match(gone.stderr, /gone\.hex: .*can not be read/);
  const none = spawnSync(FB, [...argv.slice(0, 2), image("atmega328p"), "--mcu", "atmega8", "--clock", "8000000L"], { encoding: "utf8" });
  assert.is(none.status, 5);
  assert.match(none.stderr, /atmega8.*\n?.*atmega2560/);
});

test("Ctrl-C ends it, and its process", async () => {
  const argv = ["tool", "emulate", image("atmega328p"), "--mcu", "atmega328p", "--clock", "16000000L", "--pace", "real"];
  const child = spawn(FB, argv, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.resume();
  let first = true;
  child.stdout.on("data", () => {
    if (first) child.kill("SIGINT");
    first = false;
  });
  // The simulator's process has the same stderr: this comes when both have ended.
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(code, 130);
});

test.run();
