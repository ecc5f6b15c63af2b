/**
 * Generated projects for uno and native whose libraries are written in all ways that manifests and layouts have: every third is native. They take up what
 * tests/rules/library-cases.ts leaves out: expressions of conditions, names, folders that lib_deps names, sketches, libraries in the place of the framework's.
 */
import { Random } from "../random.ts";
import type { Files } from "./peer.ts";
import { CORE_HEADERS } from "./small-core.ts";

export interface LibraryCase {
  readonly arduino: boolean;
  /** platformio.ini too. */
  readonly files: Files;
  readonly envs: readonly string[];
}

/** The project of this number; it depends on nothing but the two. */
export function libraryCase(seed: number, index: number): LibraryCase {
  return new Maker(new Random(seed * 1_000_003 + index * 31 + 7), index % 3 !== 0).project();
}

interface Lib {
  /** `lib/One`. */
  readonly folder: string;
  /** What its manifest calls it. */
  readonly title: string;
  readonly kind: Kind;
  /** Where its sources lie: "src/". */
  readonly src: string;
  readonly headers: string[];
}

const KINDS = ["json", "json", "json", "properties", "properties", "properties", "keywords", "none", "module", "both", "mbed-lib"] as const;
type Kind = (typeof KINDS)[number];

const FOLDERS = ["One", "Two", "Lib Three", "four-x", "Five.v2", "Sechs_ü", "one", "OneTwo", "src", "seven", ".hidden", "x+y"];
const OVERRIDES = ["Wire", "SPI", "EEPROM", "SoftwareSerial", "Servo"];
const STORAGES = ["lib", "lib", "lib", "lib", "shared libs", "outer/more"];
const MODES = ["", "", "off", "chain", "deep", "chain+", "chain+", "deep+", "deep+"];
const COMPATS = ["", "", "soft", "off", "strict", "strict"];
/** Words of manifests that the words of a command show. */
const OWN_FLAGS = [
  "-DIN_LIB=1",
  "-I inc",
  "-Isrc/detail",
  "-L pre",
  "-lfoo",
  "-Wl,--wrap=x",
  "-Os",
  "-DLEVEL=7",
  "-UFEATURE",
  "-D FEATURE",
];

const SOURCE = /\.(?:c|cc|cpp|cxx|c\+\+|C|S|asm)$/;

class Maker {
  private readonly r: Random;
  private readonly arduino: boolean;
  private readonly files: Record<string, string> = {};
  private readonly stems = new Set<string>();
  private readonly libs: Lib[] = [];
  /** Folders that lib_deps may name. */
  private readonly vendored: Lib[] = [];
  /** What an include may name. */
  private readonly texts: string[] = [];

  constructor(r: Random, arduino: boolean) {
    this.r = r;
    this.arduino = arduino;
  }

  project(): LibraryCase {
    const { r } = this;
    const folders = r.sample(FOLDERS, 2 + r.below(5));
    if (this.arduino && r.chance(0.4)) folders.push(r.pick(OVERRIDES));
    for (const name of folders) this.libs.push(this.library(`${r.pick(STORAGES)}/${name}`));
    // A library inside of another one's folder, in a storage of its own.
    const first = this.libs[0];
    if (first !== undefined && r.chance(0.2)) this.libs.push(this.library(`${first.folder}/deps/Inner`));
    if (r.chance(0.25)) this.vendored.push(this.library("vendor/Local"));
    if (r.chance(0.15)) this.vendored.push(this.library("vendor/Other Local"));
    const all = [...this.libs, ...this.vendored];
    for (const lib of all) this.nameHeaders(lib);
    if (this.arduino) this.texts.push(...CORE_HEADERS, ...CORE_HEADERS, "utility/twi.h");
    for (const lib of all) this.fill(lib);
    this.sources();
    const envs = Array.from({ length: r.chance(0.3) ? 2 : 1 }, (_, i) => this.env(`e${i}`, first));
    this.files["platformio.ini"] = envs.join("");
    return { arduino: this.arduino, files: this.files, envs: envs.map((_, i) => `e${i}`) };
  }

