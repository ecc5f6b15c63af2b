/** What is wrong with the machine, and what fb says of it: no compiler, folders that cannot be written, a reader that goes away. */
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, diagnostics, executed, FB, freshFolder, isNoop, type Ran, TestProject } from "./harness.ts";

const NATIVE = "[env:pc]\nplatform = native\n";
const UNO = `[env:uno]\n${AVR}`;
const MAIN = "int main() { return 0; }\n";

test("no compiler on PATH: exit 4, with the remedy", () => {
  const PATH = freshFolder("empty");
  for (const [ini, remedy] of [
    [NATIVE, /gcc[^]*apt install/],
    [UNO, /avr[^]*apt install/],
  ] as const) {
    const project = new TestProject({ "platformio.ini": ini, "src/main.cpp": MAIN });
    const ran = project.fb([], { vars: { PATH } });
    assert.is(ran.code, 4, ran.stdout + ran.stderr);
    assert.match(ran.stderr, remedy);
  }
});

test("a compiler on PATH that fb passes over: said in each run, also in one that finds nothing to do", () => {
  const project = new TestProject({
    "platformio.ini": NATIVE,
    "src/main.cpp": MAIN,
    "own/g++": "#!/bin/sh\nexit 1\n",
    "own/gcc": "#!/bin/sh\nexit 1\n",
  });
  for (const name of ["g++", "gcc"]) chmodSync(project.path(`own/${name}`), 0o755);
  const vars = { PATH: `${project.path("own")}:${process.env["PATH"]}` };
  for (const ran of [project.run([], { vars }), project.run([], { vars })]) {
    assert.equal(
      diagnostics(ran).map((d) => [d.severity, d.code]),
      [["warning", "package.passed-over"]],
    );
    assert.match(ran.stderr, /own\/gcc is not used: it is in no folder called "bin"; \/\S+\/bin\/gcc is/);
  }
  assert.equal(diagnostics(project.run()), []);
});

/** Runs fb with a folder mounted read-only, in a mount namespace of its own; null where this machine lets nobody do so. */
function readOnly(
  folder: string,
  project: TestProject,
  args: readonly string[] = [],
  verb: readonly string[] = ["run", "--json"],
): Ran | null {
  const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$2" && shift 2 && exec "$@"';
  const inside = (command: readonly string[]) =>
    spawnSync("unshare", ["-rm", "/bin/sh", "-c", script, "sh", folder, project.folder, ...command], {
      env: project.vars({}),
      encoding: "utf8",
    });
  if (inside(["true"]).status !== 0) return null;
  const ran = inside([FB, ...verb, ...args]);
  return {
    code: ran.status,
    stdout: ran.stdout,
    stderr: ran.stderr,
    events: ran.stdout
      .split("\n")
      .filter((l) => l.startsWith("{"))
      .map((l) => JSON.parse(l)),
  };
}

test("a read-only project: what a verb wants to write there is a message, never a crash", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  project.run();
  project.write("src/main.cpp", `${MAIN}// more\n`);
  for (const verb of ["deps", "size", "watch", "query //...", "clean", "export ninja", "explain -n :elf"]) {
    const ran = readOnly(project.folder, project, [], verb.split(" "));
    if (ran === null) return void process.stdout.write("(skipped: no mount namespaces here) ");
    assert.is(ran.code, 4, `${verb}: ${ran.stderr}`);
    assert.match(ran.stdout + ran.stderr, /read-only|EROFS/, verb);
    assert.not.match(ran.stderr, "a bug in fb", verb);
  }
});

test("a working folder that was deleted: exit 4 and what to do, of every verb", () => {
  for (const words of ["run", "query //...", "version"]) {
    const ran = spawnSync("/bin/sh", ["-c", 'cd "$1" && rmdir "$1" && exec "$2" $3', "sh", freshFolder("gone"), FB, words], {
      encoding: "utf8",
    });
    assert.is(ran.status, 4, ran.stderr);
    assert.match(ran.stderr, /error: the folder that fb was started in is not there any more\n {2}hint: /);
  }
});

test("what stands where .fb belongs is named, and what to do with it", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN, ".fb": "mine" });
  const ran = project.fb([]);
  assert.is(ran.code, 4, ran.stderr);
  assert.match(ran.stderr, /\.fb: ENOTDIR[^]*move it away/);
});

test("a read-only project: exit 4 and the path; one that is built says so", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  const fresh = readOnly(project.folder, project);
  if (fresh === null) return void process.stdout.write("(skipped: no mount namespaces here) ");
  assert.is(fresh.code, 4, fresh.stderr);
  assert.match(fresh.stderr, /\.fb[^]*EROFS/);
  project.run();
  const built = readOnly(project.folder, project);
  assert.is(built?.code, 0, "nothing is to be written");
  project.write("src/main.cpp", `${MAIN}// more\n`);
  const edited = readOnly(project.folder, project);
  assert.is(edited?.code, 4, edited?.stderr);
  assert.match(edited?.stderr ?? "", /\.fb\/[^]*read-only/);
  const out = readOnly(project.path(".fb/build/pc/release"), project);
  assert.is(out?.code, 4, out?.stderr);
  assert.match(out?.stderr ?? "", /\.fb\/build\/pc\/release\/[^]*read-only/);
  assert.equal(executed(project.run()), ["compile src/main.cpp"]);
});

test("a read-only cache: exit 4 and the path", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  const fresh = readOnly(project.cache, project);
  if (fresh === null) return void process.stdout.write("(skipped: no mount namespaces here) ");
  assert.is(fresh.code, 4, fresh.stderr);
  assert.ok(fresh.stderr.includes(project.cache));
  assert.match(fresh.stderr, /FB_CACHE_DIR/);
  project.run();
  const used = readOnly(project.cache, project);
  assert.is(used?.code, 0, "nothing is to be written");
});

test("a file where fb needs a folder: exit 4 and the path", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN, ".fb": "" });
  const ran = project.run([], { exit: 4 });
  assert.match(ran.stderr, /\.fb/);
  const cache = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN, cache: "" });
  const file = cache.run([], { exit: 4, vars: { FB_CACHE_DIR: cache.path("cache") } });
  assert.ok(file.stderr.includes(cache.path("cache")));
});

test("a reader that goes away does not disturb a build", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  const ran = spawnSync("/bin/sh", ["-c", `"${FB}" run --json | true`], { cwd: project.folder, env: project.vars({}), encoding: "utf8" });
  assert.is(ran.status, 0);
  assert.not.match(ran.stderr, "EPIPE");
  isNoop(project.run());
});

test.run();
