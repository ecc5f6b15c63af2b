/** A small program for the machine that builds it: everything that can lie in such a project, and what its texts say. */
import type { Random } from "../../random.ts";
import { BASE_FOLDER, type IniChoices } from "./ini.ts";
import type { ProjectKind } from "./kind.ts";

const HEADERS = ["h0.h", "h1.h", "h2.h", "h3.h", "one.h", "two.h"];
const MACROS = ["PICK", "H0", "H1", "H2", "H3", "ONE", "TWO", "PART", "TABLE", "OUTER", "VERSION", "CODE", "PACK", "X", "Y"];

const FLAGS = [
  "-DX=1",
  "-DX=2",
  "-DX=${sysenv.FB_LAW}",
  "-D Y",
  "-DY=3",
  "-UY",
  "-O1",
  "-O0",
  "-g",
  "-Wall",
  "-Imore",
  "-Iinclude",
  "-I../out",
  "-Inot/yet",
  "-isystem more",
  "-iquote lib/two",
  "-include include/h3.h",
  "!cat flags.txt",
  "-ffunction-sections",
  "-Wl,--gc-sections",
  "-Wl,--defsym=law=1",
  "-Wl,ld/extra.ld",
  "-std=gnu++17",
  "-lm",
];

export const STEPS = {
  version:
    '[[step]]\nname = "version"\nin = "VERSION"\nout = "${gen}/version.h"\nsh = "echo \\"#define VERSION $(cat ${in})\\" > ${out}"\n',
  code: '[[step]]\nname = "code"\nin = ["VERSION", "list/*.txt"]\nout = ["${gen}/code.cpp", "${gen}/code.h"]\nrun = ["/bin/sh", "tools/code.sh", "${out}", "${in}"]\norder = ["tools/code.sh"]\n',
  shadow:
    '[[step]]\nname = "shadow"\nin = "VERSION"\nout = "${gen}/h2.h"\nsh = "echo \\"#undef H2\\" > ${out}; echo \\"#define H2 $(cat ${in})\\" >> ${out}"\n',
  pack: '[[step]]\nname = "pack"\nin = "VERSION"\nout = "${gen}/pack.h"\ndepfile = "${gen}/pack.d"\nsh = "echo \\"#define PACK $(cat list/a.txt)\\" > ${out}; echo \\"${out}: list/a.txt\\" > ${depfile}"\n',
  two: '[[step]]\nname = "two"\nin = "${gen}/pack.h"\nout = "${gen}/two.h"\nsh = "sed s/PACK/TWO/ ${in} > ${out}"\n',
  pages:
    '[[step]]\nname = "pages"\nin = "list/"\nout = "${build}/pages/"\nbefore = ["compile"]\nsh = "for f in list/*.txt; do cat $f > ${out}/$(basename $f); done"\n',
  only: '[[step]]\nname = "only"\nenv = ["b*"]\nout = "${gen}/h3.h"\nsh = "echo \\"#define H3 77\\" > ${out}"\n',
  signed:
    '[[step]]\nname = "signed"\nafter = ["link"]\nin = "VERSION"\nout = "${build}/signed.bin"\nprovides = "image"\nsh = "cat ${image.elf} ${in} > ${out}"\n',
};

export const FILTERS = [
  [],
  ["+<*>", "-<skip/>"],
  ["+<*>", "-<u*.c>"],
  ["+<*.cpp>", "+<deep/>"],
  ["+<*>", "+<../more/>"],
  ["-<*>", "+<main.cpp>", "+<deep/**/*.c>"],
  ["+<*>", "-<skip/>", "+<skip/k*>"],
];

/** What sources need and no header gave is 0; it is not edited. */
const DEFAULTS = `${BASE_FOLDER}/defaults.h`;

const CHOICES: IniChoices = {
  envs: { a: ["platform = native"], b: ["platform = native", "build_type = debug"], bc: ["extends = env:a"] },
  flags: FLAGS,
  first: ["-Imore", "-I../out"],
  unflags: ["-DX=1", "-O1", "-Imore", "-g", "-Wall", "-DX"],
  srcFlags: ["-DX=5", "-DY", "-Imore", "-Wextra", "-include include/h2.h"],
  filters: FILTERS,
  more: [
    "lib_ldf_mode = deep+",
    "lib_ldf_mode = off",
    "lib_ignore = two",
    "build_type = debug",
    "lib_archive = no",
    "monitor_speed = 9600",
    "lib_deps = three",
  ],
  steps: STEPS,
};

