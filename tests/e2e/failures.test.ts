/** What goes wrong, and what fb says of it: the right exit code, the file and line, the nearest valid names, every message whole and once. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  AVR,
  BLINK,
  diagnostics,
  ends,
  executed,
  freshFolder,
  isNoop,
  type Ran,
  result,
  scratch,
  TestProject,
  unoCache,
} from "./harness.ts";

const NATIVE = "[env:pc]\nplatform = native\n";
const UNO = `[env:uno]\n${AVR}`;
const MAIN = "int main() { return 0; }\n";

function occurrences(text: string, word: string): number {
  return text.split(word).length - 1;
}

/** stdout and stderr of a run for people. */
function all(ran: Ran): string {
  return ran.stdout + ran.stderr;
}

// ── what the compiler says ──

const BROKEN = {
  "platformio.ini":
    "[env:a]\nplatform = native\nbuild_src_filter = +<*> -<other.cpp>\n[env:b]\nplatform = native\nbuild_src_filter = +<main.cpp> +<other.cpp>\n",
  "src/main.cpp": MAIN,
  "src/bad.cpp": "#warning look_here\nint bad() {\n  return missing_name;\n}\n",
  "src/fine.cpp": "int fine() { return 1; }\n",
  "src/other.cpp": "int other() { return 1; }\n",
};

test("a compile error: exit 1, the message whole and once; the other env goes on", () => {
  const project = new TestProject(BROKEN);
  const ran = project.fb(["run", "-j", "1"]);
  assert.is(ran.code, 1);
  assert.is(occurrences(all(ran), "src/bad.cpp:3:10: error: "), 1);
  assert.is(occurrences(all(ran), "look_here"), 2, "the warning and the line it quotes");
  assert.match(all(ran), /return missing_name;\n.*\^~~~/);
  assert.not.match(all(ran), "-frandom-seed", "the command is shown with -v only");
  assert.ok(project.exists(".fb/build/b/release/program"));
  assert.not.ok(project.exists(".fb/build/a/release/program"));
  assert.not.ok(project.exists(".fb/build/a/release/src/bad.cpp.o"));
  // Again: the same answer, from the same one action.
  const again = project.run(["-e", "a"], { exit: 1 });
  assert.is(result(again).failed, 1);
  assert.equal(
    ends(again)
      .filter((e) => e.status === "failed")
      .map((e) => [e.label, e.exitCode]),
    [["src/bad.cpp", 1]],
  );
  assert.is(
    occurrences(
      ends(again)
        .map((e) => e.output)
        .join(""),
      "error: ",
    ),
    1,
  );
});

test("-v shows the command that failed, and it can be run as it stands", () => {
  const project = new TestProject(BROKEN);
  const ran = project.fb(["run", "-v", "-e", "a"]);
  assert.is(ran.code, 1);
  const command = all(ran)
    .split("\n")
    .find((line) => line.includes("-frandom-seed=src/bad.cpp"));
  assert.ok(command !== undefined);
  const byHand = spawnSync("/bin/sh", ["-c", command ?? ""], { cwd: project.folder, encoding: "utf8" });
  assert.is(byHand.status, 1);
  assert.match(byHand.stderr, "missing_name");
});

test("-k builds everything that does not wait for what failed", () => {
  const project = new TestProject({
    ...BROKEN,
    "src/bad2.cpp": "int bad2() { return nothing; }\n",
    "src/z.cpp": "int z() { return 1; }\n",
  });
  const ran = project.run(["-k", "-j", "1"], { exit: 1 });
  assert.is(result(ran).failed, 2);
  for (const unit of ["main", "fine", "z"]) assert.ok(project.exists(`.fb/build/a/release/src/${unit}.cpp.o`), unit);
  assert.not.ok(ends(ran).some((e) => e.kind === "link" && e.env === "a"));
  assert.ok(project.exists(".fb/build/b/release/program"));
});

test("after the correction only what failed and what follows runs", () => {
  const project = new TestProject(BROKEN);
  project.run(["-k"], { exit: 1 });
  project.write("src/bad.cpp", "int bad() { return 2; }\n");
  assert.equal(executed(project.run()), ["compile src/bad.cpp", "link program"]);
  isNoop(project.run());
});

test("a source that builds, then fails, leaves no old output", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  project.run();
  project.write("src/main.cpp", "int main() { return }\n");
  project.run([], { exit: 1 });
  assert.equal(Object.keys(project.tree(".fb/build/pc/release")), [], "nor what tells of it");
  project.write("src/main.cpp", MAIN);
  assert.equal(executed(project.run()), [], "the good result is still in the cache");
});

