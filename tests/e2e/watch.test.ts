/** `fb watch` through the real binary: what wakes it and what does not, what it builds then, what it costs to stay. tests/e2e/watch-edits.test.ts edits at random. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freshFolder, TestProject } from "./harness.ts";
import { Watching } from "./watch/watching.ts";

const NATIVE = "platform = native\n";

function native(files: Readonly<Record<string, string>> = {}, options = ""): TestProject {
  return new TestProject({
    "platformio.ini": `[env:native]\n${NATIVE}${options}`,
    "src/main.cpp": '#include "app.h"\nint main() { return APP; }\n',
    "include/app.h": "#pragma once\n#define APP 0\n",
    ...files,
  });
}

test("each thing that a build reads, or does not find, wakes it, and nothing else does", async () => {
  const outside = freshFolder("outside");
  const library = freshFolder("library");
  writeFileSync(`${outside}/far.h`, "#pragma once\n");
  writeFileSync(`${library}/thing.h`, "#pragma once\nint thing();\n");
  writeFileSync(`${library}/thing.cpp`, '#include "thing.h"\nint thing() { return 1; }\n');
  writeFileSync(`${outside}/linked.h`, "#pragma once\n");
  const project = native(
    {
      "src/main.cpp": '#include "app.h"\n#include <far.h>\n#include <thing.h>\n#include "linked.h"\nint main() { return APP + thing(); }\n',
      "more.ini": "[common]\nextra = -DEXTRA=1\n",
    },
    `build_flags = -I${outside} \${common.extra}\nlib_deps = thing=symlink://${library}\n`,
  );
  symlinkSync(`${outside}/linked.h`, project.path("include/linked.h"));
  project.edit("platformio.ini", "[env:native]", "[platformio]\nextra_configs = more.ini\n\n[env:native]");
  const watch = new Watching(project);
  assert.is((await watch.next("the start")).result.exitCode, 0, watch.err);
  await watch.said(/watching \d+ folders/);
  let told = 1;
  /** Each edit, the compiles that it is good for (null: whatever). */
  const wakes = async (what: string, edit: () => void, executed: readonly string[] | null) => {
    edit();
    const run = await watch.nextWith(0, what);
    if (executed !== null)
      assert.equal(
        run.executed.filter((e) => e.startsWith("compile")),
        executed,
        what,
      );
    told = watch.runs.length;
  };
  const main = ["compile src/main.cpp"];
  await wakes("a source", () => project.edit("src/main.cpp", "int main", "int one;\nint main"), main);
  await wakes("a header", () => project.edit("include/app.h", "APP 0", "APP 2"), main);
  await wakes("a header outside", () => writeFileSync(`${outside}/far.h`, "#pragma once\n#define FAR 1\n"), main);
  await wakes("what a link leads to", () => writeFileSync(`${outside}/linked.h`, "#pragma once\n#define LINKED 1\n"), main);
  await wakes("a new source", () => project.write("src/new.cpp", "int added;\n"), ["compile src/new.cpp"]);
  await wakes("a source in a new folder", () => project.write("src/deep/er/new.cpp", "int deeper;\n"), ["compile src/deep/er/new.cpp"]);
  await wakes("the same folder moved", () => renameSync(project.path("src/deep"), project.path("src/keep")), null);
  await wakes("the folder gone", () => rmSync(project.path("src/keep"), { recursive: true }), null);
  await wakes("a header that comes first", () => project.write("src/app.h", "#pragma once\n#define APP 3\n"), main);
  await wakes("it goes again", () => rmSync(project.path("src/app.h")), null);
  await wakes(
    "an atomic save",
    () => {
      project.write("src/.main.swp", project.read("src/main.cpp").replace("int one", "int two"));
      renameSync(project.path("src/.main.swp"), project.path("src/main.cpp"));
    },
    main,
  );
  await wakes("a library", () => writeFileSync(`${library}/thing.cpp`, '#include "thing.h"\nint thing() { return 2; }\n'), null);
  await wakes("extra_configs", () => project.edit("more.ini", "EXTRA=1", "EXTRA=2"), null);
  await wakes("the ini", () => project.edit("platformio.ini", "build_flags =", "build_flags = -DINI"), null);
  await wakes("an fb.toml", () => project.write("fb.toml", "schema = 1\ncompdb = true\n"), null);
  await wakes(
    "a folder deleted and made again",
    () => {
      rmSync(project.path("include"), { recursive: true });
      project.write("include/app.h", "#pragma once\n#define APP 4\n");
      project.write("include/linked.h", "#pragma once\n");
    },
    null,
  );
  await wakes("the made again folder", () => project.edit("include/app.h", "APP 4", "APP 5"), main);
  const away = `${outside}-away`;
  renameSync(outside, away);
  await watch.nextWith(1, "a folder outside is renamed");
  await wakes("it is there again", () => renameSync(away, outside), null);
  await wakes("a header in it", () => writeFileSync(`${outside}/far.h`, "#pragma once\n#define FAR 2\n"), main);
  // What no build reads: by the next edit these have been looked at and passed over.
  project.write("README.md", "nothing\n");
  project.write("src/notes.txt", "nothing\n");
  project.write("docs/deep/page.md", "nothing\n");
  const before = told;
  await wakes("a last edit", () => project.edit("src/main.cpp", "int two", "int three"), main);
  assert.is(watch.runs.length, before + 1, "only the edit woke it");
  assert.is(await watch.stop(), 130);
});

