/** Plans of generated projects with libraries against what PlatformIO 6.2.0 compiled and linked (fixtures/libraries.json, made by record-libraries.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ActionSpec } from "../../engine/types.ts";
import { iniOf, type LibraryEnv, type LibraryTree } from "./library-cases.ts";
import { FRAMEWORK, planned as plannedFrom } from "./memory-plan.ts";

interface Expected {
  /** Words of flags, "", the sources that have them. */
  readonly groups: readonly (readonly string[])[];
  readonly link: readonly string[];
}
type Recorded = Omit<LibraryTree, "envs"> & { readonly envs: readonly (LibraryEnv & { readonly expect: Expected | null })[] };

const file = process.env["FB_LIBRARY_FIXTURES"] ?? join(import.meta.dirname, "fixtures", "libraries.json");
const recorded: Recorded[] = JSON.parse(readFileSync(file, "utf8"));
const CORE: Readonly<Record<string, string>> = {
  [`${FRAMEWORK}/cores/arduino/Arduino.h`]: "#include <Wire.h>\n",
  [`${FRAMEWORK}/cores/arduino/main.cpp`]: "\n",
  [`${FRAMEWORK}/variants/standard/pins_arduino.h`]: "\n",
  [`${FRAMEWORK}/libraries/Wire/src/Wire.h`]: "\n",
  [`${FRAMEWORK}/libraries/Wire/src/Wire.cpp`]: '#include "Wire.h"\n',
  [`${FRAMEWORK}/libraries/Wire/library.properties`]: "name=Wire\nversion=1.0\narchitectures=avr\n",
};

const planned = (files: Readonly<Record<string, string>>, predefines: string | null) => plannedFrom({ ...files, ...CORE }, predefines);

/** An env's actions in the recorder's words. */
function summary(actions: readonly ActionSpec[]): Expected {
  const groups = new Map<string, string[]>();
  let link: readonly string[] = [];
  for (const action of actions) {
    const argv = action.argv.filter((word) => !word.startsWith("-DDECIMAL_DIG="));
    if (action.kind === "link") link = argv;
    if (action.kind !== "compile") continue;
    const source = action.label;
    if (source.startsWith(`${FRAMEWORK}/cores`)) continue;
    const key = JSON.stringify(argv.filter((word) => /^-[DIU]/.test(word)));
    groups.set(key, [...(groups.get(key) ?? []), source]);
  }
  const linked = link
    .slice(1)
    .filter((word) => /^(-L|-l|-Wl,--one)|\.(o|a)$/.test(word))
    .map((word) => word.replace(/^(-L)?\.fb\/build\/[^/]+\/release/, "$1@"));
  return { groups: [...groups].map(([flags, sources]) => [...JSON.parse(flags), "", ...sources.sort()]), link: linked };
}

