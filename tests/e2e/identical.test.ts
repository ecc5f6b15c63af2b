/** The same sources give the same bytes wherever they lie and whichever cache is there, and nothing that is made names the place. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, ends, freshFolder, result, scratch, TestProject } from "./harness.ts";

/** What a shell, a make or a linker's script could stumble over. */
const FOLDERS = [
  "plain",
  "with spaces and ü",
  `quotes ' and " two`,
  "signs $HOME & ; # (x) [y] {z} ~ ! = , @ % ^",
  "-dash",
  "deep/er/still/a/bit",
];

const COMMON = {
  "include/app.h": "#pragma once\n#include <assert.h>\ninline const char *here() { return __FILE__; }\nint value(int);\n",
  "lib/thing/src/thing.h": "int thing();\n",
  "lib/thing/src/thing.cpp": '#include "thing.h"\nint thing() { static int n = __LINE__; return n++; }\n',
  "src/value.cpp":
    '#include "app.h"\nnamespace { template <class T> T twice(T t) { static T z; return t + z++; } }\nint value(int v) { assert(v != 99); return twice(v) + here()[0] + __FILE__[0]; }\n',
  "src/part.c": "static int q;\nint part(int a) { return q += a; }\nconst char *part_file(void) { return __FILE__; }\n",
  "src/deep/asm.S": '#include "asm.h"\n.global LABEL\nLABEL:\n nop\n ret\n',
  "src/deep/asm.h": "#define LABEL in_asm\n",
  "fb.toml":
    'schema = 1\n[[step]]\nname = "table"\nin = "table.txt"\nout = ["${gen}/table.h", "${gen}/table.cpp"]\nsh = "echo \\"extern const int table;\\" > ${out[0]}; echo \\"#include <table.h>\\nconst int table = $(cat ${in});\\" > ${out[1]}"\n',
  "table.txt": "7\n",
};

const UNO = {
  ...COMMON,
  "platformio.ini": `[env:uno]\n${AVR}`,
  "src/main.cpp":
    '#include <Arduino.h>\n#include "app.h"\n#include <table.h>\n#include <thing.h>\nvoid setup() { Serial.begin(9600); Serial.println(value(table) + thing()); Serial.println(here()); }\nvoid loop() {}\n',
};

const NATIVE = {
  ...COMMON,
  "platformio.ini": "[env:uno]\nplatform = native\n",
  "src/main.cpp":
    '#include <stdio.h>\n#include "app.h"\n#include <table.h>\n#include <thing.h>\nint main() { return printf("%d %s\\n", value(table) + thing(), here()) < 0; }\n',
};

/** Text of what is kept: build_info.json is for editors, which want to know where things are. */
function made(project: TestProject, profile: string): Record<string, string> {
  const tree = project.tree(`.fb/build/uno/${profile}`);
  delete tree["build_info.json"];
  return tree;
}

function namesPlace(project: TestProject, profile: string): string[] {
  return Object.keys(made(project, profile)).filter((path) =>
    readFileSync(join(project.folder, ".fb/build/uno", profile, path)).includes(scratch),
  );
}

function hold(files: Readonly<Record<string, string>>, profile: string, folders: readonly string[], flags = ""): void {
  let first: Record<string, string> | null = null;
  const ini = `${files["platformio.ini"]}${flags}`;
  for (const name of folders) {
    const project = new TestProject(
      { ...files, "platformio.ini": ini },
      { folder: join(freshFolder("in"), name), cache: freshFolder("cache") },
    );
    const ran = project.run([`--${profile}`]);
    assert.is(result(ran).hits, 0, "a clean build");
    assert.ok(
      ends(ran).some((e) => e.label.includes("thing")),
      "the library is built",
    );
    const tree = made(project, profile);
    first ??= tree;
    assert.equal(tree, first, `in ${name}`);
    assert.equal(namesPlace(project, profile), [], `in ${name}`);
    assert.not.ok(ends(ran).some((e) => e.output.includes(scratch)));
  }
}

// Each odd folder with the cheap compiler, two of them with the dear one.
for (const profile of ["release", "debug"])
  test(`native, ${profile}: equal bytes in ${FOLDERS.length} folders`, () => hold(NATIVE, profile, FOLDERS));
test("native with LTO and debug information: equal bytes", () =>
  hold(NATIVE, "release", FOLDERS.slice(0, 3), "build_flags = -O2 -g -flto\n"));
test("uno, release: equal .elf and .hex in the oddest folders", () =>
  hold(UNO, "release", [FOLDERS[0] ?? "", `${FOLDERS[3]} ${FOLDERS[2]} ü`]));
for (const profile of ["quick", "debug"])
  test(`uno, ${profile}: equal bytes`, () => hold(UNO, profile, [FOLDERS[1] ?? "", FOLDERS[3] ?? ""]));

test("folders that the ini names: src_dir, include_dir, an outside library, a space in a source's name", () => {
  const files = {
    "platformio.ini":
      "[platformio]\nsrc_dir = the source\ninclude_dir = the include\n[env:uno]\nplatform = native\nbuild_flags = '-Ithe other' -DNAME='\"a b\"'\n",
    "the source/main file.cpp": '#include "a b.h"\n#include <other.h>\nint main() { return NAME[0] + AB + OTHER == 0; }\n',
    "the include/a b.h": "#define AB 1\n",
    "the other/other.h": "#define OTHER 1\n",
  };
  const trees = FOLDERS.slice(2, 4).map((name) => {
    const project = new TestProject(files, { folder: join(freshFolder("in"), name) });
    project.run();
    project.write("the include/a b.h", "#define AB 2\n");
    assert.is(result(project.run()).ran, 2, "a header with a space in its name is seen");
    return made(project, "release");
  });
  assert.equal(trees[0], trees[1]);
});

test("what is compiled from generated files names its env's folder: no other env takes it", () => {
  const files = {
    "platformio.ini": "[env:one]\nplatform = native\n[env:two]\nplatform = native\n",
    "src/main.cpp": "#include <where.h>\nint generated();\nint main() { return generated() + where()[0]; }\n",
    "fb.toml":
      'schema = 1\n[[step]]\nname = "g"\nout = ["${gen}/where.h", "${gen}/g.cpp"]\nsh = "echo \\"inline const char *where() { return __FILE__; }\\" > ${out[0]}; echo \\"int generated() { return 1; }\\" > ${out[1]}"\n',
  };
  for (const profile of ["--release", "--debug"]) {
    const project = new TestProject(files);
    project.run(["-e", "one", profile]);
    project.run(["-e", "two", profile]);
    const alone = new TestProject(files);
    alone.run(["-e", "two", profile]);
    const folder = `.fb/build/two/${profile.slice(2)}`;
    assert.equal(project.tree(folder), alone.tree(folder));
  }
});

test("a flag that names the project's folder is not shared with another folder", () => {
  const files = {
    "platformio.ini": '[env:uno]\nplatform = native\nbuild_flags = -DROOT=\\"${PROJECT_DIR}\\"\n',
    "src/main.cpp": "#include <stdio.h>\nint main() { return puts(ROOT) < 0; }\n",
  };
  const cache = freshFolder("cache");
  for (const name of ["one", "two"]) {
    const project = new TestProject(files, { folder: freshFolder(name), cache });
    project.run();
    assert.ok(project.read(".fb/build/uno/release/program").includes(project.folder));
  }
});

test.run();