/** What any source or header may begin with. What is always there, a library does not see. */
function includeLine(random: Random, headers: readonly string[], library: boolean): string {
  const name = random.pick(headers);
  const maybe = (text: string) => `#if __has_include(${text})\n#include ${text}\n#endif`;
  const odd = [
    `"deep/h1.h"`,
    `"../include/h0.h"`,
    `"src/h0.h"`,
    `"outer.h"`,
    `<version.h>`,
    `"code.h"`,
    `<pack.h>`,
    `"part.inl"`,
    `"deep/part.inl"`,
    `"not/yet.h"`,
    `<h4.h>`,
  ];
  const sure = [
    () => `#include "${random.pick(headers.slice(0, 4))}"`,
    () => `#include <${random.pick(headers.slice(0, 3))}>`,
    () => "#define LAW_TEXT <table.def>\n#include LAW_TEXT\n#undef LAW_TEXT",
  ];
  const unsure = [
    // Nothing but the order of flags decides which.
    () => maybe("<pick.h>"),
    () => maybe('"pick.h"'),
    () => maybe(`"${name}"`),
    () => maybe(`<${name}>`),
    () => maybe(random.pick(odd)),
    () => maybe(random.pick(odd)),
    () => "#include <stddef.h>",
    () => `#if __has_include(${random.pick(odd)})\n#define X${random.below(3)}_SEEN 1\n#endif`,
  ];
  return random.pick(library ? unsure : [...sure, ...unsure])();
}

function sum(random: Random): string {
  const terms = Array.from(
    { length: 2 + random.below(3) },
    () => `(${random.pick(random.chance(0.6) ? ["H0", "H1", "H2", "H3", "PICK"] : MACROS)} + 0) * ${1 + random.below(9)}`,
  );
  if (random.chance(0.2)) terms.push("__LINE__");
  if (random.chance(0.2)) terms.push("__FILE__[0]");
  return [...terms, `${random.below(90) + 10}`].join(" + ");
}

function lines(random: Random, path: string, count: number): string {
  const library = path.startsWith("lib/");
  return Array.from({ length: random.below(count + 1) }, () => `${includeLine(random, HEADERS, library)}\n`).join("");
}

function headerText(random: Random, path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  const guard = `G_${path.replace(/\W/g, "_")}`;
  const macro = base.replace(/\..*/, "").toUpperCase();
  const system = /^(stddef|math)\.h$/.test(base);
  const value = `${random.below(90) + 10}`;
  const body = system ? `#include_next <${base}>\n#define Y ${value}\n` : `#undef ${macro}\n#define ${macro} ${value}\n`;
  const library =
    base === "one.h" || base === "two.h"
      ? `#ifdef __cplusplus\nextern "C"\n#endif\nint ${base.slice(0, 3)}_f(void);\n#define HAS_${base.slice(0, 3)}\n`
      : "";
  const nested = random.chance(0.3) ? lines(random, path, 2) : "";
  return `#ifndef ${guard}\n#define ${guard}\n${nested}${body}${library}#endif\n`;
}

function sourceText(random: Random, path: string): string {
  const id = `f${random.below(1_000_000)}`;
  if (/\.S$/.test(path))
    return `${random.chance(0.5) ? '#include "h0.h"\n#ifndef H0\n#define H0 0\n#endif\n' : "#define H0 1\n"}.data\n.global ${id}\n${id}: .long H0\n`;
  if (/\.s$/.test(path)) return `.data\n.global ${id}\n${id}: .byte ${random.below(90)}\n.incbin "VERSION"\n`;
  const head = lines(random, path, 3);
  const warn = random.chance(0.07) ? "#warning law\n" : "";
  const wrong = random.chance(0.03) ? "#error broken\n" : "";
  const c = path.endsWith(".c");
  if (path === "lib/one/src/one.cpp" || path === "lib/two/two.c") {
    const name = path.includes("one") ? "one" : "two";
    return `#include "${name}.h"\n${head}#include <defaults.h>\nint ${name}_f(void) { return ${sum(random)}; }\n`;
  }
  if (path === "src/main.cpp") {
    const library = random.chance(0.7) ? random.pick(["one", "two"]) : null;
    const call =
      library === null
        ? ""
        : `#if __has_include(<${library}.h>)\n#include <${library}.h>\n#ifdef HAS_${library}\n#define CALL ${library}_f()\n#endif\n#endif\n`;
    return `${warn}${wrong}${head}${call}#include <defaults.h>\n#ifndef CALL\n#define CALL 0\n#endif\nint main(void) { return ${sum(random)} + CALL; }\n`;
  }
  return `${warn}${wrong}${head}#include <defaults.h>\n${c ? "" : 'extern "C" '}int ${id}(void);\nint ${id}(void) { return ${sum(random)}; }\n`;
}