  private library(folder: string): Lib {
    const { r } = this;
    const picked = r.pick(KINDS);
    // What PlatformIO makes of mbed_lib.json in a folder that it installs, or below a library without a manifest, is up to the order of the disk.
    const kind = picked === "mbed-lib" && /^vendor\/|\/Inner$/.test(folder) ? "module" : picked;
    const base = folder.slice(folder.lastIndexOf("/") + 1);
    const title = r.chance(0.25) ? r.pick([`${base} Library`, base.toUpperCase(), `My.${base}`]) : base;
    const folders = kind === "module" || kind === "mbed-lib" ? ["source/", "src/", ""] : ["src/", "src/", "", "Src/"];
    return { folder, title, kind, src: r.pick(folders), headers: [] };
  }

  private nameHeaders(lib: Lib): void {
    const { r } = this;
    const base = lib.folder.slice(lib.folder.lastIndexOf("/") + 1);
    const stem = base.replace(/[^A-Za-z0-9]/g, "_");
    lib.headers.push(r.chance(0.9) ? `${stem}.h` : `${stem}.hpp`);
    lib.headers.push(
      ...r.some(
        [`${stem}_impl.h`, `detail/${stem}_x.h`, "common.h", `${stem}/${stem}_all.h`, `${stem}.inc`, "config.h", `${stem}.hh`],
        0.25,
      ),
    );
    if (lib.headers.length > 1 && r.chance(0.05)) lib.headers.push("Arduino.h");
    for (const header of lib.headers) {
      this.texts.push(header);
      if (r.chance(0.05)) this.texts.push(header.toLowerCase(), `./${header}`, `detail/../${header}`);
    }
  }

  private put(lib: Lib, path: string, text: string): void {
    const whole = `${lib.folder}/${path}`;
    // Of a.c and a.cpp PlatformIO makes one object, and gives up.
    if (SOURCE.test(path)) {
      const stem = whole.replace(SOURCE, "");
      if (this.stems.has(stem)) return;
      this.stems.add(stem);
    }
    this.files[whole] ??= text;
  }

  private fill(lib: Lib): void {
    const { r } = this;
    const include = r.chance(0.25) ? r.pick(["include/", "include/", "Include/"]) : lib.src;
    for (const header of lib.headers) {
      this.put(lib, include + header, this.code(lib, r.pick(["guard", "once", "none"]), 0.5));
      const source = header.replace(/\.\w+$/, "");
      if (r.chance(0.7)) this.put(lib, `${lib.src}${source}.${r.pick(["cpp", "cpp", "c", "cc", "cxx"])}`, this.code(lib, header, 0.6));
    }
    const more = [
      "alone.cpp",
      "detail/deep/z.c",
      "start.S",
      "old.asm",
      "platform/avr/io.cpp",
      "platform/esp/io.cpp",
      "tests/t.cpp",
      "test/t.cpp",
      "examples/a/a.cpp",
      "extras/e.cpp",
      "x.C",
      "y.c++",
      ".git/hook.c",
    ];
    for (const path of r.some(more, 0.15)) this.put(lib, lib.src + path, this.code(lib, "", 0.5));
    for (const path of r.some(
      ["examples/b/b.ino", "examples/b/b.cpp", "test/main.cpp", "extras/tool.c", "stray.cpp", "utility/u.cpp"],
      0.15,
    ))
      this.put(lib, path, this.code(lib, "", 0.4));
    if (r.chance(0.25)) {
      const name = `u_${lib.headers[0]?.replace(/\W/g, "_")}.h`;
      this.put(lib, `utility/${name}`, this.code(lib, "none", 0.3));
      this.texts.push(name, `utility/${name}`);
    }
    this.manifest(lib);
  }

  // ── manifests ──

