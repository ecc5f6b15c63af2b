/** Sketches and bare programs for an Uno: tabs, the core's and the toolchain's headers, and everything that can lie in such a project. */
import type { Random } from "../../random.ts";
import { BASE_FOLDER, type IniChoices } from "./ini.ts";
import type { ProjectKind } from "./kind.ts";
import { STEPS } from "./native.ts";

const HEADERS = ["h0.h", "h1.h", "one.h"];
const MACROS = ["PICK", "H0", "H1", "ONE", "PART", "VERSION", "CODE", "PACK", "X", "Y"];

/** What sources need and no header gave is 0; it is not edited. */
const DEFAULTS = `${BASE_FOLDER}/defaults.h`;

const CHOICES: IniChoices = {
  envs: {
    a: ["platform = atmelavr", "board = uno", "framework = arduino"],
    b: ["extends = env:a", "build_type = debug"],
    bare: ["platform = atmelavr", "board = nanoatmega328", "build_src_filter = -<*> +<../bare/>"],
  },
  flags: [
    "-DX=1",
    "-DX=2",
    "-DX=${sysenv.FB_LAW}",
    "-D Y",
    "-O1",
    "-fno-lto",
    "-Wextra",
    "-Imore",
    "-Ilate",
    "-include include/h1.h",
    "!cat flags.txt",
    "-std=gnu++14",
    "-g",
  ],
  first: ["-Imore", "-Ilate"],
  unflags: ["-flto", "-Os", "-DX=1", "-Imore", "-std=gnu++11"],
  srcFlags: ["-DX=5", "-DY", "-Imore"],
  filters: [[], ["+<*>", "-<skip/>"], ["+<*>", "-<tab.ino>"], ["+<*.ino>", "+<*.cpp>"], ["+<*>", "+<../more/>"]],
  more: [
    "lib_ldf_mode = deep+",
    "lib_ignore = one",
    "lib_archive = no",
    "upload_speed = 57600",
    "board_build.f_cpu = 8000000L",
    "board_build.mcu = atmega168",
  ],
  steps: { ...STEPS, signed: STEPS.signed.replace("image.elf", "image.hex") },
};

function includes(random: Random, path: string, count: number): string {
  const line = () => {
    const name = random.pick(HEADERS);
    // The core's headers are C++'s, but for Arduino.h; a program without the core has none.
    const bare = path.startsWith("bare/") || path.endsWith(".h");
    const core = bare ? ["<stdint.h>"] : path.endsWith(".c") ? ["<Arduino.h>"] : ["<EEPROM.h>", "<SPI.h>", "<Arduino.h>"];
    const maybe = random.pick([
      "<pick.h>",
      '"pick.h"',
      "<version.h>",
      '"code.h"',
      "<pack.h>",
      '"part.inl"',
      "<h4.h>",
      `"${name}"`,
      `<${name}>`,
    ]);
    const lines = [`#if __has_include(${maybe})\n#include ${maybe}\n#endif`, "#include <avr/io.h>", `#include ${random.pick(core)}`];
    // A library does not see what is always there.
    if (!path.startsWith("lib/")) lines.push(`#include "${random.pick(HEADERS.slice(0, 2))}"`);
    return random.pick(lines);
  };
  return Array.from({ length: random.below(count + 1) }, () => `${line()}\n`).join("");
}

function sum(random: Random): string {
  const terms = Array.from(
    { length: 2 + random.below(3) },
    () => `(${random.pick(random.chance(0.6) ? ["H0", "H1", "PICK"] : MACROS)} + 0) * ${1 + random.below(9)}`,
  );
  if (random.chance(0.3)) terms.push("__LINE__");
  return [...terms, `${random.below(90) + 10}`].join(" + ");
}

/** The functions of a tab are named after a number; the main tab calls some, which may be there or not. */
function sketchText(random: Random, path: string): string {
  const body = `${random.chance(0.3) ? "// a comment\n" : ""}${includes(random, path, 2)}`;
  if (path !== "src/sketch.ino")
    return `${body}int t${random.below(1_000_000)}(int a) { return a + ${random.below(90) + 10}; }\nvoid unused${random.below(1_000_000)}();\n`;
  const later = random.below(1_000_000);
  return `${body}#include <defaults.h>\n#if __has_include(<one.h>)\n#include <one.h>\n#endif\nvoid setup() { later${later}(${sum(random)}); }\nvoid loop() { ${random.pick(["delay(10);", "digitalWrite(13, X + 0);", "", "analogRead(A0);"])} }\nvoid later${later}(int n) { if (n == ${random.below(90) + 10}) for (;;); }\n`;
}