function text(random: Random, path: string): string {
  if (path === DEFAULTS) return MACROS.map((m) => `#ifndef ${m}\n#define ${m} 0\n#endif\n`).join("");
  if (/\.(h|def|inl)$/.test(path)) return headerText(random, path);
  if (path === "flags.txt") return random.pick(["-DX=7\n", "-DX=8 -DY\n", "-Imore\n", ""]);
  if (path === "extra1.ini" || path === "extra2.ini")
    return random.pick([
      "[common]\nflags = -DX=11\n",
      "[env:a]\nbuild_flags = -DY=12\n",
      "[env:b]\nbuild_src_filter = +<*> -<u1.cpp>\n",
      "; nothing\n",
    ]);
  if (path === "ld/extra.ld") return random.pick(["_law = 1;\n", "_law = 2;\n", "INCLUDE ld/inner.ld\n"]);
  if (path === "ld/inner.ld") return `_inner = ${random.below(9)};\n`;
  if (path === "tools/code.sh")
    return `c=$1; h=$2; shift 2\necho "#include <h0.h>\n#include \\"code.h\\"\nint code() { return CODE; }" > $c\necho "#undef CODE\n#define CODE ($(cat "$@" | head -${1 + random.below(3)} | tr '\\n' +) 0)" > $h\n`;
  if (/library\.json$/.test(path))
    return JSON.stringify({
      name: "three",
      build: random.pick([{}, { flags: "-DY=21" }, { srcFilter: "+<*> -<x*>" }, { includeDir: "inc" }]),
    });
  if (path.startsWith("lib/three/")) return `int three${random.below(1_000_000)} = ${random.below(9)};\n`;
  if (/\.(c|cpp|S|s)$/.test(path)) return sourceText(random, path);
  return `${random.below(90) + 10}\n`;
}

const BASE = [
  "include/h0.h",
  "include/h1.h",
  "include/h2.h",
  "include/h3.h",
  "src/main.cpp",
  "src/u1.cpp",
  "src/u2.c",
  "src/part.inl",
  "src/deep/d1.cpp",
  "src/skip/k.cpp",
  "include/table.def",
  "more/m.cpp",
  "more/h1.h",
  "more/pick.h",
  "../out/pick.h",
  "lib/one/src/one.h",
  "lib/one/src/one.cpp",
  "lib/two/two.h",
  "lib/two/two.c",
  "../out/outer.h",
  "VERSION",
  "list/a.txt",
  "list/b.txt",
  "flags.txt",
  "ld/extra.ld",
  "ld/inner.ld",
  "tools/code.sh",
];

export const NATIVE: ProjectKind = {
  name: "native",
  ini: CHOICES,
  vars: {
    FB_LAW: ["4", "5"],
    CPATH: ["more"],
    PLATFORMIO_BUILD_FLAGS: ["-DX=31", "-Imore"],
    CFLAGS: ["-DY=9"],
    LANG: ["de_DE.UTF-8"],
    SOURCE_DATE_EPOCH: ["1"],
  },
  base: [DEFAULTS, ...BASE],
  pool: [
    ...BASE,
    ...BASE,
    "src/h0.h",
    "src/h4.h",
    "src/h2.h",
    "src/deep/h1.h",
    "src/deep/part.inl",
    "src/deep/d2.c",
    "src/deep/er/e.cpp",
    "src/asm.S",
    "src/low.s",
    "src/u3.cpp",
    "src/skip/k2.c",
    "include/one.h",
    "include/two.h",
    "include/version.h",
    "include/stddef.h",
    "include/not/yet.h",
    "not/yet/h0.h",
    "not/yet/h3.h",
    "more/h0.h",
    "more/h4.h",
    "more/n.c",
    "../out/h3.h",
    "lib/one/src/extra.c",
    "lib/one/src/h2.h",
    "lib/two/util/x.cpp",
    "lib/three/library.json",
    "lib/three/three.c",
    "lib/three/xtra.c",
    "lib/three/one.h",
    "extra1.ini",
    "extra2.ini",
    "list/c.txt",
  ],
  text,
};