test("warnings come again, whole and once, when a result is taken from the cache", () => {
  const project = new TestProject({
    "platformio.ini": `${NATIVE}build_flags = -Wall\n`,
    "src/main.cpp": "int main() { int unused_one; return 0; }\n",
  });
  assert.is(occurrences(all(project.fb([])), "unused variable"), 1);
  project.remove(".fb/build");
  assert.is(occurrences(all(project.fb([])), "unused variable"), 1);
});

test("a link error: exit 1 and no program", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": "int nowhere();\nint main() { return nowhere(); }\n" });
  const ran = project.fb([]);
  assert.is(ran.code, 1);
  assert.match(all(ran), /undefined reference to .nowhere/);
  assert.not.match(all(ran), "crt1.o", "the linker's trace is not shown");
  assert.not.ok(project.exists(".fb/build/pc/release/program"));
});

test("a missing header names the file and line that wants it", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": `#include "gone.h"\n${MAIN}` });
  const ran = project.fb([]);
  assert.is(ran.code, 1);
  assert.match(all(ran), /src\/main\.cpp:1:10: fatal error: gone\.h/);
  project.write("src/gone.h", "");
  project.run();
});

// ── usage ──

const USAGE: readonly (readonly [args: readonly string[], exit: number, said: RegExp])[] = [
  [["runn"], 2, /unknown verb "runn"[^]*"run"/],
  [["run", "--verbos"], 2, /--verbos[^]*"--verbose"/],
  [["run", ":firmwar"], 2, /":firmwar"[^]*":firmware"/],
  [["run", ":firmware@unoo"], 2, /"unoo"[^]*"uno1"/],
  [["run", "-e", "unoo"], 2, /"unoo"[^]*"uno1"/],
  [["run", "-t", "uplod"], 2, /"uplod"[^]*"upload"/],
  [["run", "-j", "0"], 2, /-j/],
  [["run", "src/none.cpp.o"], 2, /src\/none\.cpp\.o/],
  [["test"], 2, /pio/],
  [["boards", "unoo"], 2, /"uno"/],
  [["init", "--board", "unoo", "elsewhere"], 3, /"unoo"[^]*uno/],
  [["-C", "nowhere"], 3, /nowhere/],
];
for (const [args, exit, said] of USAGE)
  test(`fb ${args.join(" ")}: exit ${exit} and the nearest names`, () => {
    const project = new TestProject({ "platformio.ini": "[env:uno1]\nplatform = native\n", "src/main.cpp": MAIN });
    const ran = project.fb(args);
    assert.is(ran.code, exit, all(ran));
    assert.match(ran.stderr, said);
  });

test("a folder without platformio.ini: exit 3, and the project around it is named", () => {
  const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  const inside = project.fb([], { cwd: project.path("src") });
  assert.is(inside.code, 3);
  assert.match(inside.stderr, /no platformio\.ini[^]*-C \.\./);
  const none = project.fb([], { cwd: freshFolder() });
  assert.is(none.code, 3);
  assert.match(none.stderr, /fb init/);
});

// ── configuration ──

