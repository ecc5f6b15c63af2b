/** What decides how something is built: ini, environment, commands, boards, steps, libraries. */
import { chmodSync } from "node:fs";
import type { TestProject } from "../harness.ts";
import { type ByHand, link, type Row, SENDS, V } from "./row.ts";

const OF_FLAGS = { "src/main.c": "int main(void) { return V; }\n" };
const BOTH = ["compile src/main.c", "link program"];
const ini = (text: string) => `[env:pc]\nplatform = native\n${text}`;
/** Answers what the library or source that defines v() gives. */
const CALLS = { "src/main.c": "int v(void);\nint main(void) { return v(); }\n" };
const ASKS = { "src/main.c": "int v(void) __attribute__((weak));\nint main(void) { return v ? v() : 1; }\n" };
const fn = (value: number) => `int v(void) { return ${value}; }\n`;

const SILENT = [
  "CPATH",
  "C_INCLUDE_PATH",
  "GCC_EXEC_PREFIX",
  "COMPILER_PATH",
  "LIBRARY_PATH",
  "SOURCE_DATE_EPOCH",
  "DEPENDENCIES_OUTPUT",
  "LANG",
];

/** A file `path`, and a folder in its place that has `file`. */
function folderForFile(path: string, file: string, text: string): ByHand {
  return {
    there: (p) => {
      p.remove(path);
      p.write(`${path}/${file}`, text);
    },
    back: (p) => {
      p.remove(path);
      p.write(path, "");
    },
  };
}

