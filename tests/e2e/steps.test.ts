/** A project's own [[step]]s, through the binary: before compiling, after linking, folders of outputs, failures, and what they must not do unseen. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, BLINK, diagnostics, ends, executed, isNoop, restored, result, TestProject, unoCache } from "./harness.ts";

const NATIVE = "[env:pc]\nplatform = native\n";
const OUT = ".fb/build/pc/release";

function project(toml: string, files: Readonly<Record<string, string>> = {}): TestProject {
  return new TestProject({
    "platformio.ini": NATIVE,
    "src/main.cpp": "int main() { return 0; }\n",
    "fb.toml": `schema = 1\n${toml}`,
    ...files,
  });
}

function runs(p: TestProject): number | null {
  return spawnSync(p.path(`${OUT}/program`)).status;
}

const HEADER =
  '[[step]]\nname = "version"\nin = "VERSION"\nout = "${gen}/version.h"\nsh = "echo \\"#define VERSION $(cat ${in})\\" > ${out}"\n';

test("a header made before compiling: only what includes it follows an edit of its input", () => {
  const p = project(HEADER, {
    VERSION: "3\n",
    "src/main.cpp": "#include <version.h>\nint main() { return VERSION; }\n",
    "src/other.cpp": "int other() { return 1; }\n",
  });
  p.run();
  assert.is(runs(p), 3);
  isNoop(p.run());
  p.write("VERSION", "4\n");
  assert.equal(executed(p.run()), ["compile src/main.cpp", "link program", "step version"]);
  assert.is(runs(p), 4);
  p.write("VERSION", "4\n\n");
  assert.equal(executed(p.run()), ["step version"], "a header that comes out the same ends it there");
  p.write("VERSION", "3\n");
  const back = p.run();
  assert.equal([executed(back), runs(p)], [[], 3]);
  p.write("fb.toml", `schema = 1\n# only a comment\n${HEADER}`);
  isNoop(p.run());
  p.edit("fb.toml", "#define VERSION $", "#define VERSION 1$");
  assert.equal(executed(p.run()), ["compile src/main.cpp", "link program", "step version"]);
  assert.is(runs(p), 13);
});

test("a step that goes takes its header with it", () => {
  const p = project(HEADER, {
    VERSION: "3\n",
    "src/main.cpp":
      "#if __has_include(<version.h>)\n#include <version.h>\n#else\n#define VERSION 9\n#endif\nint main() { return VERSION; }\n",
  });
  p.run();
  assert.is(runs(p), 3);
  p.remove("fb.toml");
  p.run();
  assert.is(runs(p), 9);
  assert.not.ok(p.exists(`${OUT}/gen/version.h`));
});

test("a generated source is compiled and linked; its includes find the project's headers", () => {
  const p = project(
    '[[step]]\nname = "code"\nin = ["a.txt", "b.txt"]\nout = ["${gen}/code.cpp", "${gen}/code.h"]\nrun = ["/bin/sh", "make.sh", "${in}", "${out}"]\norder = []\n',
    {
      "a.txt": "1\n",
      "b.txt": "2\n",
      "make.sh":
        'echo "#include <base.h>\n#include \\"code.h\\"\nint code() { return BASE + $(cat $1) + $(cat $2); }" > $3\necho "int code();" > $4\n',
      "include/base.h": "#define BASE 10\n",
      "src/main.cpp": "#include <code.h>\nint main() { return code(); }\n",
    },
  );
  p.run();
  assert.is(runs(p), 13);
  p.write("b.txt", "5\n");
  assert.equal(executed(p.run()), [`compile ${OUT}/gen/code.cpp`, "link program", "step code"]);
  assert.is(runs(p), 16);
  p.edit("include/base.h", "10", "20");
  assert.equal(executed(p.run()), [`compile ${OUT}/gen/code.cpp`, "link program"]);
  assert.is(runs(p), 26);
});

test("steps that feed each other, by hand :NAME, and only for the envs that they name", () => {
  const toml =
    '[[step]]\nname = "one"\nin = "x.txt"\nout = "${gen}/one.txt"\nrun = ["cp", "${in}", "${out}"]\n' +
    '[[step]]\nname = "two"\nin = "${gen}/one.txt"\nout = "${gen}/two.h"\nsh = "echo \\"#define TWO $(cat ${in})\\" > ${out}"\n' +
    '[[step]]\nname = "only"\nenv = ["sp*"]\nout = "${gen}/only.h"\nsh = "echo \\"#define ONLY 1\\" > ${out}"\n';
  const p = project(toml, {
    "platformio.ini": `${NATIVE}[env:special]\nplatform = native\n`,
    "x.txt": "5\n",
    "src/main.cpp":
      "#include <two.h>\n#if __has_include(<only.h>)\n#include <only.h>\n#else\n#define ONLY 0\n#endif\nint main() { return TWO + ONLY; }\n",
  });
  p.run();
  assert.is(runs(p), 5);
  assert.is(spawnSync(p.path(".fb/build/special/release/program")).status, 6);
  p.write("x.txt", "6\n");
  assert.equal(executed(p.run([":two@pc"])), ["step one", "step two"]);
  const wrong = p.run([":only@pc"], { exit: 2 });
  assert.match(diagnostics(wrong)[0]?.message ?? "", ":only");
  assert.match(diagnostics(p.run([":onlly@special"], { exit: 2 }))[0]?.hint ?? "", '":only"');
});

test("a folder of outputs: emptied first, kept whole, restored whole", () => {
  const toml =
    '[[step]]\nname = "pages"\nin = "pages/**/*.txt"\nout = "${build}/pages/"\nrun = ["/bin/sh", "pages.sh", "${out}", "${in}"]\n';
  const p = project(toml, {
    "pages.sh": 'out=$1; shift; for f; do cp "$f" "$out/$(basename $f).html"; done\n',
    "pages/a.txt": "a",
    "pages/deep/b.txt": "b",
  });
  const pages = () => Object.keys(p.tree(`${OUT}/pages`));
  p.run([":pages"]);
  assert.equal(pages(), ["a.txt.html", "b.txt.html"]);
  isNoop(p.run([":pages"]));
  p.remove("pages/a.txt");
  p.write("pages/c.txt", "c");
  assert.equal(executed(p.run([":pages"])), ["step pages"]);
  assert.equal(pages(), ["b.txt.html", "c.txt.html"]);
  p.remove(`${OUT}/pages/b.txt.html`);
  p.write(`${OUT}/pages/stray.html`, "");
  assert.equal(executed(p.run([":pages"])), []);
  assert.equal(pages(), ["b.txt.html", "c.txt.html"]);
});

