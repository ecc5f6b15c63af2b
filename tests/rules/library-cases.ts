/** Generated projects with libraries, from a seed: trees of files and the envs that build them. Shared by the recorder and the tests. */
import { Random } from "../random.ts";

export interface LibraryEnv {
  readonly name: string;
  readonly mode: "off" | "chain" | "deep" | "chain+" | "deep+" | "";
  readonly compat: "off" | "soft" | "strict" | "";
  /** "" leaves lib_archive out. */
  readonly archive: "" | "yes" | "no";
  readonly deps: readonly string[];
  readonly ignore: readonly string[];
  readonly flags: readonly string[];
}

export interface LibraryTree {
  readonly name: string;
  /** framework = arduino for board uno; else platform native. */
  readonly arduino: boolean;
  readonly files: Readonly<Record<string, string>>;
  readonly envs: readonly LibraryEnv[];
}

const NAMES = ["Alpha", "Beta", "gamma", "Delta", "A", "AB", "omega", "Zeta"];
const MODES = ["off", "chain", "deep", "chain+", "deep+"] as const;
const COMPATS = ["off", "soft", "strict"] as const;
/** The last one lies inside a library. */
const STORAGES = ["lib", "lib", "lib", "lib", "extra", "more", "glob", "lib/Alpha/inner"];

/** The tree of this number; `envs`: how many of the fifteen pairs of modes it is built with. */
export function libraryTree(seed: number, number: number, envs: number): LibraryTree {
  return new Maker(new Random(seed * 7919 + number), number, envs).tree();
}

class Maker {
  private readonly r: Random;
  private readonly number: number;
  private readonly arduino: boolean;
  private readonly envCount: number;
  private readonly files: Record<string, string> = {};
  private readonly headers: string[] = [];
  private readonly libraries: {
    readonly name: string;
    readonly storage: string;
    readonly style: string;
    readonly own: string[];
    readonly title: string;
  }[] = [];

  constructor(r: Random, number: number, envs: number) {
    this.arduino = number % 3 === 2;
    this.r = r;
    this.number = number;
    this.envCount = envs;
  }

  private chance(p: number): boolean {
    return this.r.next() < p;
  }