/** ini → [exit, line, what is said]. */
const INI: Readonly<Record<string, readonly [ini: string, line: number, said: RegExp]>> = {
  "an option before any section": ["key = 1\n", 1, /section/],
  "a section twice": ["[env:a]\nplatform = native\n[env:a]\n", 3, /line 1/],
  "an option twice": ["[env:a]\nplatform = native\nplatform = native\n", 3, /line 2/],
  "a section that does not end": ["[env:a\nplatform = native\n", 1, /section/],
  "no env": ["[platformio]\n", 1, /\[env:uno\]/],
  "an empty ini": ["", 1, /\[env:uno\]/],
  "no platform": ["[env:a]\nboard = uno\n", 2, /platform/],
  "an unknown platform": ["[env:a]\nplatform = nativ\n", 2, /"native"/],
  "an unknown board": ["[env:a]\nplatform = atmelavr\nframework = arduino\nboard = unoo\n", 4, /"uno"/],
  "no board": ["[env:a]\nplatform = atmelavr\nframework = arduino\n", 2, /board/],
  "an unknown framework": ["[env:a]\nplatform = atmelavr\nframework = arduin\nboard = uno\n", 3, /"arduino"/],
  "a value that is none of the choices": ["[env:a]\nplatform = native\nbuild_type = fast\n", 3, /debug/],
  "a value that is no number": ["[env:a]\nplatform = native\nmonitor_speed = abc\n", 3, /number/],
  "envs that extend each other": [
    "[env:a]\nextends = env:b\n[env:b]\nextends = env:c\n[env:c]\nextends = env:a\n",
    6,
    /env:a[^]*env:b[^]*env:c/,
  ],
  "an env that extends itself": ["[env:a]\nextends = env:a\n", 2, /env:a/],
  "a reference to nothing": ["[env:a]\nplatform = native\nbuild_flags = ${nope.x}\n", 3, /nope/],
  "a reference to itself": ["[env:a]\nplatform = native\nbuild_flags = ${env:a.build_flags}\n", 3, /itself/],
  "default_envs that are not there": ["[platformio]\ndefault_envs = zz\n[env:a]\nplatform = native\n", 2, /"zz"/],
  extra_scripts: ["[env:a]\nplatform = native\nextra_scripts = a.py\n", 3, /a\.py/],
  "a quote left open in flags": ['[env:a]\nplatform = native\nbuild_flags = -D"X\n', 3, /quote/],
  "an env's name that is no folder's": ["[env:..]\nplatform = native\n", 2, /name/],
};
for (const [name, [ini, line, said]] of Object.entries(INI))
  test(`${name}: exit 3, file and line, what was expected`, () => {
    const project = new TestProject({ "platformio.ini": ini, "src/main.cpp": MAIN });
    const began = performance.now();
    const [found] = diagnostics(project.run([], { exit: 3 })).filter((d) => d.severity === "error");
    assert.ok(performance.now() - began < 60_000, "at once");
    assert.equal([found?.file, found?.line], ["platformio.ini", line], found?.message);
    assert.match(`${found?.message} ${found?.hint}`, said);
    assert.ok(found?.hint !== "", "it says what to do");
    assert.not.ok(project.exists(".fb/build"), "nothing was built");
  });

const STEP = '[[step]]\nname = "x"\n';
const RULES: Readonly<Record<string, readonly [toml: string, line: number, said: RegExp]>> = {
  "an unknown table": ['schema = 1\n[rulee.c]\nkind = "compile"\n', 2, /"rule"/],
  "an unknown key": [`schema = 1\n${STEP}outs = "\${gen}/x.h"\nrun = ["true"]\n`, 4, /"out"/],
  "an unknown name": [`schema = 1\n${STEP}out = "\${gen}/x.h"\nrun = ["touch", "\${ouut}"]\n`, 5, /"out"/],
  "an unknown rule or step": [`schema = 1\n${STEP}after = ["lnk"]\nout = "\${build}/x"\nrun = ["true"]\n`, 4, /"link"/],
  "an output outside": [`schema = 1\n${STEP}out = "/tmp/x"\nrun = ["true"]\n`, 4, /outside/],
  "broken TOML": ["schema = 1\n[[step\n", 2, /TOML/],
  "a program that is not there": [`schema = 1\n${STEP}out = "\${gen}/x.h"\nrun = ["nosuchprogram"]\n`, 5, /nosuchprogram/],
  "an input that is not there": [
    `schema = 1\n${STEP}in = ["nofile"]\nout = "\${gen}/x.h"\nrun = ["cp", "\${in}", "\${out}"]\n`,
    4,
    /nofile/,
  ],
  "a target that fb gives": ['schema = 1\n[[step]]\nname = "firmware"\nout = "${build}/x"\nrun = ["true"]\n', 3, /:firmware/],
  "two makers of one file": [
    'schema = 1\n[[step]]\nname = "x"\nout = "${build}/a"\nrun = ["true"]\n[[step]]\nname = "y"\nout = "${build}/a"\nrun = ["true"]\n',
    8,
    /step "x"/,
  ],
  "steps that wait for each other": [
    'schema = 1\n[[step]]\nname = "x"\nin = "${build}/b"\nout = "${build}/a"\nrun = ["true"]\n[[step]]\nname = "y"\nin = "${build}/a"\nout = "${build}/b"\nrun = ["true"]\n',
    3,
    /x .*y .*x/,
  ],
};
for (const [name, [toml, line, said]] of Object.entries(RULES))
  test(`fb.toml with ${name}: exit 3, file and line`, () => {
    const project = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN, "fb.toml": toml });
    const [found] = diagnostics(project.run([], { exit: 3 }));
    assert.equal([found?.file, found?.line], ["fb.toml", line], found?.message);
    assert.match(`${found?.message} ${found?.hint}`, said);
  });

