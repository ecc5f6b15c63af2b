/** What an edit costs: exactly what it reaches runs, nothing else, and going back is free. */
import { chmodSync, copyFileSync, symlinkSync, utimesSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, BLINK, executed, freshFolder, isNoop, restored, result, TestProject, unoCache } from "./harness.ts";

const LINK = ["link program"];
const NATIVE = "[env:pc]\nplatform = native\n";
const UNO = `[env:uno]\n${AVR}`;
const OUT = ".fb/build/pc/release";

/** Two units, a header for both and one for each. */
const FILES = {
  "platformio.ini": NATIVE,
  "include/both.h": "#pragma once\n#define BOTH 1\n",
  "include/a.h": "#pragma once\nint a();\n",
  "src/a.cpp": '#include "both.h"\n#include "a.h"\nint a() { return BOTH; }\n',
  "src/main.cpp": '#include "both.h"\n#include "a.h"\n#include "local.h"\nint main() { return a() - BOTH + LOCAL; }\n',
  "src/local.h": "#define LOCAL 0\n",
};

function built(files: Readonly<Record<string, string>> = FILES): TestProject {
  const project = new TestProject(files, files["platformio.ini"]?.includes("atmelavr") === true ? { cache: unoCache() } : {});
  project.run();
  return project;
}

/** Runs and says what was executed; the next run must find nothing to do. */
function costs(project: TestProject, args: readonly string[] = []): string[] {
  const ran = project.run(args);
  isNoop(project.run(args), "the run after:");
  return executed(ran);
}

test("nothing changed: ran 0, hits 0", () => {
  const project = built();
  isNoop(project.run());
  const human = project.fb([]);
  assert.is(human.code, 0);
  assert.match(human.stdout, /up to date/);
});

test("a comment at a file's end: one compile and nothing after it", () => {
  const project = built({ "platformio.ini": UNO, "src/main.cpp": BLINK });
  project.write("src/main.cpp", `${BLINK}// the end\n`);
  assert.equal(costs(project), ["compile src/main.cpp"]);
  const pc = built();
  pc.write("src/a.cpp", `${FILES["src/a.cpp"]}// the end\n`);
  assert.equal(costs(pc), ["compile src/a.cpp"]);
});

test("a comment above code with LTO, whose objects hold line numbers: compile and link, no objcopy", () => {
  const project = built({ "platformio.ini": UNO, "src/main.cpp": BLINK });
  const hex = project.mtime(".fb/build/uno/release/firmware.hex");
  project.write("src/main.cpp", `// above\n${BLINK}`);
  assert.equal(costs(project), ["compile src/main.cpp", "link firmware.elf"]);
  assert.is(project.mtime(".fb/build/uno/release/firmware.hex"), hex);
});

test("a header edit: exactly its dependants; back: hits only", () => {
  const project = built();
  project.edit("include/both.h", "1", "2");
  assert.equal(costs(project), ["compile src/a.cpp", "compile src/main.cpp", ...LINK]);
  project.edit("include/both.h", "2", "1");
  const back = project.run();
  assert.equal(executed(back), []);
  assert.equal(restored(back), ["compile src/a.cpp", "compile src/main.cpp", ...LINK]);
  project.edit("src/local.h", "0", "0 // same");
  assert.equal(costs(project), ["compile src/main.cpp"]);
});

test("build_flags reach what they reach, and editing back gives hits", () => {
  const project = built({ ...FILES, "src/c.c": "int c(void) { return 0; }\n", "src/s.S": "" });
  project.write("platformio.ini", `${NATIVE}build_flags = -DNEW\n`);
  assert.equal(costs(project), ["compile src/a.cpp", "compile src/c.c", "compile src/main.cpp", "compile src/s.S"]);
  project.write("platformio.ini", `${NATIVE}build_flags = -DNEW -std=c++20\n`);
  assert.equal(costs(project), ["compile src/a.cpp", "compile src/main.cpp"], "only C++ sees -std=c++20");
  project.write("platformio.ini", `${NATIVE}build_flags = -Wl,--as-needed\n`);
  const link = project.run();
  assert.equal(executed(link), LINK, "only the link sees a -Wl,");
  assert.is(restored(link).length, 4);
  project.write("platformio.ini", NATIVE);
  const back = project.run();
  assert.equal(executed(back), []);
  assert.equal(restored(back), LINK);
});

test("a link that leads back to a folder above it: each source is compiled once", () => {
  const project = new TestProject({
    ...FILES,
    "lib/one/src/one.c": "int one(void) { return 1; }\n",
    "lib/one/src/one.h": "int one(void);\n",
  });
  project.edit("src/main.cpp", "int main", 'extern "C" {\n#include <one.h>\n}\nint main');
  for (const path of ["src/again", "src/twice", "lib/one/again", "lib/one/src/twice"]) symlinkSync(".", project.path(path));
  symlinkSync("..", project.path("lib/one/src/up"));
  assert.equal(
    costs(project).filter((each) => each.startsWith("compile")),
    ["compile lib/one/src/one.c", "compile src/a.cpp", "compile src/main.cpp"],
  );
  isNoop(project.run());
});

test("monitor_speed, an unused header, an ini comment, a touch: nothing", () => {
  const project = built();
  project.write("platformio.ini", `${NATIVE}monitor_speed = 9600\n`);
  isNoop(project.run(), "monitor_speed:");
  project.write("platformio.ini", `; a comment\n${NATIVE}monitor_speed = 9600 ; another\n`);
  isNoop(project.run(), "ini comment:");
  project.write("include/unused.h", "#error never read\n");
  project.write("src/deep/unused.h", "#error never read\n");
  isNoop(project.run(), "unused header:");
  for (const path of ["src/a.cpp", "include/both.h", "platformio.ini", "src/local.h"]) {
    const now = new Date();
    utimesSync(project.path(path), now, now);
    isNoop(project.run(), `touch ${path}:`);
  }
});