  private pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.r.next() * all.length)] as T;
  }

  private some<T>(all: readonly T[], p: number): T[] {
    return all.filter(() => this.chance(p));
  }

  tree(): LibraryTree {
    const styles = [
      "json",
      "json",
      "json-flat",
      "properties",
      "properties-flat",
      "keywords",
      "none",
      "none-src",
      "none-include",
      "both",
      "module",
    ];
    const count = 2 + Math.floor(this.r.next() * 6);
    for (const name of [...NAMES].sort(() => this.r.next() - 0.5).slice(0, count)) {
      const style = this.pick(styles);
      const title = this.chance(0.2) ? `${name} Lib` : name;
      this.libraries.push({ name, storage: this.pick(STORAGES), style, own: [], title });
      if (this.chance(0.1)) this.libraries.push({ name, storage: "more", style: this.pick(styles), own: [], title: name });
    }
    for (const library of this.libraries) this.nameHeaders(library);
    for (const library of this.libraries) this.fill(library);
    this.project();
    const pairs = MODES.flatMap((mode) => COMPATS.map((compat) => [mode, compat] as const)).sort(() => this.r.next() - 0.5);
    const envs = pairs.slice(0, this.envCount).map(([mode, compat], i) => this.env(mode, compat, i));
    return { name: `t${this.number}`, arduino: this.arduino, files: this.files, envs };
  }

  private env(mode: LibraryEnv["mode"], compat: LibraryEnv["compat"], i: number): LibraryEnv {
    const titles = this.libraries.map((each) => each.title);
    const names = [...titles, ...this.libraries.map((each) => each.name.toLowerCase())];
    const deps = this.some(names, mode === "off" ? 0.5 : 0.12).map((name) => (this.chance(0.2) ? `${name}@^1.0` : name));
    return {
      name: `e${i}`,
      // Left out: Arduino libraries that depend on others then choose by themselves.
      mode: this.chance(0.15) && mode === "chain" ? "" : mode,
      compat: this.chance(0.1) && compat === "soft" ? "" : compat,
      archive: this.pick(["", "", "", "yes", "no"]),
      deps: [...new Set(deps)],
      ignore: this.some(titles, 0.06),
      flags: this.some(["-DHAVE_X", "-DLEVEL=3", "-DPICK=4", "-Iinc"], 0.4),
    };
  }

  private place(library: { readonly storage: string; readonly name: string; readonly style: string }, inner: string): string {
    return `${library.storage}/${library.name}/${inner}`;
  }

  private sourceFolder(style: string): string {
    return ["json", "properties", "none-src", "none-include"].includes(style) ? "src/" : style === "module" ? "source/" : "";
  }

  private nameHeaders(library: { readonly name: string; readonly style: string; readonly own: string[] }): void {
    library.own.push(`${library.name}.h`);
    if (this.chance(0.4)) library.own.push(`${library.name}_more.h`);
    if (this.chance(0.3)) library.own.push(`sub/${library.name}_deep.hpp`);
    if (this.chance(0.25)) library.own.push("common.h");
    this.headers.push(...library.own);
  }

  private fill(library: Maker["libraries"][number]): void {
    const { name, style, own } = library;
    const folder = this.sourceFolder(style);
    const include = style === "none-include" && this.chance(0.7) ? "include/" : folder;
    for (const header of own) {
      this.files[this.place(library, include + header)] = this.code(library, 0.5);
      const stem = header.slice(0, header.lastIndexOf("."));
      if (this.chance(0.7))
        this.files[this.place(library, `${folder}${stem}.${this.pick(["cpp", "c", "cc"])}`)] = this.code(library, 0.6, header);
    }
    if (this.chance(0.5)) this.files[this.place(library, `${folder}un.cpp`)] = this.code(library, 0.7);
    if (this.chance(0.2)) this.files[this.place(library, `${folder}util/deep/z.c`)] = this.code(library, 0.5);
    if (this.chance(0.2)) this.files[this.place(library, `${folder}low.S`)] = this.code(library, 0.3);
    if (this.chance(0.15)) this.files[this.place(library, `${folder}raw.asm`)] = "\n";
    if (this.chance(0.2)) this.files[this.place(library, "extras/e.c")] = this.code(library, 0.3);
    if (this.chance(0.2)) this.files[this.place(library, "examples/one/one.cpp")] = this.code(library, 0.5);
    if (this.chance(0.2)) this.files[this.place(library, "test/t.cpp")] = this.code(library, 0.5);
    if (this.chance(0.25)) {
      this.files[this.place(library, `utility/u_${name}.h`)] = this.code(library, 0.4);
      this.files[this.place(library, `utility/u_${name}.c`)] = this.code(library, 0.4);
      this.headers.push(`u_${name}.h`);
    }
    if (this.chance(0.15)) this.files[this.place(library, "inc/extra.h")] = this.code(library, 0.3);
    this.manifest(library);
  }

  private manifest(library: Maker["libraries"][number]): void {
    const { style, title, name } = library;
    const others = this.libraries.map((each) => each.title).filter((each) => each !== title);
    if (style === "json" || style === "json-flat" || style === "both") {
      const build: Record<string, unknown> = {};
      if (this.chance(0.4)) build["flags"] = this.some([`-DIN_${name}`, "-Iinc", "-lm", "-Wl,--one", "-DHAVE_X", "-O1"], 0.4);
      if (Array.isArray(build["flags"]) && build["flags"].includes("-Iinc")) this.files[this.place(library, "inc/there.h")] = "\n";
      if (this.chance(0.15)) build["unflags"] = "-DLEVEL -DHAVE_X";
      if (this.chance(0.15)) build["srcFilter"] = this.pick<unknown>(["+<*> -<un.cpp>", ["+<*>", "-<sub/>"], "-<*>"]);
      if (this.chance(0.1)) build["srcDir"] = this.pick([".", "src", "util"]);
      if (this.chance(0.1)) build["includeDir"] = this.pick(["inc", ".", "nowhere"]);
      if (this.chance(0.2)) build["libArchive"] = this.chance(0.5);
      if (this.chance(0.2)) build["libLDFMode"] = this.pick<unknown>([...MODES, 0, 2, "3", "bad"]);
      if (this.chance(0.15)) build["libCompatMode"] = this.pick<unknown>([...COMPATS, 2, "0", "bad"]);
      if (this.chance(0.06)) build["builder"] = this.pick(["ArduinoLibBuilder", "UnknownLibBuilder"]);
      const manifest: Record<string, unknown> = { name: title, version: this.pick(["1.0.0", "2.1.3", "1.2"]) };
      if (this.chance(0.3)) manifest["frameworks"] = this.pick<unknown>(["*", "arduino", ["arduino", "mbed"], "mbed"]);
      if (this.chance(0.3)) manifest["platforms"] = this.pick<unknown>(["*", "native", ["atmelavr", "native"], "espressif32"]);
      if (this.chance(0.3)) manifest["dependencies"] = this.dependencies(others);
      if (this.chance(0.6)) manifest["build"] = build;
      this.files[this.place(library, "library.json")] = this.chance(0.03) ? '{"name": "broken",' : JSON.stringify(manifest);
    }
    if (style.startsWith("properties") || style === "both") {
      const lines = [`name=${title}`, "version=1.1.0"];
      if (this.chance(0.5)) lines.push(`architectures=${this.pick(["avr", "*", "esp32,avr", "esp8266", "strange"])}`);
      if (this.chance(0.3) && others.length > 0) lines.push(`depends=${this.some(others, 0.5).join(", ")}`);
      if (this.chance(0.15)) {
        lines.push("ldflags=-lfoo -Lprebuilt");
        this.files[this.place(library, "prebuilt/readme")] = "\n";
      }
      // Only a board has a processor to look for.
      if (this.arduino && this.chance(0.2)) {
        lines.push("precompiled=true");
        if (this.chance(0.6)) this.files[this.place(library, "src/atmega328p/libpre.a")] = "\n";
      }
      this.files[this.place(library, "library.properties")] = `${lines.join("\n")}\n`;
    }
    if (style === "keywords") this.files[this.place(library, "keywords.txt")] = "\n";
    if (style === "module")
      this.files[this.place(library, "module.json")] = JSON.stringify({
        name: title,
        version: "1.0.0",
        dependencies: this.chance(0.3) && others[0] !== undefined ? { [others[0]]: "*" } : {},
      });
  }

  private dependencies(others: readonly string[]): unknown {
    const names = this.some(others, 0.5);
    if (this.chance(0.3)) return Object.fromEntries(names.map((name) => [this.chance(0.2) ? `who/${name}` : name, "^1.0.0"]));
    if (this.chance(0.3) && names[0] !== undefined) return { name: names[0], version: "*" };
    return names.map((name) => (this.chance(0.3) ? name : { name, version: "^9.0.0", frameworks: "arduino" }));
  }

  /** Lines of a source: includes in all the ways that the scanners tell apart. */
  private code(library: { readonly own: readonly string[] } | null, p: number, first = ""): string {
    const lines: string[] = first === "" ? [] : [`#include "${first}"`];
    const include = (): string => {
      const header =
        this.chance(0.15) && library !== null ? this.pick(library.own) : this.pick([...this.headers, "conf.h", "nowhere.h", "util.h"]);
      return this.chance(0.5) ? `#include "${header}"` : `#include <${header}>`;
    };
    while (this.chance(p)) {
      lines.push(...this.block(include));
      p *= 0.8;
    }
    if (this.chance(0.05)) lines.push('#include "Arduino.h"');
    if (this.chance(0.03)) lines.push("#include <Arduino.h>");
    return `${lines.join("\n")}\n`;
  }

  private block(include: () => string): string[] {
    const kind = this.r.next();
    if (kind < 0.45) return [include()];
    if (kind < 0.5) return ["#if 0", include(), "#endif"];
    if (kind < 0.57) return ["#ifdef HAVE_X", include(), "#else", include(), "#endif"];
    if (kind < 0.63) return ["#if defined(LEVEL) && LEVEL > 2", include(), "#elif !defined(PICK)", include(), "#else", include(), "#endif"];
    if (kind < 0.67) return ["#if LEVEL == 3 || PICK == 5 // why", include(), "#endif /* end */"];
    if (kind < 0.71) return ["#ifndef __AVR__", include(), "#endif"];
    if (kind < 0.75) return ["#define LATER (1 << 2)", "#if LATER >= 4", include(), "#endif", "#undef LATER"];
    if (kind < 0.79) return [`#define TARGET "${this.pick(this.headers)}"`, "#include TARGET", "#undef TARGET"];
    if (kind < 0.82) return [`// ${include()}`, ` /* ${include()} */`];
    if (kind < 0.85) return ["/* text", include(), "*/"];
    if (kind < 0.88) return [`  #  ${include().slice(1)} // note`];
    if (kind < 0.9) return [include().replace("#include", "#import"), include().replace("#include", "#include_next")];
    if (kind < 0.93) return ["#if (LEVEL + 1) % 2 == 0 && !(PICK < 2)", include(), "#else", include(), "#endif"];
    if (kind < 0.95) return ["#define HAVE_X 1", include()];
    if (kind < 0.97) return ["#if \\", "  defined(HAVE_X)", include(), "#endif"];
    return ["#ifdef HAVE_X", "#ifndef PICK", include(), "#endif", "#elif LEVEL", include(), "#endif"];
  }

  private project(): void {
    this.files["src/main.cpp"] = `${this.code(null, 0.9)}int main() {}\n`;
    this.files["src/util.c"] = this.code(null, 0.5, "util.h");
    this.files["src/util.h"] = this.code(null, 0.5);
    if (this.chance(0.4)) this.files["src/deep/part.cpp"] = this.code(null, 0.5);
    if (this.chance(0.5)) this.files["include/conf.h"] = this.code(null, 0.4);
    if (this.chance(0.3)) this.files["inc/pre.h"] = "\n";
  }
}

/** The platformio.ini of a tree. */
export function iniOf(tree: LibraryTree): string {
  const list = (name: string, items: readonly string[]): string =>
    items.length === 0 ? "" : `${name} =\n${items.map((item) => `  ${item}\n`).join("")}`;
  const word = (name: string, value: string): string => (value === "" ? "" : `${name} = ${value}\n`);
  const target = tree.arduino ? "platform = atmelavr\nboard = uno\nframework = arduino\n" : "platform = native\n";
  return [
    "[platformio]\ngloballib_dir = glob\n",
    ...tree.envs.map((env) =>
      [
        `[env:${env.name}]\n${target}lib_extra_dirs =\n  extra\n  more\n  lib/Alpha/inner\n`,
        word("lib_ldf_mode", env.mode),
        word("lib_compat_mode", env.compat),
        word("lib_archive", env.archive),
        list("lib_deps", env.deps),
        list("lib_ignore", env.ignore),
        list("build_flags", env.flags),
      ].join(""),
    ),
  ].join("");
}