test("a failing !command of the flags: exit 1, with its place", () => {
  const project = new TestProject({ "platformio.ini": `${NATIVE}build_flags = !exit 3\n`, "src/main.cpp": MAIN });
  const [found] = diagnostics(project.run([], { exit: 1 }));
  assert.equal([found?.file, found?.line], ["platformio.ini", 3]);
  assert.match(found?.message ?? "", /exit 3/);
});

test("what is said of a flag has the name of an environment variable in place of its value, also when the plan comes from the cache", () => {
  const p = new TestProject({
    "platformio.ini": `${NATIVE}build_flags = -DX \${sysenv.FB_TEST_PASS}\n`,
    "src/main.cpp": MAIN,
  });
  for (let i = 0; i < 2; i++) {
    const ran = p.run([], { vars: { FB_TEST_PASS: "hunter2hunter2" }, exit: 1 });
    assert.ok(
      diagnostics(ran).some((d) => d.message.includes("${sysenv.FB_TEST_PASS}")),
      all(ran),
    );
    assert.not.ok(
      diagnostics(ran).some((d) => `${d.message}${d.hint}`.includes("hunter2")),
      all(ran),
    );
  }
});

test("no sources: exit 1, and the folder is named", () => {
  const project = new TestProject({ "platformio.ini": NATIVE });
  const [found] = diagnostics(project.run([], { exit: 1 }));
  assert.match(found?.message ?? "", "src/");
});

test("one env that cannot be configured does not keep the others from being built", () => {
  const project = new TestProject({ "platformio.ini": `[env:bad]\nplatform = nativ\n${NATIVE}`, "src/main.cpp": MAIN });
  project.run([], { exit: 3 });
  assert.ok(project.exists(".fb/build/pc/release/program"));
});

// ── what does not fit ──

const BIG = (bytes: number) =>
  `#include <Arduino.h>\nconst char big[${bytes}] PROGMEM = {1};\nvoid setup() { Serial.begin(9600); Serial.print((char)pgm_read_byte(big + millis())); }\nvoid loop() {}\n`;

test("flash overflows: exit 1, and no .hex, not even the last one", () => {
  const project = new TestProject({ "platformio.ini": UNO, "src/main.cpp": BIG(10) }, { cache: unoCache() });
  project.run();
  const hex = ".fb/build/uno/release/firmware.hex";
  assert.ok(project.exists(hex));
  project.write("src/main.cpp", BIG(31_000));
  const ran = project.fb([]);
  assert.is(ran.code, 1);
  assert.match(all(ran), /flash[^]*32256/i);
  assert.not.ok(project.exists(hex));
  project.write("src/main.cpp", BIG(10));
  assert.equal(executed(project.run()), []);
  assert.ok(project.exists(hex));
  project.write("platformio.ini", `${UNO}board_upload.maximum_size = 1000\n`);
  assert.is(project.fb([]).code, 1);
  assert.not.ok(project.exists(hex));
});

test("flash overflows so far that the linker sees it: exit 1 and no .hex", () => {
  const two = BIG(30_000)
    .replace("void setup", "const char more[30000] PROGMEM = {2};\nvoid setup")
    .replace("big + millis()", "big + pgm_read_byte(more + millis())");
  const project = new TestProject({ "platformio.ini": UNO, "src/main.cpp": two }, { cache: unoCache() });
  assert.is(project.fb([]).code, 1);
  assert.not.ok(project.exists(".fb/build/uno/release/firmware.hex"));
});

test("RAM overflows: a loud warning, exit 0, also when nothing changed", () => {
  const project = new TestProject(
    {
      "platformio.ini": `${UNO}board_upload.maximum_ram_size = 100\n`,
      "src/main.cpp": BLINK.replace("void setup", "volatile char ram[300];\nvoid setup").replace("delay", "ram[1] = 2; delay"),
    },
    { cache: unoCache() },
  );
  for (let i = 0; i < 2; i++) {
    const ran = project.fb([]);
    assert.is(ran.code, 0);
    assert.match(all(ran), /RAM[^]*OVERFLOW/);
  }
});

test("fb itself throws nothing: every failure above was a message", () => {
  // A folder where a source should be, a source that is no text, a source of no access: odd, but not fb's bugs.
  const project = new TestProject({
    "platformio.ini": NATIVE,
    "src/main.cpp": MAIN,
    "src/odd.cpp/x.txt": "",
    "src/binary.c": "\u0000\u0001",
  });
  mkdirSync(project.path("include.h"), { recursive: true });
  const ran = project.fb([]);
  assert.not.match(all(ran), /at .*main\.cjs/);
  assert.ok(scratch.length > 0);
});

test.run();
