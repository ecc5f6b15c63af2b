/** `:emulate`, an action of the graph: builds, then runs the image of each env on the simulator; the contract's table of patterns and exit codes through the binary. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { diagnostics, ends, type Ran, result, TestProject, unoCache } from "./harness.ts";
import { ticker } from "./talker.ts";

const SOURCE = ticker("\\n", "last");
const INI = "[env:uno]\nplatform = atmelavr\nboard = uno\n[env:mega]\nplatform = atmelavr\nboard = megaatmega2560\n";
const project = new TestProject({ "platformio.ini": INI, "src/main.c": SOURCE }, { cache: unoCache() });

function lines(ran: Ran, device = "sim:uno"): string[] {
  return ran.events.flatMap((e) => (e.type === "serial" && e.device === device ? [e.line] : []));
}

const TICKS = ["tick 1", "tick 2", "tick 3", "sum ok", "tick 4", "tick 5", "tick 6", "last"];

/** fbuild's contract, "Monitor patterns": flags, the exit code, the lines until then. */
const TABLE: readonly (readonly [flags: string, exit: number, lines: number])[] = [
  ["--timeout 0.9", 0, 8],
  ["--timeout 0.9 --expect last", 0, 8],
  ["--timeout 0.25 --expect last", 1, 2],
  ["--halt-on-success SUM.OK", 0, 4],
  ["--halt-on-success sum --expect tick.2", 0, 4],
  ["--halt-on-success sum --expect tick.5", 1, 4],
  ["--halt-on-error tick.2", 1, 2],
  ["--halt-on-error sum --halt-on-success tick.2", 0, 2],
  ["--timeout 0.25 --halt-on-success sum", 1, 2],
  ["--timeout 0.25 --halt-on-error sum", 1, 2],
  ["--timeout 0.25 --halt-on-error sum --expect tick.1", 0, 2],
];

for (const [flags, exit, count] of TABLE)
  test(`fb run :emulate ${flags}: ${exit}`, () => {
    const ran = project.run([":emulate", "-e", "uno", ...flags.split(" ")], { exit });
    assert.equal(lines(ran), TICKS.slice(0, count));
    assert.is(ends(ran).filter((e) => e.kind === "monitor").length, 1, "performed, not answered from a record");
  });

test("lines for people; with several envs each says whose it is, and both run", () => {
  const one = project.fb(["run", ":emulate", "-e", "uno", "--timeout", "0.25"]);
  assert.is(one.code, 0, one.stderr);
  assert.match(one.stdout, /^tick 1\ntick 2\n/m);
  const both = project.fb(["run", ":emulate", "--timeout", "0.25"]);
  assert.is(both.code, 0, both.stderr);
  for (const env of ["uno", "mega"]) assert.match(both.stdout, new RegExp(`^sim:${env}: tick 2$`, "m"));
});

test("the flags of a run are no part of the plan: nothing is made or planned anew for them", () => {
  const ran = project.run([":emulate", "-e", "uno", "--timeout", "0.1"]);
  assert.is(result(ran).ran, 1, "only the emulator");
  assert.equal(
    result(ran).artifacts.map((a) => a.path),
    [".fb/build/uno/release/firmware.hex"],
  );
});

test("fb deploy --qemu is the same", () => {
  const ran = project.fb(["deploy", "-e", "uno", "--qemu", "--qemu-timeout", "0.25", "--expect", "tick 2"]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /^tick 2$/m);
});

test("a bad expression: 2, and nothing is built", () => {
  const fresh = new TestProject({ "platformio.ini": INI, "src/main.c": SOURCE }, { cache: project.cache });
  const ran = fresh.fb(["run", ":emulate", "--expect", "a("]);
  assert.is(ran.code, 2);
  assert.match(ran.stderr, /--expect/);
  assert.not(fresh.exists(".fb/build"));
});

test("a build that fails: 1, and nothing is emulated", () => {
  const broken = new TestProject({ "platformio.ini": INI, "src/main.c": "int main(void) { return x; }\n" }, { cache: project.cache });
  const ran = broken.run([":emulate", "-e", "uno", "--timeout", "0.1"], { exit: 1 });
  assert.is(ends(ran).filter((e) => e.kind === "monitor").length, 0);
});

test("a chip without a simulator: 5, and which there are", () => {
  const ini = "[env:tiny]\nplatform = atmelavr\nboard = trinket3\n";
  const tiny = new TestProject({ "platformio.ini": ini, "src/main.c": "int main(void) { for (;;) {} }\n" }, { cache: project.cache });
  const ran = tiny.run([":emulate", "--timeout", "0.1"], { exit: 5 });
  assert.match(diagnostics(ran)[0]?.message ?? "", /attiny85/);
});

test("while it goes on another run has the project's lock; Ctrl-C: 130, and the simulator ends with it", async () => {
  // The last word is out after 0.7 s; nobody limits it.
  const running = project.start(["run", ":emulate", "-e", "uno", "--json"]);
  await running.until((e) => e.type === "serial" && e.line === "tick 6");
  const other = project.fb(["run", "-e", "uno"]);
  assert.is(other.code, 0);
  assert.not.match(other.stderr, /wait/);
  const asked = performance.now();
  running.child.kill("SIGINT");
  const ran = await running.ended;
  assert.is(ran.code, 130);
  assert.is(result(ran).status, "cancelled");
  assert.ok(performance.now() - asked < 5000, "a hang");
});

test.run();