export const config: readonly Row[] = [
  // ── the ini ──
  {
    name: "build_flags",
    ini: "build_flags = -DV=1",
    files: OF_FLAGS,
    change: { "platformio.ini": ini("build_flags = -DV=2\n") },
    done: BOTH,
  },
  {
    name: "extra_configs: a file in the place of their folder, which becomes one",
    files: { ...OF_FLAGS, x: "" },
    prepare: (p) => p.write("platformio.ini", `[platformio]\nextra_configs = x/*.ini\n${ini("build_flags = -DV=1\n")}`),
    byHand: folderForFile("x", "a.ini", "[env:pc]\nbuild_flags = -DV=2\n"),
    done: BOTH,
  },
  {
    name: "a file in the place of the folder of libraries, which becomes one",
    ini: "build_flags = -idirafter more",
    files: { lib: "", "more/v.h": V(1) },
    byHand: folderForFile("lib", "L/v.h", V(2)),
    done: BOTH,
  },
  {
    name: "build_unflags",
    ini: "build_flags = -DV=1 -DTWO\nbuild_unflags = -DTWO",
    files: { "src/main.c": "int main(void) {\n#ifdef TWO\nreturn 2;\n#endif\nreturn V; }\n" },
    change: { "platformio.ini": ini("build_flags = -DV=1 -DTWO\n") },
    done: BOTH,
  },
  {
    name: "build_src_flags",
    ini: "build_src_flags = -DV=1",
    files: OF_FLAGS,
    change: { "platformio.ini": ini("build_src_flags = -DV=2\n") },
    done: BOTH,
  },
  {
    name: "build_src_filter: another file",
    ini: "build_src_filter = +<*> -<two.c>",
    files: { ...CALLS, "src/one.c": fn(1), "src/two.c": fn(2) },
    change: { "platformio.ini": ini("build_src_filter = +<*> -<one.c>\n") },
  },
  {
    name: "build_src_filter: a file appears that it takes",
    ini: "build_src_filter = +<main.c> +<drivers/**/*.c>",
    files: ASKS,
    change: { "src/drivers/deep/v.c": fn(2) },
  },
  {
    name: "src_filter, its old name",
    ini: "src_filter = +<*> -<two.c>",
    files: { ...CALLS, "src/one.c": fn(1), "src/two.c": fn(2) },
    change: { "platformio.ini": ini("src_filter = +<*> -<one.c>\n") },
  },
  {
    name: "src_dir",
    files: { "src/main.c": fn(1).replace("v(", "main("), "other/main.c": fn(2).replace("v(", "main(") },
    change: { "platformio.ini": `[platformio]\nsrc_dir = other\n${ini("")}` },
  },
  {
    name: "a section that extends names",
    ini: "extends = more\n[more]\nbuild_flags = -DV=1",
    files: OF_FLAGS,
    change: { "platformio.ini": ini("extends = more\n[more]\nbuild_flags = -DV=2\n") },
    done: BOTH,
  },
  {
    name: "a value that ${section.option} names",
    ini: "build_flags = -DV=${common.v}\n[common]\nv = 1",
    files: OF_FLAGS,
    change: { "platformio.ini": ini("build_flags = -DV=${common.v}\n[common]\nv = 2\n") },
    done: BOTH,
  },
  {
    name: "build_type",
    files: {
      "src/main.c": "#ifdef __PLATFORMIO_BUILD_DEBUG__\nint main(void) { return 2; }\n#else\nint main(void) { return 1; }\n#endif\n",
    },
    change: { "platformio.ini": ini("build_type = debug\n") },
  },
  {
    name: "an ini that is a link to another file now",
    files: { ...OF_FLAGS, "platformio.ini": null, "one.ini": ini("build_flags = -DV=1\n"), "two.ini": ini("build_flags = -DV=2\n") },
    prepare: (p) => link(p, "platformio.ini", "one.ini"),
    byHand: { there: (p) => link(p, "platformio.ini", "two.ini"), back: (p) => link(p, "platformio.ini", "one.ini") },
    done: BOTH,
  },
  ...[
    { name: "a file of extra_configs that appears", change: { "more.ini": "[env:pc]\nbuild_flags = -DV=2\n" } },
    {
      name: "a file of extra_configs that is edited",
      files: { "more.ini": "[env:pc]\nbuild_flags = -DV=1\n" },
      change: { "more.ini": "[env:pc]\nbuild_flags = -DV=2\n" },
    },
    {
      name: "a file of extra_configs that vanishes",
      files: { "more.ini": "[env:pc]\nbuild_flags = -DV=1\n" },
      change: { "more.ini": null },
      otherwise: 2,
    },
    {
      name: "a file that a pattern of extra_configs finds, in a folder that was not there",
      change: { "conf/deep/a.ini": "[env:pc]\nbuild_flags = -DV=2\n" },
      pattern: "conf/*/*.ini",
    },
  ].map(
    ({ name, files = {}, change, otherwise = 1, pattern = "more.ini" }): Row => ({
      name,
      files: {
        "platformio.ini": `[platformio]\nextra_configs = ${pattern}\n${ini("")}`,
        "src/main.c": `#ifndef V\n#define V ${otherwise}\n#endif\nint main(void) { return V; }\n`,
        ...files,
      },
      change,
      done: BOTH,
    }),
  ),

  // ── commands and environment ──
  {
    name: "what a !command of the flags prints",
    ini: "build_flags = !cat flags.txt",
    files: { ...OF_FLAGS, "flags.txt": "-DV=1\n" },
    change: { "flags.txt": "-DV=2\n" },
    done: BOTH,
  },
  {
    name: "what a !command of a script prints, by the environment",
    ini: "build_flags = !sh flags.sh",
    files: { ...OF_FLAGS, "flags.sh": 'echo "-DV=${FB_STALE:-1}"\n' },
    vars: { after: () => ({ FB_STALE: "2" }) },
    done: BOTH,
  },
  {
    name: "${sysenv.X} in flags",
    ini: "build_flags = -DV=${sysenv.FB_STALE}",
    files: OF_FLAGS,
    vars: { before: () => ({ FB_STALE: "1" }), after: () => ({ FB_STALE: "2" }) },
    done: BOTH,
  },
  {
    name: "${sysenv.X} that was not set",
    ini: "build_flags = -DV=1${sysenv.FB_STALE}",
    files: OF_FLAGS,
    vars: { before: () => ({ FB_STALE: undefined }), after: () => ({ FB_STALE: "+1" }) },
    done: BOTH,
  },
  {
    name: "PLATFORMIO_BUILD_FLAGS",
    files: { "src/main.c": "#ifndef V\n#define V 1\n#endif\nint main(void) { return V; }\n" },
    vars: { after: () => ({ PLATFORMIO_BUILD_FLAGS: "-DV=2" }) },
    done: BOTH,
  },
  {
    name: "a PATH that leads to another compiler",
    files: {
      "src/main.c": "#ifndef V\n#define V 1\n#endif\nint main(void) { return V; }\n",
      "../tools/bin/gcc": '#!/bin/sh\nexec /usr/bin/gcc -DV=2 "$@"\n',
      "../tools/bin/g++": '#!/bin/sh\nexec /usr/bin/g++ "$@"\n',
    },
    prepare: (p) => executable(p, "../tools/bin/gcc", "../tools/bin/g++"),
    vars: { after: (p) => ({ PATH: `${p.path("../tools/bin")}:${process.env["PATH"]}` }) },
    done: BOTH,
  },
  {
    name: `${SILENT.join(" ")}: they change what gcc finds or writes without a word, and have no effect here`,
    files: {
      "src/main.c": "#include <v.h>\nint main(void) { return V; }\n",
      "hidden/v.h": V(2),
      "hidden/stddef.h": V(2),
      "include/v.h": "#include <stddef.h>\n#ifndef V\n#define V 1\n#endif\n",
    },
    // The header is edited too, so that something is compiled.
    change: { "include/v.h": "#include <stddef.h>\n#ifndef V\n#define V (1 + 0)\n#endif\n" },
    vars: { after: (p) => Object.fromEntries(SILENT.map((name) => [name, name === "LANG" ? "de_DE.UTF-8" : p.path("hidden/")])) },
    after: 1,
  },

  // ── boards, sketches, the core ──
  {
    name: "a board file of the project",
    on: "avr",
    files: {
      "platformio.ini": "[env:uno]\nplatform = atmelavr\nboard = mine\n",
      "boards/mine.json": board(1),
      "src/main.c": SENDS,
    },
    change: { "boards/mine.json": board(2) },
  },
  {
    name: "a board file of the project that hides fb's own",
    on: "avr",
    files: { "src/v.h": "#ifndef V\n#define V 1\n#endif\n" },
    change: { "boards/uno.json": board(2) },
  },
  {
    name: "a tab of a sketch that comes",
    on: "arduino",
    files: {
      "src/main.cpp": null,
      "src/a.ino": "int v() __attribute__((weak));\nvoid setup() { Serial.begin(115200); Serial.print(v ? v() : 1); }\nvoid loop() {}\n",
    },
    change: { "src/b.ino": "int v() { return 2; }\n" },
  },
  {
    name: "a tab of a sketch that goes",
    on: "arduino",
    files: {
      "src/main.cpp": null,
      "src/a.ino": "int v() __attribute__((weak));\nvoid setup() { Serial.begin(115200); Serial.print(v ? v() : 2); }\nvoid loop() {}\n",
      "src/b.ino": "int v() { return 1; }\n",
    },
    change: { "src/b.ino": null },
  },
  {
    name: "a header that a tab of a sketch includes",
    on: "arduino",
    files: {
      "src/main.cpp": null,
      "src/a.ino": '#include "v.h"\nvoid setup() { Serial.begin(115200); Serial.print(V); }\nvoid loop() {}\n',
      "src/v.h": V(1),
    },
    change: { "src/v.h": V(2) },
  },

  // ── steps ──
  ...(
    [
      ["its input", { VERSION: "2\n" }],
      ["its program", { "make.sh": 'echo "#define V 2" > $2\n' }],
      ["what its depfile names", { "part.txt": "2 - \n" }],
      ["its command", { "fb.toml": step("+ 1") }],
    ] as const
  ).map(
    ([what, change]): Row => ({
      name: `a header that a step makes, by ${what}`,
      files: {
        "fb.toml": step(""),
        VERSION: "1\n",
        "part.txt": "\n",
        "make.sh": 'echo "#define V ($(cat part.txt) $(cat $1) $3)" > $2\necho "$2: part.txt" > $2.d\n',
      },
      change: what === "what its depfile names" ? { "part.txt": "1 +\n" } : change,
      done: [...BOTH, "step version"],
    }),
  ),
  {
    name: "a header that a step makes, by a program that PATH leads to",
    files: {
      "fb.toml": 'schema = 1\n[[step]]\nname = "tool"\nout = "${gen}/v.h"\nrun = ["mktool", "${out}"]\n',
      "../one/mktool": '#!/bin/sh\necho "#define V 1" > $1\n',
      "../two/mktool": '#!/bin/sh\necho "#define V 2" > $1\n',
    },
    prepare: (p) => executable(p, "../one/mktool", "../two/mktool"),
    vars: {
      before: (p) => ({ PATH: `${p.path("../one")}:${process.env["PATH"]}` }),
      after: (p) => ({ PATH: `${p.path("../two")}:${process.env["PATH"]}` }),
    },
  },

  // ── libraries ──
  { name: "a library's source", files: { ...library("one"), ...USES("one") }, change: { "lib/one/one.c": fn(2) } },
  {
    name: "a library's header",
    files: { ...library("one"), "lib/one/one.h": V(1), "src/main.c": "#include <one.h>\nint main(void) { return V; }\n" },
    change: { "lib/one/one.h": V(2) },
  },
  {
    name: "a library that comes before the one that was found",
    files: { ...USES("one"), "../more/one/one.h": "int v(void);\n", "../more/one/one.c": fn(1) },
    ini: "lib_extra_dirs = ../more",
    change: { "lib/one/one.h": "int v(void);\n", "lib/one/one.c": fn(2) },
    after: 1,
  },
  {
    name: "a library that goes, where another has the header",
    ini: "lib_extra_dirs = ../more",
    files: {
      ...library("one"),
      ...USES("one"),
      "../more/one2/one.h": "int v(void);\n",
      "../more/one2/one.c": fn(1),
      "lib/one/one.c": fn(2),
    },
    byHand: { there: (p) => p.rename("../more/one2", "gone"), back: (p) => p.rename("gone", "../more/one2") },
  },
  {
    name: "a library's folder that goes",
    files: { ...library("one"), ...USES("one") },
    byHand: { there: (p) => p.rename("lib/one", "gone"), back: (p) => p.rename("gone", "lib/one") },
    after: /one\.h: No such file/,
  },
  {
    name: "lib_ignore",
    files: {
      ...library("one"),
      "src/main.c": "#if __has_include(<one.h>)\n#include <one.h>\n#define V 1\n#else\n#define V 2\n#endif\nint main(void) { return V; }\n",
    },
    change: { "platformio.ini": ini("lib_ignore = one\n") },
  },
  {
    name: "lib_deps",
    files: {
      "../five/five.h": V(2),
      "../five/five.c": "int five;\n",
      "src/main.c": "#if __has_include(<five.h>)\n#include <five.h>\n#else\n#define V 1\n#endif\nint main(void) { return V; }\n",
    },
    ini: "lib_ldf_mode = off",
    change: { "platformio.ini": ini("lib_ldf_mode = off\nlib_deps = symlink://../five\n") },
  },
  ...(
    [
      ["flags", '{"flags": "-DW=1"}', '{"flags": "-DW=2"}'],
      ["srcFilter", '{"srcFilter": "-<*> +<one.c>"}', '{"srcFilter": "-<*> +<two.c>"}'],
      ["srcDir", '{"srcFilter": "-<*> +<one.c>"}', '{"srcDir": "two"}'],
      ["includeDir", '{"includeDir": "i1", "srcFilter": "-<*> +<w.c>"}', '{"includeDir": "i2", "srcFilter": "-<*> +<w.c>"}'],
    ] as const
  ).map(
    ([what, before, after]): Row => ({
      name: `${what} of a library.json`,
      files: {
        ...USES("one"),
        "lib/one/library.json": `{"name": "one", "version": "1.0.0", "build": ${before}}\n`,
        "lib/one/one.h": "int v(void);\n",
        "lib/one/one.c": "#ifndef W\n#define W 1\n#endif\nint v(void) { return W; }\n",
        "lib/one/i1/one.h": "int v(void);\n",
        "lib/one/i2/one.h": "int v(void);\n",
        "lib/one/i1/w.h": "#define W 1\n",
        "lib/one/i2/w.h": "#define W 2\n",
        ...(what === "flags" || what === "includeDir"
          ? {}
          : { "lib/one/two.c": fn(2), "lib/one/two/two.c": fn(2), "lib/one/two/one.h": "int v(void);\n" }),
        ...(what === "includeDir" ? { "lib/one/w.c": "#include <w.h>\nint v(void) { return W; }\n" } : {}),
      },
      change: { "lib/one/library.json": `{"name": "one", "version": "1.0.0", "build": ${after}}\n` },
    }),
  ),
  {
    name: "a library.json that appears",
    files: {
      ...USES("one"),
      "lib/one/one.h": "int v(void);\n",
      "lib/one/one.c": "#ifndef W\n#define W 1\n#endif\nint v(void) { return W; }\n",
    },
    change: { "lib/one/library.json": '{"name": "one", "version": "1.0.0", "build": {"flags": "-DW=2"}}\n' },
  },
];

function executable(p: TestProject, ...paths: readonly string[]): void {
  for (const path of paths) chmodSync(p.path(path), 0o755);
}

function USES(name: string): Record<string, string> {
  return { "src/main.c": `#include <${name}.h>\nint main(void) { return v(); }\n` };
}

function library(name: string): Record<string, string> {
  return { [`lib/${name}/${name}.h`]: "int v(void);\n", [`lib/${name}/${name}.c`]: fn(1) };
}

function step(more: string): string {
  return `schema = 1\n[[step]]\nname = "version"\nin = "VERSION"\nout = "\${gen}/v.h"\ndepfile = "\${out}.d"\nrun = ["sh", "make.sh", "\${in}", "\${out}", "${more}"]\n`;
}

function board(value: number): string {
  const build = {
    core: "arduino",
    mcu: "atmega328p",
    f_cpu: "16000000L",
    variant: "standard",
    extra_flags: `-DARDUINO_AVR_UNO -DV=${value}`,
  };
  return `${JSON.stringify({ name: "Mine", build, frameworks: ["arduino"], upload: { maximum_size: 32256, maximum_ram_size: 2048 } })}\n`;
}