  private manifest(lib: Lib): void {
    const { r } = this;
    const { kind } = lib;
    if (kind === "json" || kind === "both")
      this.put(lib, "library.json", r.chance(0.02) && !this.vendored.includes(lib) ? "{," : this.libraryJson(lib));
    if (kind === "properties" || kind === "both") this.put(lib, "library.properties", this.properties(lib));
    if (kind === "keywords") this.put(lib, "keywords.txt", "x\tKEYWORD1\n");
    if (kind === "module") this.put(lib, "module.json", JSON.stringify({ ...this.named(lib), ...this.module(lib) }));
    // At the top: PlatformIO goes through folders in the disk's own order, and stops at the first that says what the library is.
    if (kind === "mbed-lib") this.put(lib, "mbed_lib.json", JSON.stringify({ name: "x" }));
  }

  private named(lib: Lib): { name?: string; version?: string } {
    const { r } = this;
    return {
      ...(r.chance(0.95) || this.vendored.includes(lib) ? { name: lib.title } : {}),
      ...(r.chance(0.95) ? { version: r.pick(["1.0.0", "0.3", "2.1.3-beta+7", "v1.2"]) } : {}),
    };
  }

  private libraryJson(lib: Lib): string {
    const { r } = this;
    const data: Record<string, unknown> = { ...this.named(lib) };
    if (r.chance(0.35)) data["frameworks"] = r.pick<unknown>(["arduino", "*", ["Arduino"], "mbed, arduino", ["mbed", "espidf"], "", []]);
    if (r.chance(0.35))
      data["platforms"] = r.pick<unknown>(["atmelavr", "*", ["native", "AtmelAVR"], "espressif", "espressif32,native", [], "*, x"]);
    if (r.chance(0.2)) data["headers"] = r.pick<unknown>([lib.headers[0], lib.headers, "nowhere.h"]);
    if (r.chance(0.15)) data["export"] = { include: ["src"], exclude: ["*.cpp"] };
    if (r.chance(0.1)) data["examples"] = [{ name: "b", base: "examples/b", files: ["b.ino"] }];
    // What an installed library needs is looked for in the registry.
    if (r.chance(0.35) && !this.vendored.includes(lib)) data["dependencies"] = this.dependencies(lib);
    if (r.chance(0.65)) data["build"] = this.build(lib);
    return JSON.stringify(data, null, r.pick([undefined, 2, "\t"]));
  }

  private build(lib: Lib): Record<string, unknown> {
    const { r } = this;
    const build: Record<string, unknown> = {};
    if (r.chance(0.4)) {
      const flags = r.some(OWN_FLAGS, 0.3);
      if (flags.some((flag) => flag.endsWith("inc"))) this.put(lib, "inc/from_inc.h", "\n");
      if (flags.some((flag) => flag.includes("detail"))) this.put(lib, "src/detail/from_detail.h", "\n");
      if (flags.some((flag) => flag.includes("pre"))) this.put(lib, "pre/libfoo.a", "\n");
      build["flags"] = r.chance(0.5) ? flags : flags.join(" ");
    }
    if (r.chance(0.15)) build["unflags"] = r.pick<unknown>(["-DLEVEL=3", ["-DFEATURE", "-Os"], "-Wall -DLEVEL"]);
    if (r.chance(0.2))
      build["srcFilter"] = r.pick<unknown>([
        "+<*>",
        "+<*.c> +<*.cpp>",
        ["+<*>", "-<platform/esp>"],
        ["-<*>", "+<alone.cpp>"],
        "+<../extras/>",
        "",
      ]);
    if (r.chance(0.12)) build["srcDir"] = r.pick(["src", ".", "src/detail", "extras", "./src/"]);
    if (r.chance(0.12)) build["includeDir"] = r.pick(["include", ".", "src/detail", "not-there"]);
    if (r.chance(0.2)) build["libArchive"] = r.pick<unknown>([true, false, false, 0, "no"]);
    if (r.chance(0.2))
      build["libLDFMode"] = r.pick<unknown>(["off", "chain", "deep", "chain+", "deep+", "Deep+", " chain ", 4, -1, 9, "x"]);
    if (r.chance(0.15)) build["libCompatMode"] = r.pick<unknown>(["off", "soft", "strict", "STRICT", 0, "2", 7]);
    if (r.chance(0.05)) build["builder"] = r.pick(["ArduinoLibBuilder", "MbedLibBuilder", "UnknownLibBuilder", "PlatformIOLibBuilder"]);
    return build;
  }