function sourceText(random: Random, path: string): string {
  const id = `f${random.below(1_000_000)}`;
  if (path.startsWith("bare/"))
    return `${includes(random, path, 1)}#include <defaults.h>\nvolatile int ${id};\nint main(void) { ${id} = ${sum(random)}; }\n`;
  const wrong = random.chance(0.03) ? "#error broken\n" : "";
  const warn = random.chance(0.07) ? "#warning law\n" : "";
  const linkage = path.endsWith(".c") ? "" : 'extern "C" ';
  return `${warn}${wrong}${includes(random, path, 2)}#include <defaults.h>\n${linkage}int ${id}(void);\nint ${id}(void) { return ${sum(random)}; }\n`;
}

function headerText(random: Random, path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  const guard = `G_${path.replace(/\W/g, "_")}`;
  const value = `${random.below(90) + 10}`;
  const shadow = /^(io|Print|Arduino|pins_arduino|delay)\.h$/.test(base);
  const name = path.endsWith("avr/io.h") ? "avr/io.h" : base;
  const body = shadow
    ? `#include_next <${name}>\n#define LAW_${base[0]} ${value}\n`
    : `#undef ${base.replace(/\..*/, "").toUpperCase()}\n#define ${base.replace(/\..*/, "").toUpperCase()} ${value}\n`;
  return `#ifndef ${guard}\n#define ${guard}\n${!shadow && random.chance(0.2) ? includes(random, path, 1) : ""}${body}#endif\n`;
}

function text(random: Random, path: string): string {
  if (path.endsWith(".ino")) return sketchText(random, path);
  if (path === DEFAULTS) return MACROS.map((m) => `#ifndef ${m}\n#define ${m} 0\n#endif\n`).join("");
  if (/\.(h|inl)$/.test(path)) return headerText(random, path);
  if (/\.(c|cpp)$/.test(path)) return sourceText(random, path);
  if (path === "flags.txt") return random.pick(["-DX=7\n", "-DX=8 -DY\n", "-Imore\n", ""]);
  if (path === "extra1.ini") return random.pick(["[common]\nflags = -DX=11\n", "[env:a]\nbuild_flags = -DY=12\n", "; nothing\n"]);
  if (path === "tools/code.sh")
    return `c=$1; h=$2; shift 2\necho "#include \\"code.h\\"\nint code() { return CODE; }" > $c\necho "#undef CODE\n#define CODE ($(cat "$@" | head -${1 + random.below(3)} | tr '\\n' +) 0)" > $h\n`;
  return `${random.below(90) + 10}\n`;
}

const BASE = [
  "src/sketch.ino",
  "src/tab.ino",
  "src/u1.cpp",
  "src/u2.c",
  "src/part.inl",
  "bare/main.c",
  "src/skip/k.cpp",
  "include/h0.h",
  "include/h1.h",
  "more/h1.h",
  "more/pick.h",
  "late/pick.h",
  "more/m.cpp",
  "lib/one/one.h",
  "lib/one/one.cpp",
  "VERSION",
  "list/a.txt",
  "flags.txt",
  "tools/code.sh",
];

export const UNO: ProjectKind = {
  name: "uno",
  ini: CHOICES,
  vars: { FB_LAW: ["4", "5"], CPATH: ["more"], PLATFORMIO_BUILD_FLAGS: ["-DX=31"] },
  base: [DEFAULTS, ...BASE],
  pool: [
    ...BASE,
    ...BASE,
    "src/another.ino",
    "src/zed.ino",
    "src/h0.h",
    "src/deep/d.cpp",
    "include/avr/io.h",
    "include/Print.h",
    "include/pins_arduino.h",
    "include/Arduino.h",
    "include/h4.h",
    "include/one.h",
    "late/h0.h",
    "late/util/delay.h",
    "lib/two/EEPROM.h",
    "lib/one/more.c",
    "extra1.ini",
    "list/b.txt",
  ],
  text,
};
