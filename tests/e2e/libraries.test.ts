/** Libraries through the binary: what is built when one appears or changes, targets, two envs, messages. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ends, executed, type Ran, restored, result, TestProject } from "./harness.ts";

const NATIVE = "[env:a]\nplatform = native\n";

function library(name: string, header: string, body = ""): Record<string, string> {
  return {
    [`lib/${name}/src/${name}.h`]: `#pragma once\n${header}\nint ${name}();\n`,
    [`lib/${name}/src/${name}.cpp`]: `#include "${name}.h"\nint ${name}() { return 1; }\n${body}`,
    [`lib/${name}/src/other.c`]: "int unused_name;\n".replace("name", name),
  };
}

/** What ran, as `kind label`, but for what came from the cache. */
function ran(run: Ran): string[] {
  return ends(run)
    .filter((e) => e.status === "ran")
    .map((e) => `${e.kind} ${e.label}`)
    .sort();
}

function project(ini = NATIVE): TestProject {
  return new TestProject({
    "platformio.ini": ini,
    "src/main.cpp": '#include "one.h"\nint main() { return one() - 1; }\n',
    "src/later.cpp": "// nothing yet\n",
    ...library("one", '#include "two.h"'),
    ...library("two", ""),
    ...library("three", ""),
  });
}

test("a library is compiled when an include leads to it, archived and linked; another is not", () => {
  const p = project();
  const first = ran(p.run());
  assert.ok(first.includes("archive lib/one/libone.a") && first.includes("archive lib/two/libtwo.a"), first.join("\n"));
  assert.not.ok(first.some((each) => each.includes("three")));
  assert.equal(ran(p.run()), []);
});

test("an edit of a library's file compiles it, archives that library and links", () => {
  const p = project();
  p.run();
  p.edit("lib/two/src/two.cpp", "return 1", "return 1 + 0 * 7");
  // Equal code gives an equal object: a change that shows is needed for the rest.
  p.edit("lib/two/src/two.cpp", "int two()", "int more_of_two() { return 9; }\nint two()");
  assert.equal(ran(p.run()), ["archive lib/two/libtwo.a", "compile lib/two/src/two.cpp", "link program"]);
});

test("an include that is added brings the library in, and only it", () => {
  const p = project();
  p.run();
  p.write("src/later.cpp", '#include "three.h"\nint later() { return three(); }\n');
  const after = ran(p.run());
  assert.equal(
    after.filter((each) => each.startsWith("compile lib") || each.startsWith("archive")),
    ["archive lib/three/libthree.a", "compile lib/three/src/other.c", "compile lib/three/src/three.cpp"],
  );
});

test("a library that appears is used by an include that waited for it", () => {
  const p = project();
  p.write("src/later.cpp", '#if __has_include("four.h")\n#include "four.h"\nint later() { return four(); }\n#endif\n');
  p.run();
  for (const [path, text] of Object.entries(library("four", ""))) p.write(path, text);
  assert.ok(ran(p.run()).includes("archive lib/four/libfour.a"));
});

test("chain+ sees when a condition changes", () => {
  const p = project(`${NATIVE}lib_ldf_mode = chain+\n`);
  p.write("src/later.cpp", '#define WANTS 0\n#if WANTS\n#include "three.h"\n#endif\nint later() { return 1; }\n');
  assert.not.ok(ran(p.run()).some((each) => each.includes("three")));
  p.edit("src/later.cpp", "return 1", "return 2");
  assert.equal(ran(p.run()), ["compile src/later.cpp", "link program"]);
  p.edit("src/later.cpp", "WANTS 0", "WANTS 1");
  assert.ok(ran(p.run()).includes("archive lib/three/libthree.a"));
});

test("chain+ knows what the compiler predefines", () => {
  const p = project(`${NATIVE}lib_ldf_mode = chain+\n`);
  p.write("src/later.cpp", '#if defined(__GNUC__) && __GNUC__ > 3\n#include "three.h"\nint later() { return three(); }\n#endif\n');
  assert.ok(ran(p.run()).includes("archive lib/three/libthree.a"));
});

test("targets of one library and of all", () => {
  const p = project();
  assert.equal(ran(p.run([":lib/two"])), ["archive lib/two/libtwo.a", "compile lib/two/src/other.c", "compile lib/two/src/two.cpp"]);
  assert.ok(p.exists(".fb/build/a/release/lib/two/libtwo.a"));
  assert.not.ok(p.exists(".fb/build/a/release/lib/one/libone.a"));
  p.run([":deps"]);
  assert.ok(p.exists(".fb/build/a/release/lib/one/libone.a"));
  assert.not.ok(p.exists(".fb/build/a/release/program"));
});

test("two envs with the same libraries compile them once", () => {
  const p = project(`${NATIVE}[env:b]\nplatform = native\n`);
  p.run(["-e", "a"]);
  assert.not.ok(ran(p.run(["-e", "b"])).some((each) => each.startsWith("compile lib")));
});