  private dependencies(lib: Lib): unknown {
    const { r } = this;
    const names = r
      .sample([...this.libs.map((each) => each.title), "Wire", "SPI", "Nowhere"], 1 + r.below(3))
      .filter((name) => name !== lib.title);
    const form = r.below(4);
    if (form === 0) return Object.fromEntries(names.map((name) => [name, r.pick(["*", "^1.0.0", ">=9"])]));
    if (form === 1) return { name: names[0] ?? "Nowhere", version: "~1.0" };
    if (form === 2) return names;
    return names.map((name) => ({
      name,
      ...(r.chance(0.5) ? { version: r.pick(["*", "1.0.0", "^2", "<1"]) } : {}),
      ...(r.chance(0.3) ? { platforms: r.pick<unknown>(["atmelavr", ["espressif32"], "*"]) } : {}),
      ...(r.chance(0.3) ? { frameworks: r.pick<unknown>(["arduino", ["mbed"], "*"]) } : {}),
    }));
  }

  private properties(lib: Lib): string {
    const { r } = this;
    const lines = ["# made by hand", `name=${lib.title}`, "version=1.2.3", "author=A <a@b.c>", "sentence=One = two.", "url="];
    if (r.chance(0.7))
      lines.push(
        `architectures=${r.pick(["avr", "*", "avr, esp32", "esp8266,esp32", "samd", "AVR", "megaavr", "", "rp2040,*", "stm32, nrf52"])}`,
      );
    if (r.chance(0.35) && !this.vendored.includes(lib))
      lines.push(`depends=${r.sample([...this.libs.map((each) => each.title), "Wire", "Nowhere (>=1.0)"], 2).join(r.pick([",", ", "]))}`);
    if (r.chance(0.2)) lines.push("dot_a_linkage=true");
    if (r.chance(0.2)) lines.push(`includes=${lib.headers[0]}`);
    if (r.chance(0.15)) {
      lines.push(`ldflags=${r.pick(["-lbar", "-Lpre -lbar", "-Wl,--wrap=y -lm", "-DNOT_FOR_LD"])}`);
      this.put(lib, "pre/libbar.a", "\n");
    }
    // Only a board has a processor to look for.
    if (this.arduino && r.chance(0.2)) {
      lines.push(`precompiled=${r.pick(["true", "full", "false", "True"])}`);
      if (r.chance(0.6)) this.put(lib, `src/${r.pick(["atmega328p", "avr", "cortex-m4"])}/libpre.a`, "\n");
    }
    return lines.join(r.chance(0.2) ? "\r\n" : "\n") + (r.chance(0.8) ? "\n" : "");
  }

  private module(lib: Lib): object {
    const { r } = this;
    const other = r.pick(this.libs);
    return {
      ...(r.chance(0.4) && !this.vendored.includes(lib) ? { dependencies: { [other.title]: "*" } } : {}),
      ...(r.chance(0.3) ? { extraIncludes: ["source/detail", "more"] } : {}),
    };
  }

  // ── sources ──

  /** `first`: a header that comes first, or how a header guards itself. */
  private code(lib: Lib | null, first: string, p: number): string {
    const { r } = this;
    const lines: string[] = [];
    if (first.includes(".")) lines.push(`#include "${first}"`);
    if (first === "once") lines.push("#pragma once");
    while (r.chance(p)) {
      lines.push(...this.block(lib, 2));
      p *= 0.8;
    }
    if (first === "guard") {
      const name = `GUARD_${r.below(1e6)}`;
      lines.unshift(`#ifndef ${name}`, `#define ${name}`);
      lines.push(`#endif // ${name}`);
    }
    if (r.chance(0.15)) lines.push(r.chance(0.5) ? '#include "Arduino.h"' : "#include <Arduino.h>");
    // Not of a sketch: PlatformIO's conversion would leave the mark in the middle of a file.
    const marked = lib !== null && r.chance(0.03);
    const text = `${lines.join(r.chance(0.1) ? "\r\n" : "\n")}\n`;
    return marked ? `\uFEFF${text}` : text;
  }

