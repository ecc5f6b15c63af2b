import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BuildInfo } from "../../../cli/build-info.ts";
import { responseWords } from "../../../cli/compdb.ts";
import { responseText } from "../../../rules/instantiate.ts";
import { AVR, freshFolder, isNoop, TestProject, unoCache } from "../../e2e/harness.ts";

/** A sketch of two tabs, a step that makes a header, a library, flags with quotes, blanks and dollars, a folder with a blank and a colon in its name. */
const FILES = {
  "platformio.ini": `[env:uno]\n${AVR}build_flags = '-DTEXT="a b$$c"' -DUNQUOTED\n[env:pc]\nplatform = native\nbuild_src_filter = +<pc.c>\n`,
  "fb.toml":
    'schema = 1\n[[step]]\nname = "version"\nin = ["VERSION"]\nout = ["${gen}/version.h"]\nsh = "printf \'#define V \\"%s\\"\\\\n\' \\"$(cat ${in[0]})\\" > ${out[0]}"\n',
  VERSION: "1.2 $x",
  "src/app.ino":
    '#include "version.h"\nint state = 0;\nvoid setup() { Serial.begin(9600); Serial.println(V); Serial.println(TEXT); go(3); }\nvoid loop() {}\n',
  "src/zz.ino": "void go(int n) { state = n; }\n",
  "src/more.c": "#include <tiny.h>\nint more(void) { return tiny(1); }\n",
  "src/pc.c": '#include "version.h"\n#include <tiny.h>\nconst char *version = V;\nint main(void) { return tiny(0); }\n',
  "lib/tiny/tiny.h": "int tiny(int n);\n",
  "lib/tiny/tiny.c": '#include "tiny.h"\nint tiny(int n) { return n; }\n',
};

function project(): TestProject {
  return new TestProject(FILES, { folder: freshFolder("with blank: "), cache: unoCache() });
}

interface Entry {
  readonly directory: string;
  readonly file: string;
  readonly arguments: readonly string[];
  readonly output: string;
}

function database(p: TestProject): Entry[] {
  return JSON.parse(p.read("compile_commands.json")) as Entry[];
}

test("compdb: every source has an entry that its compiler takes, the project's first", () => {
  const p = project();
  p.run();
  const ran = p.fb(["export", "compdb"]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /^wrote compile_commands\.json: \d+ compiles of uno, pc\n$/);
  const entries = database(p);
  const own = entries.filter((e) => e.file.startsWith(p.path("src/"))).map((e) => e.file.slice(p.folder.length + 1));
  assert.equal(own, ["src/app.ino", "src/more.c", "src/pc.c", "src/zz.ino", "src/pc.c"]);
  assert.is(entries[0]?.file, p.path("lib/tiny/tiny.c"), "what is the project's comes first");
  for (const e of entries) {
    assert.is(e.directory, p.folder);
    assert.ok(e.arguments[0]?.startsWith("/"), "an absolute compiler, for clangd's --query-driver");
    assert.ok(e.file.startsWith("/") && statSync(e.file).isFile(), e.file);
    assert.ok(!e.file.includes("/.fb/pkg/"), "packages by their own place");
  }
  const some = entries.filter((e) => !e.file.endsWith(".ino")).filter((e, i) => e.file.startsWith(p.folder) || i % 8 === 0);
  assert.ok(some.length >= 6);
  for (const e of some) {
    const [program = "", ...args] = e.arguments;
    const checked = spawnSync(program, [...args, "-fsyntax-only"], { cwd: e.directory, encoding: "utf8" });
    assert.is(checked.status, 0, `${e.file}\n${checked.stderr}`);
  }
});

test("compdb: a tab is C++ after the tabs before it", () => {
  const p = project();
  p.fb(["export", "compdb", "-e", "uno"]);
  const tab = database(p).find((e) => e.file.endsWith("zz.ino"));
  assert.equal(tab?.arguments.slice(-7), ["-include", "Arduino.h", "-include", "src/app.ino", "-x", "c++", "src/zz.ino"]);
  const [program = "", ...args] = tab?.arguments ?? [];
  p.edit("src/app.ino", "go(3);", "");
  p.edit("src/app.ino", '#include "version.h"', "#define V 1");
  const checked = spawnSync(program, [...args, "-fsyntax-only"], { cwd: p.folder, encoding: "utf8" });
  assert.is(checked.status, 0, checked.stderr);
});