/** What both write in their own way: the folders of objects and archives, suffixes of objects, the order of the compiles. */
function plain(expected: Expected): Expected {
  const file = (word: string): string =>
    word.endsWith(".a")
      ? word.slice(word.lastIndexOf("/") + 1).replace(/-\d+\.a$/, ".a")
      : word.endsWith(".o")
        ? word
            .replace(/^@\/(lib\/)?/, "")
            .replace(/\.(c|cc|cpp|S|asm)\.o$/, ".o")
            .replace(/-\d+\//, "/")
        : word;
  return {
    groups: [...expected.groups].sort((a, b) => (a.join(" ") < b.join(" ") ? -1 : 1)),
    link: expected.link.filter((word) => !word.includes("ArduinoVariant")).map(file),
  };
}

let count = 0;
for (const tree of recorded) {
  test(`${tree.name}: what is compiled, with which folders and defines, and how it is linked`, () => {
    const plan = planned({ ...tree.files, "platformio.ini": iniOf(tree) }, null);
    for (const { expect, ...env } of tree.envs) {
      if (expect === null) continue;
      count++;
      const found = summary(plan.actions(env.name));
      assert.equal(plain(found), plain(expect), JSON.stringify(env));
    }
  });
}

test("the fixtures are there", () => assert.ok(count > 30, `${count} envs`));

test("a library that is linked without an archive may be all of the program", () => {
  const manifest = { name: "A", version: "1.0.0", build: { libArchive: false } };
  const files = { "src/only.h": "\n", "lib/A/library.json": JSON.stringify(manifest), "lib/A/src/a.c": "int main() {}\n" };
  const ini = "[env:e]\nplatform = native\nlib_deps = A\n";
  const { link } = summary(planned({ ...files, "platformio.ini": ini }, null).actions("e"));
  assert.ok(
    link.some((word) => word.endsWith("/a.c.o")),
    link.join(" "),
  );
  const archived = { ...files, "lib/A/library.json": JSON.stringify({ name: "A", version: "1.0.0" }), "platformio.ini": ini };
  assert.throws(() => planned(archived, null).actions("e"), /project\.no-sources/);
});

test("sources outside of the source folder are looked through first", () => {
  const files = {
    "code/main.c": '#include "A.h"\n',
    "more/x.c": '#include "B.h"\n',
    "lib/A/A.h": "\n",
    "lib/B/B.h": "\n",
    "platformio.ini": "[platformio]\nsrc_dir = code\n[env:e]\nplatform = native\nbuild_src_filter = +<*> +<../more>\n",
  };
  const [main] = planned(files, null)
    .actions("e")
    .filter((action) => action.label === "code/main.c");
  assert.equal(
    main?.argv.filter((word) => word.startsWith("-I")),
    ["-Icode", "-Ilib/A", "-Ilib/B"],
  );
});

test("a manifest's dependency is looked for by the name that builds a library, not by that of its other manifest", () => {
  const files = {
    "src/main.c": '#include "A.h"\n',
    "lib/A/library.json": JSON.stringify({ name: "A", version: "1.0.0", dependencies: [{ name: "B Lib", version: "*" }] }),
    "lib/A/src/A.h": "\n",
    "lib/B/library.json": '{"name": "broken",',
    "lib/B/library.properties": "name=B Lib\nversion=1.0.0\n",
    "lib/B/B.c": "\n",
  };
  const ini = "[env:e]\nplatform = native\nlib_compat_mode = off\n";
  const compiled = (more: Record<string, string>): string[] =>
    planned({ ...files, ...more, "platformio.ini": ini }, null)
      .actions("e")
      .filter((action) => action.kind === "compile")
      .map((action) => action.label);
  assert.equal(compiled({}), ["src/main.c"]);
  assert.equal(compiled({ "lib/B/library.json": '{"name": "B Lib", "version": "1.0.0"}' }), ["lib/B/B.c", "src/main.c"]);
});

const compiledFrom = (files: Record<string, string>): string[] =>
  planned(files, null)
    .actions("e")
    .filter((action) => action.kind === "compile")
    .map((action) => action.label)
    .sort();

test("srcDir may end with a slash", () => {
  const files = {
    "src/main.c": '#include "A.h"\n',
    "lib/A/library.json": JSON.stringify({ name: "A", version: "1.0.0", build: { srcDir: "./code/" } }),
    "lib/A/code/A.h": "\n",
    "lib/A/code/a.c": "\n",
    "platformio.ini": "[env:e]\nplatform = native\n",
  };
  assert.equal(compiledFrom(files), ["lib/A/code/a.c", "src/main.c"]);
});

test("a folder that is installed gets a manifest where it has none, and the library is where its sources begin", () => {
  const files = {
    "src/main.c": "\n",
    "vendor/Old/keywords.txt": "\n",
    "vendor/Old/sub/o.c": "\n",
    "vendor/Packed/source/sub/p.c": "\n",
    "vendor/Packed/source/p.h": "\n",
    "vendor/Deep/tools/x.py": "\n",
    "vendor/Deep/lib/library.json": '{"name": "D", "version": "1.0.0"}',
    "vendor/Deep/lib/src/d.c": "\n",
  };
  const compiled = (how: string): string[] => {
    const list = ["Old", "Packed", "Deep"].map((name) => `  ${how}://vendor/${name}\n`).join("");
    return compiledFrom({ ...files, "platformio.ini": `[env:e]\nplatform = native\nlib_deps =\n${list}` });
  };
  assert.equal(compiled("file"), ["src/main.c", "vendor/Deep/lib/src/d.c", "vendor/Old/sub/o.c", "vendor/Packed/source/sub/p.c"]);
  // One that is linked stays as it is: an Arduino library by its keywords.txt, which an env without a framework may not see.
  assert.not.ok(compiled("symlink").includes("vendor/Old/sub/o.c"));
});

test("a library without a version is in no range that asks for one", () => {
  const files = { "src/main.c": "\n", "lib/A/library.json": '{"name": "A"}', "lib/A/src/a.c": "\n" };
  const compiled = (item: string): string[] =>
    compiledFrom({ ...files, "platformio.ini": `[env:e]\nplatform = native\nlib_deps = ${item}\n` });
  assert.equal(compiled("A@^1.0"), ["src/main.c"]);
  assert.equal(compiled("A"), ["lib/A/src/a.c", "src/main.c"]);
});

test("the source filter decides on a sketch by the name of its conversion, and so does the order of the link", () => {
  const files = { "src/b.ino": "void setup() {}\n", "src/a.cpp": "\n", "src/c.cpp": "\n" };
  const ini = "[env:e]\nplatform = atmelavr\nboard = uno\nframework = arduino\n";
  const objects = (more: string): string[] =>
    summary(planned({ ...files, "platformio.ini": ini + more }, null).actions("e")).link.filter((word) => word.endsWith(".o"));
  assert.equal(
    objects("").map((word) => word.replace(/^@\/src\//, "")),
    ["a.cpp.o", "b.ino.cpp.o", "c.cpp.o"],
  );
  assert.is(objects("build_src_filter = +<*> -<b.ino.cpp>\n").length, 2);
});

test("a plan depends on names, include texts and directives, never on the content of a source", () => {
  for (const tree of recorded) {
    const plan = planned({ ...tree.files, "platformio.ini": iniOf(tree) }, "");
    for (const env of tree.envs) plan.actions(env.name);
    const content = plan.asked.filter((each) => /^file .*\.(c|cc|cpp|h|hpp|S)$/.test(each));
    assert.equal(content, [], tree.name);
    if (
      tree.envs.every((env) => !env.mode.endsWith("+") && env.mode !== "") &&
      !Object.values(tree.files).some((text) => text.includes("libLDFMode"))
    )
      assert.equal(
        plan.asked.filter((each) => each.startsWith("directives")),
        [],
        tree.name,
      );
  }
});

const PREDEFINED = "#define __AVR__ 1\n#define __GNUC__ 5\n";

/** Folders of the compiles of some sources, and the link's objects and archives, of a project in mode deep+ for which the compiler says what it predefines. */
function deepPlus(files: Readonly<Record<string, string>>): { readonly folders: Record<string, string>; readonly link: string } {
  const actions = planned({ ...files, "platformio.ini": "[env:e]\nplatform = native\nlib_ldf_mode = deep+\n" }, PREDEFINED).actions("e");
  const folders = actions
    .filter((action) => action.kind === "compile")
    .map((action) => [action.label, action.argv.filter((word) => word.startsWith("-I")).join(" ")] as const);
  return {
    folders: Object.fromEntries(folders),
    link: summary(actions)
      .link.filter((word) => word.endsWith(".a"))
      .join(" "),
  };
}

test("a + mode: a header that compiles find among what PlatformIO gives them brings nothing more, wherever else it lies", () => {
  const { folders } = deepPlus({
    "src/main.c": '#include "B.h"\n#ifdef __GNUC__\n#include <util.h>\n#endif\n',
    "lib/A/util.h": "\n",
    "lib/A/a.c": "\n",
    "lib/B/B.h": "\n",
    "lib/B/util.h": "\n",
  });
  assert.equal(folders, { "src/main.c": "-Isrc -Ilib/B" });
});

test("a + mode: what compiles would miss is added, with its folders last, and what that misses in turn", () => {
  const { folders, link } = deepPlus({
    "src/main.c": '#include "B.h"\n#ifdef __GNUC__\n#include <A.h>\n#endif\n',
    "lib/A/A.h": "\n",
    "lib/A/util.h": "\n",
    "lib/A/a.c": '#include "A.h"\n#if __has_include("C.h")\n#include "C.h"\n#endif\n',
    "lib/B/B.h": "\n",
    "lib/B/util.h": "\n",
    "lib/B/b.c": "\n",
    "lib/C/C.h": "\n",
    "lib/C/c.c": '#ifdef NEVER\n#include "D.h"\n#endif\n',
    "lib/D/D.h": "\n",
    "lib/D/d.c": "\n",
  });
  assert.equal(folders, {
    "lib/A/a.c": "-Ilib/A -Ilib/C",
    "lib/B/b.c": "-Ilib/B",
    "lib/C/c.c": "-Ilib/C",
    "src/main.c": "-Isrc -Ilib/B -Ilib/A -Ilib/C",
  });
  assert.is(link, "@/lib/C/libC.a @/lib/A/libA.a @/lib/B/libB.a");
});

test("with the compiler's own macros a + mode finds no library less", () => {
  for (const tree of recorded) {
    const files = { ...tree.files, "platformio.ini": iniOf(tree) };
    const [without, with_] = [planned(files, null), planned(files, PREDEFINED)];
    for (const env of tree.envs) {
      const compiled = (actions: readonly ActionSpec[]): string[] => actions.filter((a) => a.kind === "compile").map((a) => a.label);
      const more = new Set(compiled(with_.actions(env.name)));
      for (const source of compiled(without.actions(env.name))) assert.ok(more.has(source), `${tree.name} ${env.name} ${source}`);
    }
  }
});

test.run();
