/** What the machine refuses: open files, memory, a compiler's life, a clock that goes forward only, a place to write. A message, no crash, and no wrong build. */
import { spawnSync } from "node:child_process";
import { utimesSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isClean, isSound, isSpoken, projectOf, sources, waitFor, workersIn } from "./faults.ts";
import { ends, executed, FB, freshFolder, isNoop } from "./harness.ts";

const FILES = sources(1, 2);
const MAIN = "int main() { return 0; }\n";

for (const [limit, value] of [
  ["n", 28],
  ["n", 34],
  ["n", 48],
] as const)
  test(`ulimit -${limit} ${value}: a message, or a build like any other`, () => {
    const project = projectOf(FILES);
    const ran = spawnSync("/bin/sh", ["-c", `ulimit -${limit} ${value}; exec "${FB}" run --json`], {
      cwd: project.folder,
      env: project.vars({}),
      encoding: "utf8",
    });
    isSpoken(ran, `ulimit -${limit} ${value}`);
    assert.ok(ran.status === 0 || ran.status === 4, `exit ${ran.status}\n${ran.stderr}`);
    if (ran.status === 4) assert.match(ran.stderr, /too many open files|EMFILE|open files/i);
    project.run();
    isClean(project, FILES, `after ulimit -${limit} ${value}`);
    isSound(project, `after ulimit -${limit} ${value}`);
  });

test("a tool that is killed, as for want of memory: the signal is named, exit 1, no output, and the next run is right", () => {
  const gone = freshFolder("gone");
  const toml = FILES["fb.toml"] ?? "";
  const files = {
    ...FILES,
    "fb.toml": toml.replace('sh = "', () => `sh = "[ -e ${gone}/x ] || { touch ${gone}/x \${out}; kill -9 $$$$; }; `),
  };
  const project = projectOf(files);
  const ran = project.run([], { exit: 1 });
  isSpoken(ran, "a killed tool");
  const said = ends(ran).map((e) => e.output);
  assert.match(said.join(""), /was ended by SIGKILL[^]*memory/);
  assert.not.ok(project.exists(".fb/build/pc/release/gen/version.h"));
  project.run();
  isClean(project, files, "after a killed tool");
  isSound(project, "after a killed tool");
});

test("a step that ignores SIGTERM is ended all the same, within bounds", async () => {
  const project = projectOf({
    "platformio.ini": "[env:pc]\nplatform = native\n",
    "src/main.cpp": MAIN,
    "fb.toml":
      'schema = 1\n[[step]]\nname = "deaf"\nout = "${build}/deaf.txt"\nsh = "trap \'\' TERM INT HUP; touch ${out}; while :; do sleep 1; done"\n',
  });
  const running = project.start(["run", "deaf", "--json"]);
  await waitFor("the step", () => project.exists(".fb/build/pc/release/deaf.txt"));
  running.child.kill("SIGINT");
  assert.is((await running.ended).code, 130);
  await waitFor("everybody to be gone", () => workersIn(project.folder).length === 0);
  assert.not.ok(project.exists(".fb/build/pc/release/deaf.txt"));
});

test("times in the future, and a clock that has gone back since: an edit is seen, a run without one does nothing or settles", () => {
  const project = projectOf(FILES);
  const tomorrow = Date.now() / 1000 + 86_400;
  for (const path of Object.keys(FILES)) utimesSync(project.path(path), tomorrow, tomorrow);
  project.run();
  isClean(project, FILES, "sources of tomorrow");
  assert.equal(executed(project.run()), []);
  // Saved now, which is a day before the last save.
  for (const [path, text] of Object.entries(sources(2, 2))) if (project.read(path) !== text) project.write(path, text);
  project.run();
  isClean(project, sources(2, 2), "an edit that is older than what it replaces");
  isNoop(project.run());
  // Outputs and state from the future, as after a build before the clock was put back.
  for (const path of Object.keys(project.tree(".fb"))) utimesSync(project.path(`.fb/${path}`), tomorrow, tomorrow);
  assert.equal(executed(project.run()), []);
  project.write("VERSION", "1\n");
  utimesSync(project.path("VERSION"), 1, 1);
  project.run();
  isClean(project, FILES, "an edit of 1970");
});

test.run();