test("a broken ini is a message, and mended it builds", async () => {
  const project = native();
  const watch = new Watching(project);
  await watch.next("the start");
  project.edit("platformio.ini", "[env:native]", "[env:native");
  assert.is((await watch.nextWith(3, "the break")).result.exitCode, 3);
  project.edit("platformio.ini", "[env:native", "[env:native]");
  assert.is((await watch.nextWith(0, "the mend")).result.exitCode, 0);
  await watch.stop();
  // From the start, too.
  project.edit("platformio.ini", "platform = native", "platform = nowhere");
  const broken = new Watching(project);
  assert.is((await broken.next("a broken start")).result.exitCode, 3);
  await broken.said(/watching/);
  project.edit("platformio.ini", "platform = nowhere", "platform = native");
  assert.is((await broken.nextWith(0, "the mend")).result.exitCode, 0);
  await broken.stop();
});

test("after a first build that failed, whatever can mend it wakes it", async () => {
  const outside = freshFolder("outside");
  writeFileSync(`${outside}/deep.h`, "#error not yet\n");
  const project = native(
    { "src/main.cpp": '#include <deep.h>\n#include "late.h"\nint main() { return LATE; }\n' },
    `build_flags = -I${outside}\n`,
  );
  const watch = new Watching(project);
  assert.is((await watch.next("the start")).result.exitCode, 1);
  await watch.said(/watching/);
  writeFileSync(`${outside}/deep.h`, "#pragma once\n");
  assert.is((await watch.next("a header that no depfile names")).result.exitCode, 1);
  project.write("include/late.h", "#define LATE 0\n");
  assert.is((await watch.nextWith(0, "a header that was missing")).result.exitCode, 0);
  project.edit("src/main.cpp", "return LATE", "return LATER");
  assert.is((await watch.nextWith(1, "an error")).result.exitCode, 1);
  project.edit("include/late.h", "#define LATE 0", "#define LATER 0");
  assert.is((await watch.nextWith(0, "the mend in a header")).result.exitCode, 0);
  await watch.stop();
});

test("an edit while a build goes on is never lost: that build ends, and the next has it", async () => {
  const gate = `${freshFolder("gate")}/open`;
  writeFileSync(gate, "");
  const project = native({
    "fb.toml":
      'schema = 1\n[[step]]\nname = "slow"\nin = ["slow.txt"]\nout = ["${gen}/slow.h"]\nrun = ["sh", "-c", "while [ ! -e ' +
      gate +
      ' ]; do sleep 0.02; done; cp slow.txt $0", "${out}"]\n',
    "slow.txt": "#define SLOW 1\n",
  });
  const watch = new Watching(project);
  await watch.next("the start");
  await watch.said(/watching/);
  rmSync(gate);
  project.write("slow.txt", "#define SLOW 2\n");
  await watch.until(() => watch.err.includes("slow.txt"), "the run");
  project.edit("include/app.h", "APP 0", "APP 7");
  writeFileSync(gate, "");
  const first = await watch.next("the slow run");
  const runs = [first, ...(first.executed.includes("compile src/main.cpp") ? [] : [await watch.nextWith(0, "the edit")])];
  assert.ok(runs.some((run) => run.executed.includes("compile src/main.cpp")));
  const clean = project.fb(["run", "-n", "--json"]);
  assert.match(clean.stdout, /"ran":0/, "nothing is left to do");
  await watch.stop();
});