test("a folder of outputs with links back to itself: gone through once, kept, made anew", () => {
  const toml = '[[step]]\nname = "tree"\nin = "T"\nout = "${build}/tree/"\nsh = "cp T ${out}t; ln -s . ${out}a; ln -s . ${out}b"\n';
  const p = project(toml, { T: "1" });
  assert.equal(executed(p.run([":tree"])), ["step tree"]);
  isNoop(p.run([":tree"]));
  p.write("T", "2");
  assert.equal(executed(p.run([":tree"])), ["step tree"]);
  assert.is(p.read(`${OUT}/tree/t`), "2");
  p.write(`${OUT}/tree/stray`, "");
  p.run([":tree"]);
  assert.not(existsSync(p.path(`${OUT}/tree/stray`)));
});

test("signing after the link: the signed image is what :firmware reports", () => {
  const toml =
    '[[step]]\nname = "sign"\nafter = ["link"]\nin = "key"\nout = "${build}/firmware.signed.hex"\nprovides = "image"\nsh = "cat ${image.hex} ${in} > ${out}"\n';
  const p = new TestProject(
    { "platformio.ini": `[env:uno]\n${AVR}`, "src/main.cpp": BLINK, "fb.toml": `schema = 1\n${toml}`, key: ":00000001FF\n" },
    { cache: unoCache() },
  );
  const ran = p.run();
  assert.equal(
    result(ran).artifacts.map((a) => a.path),
    [".fb/build/uno/release/firmware.signed.hex"],
  );
  assert.ok(result(ran).size.length === 1, "the size report is still there");
  assert.is(p.read(".fb/build/uno/release/firmware.signed.hex"), p.read(".fb/build/uno/release/firmware.hex") + p.read("key"));
  isNoop(p.run());
  p.write("key", ":00000001FE\n");
  assert.equal(executed(p.run()), ["step sign"]);
});

test("a step that fails: exit 1, what it said, and no output; that writes nothing: named", () => {
  const p = project('[[step]]\nname = "bad"\nout = "${gen}/x.h"\nsh = "echo half > ${out}; echo it went wrong >&2; exit 7"\n');
  const ran = p.fb([]);
  assert.is(ran.code, 1);
  assert.match(ran.stdout + ran.stderr, /bad.*exit 7[^]*it went wrong/);
  assert.not.ok(p.exists(`${OUT}/gen/x.h`));
  const silent = project('[[step]]\nname = "silent"\nout = "${gen}/x.h"\nrun = ["true"]\n');
  const [found] = diagnostics(silent.run([], { exit: 1 }));
  assert.match(found?.message ?? "", /silent.*gen\/x\.h/);
});

