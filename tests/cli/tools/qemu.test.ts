/** An emulator that is another program: none of its name, an end that nobody asked for, lines and patterns. What runs in real QEMU: tests/e2e/ststm32.test.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runQemu } from "../../../cli/tools/qemu.ts";
import { fakeQemu } from "../device/sim/fake-qemu.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-qemu-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const program = (script: string) => fakeQemu(join(folder, `p${Math.random()}`), ["m"], script);

async function run(name: string, expect: string | null = null, limit: number | null = 20, stop = new AbortController().signal) {
  const lines: string[] = [];
  const order = { file: "firmware.elf", program: name, machine: "m", device: "sim:e", limit };
  const patterns = { haltOnError: null, haltOnSuccess: expect, expect: null };
  const done = await runQemu({ ...order, patterns }, { stop, line: (_, text) => lines.push(text), progress() {}, note() {} });
  return { lines, told: done.ok ? "ok" : [done.failure.code, done.failure.exit, done.failure.hint] };
}

test("no such program: exit 5, and how to bring it", async () => {
  assert.equal((await run("no-such-qemu")).told, ["device.no-qemu", 5, "Debian, Ubuntu: sudo apt install no-such-qemu"]);
});

test("a program that has no such machine: exit 5, which version is here, and what has it", async () => {
  const other = fakeQemu(join(folder, "other"), ["x"], "exit 1");
  assert.equal((await run(other)).told, ["device.no-machine", 5, `\`${other} -M help\` lists those that it has`]);
});

test("it ends by itself: what it said last is told", async () => {
  assert.equal((await run(program("echo one >&2; echo two >&2; exit 3"))).told, ["device.sim-ended", 5, "two"]);
});

test("a line that is waited for ends it; the lines of two ports are not mixed; the time is up; it is stopped", async () => {
  const talks = program("printf 'one\\r\\ntwo\\nthr' >&3; printf 'other\\n' >&4; printf 'ee\\n' >&3; exec sleep 600");
  const { lines, told } = await run(talks, "three");
  assert.equal([lines.filter((line) => line !== "other"), told], [["one", "two", "three"], "ok"]);
  assert.equal((await run(talks, "four", 0.2)).told, ["monitor.pattern", 1, ""]);
  assert.equal((await run(talks, null, 0.2)).told, "ok");
  assert.equal((await run(talks, null, null, AbortSignal.abort())).told, ["run.cancelled", 1, ""]);
});

test.run();