test("libraries that lib_deps names, and one outside: an edit compiles that file, once for two envs; after fb clean too", () => {
  const env = (name: string): string =>
    `[env:${name}]\nplatform = native\nlib_extra_dirs = ../outside\nlib_deps =\n  file://vendor/five\n  symlink://vendor/nine\n`;
  const p = project(env("a") + env("b"));
  const code = (name: string): string => `int ${name}() { return 1; }\n`;
  for (const name of ["five", "nine"]) {
    p.write(`vendor/${name}/library.json`, `{"name":"${name}","version":"1.0.0"}\n`);
    p.write(`vendor/${name}/${name}.c`, code(name));
    p.write(`vendor/${name}/more.c`, code(`more_${name}`));
  }
  p.write("../outside/ten/ten.h", "#pragma once\n");
  p.write("../outside/ten/ten.c", code("ten"));
  p.write("../outside/ten/more.c", code("more_ten"));
  p.write("src/later.cpp", '#include "ten.h"\n');
  const compiles = (each: string): boolean => each.startsWith("compile");
  const isLibrary = (each: string): boolean => compiles(each) && !each.startsWith("compile src/");

  const first = executed(p.run()).filter(isLibrary);
  assert.is(first.length, 10, first.join("\n"));
  assert.is(new Set(first).size, 10, "once for both envs");

  for (const [file, name] of [
    ["vendor/five/five.c", "five"],
    ["vendor/nine/more.c", "nine"],
    ["../outside/ten/ten.c", "ten"],
  ] as const) {
    p.edit(file, "int ", `int also_${name};\nint `);
    const run = p.run();
    const source = first.find((each) => each.endsWith(file.slice(file.lastIndexOf(name))));
    assert.equal(executed(run).filter(compiles), [source]);
    // What the envs archive is equal, what they link says where it lies.
    assert.equal([...new Set([...executed(run), ...restored(run)])].filter((each) => !compiles(each)).sort(), [
      `archive lib/${name}/lib${name}.a`,
      "link program",
    ]);
  }

  p.fb(["clean"]);
  const back = p.run();
  assert.equal(
    executed(back).filter((each) => !each.startsWith("link")),
    [],
  );
  assert.is(restored(back).filter(isLibrary).length, 20);

  p.fb(["clean"]);
  p.edit("vendor/five/more.c", "int ", "int also_more;\nint ");
  const after = executed(p.run());
  assert.equal(after.filter(compiles), ["compile vendor/five/more.c"]);
  assert.equal(
    [...new Set(after)].filter((each) => each.startsWith("archive")),
    ["archive lib/five/libfive.a"],
  );

  // One more library: of libraries it alone.
  p.write("vendor/new/library.json", '{"name":"new","version":"1.0.0"}\n');
  p.write("vendor/new/new.c", code("brand_new"));
  const nine = "  symlink://vendor/nine\n";
  p.write("platformio.ini", p.read("platformio.ini").replaceAll(nine, `${nine}  symlink://vendor/new\n`));
  assert.equal(executed(p.run()).filter(isLibrary), ["compile vendor/new/new.c"]);
});

test("a folder outside the project, and one that lib_deps names in place", () => {
  const p = project(`${NATIVE}lib_extra_dirs = ../shared\nlib_deps =\n  symlink://vendor/five\n`);
  p.write("../shared/six/six.h", "inline int six() { return 6; }\n");
  p.write("vendor/five/five.c", "int five;\n");
  p.write("vendor/five/library.json", '{"name":"five","version":"1.0.0"}\n');
  p.write("src/later.cpp", "#include <six.h>\nint later() { return six(); }\n");
  assert.ok(ran(p.run()).includes("archive lib/five/libfive.a"));
});

test("what is wrong or not found is said with its place", () => {
  const p = project(`${NATIVE}lib_deps =\n  Nowhere\nlib_ignore = three\n`);
  p.write("src/later.cpp", '#if 0\n#include "three.h"\n#endif\n');
  p.write("lib/two/library.json", '{"name": "two",\n}\n');
  const run = p.run();
  const said = run.events.flatMap((e) => (e.type === "diagnostic" ? [`${e.code} ${e.file}:${e.line}`] : []));
  assert.ok(said.includes("library.not-found platformio.ini:4"), said.join("\n"));
  assert.ok(said.includes("library.manifest lib/two/library.json:2"), said.join("\n"));
  assert.ok(said.includes("library.excluded src/later.cpp:0"), said.join("\n"));
  assert.is(result(run).status, "ok");
});

test("an extraScript of a library that is used stops the env, unless fb.toml lets it go", () => {
  const p = project();
  p.write("lib/two/library.json", '{"name": "two", "build": {"extraScript": "x.py"}}\n');
  const run = p.run([], { exit: 3 });
  assert.ok(run.events.some((e) => e.type === "diagnostic" && e.code === "library.extra-script" && e.file === "lib/two/library.json"));
  p.write("fb.toml", 'schema = 1\n[compat]\nextra_scripts = "ignore"\n');
  p.run();
});

test.run();