test("the first command of an sh step that fails ends it", () => {
  const p = project('[[step]]\nname = "e"\nout = "${gen}/x.h"\nsh = "false; echo > ${out}"\n');
  assert.is(result(p.run([], { exit: 1 })).failed, 1);
});

test("what a step makes and another action reads without waiting for it is an error", () => {
  const toml = '[[step]]\nname = "late"\nafter = ["link"]\nout = "late.h"\nsh = "echo \\"#define LATE 1\\" > ${out}"\n';
  const p = project(toml, {
    "src/main.cpp": '#if __has_include("../late.h")\n#include "../late.h"\n#else\n#define LATE 0\n#endif\nint main() { return LATE; }\n',
  });
  const [found] = diagnostics(p.run([":firmware", ":late"], { exit: 3 }));
  assert.match(found?.message ?? "", /src\/main\.cpp (looks for|reads) late\.h/);
  assert.not.ok(p.exists(`${OUT}/src/main.cpp.o`));
});

test("a step sees only the variables that it names", () => {
  const toml =
    '[[step]]\nname = "vars"\nout = "${gen}/v.txt"\nvars = { GIVEN = "yes" }\nsh = "echo ${sp}[\\"$GIVEN\\"][\\"$SECRET\\"] > ${out}"\n'.replace(
      "${sp}",
      "",
    );
  const p = project(toml);
  p.run([":vars"], { vars: { SECRET: "no" } });
  assert.is(p.read(`${OUT}/gen/v.txt`).trim(), "[yes][]");
  isNoop(p.run([":vars"], { vars: { SECRET: "other" } }));
});

test("a depfile of a step: what it names is an input", () => {
  const toml =
    '[[step]]\nname = "pack"\nin = "list.txt"\nout = "${gen}/pack.h"\ndepfile = "${gen}/pack.d"\nsh = "echo \\"#define PACK $(cat part.txt)\\" > ${out}; echo \\"${out}: part.txt\\" > ${depfile}"\n';
  const p = project(toml, { "list.txt": "", "part.txt": "4\n", "src/main.cpp": "#include <pack.h>\nint main() { return PACK; }\n" });
  p.run();
  p.write("part.txt", "5\n");
  assert.equal(executed(p.run()), ["compile src/main.cpp", "link program", "step pack"]);
  assert.is(runs(p), 5);
});

test("a depfile that names a file which is not there: when it comes, the step runs again", () => {
  const toml =
    '[[step]]\nname = "maybe"\nout = "${gen}/maybe.h"\ndepfile = "${gen}/maybe.d"\nsh = "echo \\"#define MAYBE 1$(cat part.txt 2>/dev/null)\\" > ${out}; echo \\"${out}: part.txt\\" > ${depfile}"\n';
  const p = project(toml, { "src/main.cpp": "#include <maybe.h>\nint main() { return MAYBE; }\n" });
  p.run();
  assert.is(runs(p), 1);
  isNoop(p.run());
  p.write("part.txt", "5\n");
  p.run();
  assert.is(runs(p), 15);
  p.remove("part.txt");
  p.run();
  assert.is(runs(p), 1);
});

test("a step's result is this folder's, unless it says all", () => {
  const one = project(HEADER, { VERSION: "3\n" });
  one.run([":version"]);
  const two = new TestProject({}, { cache: one.cache });
  for (const path of ["platformio.ini", "fb.toml", "VERSION", "src/main.cpp"]) two.write(path, one.read(path));
  assert.equal(executed(two.run([":version"])), ["step version"]);
  for (const p of [one, two]) p.edit("fb.toml", "[[step]]\n", '[[step]]\nsharing = "all"\n');
  one.run([":version"]);
  assert.equal(restored(two.run([":version"])), ["step version"]);
});

test("very long command lines: 300 sources with long names are linked through a response file", () => {
  const name = (i: number) => `src/${"a_rather_long_folder_name_".repeat(6)}/${"and_a_file_name_".repeat(9)}${i}.c`;
  const files: Record<string, string> = {};
  for (let i = 0; i < 300; i++) files[name(i)] = `int f${i}(void) { return ${i}; }\n`;
  const p = project("", { ...files, "src/main.cpp": 'extern "C" int f299(void);\nint main() { return f299() - 296; }\n' });
  const ran = p.run(["-v"]);
  assert.is(runs(p), 3);
  const link = ran.events.find((e) => e.type === "start" && e.kind === "link");
  assert.ok(link?.type === "start" && link.argv?.some((a) => a.startsWith("@")), "the command names a response file");
  isNoop(p.run(), "with 300 sources:");
  p.remove(name(7));
  assert.equal(executed(p.run()), ["link program"], "what the response file says is in the key");
  assert.ok(ends(ran).length > 300);
});

test.run();