  private include(lib: Lib | null): string {
    const { r } = this;
    const text = lib !== null && r.chance(0.15) ? r.pick(lib.headers) : r.pick([...this.texts, "app.h", "avr/io.h", "stdio.h"]);
    return r.pick([`"${text}"`, `<${text}>`]);
  }

  private block(lib: Lib | null, depth: number): string[] {
    const { r } = this;
    const include = (): string => `#include ${this.include(lib)}`;
    const inner = (): string[] => (depth > 0 && r.chance(0.3) ? this.block(lib, depth - 1) : [include()]);
    switch (r.below(24)) {
      case 0:
        return [`#if ${this.expression(2)}`, ...inner(), `#elif ${this.expression(1)}`, ...inner(), "#else", ...inner(), "#endif"];
      case 1:
      case 2:
        return [`#if ${this.expression(2)}`, ...inner(), "#endif"];
      case 3:
        return [
          `#ifdef ${r.pick(["FEATURE", "ARDUINO_ARCH_AVR", "__AVR__", "ARDUINO", "UNKNOWN"])}`,
          ...inner(),
          "#else",
          ...inner(),
          "#endif",
        ];
      case 4:
        return [
          `#define SWITCH ${r.pick(["1", "0", "(LEVEL + 1)", "FEATURE", "defined(FEATURE)", '"x"', ""])}`,
          "#if SWITCH",
          ...inner(),
          "#endif",
        ];
      case 5:
        return [`#define HEADER ${this.include(lib)}`, "#include HEADER"];
      case 6:
        return ["#ifdef EXTRA_HEADER", "#include EXTRA_HEADER", "#endif"];
      case 7:
        return [`#define WITH(x) <x.h>`, `#include WITH(${r.pick(["Wire", "One", "Two"])})`];
      case 8:
        return [`#${r.pick(["include", " include ", "\tinclude\t"])}${this.include(lib)}${r.pick(["", " // why", " /* why */", " junk"])}`];
      case 9:
        return [`${r.pick(["  ", "\t"])}${include()}`];
      case 10:
        return [include(), include()];
      case 11:
        return r.pick([
          ["/*", include(), "*/"],
          [`// ${include()}`, include()],
          [`/* ${include()}`, "*/"],
          ['const char *t = R"(', include(), ')";'],
        ]);
      case 12:
        return [`#undef ${r.pick(["FEATURE", "LEVEL", "SWITCH"])}`, "#ifndef FEATURE", ...inner(), "#endif"];
      case 13:
        return ["#if defined(UNKNOWN)", "#error no", "#else", '#pragma message("x")', "#warning y", include(), "#endif"];
      case 14:
        return [`#define FN(a, b) ((a) * 10 + (b))`, `#if FN(1, 2) ${r.pick([">", "==", "<="])} 12`, ...inner(), "#endif"];
      case 15:
        return ["#if \\", ` ${this.expression(1)}`, ...inner(), "#endif"];
      default:
        return [include()];
    }
  }