test("compdb: what a killed fb left in the project's folder goes; a living one's, and other files, stay", () => {
  const p = new TestProject({
    "platformio.ini": "[env:pc]\nplatform = native\n",
    "fb.toml": "schema = 1\ncompdb = true\n",
    "src/pc.c": "int main(void) { return 0; }\n",
  });
  const dead = spawnSync("true").pid;
  const stay = [`.fb-${process.pid}-0.tmp`, `.fb-${dead}-0.tmp.c`, `fb-${dead}-0.tmp`];
  for (const command of [["run"], ["export", "compdb"], ["export", "ninja"]]) {
    for (const name of [`.fb-${dead}-0.tmp`, ...stay]) p.write(name, "half");
    assert.is(p.fb(command).code, 0);
    assert.not(p.exists(`.fb-${dead}-0.tmp`), command.join(" "));
    for (const name of stay) assert.ok(p.exists(name), name);
  }
});

test("compdb: the same file again keeps its time; it builds nothing and disturbs no later run", () => {
  const p = project();
  p.fb(["export", "compdb"]);
  assert.not(p.exists(".fb/build/uno/release/firmware.elf"));
  p.run();
  const before = [p.mtime("compile_commands.json"), p.digest("compile_commands.json")];
  assert.match(p.fb(["export", "compdb"]).stdout, /^unchanged /);
  assert.equal([p.mtime("compile_commands.json"), p.digest("compile_commands.json")], before);
  isNoop(p.run());
});

test("compdb: -e and profiles choose", () => {
  const p = project();
  p.fb(["export", "compdb", "-e", "pc", "--debug"]);
  const entries = database(p);
  assert.equal(
    entries.map((e) => e.output),
    [".fb/build/pc/debug/lib/tiny/tiny.c.o", ".fb/build/pc/debug/src/pc.c.o"],
  );
});

test("build_info.json: programs, flags of each language, defines, includes, libraries, artifacts", () => {
  const p = project();
  p.run();
  const info = JSON.parse(p.read(".fb/build/uno/release/build_info.json")) as BuildInfo;
  const { avr } = info.tools;
  for (const name of ["cc", "cxx", "ar", "objcopy", "size"]) assert.ok(statSync(avr?.programs[name] ?? "").isFile(), name);
  assert.match(avr?.programs["cxx"] ?? "", /\/avr-g\+\+$/);
  for (const language of ["c", "cxx", "asm"] as const) assert.ok(info.flags[language].includes("-mmcu=atmega328p"), language);
  assert.ok(info.flags.c.includes("-std=gnu11") && info.flags.cxx.includes("-fno-exceptions"));
  assert.not.ok(
    Object.values(info.flags).some((flags) => flags.some((f) => f.startsWith("-frandom-seed"))),
    "no source's own",
  );
  assert.ok(info.defines.includes("F_CPU=16000000L") && info.includes.includes("lib/tiny"));
  assert.ok(info.libraries.includes(".fb/build/uno/release/lib/tiny/libtiny.a"));
  assert.equal(
    info.artifacts.map((a) => [a.path, a.sha256]),
    [[".fb/build/uno/release/firmware.hex", p.digest(".fb/build/uno/release/firmware.hex")]],
  );
  // Without a source of the language in the project, those of the framework's.
  p.remove("src/more.c");
  p.run(["-e", "uno"]);
  const without = JSON.parse(p.read(".fb/build/uno/release/build_info.json")) as BuildInfo;
  assert.ok(without.flags.c.includes("-std=gnu11"), "C");
});

test("ninja builds the same bytes, then has nothing to do, and fb agrees", () => {
  const p = project();
  p.run(["--no-cache"]);
  const byFb = p.tree(".fb/build");
  p.remove(".fb/build");
  const ran = p.fb(["export", "ninja"]);
  assert.is(ran.code, 0, ran.stderr);
  const silent = { ...process.env, CPATH: "/nowhere", LC_ALL: "C" };
  const ninja = () => spawnSync("ninja", [], { cwd: p.folder, encoding: "utf8", env: silent });
  const first = ninja();
  assert.is(first.status, 0, first.stdout + first.stderr);
  const byNinja = p.tree(".fb/build");
  const images = (tree: Record<string, string>) => Object.entries(tree).filter(([path]) => !path.endsWith("build_info.json"));
  assert.equal(images(byNinja), images(byFb));
  assert.match(ninja().stdout, "no work to do");
  p.edit("src/zz.ino", "= n", "= n + 1");
  assert.match(ninja().stdout, "app.ino");
  p.edit("src/zz.ino", "= n + 1", "= n");
  ninja();
  isNoop(p.run());
});