test("a project whose folder is deleted and made again is built there", async () => {
  const project = native();
  const watch = new Watching(project);
  await watch.next("the start");
  await watch.said(/watching/);
  const copy = freshFolder("copy");
  cpSync(project.folder, copy, { recursive: true, filter: (path) => !path.endsWith("/.fb") });
  // The watch may write there meanwhile.
  rmSync(project.folder, { recursive: true, maxRetries: 20 });
  renameSync(copy, project.folder);
  await watch.nextWith(0, "the folder is there again");
  project.edit("include/app.h", "APP 0", "APP 1");
  const run = await watch.nextWith(0, "an edit in it");
  assert.ok(
    run.executed.includes("compile src/main.cpp") || (await watch.nextWith(0, "an edit in it")).executed.includes("compile src/main.cpp"),
  );
  assert.ok(watch.runs.length < 8, `${watch.runs.length} runs`);
  await watch.stop();
});

test("a project that is moved away: nothing is made in its place, and once it is back it is watched on", async () => {
  const project = native();
  const watch = new Watching(project);
  await watch.next("the start");
  await watch.said(/watching/);
  const away = `${project.folder}-away`;
  renameSync(project.folder, away);
  await watch.said(/is gone: waiting/);
  assert.not.ok(existsSync(project.folder));
  renameSync(away, project.folder);
  project.edit("include/app.h", "APP 0", "APP 1");
  await watch.nextWith(0, "it is back");
  assert.not.ok(existsSync(away));
  project.edit("include/app.h", "APP 1", "APP 2");
  await watch.nextWith(0, "an edit in it");
  await watch.stop();
});

test("Ctrl-C in a run ends it, and the watch, with 130; the next build is whole", async () => {
  const project = native({
    "fb.toml":
      'schema = 1\n[[step]]\nname = "endless"\nin = ["a.txt"]\nout = ["${gen}/a.h"]\nbefore = ["compile"]\nrun = ["sh", "-c", "touch began; sleep 600", "${out}"]\n',
    "a.txt": "",
  });
  const watch = new Watching(project);
  await watch.until(() => project.exists("began"), "the step");
  assert.is(await watch.stop(), 130);
  assert.is(watch.runs.at(-1)?.result.status, "cancelled");
  project.remove("fb.toml");
  project.run();
});

test("a step that writes into the project does not make it run for ever", async () => {
  const project = native({
    "fb.toml":
      'schema = 1\n[[step]]\nname = "made"\nin = ["made.txt"]\nout = ["include/made.h"]\nbefore = ["compile"]\nrun = ["cp", "made.txt", "include/made.h"]\n',
    "made.txt": "#define MADE 1\n",
    "src/main.cpp": '#include "app.h"\n#include "made.h"\nint main() { return MADE; }\n',
  });
  const watch = new Watching(project);
  assert.is((await watch.next("the start")).result.exitCode, 0, watch.err);
  await watch.said(/watching/);
  // The step's output is new to the folder that the first plan listed.
  assert.ok(watch.runs.length <= 2, `${watch.runs.length} runs at the start`);
  watch.take();
  project.write("made.txt", "#define MADE 2\n");
  await watch.nextWith(0, "the step's input");
  assert.match(project.read("include/made.h"), / 2/);
  const before = watch.runs.length;
  project.edit("src/main.cpp", "int main", "int more;\nint main");
  await watch.nextWith(0, "an edit");
  assert.ok(watch.runs.length <= before + 2, `${watch.runs.length - before} runs for one edit`);
  await watch.stop();
});