  private expression(depth: number): string {
    const { r } = this;
    if (depth > 0 && r.chance(0.5)) {
      const [a, b] = [this.expression(depth - 1), this.expression(depth - 1)];
      return r.pick([`${a} && ${b}`, `${a} || ${b}`, `!(${a})`, `(${a}) && !(${b})`, `(${a}) ? ${b} : 0`, `${a}&&${b}`]);
    }
    return r.pick([
      "defined(FEATURE)",
      "defined FEATURE",
      "!defined(FEATURE)",
      "! defined ( LEVEL )",
      "defined(ARDUINO_ARCH_AVR)",
      "defined(ARDUINO) && ARDUINO >= 100",
      "ARDUINO",
      "LEVEL",
      "LEVEL > 2",
      "LEVEL==3",
      "(LEVEL & 1) == 1",
      "LEVEL % 2",
      "LEVEL << 1 > 4",
      "~LEVEL",
      "-LEVEL < 0",
      "F_CPU == 16000000L",
      "F_CPU >= 8000000UL",
      "MODE == fast",
      "0x10 > 8",
      "010 == 8",
      "1",
      "0",
      "UNKNOWN",
      "UNKNOWN == 0",
      "'a' == 97",
      '__has_include("One.h")',
      "defined(__has_include) && __has_include(<Two.h>)",
      "__cplusplus >= 201103L",
      "__AVR__",
      "TRUE",
      "LEVEL /* three */ >= 3 // yes",
      "10 / 3 == 3",
      "LEVEL != 3",
    ]);
  }

  private sources(): void {
    const { r } = this;
    const put = (path: string, first: string, p: number): void => {
      this.files[path] = this.code(null, first, p);
    };
    if (this.arduino && r.chance(0.35)) {
      put("src/app.ino", "", 0.9);
      if (r.chance(0.5)) put("src/b_tab.ino", "", 0.5);
    } else put("src/main.cpp", "", 0.95);
    if (r.chance(0.5)) put("src/part.c", "app.h", 0.5);
    if (r.chance(0.4)) put("src/in/deep.cpp", "../app.h", 0.5);
    put("src/app.h", "guard", 0.5);
    if (r.chance(0.3)) put("include/global.h", "once", 0.4);
    if (r.chance(0.2)) put("include/One.h", "once", 0.4);
    this.texts.push("global.h");
    if (r.chance(0.1)) put("test/test_x/test.cpp", "", 0.4);
  }

  // ── the ini ──

  private env(name: string, first: Lib | undefined): string {
    const { r } = this;
    const lines = [`[env:${name}]`];
    lines.push(...(this.arduino ? ["platform = atmelavr", "board = uno", "framework = arduino"] : ["platform = native"]));
    const option = (key: string, value: string): void => {
      if (value !== "") lines.push(`${key} = ${value}`);
    };
    const list = (key: string, items: readonly string[]): void => {
      if (items.length > 0) lines.push(`${key} =`, ...items.map((item) => `  ${item}`));
    };
    option("lib_ldf_mode", r.pick(MODES));
    option("lib_compat_mode", r.pick(COMPATS));
    option("lib_archive", r.pick(["", "", "", "", "no", "yes"]));
    const inner = first === undefined ? [] : [`${first.folder}/deps`];
    list("lib_extra_dirs", r.shuffled(["shared libs", "outer/more", ...inner, "not-there"]));
    const titles = this.libs.map((each) => each.title);
    const wanted = r.some([...titles, ...titles.map((title) => `${title}@^1.0`), ...(this.arduino ? ["Wire", "SPI"] : [])], 0.12);
    // PlatformIO links no library without a manifest.
    const folders = this.vendored.map(({ folder, kind }) =>
      r.pick([...(["json", "properties", "both", "module"].includes(kind) ? [`symlink://${folder}`] : []), `file://${folder}`]),
    );
    list("lib_deps", r.shuffled([...new Set(wanted), ...folders]));
    list("lib_ignore", r.some([...titles, "SPI", "Servo"], 0.06));
    const header = r.pick(this.texts);
    list(
      "build_flags",
      r.some(
        ["-DFEATURE", "-DLEVEL=3", "-DMODE=fast", "-D TRUE=true", `-DEXTRA_HEADER=\\"${header}\\"`, "-DNAME='\"a b\"'", "-UUNKNOWN"],
        0.3,
      ),
    );
    return `${lines.join("\n")}\n`;
  }
}
