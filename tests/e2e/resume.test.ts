/** A run that finds only files changed takes up the kept graph: it does what a full run would, and leaves what a clean build would. */
import { copyFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { acquireLock } from "../../cli/host/lock.ts";
import { AVR, BLINK, diagnostics, executed, isNoop, type Ran, restored, result, TestProject, unoCache } from "./harness.ts";

const OUT = ".fb/build/pc/release";
const FILES = {
  "platformio.ini": "[env:pc]\nplatform = native\n",
  "include/both.h": "#pragma once\n#define BOTH 1\n",
  "src/a.cpp": '#include "both.h"\nint a() { return BOTH; }\n',
  "src/b.cpp": "int b() { return 2; }\n",
  "src/main.cpp": '#include "both.h"\nint a();\nint b();\nint main() { return a() + b() + BOTH - 4; }\n',
};

/** Built, and with a snapshot: a folder's clock may tick too slowly for the first run to write one. */
function built(files: Readonly<Record<string, string>> = FILES): TestProject {
  const project = new TestProject(files, files["platformio.ini"]?.includes("atmelavr") === true ? { cache: unoCache() } : {});
  project.run();
  while (!project.exists(".fb/state/graph")) isNoop(project.run());
  return project;
}

/** A full run takes the kept graph away and writes a new file; one that takes it up leaves it. */
function graphOf(project: TestProject): bigint {
  return statSync(project.path(".fb/state/graph"), { bigint: true }).mtimeNs;
}

/** Runs; what must be there afterwards is what a clean build makes of the same sources elsewhere. taken: whether the kept graph is to be taken up. */
function runsLikeClean(project: TestProject, taken: boolean, out = OUT): Ran {
  const before = project.exists(".fb/state/graph") ? graphOf(project) : 0n;
  const ran = project.run();
  assert.is(
    before !== 0n && project.exists(".fb/state/graph") && graphOf(project) === before,
    taken,
    "whether the kept graph was taken up",
  );
  isNoop(project.run(), "the run after:");
  const clean = new TestProject({});
  for (const folder of ["src", "include", "lib", "data"])
    for (const path of project.exists(folder) ? Object.keys(project.tree(folder)) : [])
      clean.write(`${folder}/${path}`, project.read(`${folder}/${path}`));
  clean.write("platformio.ini", project.read("platformio.ini"));
  if (project.exists("fb.toml")) clean.write("fb.toml", project.read("fb.toml"));
  clean.run();
  assert.equal(project.tree(out), clean.tree(out), "the tree of a clean build");
  assert.is(project.read(`${out}/build_info.json`), clean.read(`${out}/build_info.json`));
  assert.equal({ ...result(ran).artifacts[0] }, { ...result(clean.run()).artifacts[0] });
  return ran;
}

test("an edit of a source: its compile and what follows; the counts are of all actions", () => {
  const project = built();
  project.edit("src/b.cpp", "return 2", "return 3");
  const ran = runsLikeClean(project, true);
  assert.equal(executed(ran), ["compile src/b.cpp", "link program"]);
  const { actions, upToDate } = result(ran);
  assert.equal({ actions, upToDate }, { actions: 4, upToDate: 2 });
});

test("an edit of a header: all that read it, and nothing else; back: from the cache", () => {
  const project = built();
  project.edit("include/both.h", "BOTH 1", "BOTH 2 - 1");
  assert.equal(executed(runsLikeClean(project, true)), ["compile src/a.cpp", "compile src/main.cpp"]);
  project.edit("include/both.h", "BOTH 2 - 1", "BOTH 1");
  const back = runsLikeClean(project, true);
  assert.equal(executed(back), []);
});

test("a comment: the object is the same, nothing after it; a touch: nothing", () => {
  const project = built();
  project.write("src/b.cpp", `${FILES["src/b.cpp"]}// the end\n`);
  assert.equal(executed(runsLikeClean(project, true)), ["compile src/b.cpp"]);
  writeFileSync(project.path("src/b.cpp"), project.read("src/b.cpp"));
  isNoop(runsLikeClean(project, true));
});

test("several edits, one after the other: each rests on what the one before left", () => {
  const project = built({ ...FILES, "src/b.cpp": '#include "both.h"\nint b() { return BOTH; }\n' });
  for (let i = 0; i < 4; i++) {
    const name = i % 2 === 0 ? "a" : "b";
    project.write(`src/${name}.cpp`, `#include "both.h"\nint ${name}() { return BOTH + ${i + 2}; }\n`);
    runsLikeClean(project, true);
  }
  project.edit("include/both.h", "BOTH 1", "BOTH 7");
  assert.equal(executed(runsLikeClean(project, true)), ["compile src/a.cpp", "compile src/b.cpp", "compile src/main.cpp", "link program"]);
});

test("a source that does not compile, and mended: the image goes and comes back, with what tells of it", () => {
  const project = built();
  project.edit("src/b.cpp", "return 2", "return two");
  const failed = project.run([], { exit: 1 });
  assert.ok(!project.exists(`${OUT}/program`));
  assert.ok(!project.exists(`${OUT}/build_info.json`));
  assert.ok(diagnostics(failed).length === 0 || result(failed).failed === 1);
  project.edit("include/both.h", "BOTH 1", "BOTH 9");
  project.edit("src/b.cpp", "return two", "return 3");
  assert.equal(executed(runsLikeClean(project, true)), ["compile src/a.cpp", "compile src/b.cpp", "compile src/main.cpp", "link program"]);
});

test("outputs edited and removed by hand come back", () => {
  const project = built();
  project.write(`${OUT}/src/b.cpp.o`, "no object");
  project.remove(`${OUT}/program`);
  const ran = runsLikeClean(project, true);
  assert.equal(executed(ran), []);
  assert.equal(restored(ran), ["compile src/b.cpp", "link program"]);
  project.write(`${OUT}/build_info.json`, "{}\n");
  runsLikeClean(project, true);
});

test("a new file, a removed one, a new include, an edit of the ini: everything is decided anew", () => {
  const project = built();
  project.write("src/c.cpp", "int c() { return 3; }\n");
  assert.equal(executed(runsLikeClean(project, false)), ["compile src/c.cpp", "link program"]);
  project.remove("src/c.cpp");
  runsLikeClean(project, false);
  project.write("include/both.h", "#pragma once\n#include <stdint.h>\n#define BOTH 1\n");
  runsLikeClean(project, false);
  project.write("platformio.ini", `${FILES["platformio.ini"]}build_flags = -DX\n`);
  runsLikeClean(project, false);
  project.edit("src/b.cpp", "return 2", "return 5");
  runsLikeClean(project, true);
});

test("an include that went: the header is no longer read; gone, it is not missed", () => {
  const project = built({
    ...FILES,
    "src/own.h": "#define OWN 1\n",
    "src/b.cpp": '#if 1\n#include "own.h"\n#endif\nint b() { return 1 + OWN; }\n',
  });
  project.edit("src/b.cpp", "#if 1", "#define OWN 1\n#if 0");
  runsLikeClean(project, true);
  project.edit("src/own.h", "OWN 1", "OWN 2");
  isNoop(project.run());
});

test("a run of another request in between: its graph is another", () => {
  const project = built({
    ...FILES,
    "platformio.ini":
      "[env:pc]\nplatform = native\n[env:other]\nplatform = native\nbuild_flags = -DOTHER\n[platformio]\ndefault_envs = pc\n",
  });
  project.run(["-e", "other"]);
  project.edit("src/b.cpp", "return 2", "return 4");
  runsLikeClean(project, false);
  project.edit("src/b.cpp", "return 4", "return 6");
  runsLikeClean(project, true);
});

test("a state, graph or digests that are gone, cut or from before are not relied on", () => {
  for (const [name, harm] of [
    ["db", (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["db", (path: string) => truncateSync(path, 0)],
    ["graph", (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["graph", (path: string) => writeFileSync(path, "")],
    ["digests", (path: string) => truncateSync(path, 40)],
    ["db", (path: string) => copyFileSync(`${path}.old`, path)],
    ["digests", (path: string) => copyFileSync(`${path}.old`, path)],
  ] as const) {
    const project = built();
    for (const file of ["db", "digests"]) copyFileSync(project.path(`.fb/state/${file}`), project.path(`.fb/state/${file}.old`));
    // main.cpp reads the header from here on by way of another; the old state does not know.
    project.write("include/via.h", '#include "both.h"\n');
    project.edit("src/b.cpp", "int b", '#include "via.h"\nint b');
    project.run();
    project.edit("src/b.cpp", "return 2", "return 1 + BOTH");
    project.run();
    harm(project.path(`.fb/state/${name}`));
    project.edit("include/both.h", "BOTH 1", "BOTH 4");
    const before = project.digest(`${OUT}/src/b.cpp.o`);
    project.run();
    assert.is.not(project.digest(`${OUT}/src/b.cpp.o`), before, `${name} harmed: b.cpp reads the header`);
  }
});

test("an object that holds another file by .incbin, and a sketch with LTO whose link reads it", () => {
  const asm =
    'asm(".section .progmem.data,\\"a\\"\\n.global blob\\nblob: .incbin \\"data/blob.bin\\"\\n.previous");\nextern "C" const char blob[];\n';
  const project = built({
    "platformio.ini": `[env:uno]\n${AVR}`,
    "data/blob.bin": "one",
    "src/blob.cpp": `${asm}const char *get() { return blob; }\n`,
    "src/main.cpp": `const char *get();\n${BLINK}const void *volatile kept = (const void *)&get;\n`,
  });
  const out = ".fb/build/uno/release";
  project.write("src/main.cpp", project.read("src/main.cpp").replace("500", "600"));
  runsLikeClean(project, true, out);
  project.write("data/blob.bin", "two");
  runsLikeClean(project, true, out);
});

test("what is saved while a run waits for another one is built by it", async () => {
  const project = built();
  const lock = await acquireLock(project.folder, { request: [], onWait: () => {}, stop: new AbortController().signal, form: null });
  project.edit("src/b.cpp", "return 2", "return 3");
  const waiting = project.start(["run", "--json"]);
  await waiting.untilError(/waiting for/);
  project.edit("src/a.cpp", "return BOTH", "return BOTH + 3");
  await lock?.release();
  assert.equal(executed(await waiting.ended), ["compile src/a.cpp", "compile src/b.cpp", "link program"]);
});

test("a warning that every run says is said by such a run, once", () => {
  const project = built({ ...FILES, "src/b.cpp": "const char *when = __DATE__;\nint b() { return 2; }\n" });
  project.edit("src/b.cpp", "return 2", "return 3");
  const said = diagnostics(project.run()).map((d) => d.code);
  assert.equal(said, ["sharing.time"]);
});

test.run();