test("where the system allows no more watches it says so, and looks at the files itself", async () => {
  const words = ["unshare", "-Ur", "sh", "-c", 'echo 4 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh"];
  if (spawnSync("unshare", ["-Ur", "sh", "-c", "echo 4 > /proc/sys/user/max_inotify_watches"]).status !== 0) return;
  const project = native();
  const watch = new Watching(project, [], words);
  await watch.next("the start");
  await watch.said(/limit of watches.*once a second/);
  project.edit("include/app.h", "APP 0", "APP 1");
  assert.equal(
    (await watch.next("an edit")).executed.filter((e) => e.startsWith("compile")),
    ["compile src/main.cpp"],
  );
  await watch.stop();
});

test("hundreds of runs take no more memory, descriptors or processes than the first ones", async () => {
  const project = native();
  const watch = new Watching(project);
  await watch.next("the start");
  const rounds = Number(process.env["FB_SEQUENCES"] ?? 300);
  // Memory by the least of twenty runs, as it goes up and down with the collections of garbage; V8's heap has its size after 150.
  const memory: number[] = [];
  let early = watch.uses();
  for (let i = 0; i < rounds; i++) {
    project.write("include/app.h", `#pragma once\n#define APP ${i % 100}\n#define TURN ${i}\n`);
    assert.is((await watch.next(`edit ${i}`)).result.exitCode, 0);
    memory.push(watch.uses().memory);
    if (i === 180) early = watch.uses();
  }
  await watch.until(() => watch.uses().children === 0, "the end of the last run's processes");
  const late = watch.uses();
  assert.ok(late.files <= early.files + 4, `${early.files} descriptors became ${late.files}`);
  const [before, after] = [Math.min(...memory.slice(180, 200)), Math.min(...memory.slice(-20))];
  assert.ok(after < before * 1.1 + 5, `${before} MB became ${after}`);
  await watch.stop();
});

/** Drives a program on a terminal: Python's pty, which every machine that has PlatformIO has. Keys are typed when a text has been shown. */
const PTY = `
import os, pty, sys, time, termios
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:2] + ["watch"])
shown = b""
steps = [s.split("=>", 1) for s in sys.stdin.read().split("\\n") if s]
at = 0
while True:
    try: more = os.read(fd, 65536)
    except OSError: break
    if not more: break
    shown += more
    while steps and steps[0][0].encode() in shown[at:]:
        at = len(shown)
        what = steps.pop(0)[1]
        if what.startswith("!"): os.system(what[1:])
        else: os.write(fd, what.encode().decode("unicode_escape").encode())
os.write(1, shown)
try: raw = (termios.tcgetattr(fd)[3] & termios.ICANON) == 0
except termios.error: raw = False
_, status = os.waitpid(pid, 0)
os.write(1, b"\\nEND %d raw %d left %d\\n" % (os.waitstatus_to_exitcode(status), raw, len(steps)))
`;

async function onTerminal(project: TestProject, fb: string, steps: readonly string[]): Promise<string> {
  const child = spawn("python3", ["-c", PTY, fb], {
    cwd: project.folder,
    env: { ...project.vars({ vars: { CI: undefined, TERM: "xterm" } }) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (d: string) => (text += d));
  child.stdin.end(`${steps.join("\n")}\n`);
  await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(limit);
  return text;
}

test("keys on a terminal: r runs, e explains, q quits with the last run's code, Ctrl-C with 130; a rule says what changed", async () => {
  const { FB } = await import("./harness.ts");
  const project = native();
  const edit = "!sed -i 's/APP 0/APP 1/' include/app.h";
  const shown = await onTerminal(project, FB, [`q quit=>${edit}`, "q quit=>r", "q quit=>e", "q quit=>q"]);
  assert.match(shown, /── include\/app\.h ─+/);
  assert.match(shown, /watching \d+ folders; r run, e explain, q quit/);
  assert.match(shown, /up to date/);
  assert.match(shown, /include\/app\.h changed/, "e explains");
  assert.match(shown, /END 0 raw 0 left 0/, shown);
  const broken = await onTerminal(project, FB, ["q quit=>!echo broken >> src/main.cpp", "q quit=>q"]);
  assert.match(broken, /END 1 raw 0 left 0/, broken);
  const stopped = await onTerminal(project, FB, ["q quit=>\\x03"]);
  assert.match(stopped, /END 130 raw 0 left 0/, stopped);
});

test("what cannot be watched is refused", () => {
  const project = native();
  const dry = project.fb(["run", "--watch", "-n"]);
  assert.is(dry.code, 2);
  assert.match(dry.stderr, /dry run/);
  assert.is(project.fb(["watch", "nowhere:firmware"]).code, 3);
});

test.run();