test("ninja: headers are followed, -e chooses, a command's line break is refused", () => {
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\n[env:b]\nplatform = native\n",
    "src/main.c": '#include "x.h"\nint main(void) { return X; }\n',
    "src/x.h": "#define X 0\n",
  });
  assert.is(p.fb(["export", "ninja", "-e", "a"]).code, 0);
  const ninja = () => spawnSync("ninja", [], { cwd: p.folder, encoding: "utf8" }).stdout;
  ninja();
  assert.equal([p.exists(".fb/build/a"), p.exists(".fb/build/b")], [true, false]);
  p.edit("src/x.h", "0", "1");
  assert.match(ninja(), "compile a src/main.c");
  p.write("fb.toml", 'schema = 1\n[[step]]\nname = "s"\nout = ["${gen}/s.h"]\nsh = "true\\n: > ${out[0]}"\n');
  const before = p.digest("build.ninja");
  const ran = p.fb(["export", "ninja"]);
  assert.is(ran.code, 3);
  assert.match(ran.stderr, "line break");
  assert.is(p.digest("build.ninja"), before);
});

test("ninja: a bar in a name, which its language cannot escape", () => {
  const p = new TestProject({ "platformio.ini": "[env:a]\nplatform = native\n", "src/a|b.c": "int main(void) { return 0; }\n" });
  assert.is(p.fb(["export", "ninja"]).code, 0);
  const ran = spawnSync("ninja", [], { cwd: p.folder, encoding: "utf8" });
  assert.is(ran.status, 0, ran.stdout);
  assert.ok(p.exists(".fb/build/a/release/src/a|b.c.o"));
});

test("dot: a drawing on standard output, arrows from what is made to what it is made of", () => {
  const { stdout, code } = project().fb(["export", "dot", "-e", "uno"]);
  assert.is(code, 0);
  assert.match(stdout, /^digraph fb \{\n/);
  assert.match(stdout, '":firmware@uno" -> "uno/release/');
  assert.match(stdout, '"uno/release/c:src/more.c.o" -> "src/more.c";');
  assert.is((stdout.match(/\{/g) ?? []).length, (stdout.match(/\}/g) ?? []).length);
  const names = new Set([...stdout.matchAll(/^ +("(?:[^"\\]|\\.)*") \[/gm)].map((m) => m[1]));
  for (const [, from, to] of stdout.matchAll(/^ +("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*");$/gm)) {
    assert.ok(names.has(from ?? "") && names.has(to ?? ""), `${from} -> ${to}`);
  }
});

test("what cannot be planned leaves the file as it was", () => {
  const p = new TestProject({ "platformio.ini": "[env:a]\nplatform = nope\n", "compile_commands.json": "mine" });
  const ran = p.fb(["export", "compdb"]);
  assert.is(ran.code, 3);
  assert.match(ran.stderr, "platformio.ini:2");
  assert.is(p.read("compile_commands.json"), "mine");
  assert.is(p.fb(["export", "compdb", "-e", "zz"]).code, 2);
});

test("the words of a response file are those that were written into it", () => {
  const words = ['-DA="b c"', "it's", "back\\slash", "", "a\tb", "-Ipath with blank", "line\nbreak", "é"];
  assert.equal(responseWords(responseText(words)), words);
  assert.equal(responseWords(`a 'b c'"d" \\"e\n`), ["a", "b cd", '"e']);
});

test("a project folder reached by a link is named by its real place", () => {
  const p = new TestProject({ "platformio.ini": "[env:a]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" });
  assert.is(p.fb(["export", "compdb", "-C", join(p.folder, "..", p.folder.split("/").at(-1) ?? "")], { cwd: "/" }).code, 0);
  assert.is((JSON.parse(readFileSync(p.path("compile_commands.json"), "utf8")) as Entry[])[0]?.directory, p.folder);
});

test.run();
