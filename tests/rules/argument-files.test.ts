/** What a command reads that only its arguments name: response files in each other, specs, plugins, linker scripts. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ProjectPath } from "../../engine/types.ts";
import { argumentFiles } from "../../rules/argument-files.ts";
import { linkerScripts } from "../../rules/link-files.ts";
import { memoryIo } from "./memory-io.ts";

const FILES = {
  "a.rsp": "-Ione '-DX=a b'\n@b.rsp",
  "b.rsp": '-DY="\\"q\\"" -Itwo\\ words',
  "loop.rsp": "-DL @loop.rsp",
  "my.specs": "%include <more.specs>\n*cpp:\n+ -DV=1\n",
  "more.specs": "%include_noerr <none.specs>\n",
  "p.so": "",
};

test("response files: what is in them, in each other, behind -Wl, -Wp, and -Wa,", () => {
  const table: [string, string[], string[]][] = [
    ["@a.rsp", ["-Ione", "-DX=a b", '-DY="q"', "-Itwo words"], ["a.rsp", "b.rsp"]],
    ["-Wl,-T,x.ld,@b.rsp", ["-T", "x.ld", '-DY="q"', "-Itwo words"], ["b.rsp"]],
    ["-Wa,-Ifirst,@b.rsp", ['-Wa,-Ifirst,-DY="q",-Itwo words'], ["b.rsp"]],
    ["@none.rsp", ["@none.rsp"], []],
    ["@", ["@"], []],
    ["-DA=@a.rsp", ["-DA=@a.rsp"], []],
    ["@.fb/build/pc/release/gen/x.rsp", ["@.fb/build/pc/release/gen/x.rsp"], [".fb/build/pc/release/gen/x.rsp"]],
  ];
  for (const [arg, words, files] of table) {
    const found = argumentFiles([arg], [".fb/build/pc/release/gen/x.rsp"], memoryIo(FILES));
    assert.equal([found.words, found.files], [words, files], arg);
    assert.equal(found.opened.get(arg) ?? [arg], words, arg);
  }
  assert.equal(argumentFiles(["@loop.rsp"], [], memoryIo(FILES)).files, ["loop.rsp"], "it ends");
});

test("specs with what they include, plugins, profiles; what is not there is looked for", () => {
  const io = memoryIo(FILES);
  assert.equal(argumentFiles(["-specs=my.specs", "--specs=nano.specs", "-fplugin=p.so"], [], io).files, ["my.specs", "more.specs", "p.so"]);
  for (const path of ["nano.specs", "none.specs"]) assert.ok(io.asked.includes(`file ${path}`), path);
});

test("linker scripts: by path, by -L, outside, what they include, and those that steps make", () => {
  const io = memoryIo({ "ld/a.ld": "INCLUDE b.ld", "first/b.ld": "", "second/b.ld": "", "/out/c.ld": "", "v.map": "" });
  const made = [".fb/build/pc/release/gen/m.ld"] as ProjectPath[];
  const scripts = (words: string[]) => linkerScripts(words, ["-L.fb/build/pc/release", "-Lnone", "-Lfirst", "-Lsecond"], made, io);
  assert.equal(scripts(["-T", "ld/a.ld"]), ["ld/a.ld", "first/b.ld"]);
  assert.ok(io.asked.includes("file none/b.ld"), "where it was looked for before");
  assert.equal(scripts(["-T/out/c.ld", "--version-script=second/b.ld"]), ["/out/c.ld", "second/b.ld"]);
  assert.equal(scripts(["-Tdata=0x800100", "-T", ".fb/build/pc/release/gen/m.ld"]), [".fb/build/pc/release/gen/m.ld"]);
});

test.run();