test("a deleted or hand-edited output is restored", () => {
  const project = built();
  const before = project.tree(OUT);
  for (const path of Object.keys(before).filter((p) => p !== "build_info.json")) {
    project.remove(`${OUT}/${path}`);
    assert.equal(executed(project.run()), [], `${path} deleted`);
    assert.equal(project.tree(OUT), before);
    project.write(`${OUT}/${path}`, "edited");
    assert.equal(executed(project.run()), [], `${path} edited`);
    assert.equal(project.tree(OUT), before);
  }
  project.remove(OUT);
  assert.equal(executed(project.run()), [], "the whole folder deleted");
  assert.equal(project.tree(OUT), before);
  chmodSync(project.path(`${OUT}/program`), 0o644);
  project.run();
  assert.is(project.fb(["--version"]).code, 0);
});

test("a folder that was looked through for extra_configs keeps no run from the snapshot", () => {
  const project = built({ ...FILES, "platformio.ini": `[platformio]\nextra_configs = more*.ini\n${NATIVE}` });
  isNoop(project.run());
  const plans = project.run().events.filter((e) => e.type === "plan");
  assert.equal(
    plans.map((e) => [e.final, e.files]),
    [[true, 0]],
  );
});

test("a removed source goes from the link and from disk", () => {
  const project = built({
    ...FILES,
    "src/extra.cpp": "int extra_symbol_here() { return 1; }\n",
    "src/deep/er.cpp": "int er() { return 2; }\n",
  });
  assert.ok(project.exists(`${OUT}/src/extra.cpp.o`));
  project.remove("src/extra.cpp");
  project.remove("src/deep");
  assert.equal(costs(project), LINK);
  assert.not.ok(project.exists(`${OUT}/src/extra.cpp.o`));
  assert.not.ok(project.exists(`${OUT}/src/deep`));
  assert.not.ok(project.read(`${OUT}/program`).includes("extra_symbol_here"));
});

test("a removed source goes from disk even when the record of what was made is lost", () => {
  const project = built({ ...FILES, "src/extra.cpp": "int extra() { return 1; }\n" });
  project.remove("src/extra.cpp");
  project.remove(".fb/state");
  project.run();
  assert.equal(Object.keys(project.tree(OUT)), ["build_info.json", "program", "src/a.cpp.o", "src/main.cpp.o"]);
  isNoop(project.run());
});

test("a renamed and a moved source", () => {
  const project = built();
  project.rename("src/a.cpp", "src/b.cpp");
  assert.equal(costs(project), ["compile src/b.cpp", ...LINK].sort());
  assert.not.ok(project.exists(`${OUT}/src/a.cpp.o`));
  project.rename("src/b.cpp", "src/deep/b.cpp");
  assert.equal(costs(project), ["compile src/deep/b.cpp", ...LINK]);
  assert.not.ok(project.exists(`${OUT}/src/b.cpp.o`));
  project.rename("src/deep/b.cpp", "src/a.cpp");
  assert.equal(executed(project.run()), []);
});

test("a second env, a second checkout elsewhere: no compile, the same bytes", () => {
  const files = { "platformio.ini": `${UNO}[env:again]\n${AVR}`, "src/main.cpp": BLINK };
  const project = new TestProject(files, { cache: unoCache() });
  project.run(["-e", "uno"]);
  const second = project.run(["-e", "again"]);
  assert.equal(executed(second), []);
  const there = new TestProject(files, { folder: freshFolder("elsewhere with ü "), cache: project.cache });
  assert.equal(executed(there.run([])), []);
  for (const file of ["firmware.elf", "firmware.hex"])
    for (const env of ["uno", "again"]) {
      const digest = project.digest(`.fb/build/uno/release/${file}`);
      assert.is(there.digest(`.fb/build/${env}/release/${file}`), digest);
    }
  const alone = result(new TestProject(files).run());
  assert.is(alone.hits, alone.ran, "of two envs that are the same, one runs and the other takes its results");
  assert.is(alone.hits + alone.ran, alone.actions);
});

test("switching profiles and back costs nothing the second time", () => {
  const project = built({ "platformio.ini": UNO, "src/main.cpp": BLINK });
  assert.ok(result(project.run(["--debug"])).ran > 0);
  isNoop(project.run(["--release"]));
  isNoop(project.run(["--debug"]));
  project.write("platformio.ini", `${UNO}build_type = debug\n`);
  isNoop(project.run());
});

test("an edit of a local package's header", () => {
  const core = freshFolder("core");
  const system = "/usr/share/arduino/hardware/arduino/avr";
  for (const part of ["cores", "variants"]) symlinkSync(`${system}/${part}`, `${core}/${part}`);
  for (const part of ["boards.txt", "platform.txt"]) copyFileSync(`${system}/${part}`, `${core}/${part}`);
  const project = new TestProject({
    "platformio.ini": `${UNO}platform_packages = framework-arduino-avr@symlink://${core}\nbuild_flags = -I${core}/own\n`,
    "src/main.cpp": `#include <own.h>\n${BLINK}`,
  });
  const own = new TestProject({ "own/own.h": "#define OWN 1\n" }, { folder: core, cache: project.cache });
  project.run();
  isNoop(project.run());
  own.write("own/own.h", "#define OWN 2\n");
  assert.equal(executed(project.run()), ["compile src/main.cpp"]);
});

test.run();
