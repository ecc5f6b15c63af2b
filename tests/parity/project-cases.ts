/** Generated native projects, from a seed: sources of every kind, filters, flags of every kind, libraries and how they are looked for, build types. */
import { Random } from "../random.ts";
import { caseMaker } from "../rules/flag-cases.ts";
import { type LibraryEnv, libraryTree } from "../rules/library-cases.ts";

export interface ProjectCase {
  /** platformio.ini too. */
  readonly files: Readonly<Record<string, string>>;
  readonly envs: readonly string[];
}

/** The project of this number; it depends on nothing but the two. */
export function projectCase(seed: number, index: number): ProjectCase {
  return new Maker(seed, index).project();
}

const FOLDERS = ["", "", "app/", "app/deep/", "drv/", "drv/.cfg/", ".git/", "b c/", "Z/", "util/"];
const NAMES = ["a", "b", "io", "x.y", "Low", "main2", "t-1", "é"];
const SUFFIXES = ["c", "c", "cpp", "cc", "cxx", "c++", "S", "s", "sx", "asm", "ASM", "C", "h", "hpp", "txt", "ino"];
/** What the flags of flag-cases.ts speak of. */
const NAMED = ["inc/pre.h", "inc/m.h", "sp dir/s.h", "src/sub/x.h", "include/i.h"];

class Maker {
  private readonly seed: number;
  private readonly index: number;
  private readonly r: Random;
  private readonly files: Record<string, string> = {};
  private src = "src";

  constructor(seed: number, index: number) {
    this.seed = seed;
    this.index = index;
    this.r = new Random(seed * 1_000_003 + index);
  }

  project(): ProjectCase {
    const { r } = this;
    const envCount = 1 + Number(r.chance(0.3));
    // Numbers that leave two over when divided by three are Arduino projects.
    const tree = libraryTree(this.seed + 1000, this.index * 3, envCount);
    const withLibraries = r.chance(0.6);
    for (const [path, text] of Object.entries(tree.files))
      if (withLibraries || !/^(lib|extra|more|glob)\//.test(path)) this.files[path] = text;
    for (const path of NAMED) this.files[path] ??= "\n";
    if (r.chance(0.15)) this.inC();
    this.sources();
    if (withLibraries) this.libraryFlags();
    const layout = this.layout();
    const envs = tree.envs.map((env, i) => this.env(env, i, withLibraries));
    const shared = r.chance(0.2) ? "[env]\nbuild_flags = -DSHARED ${common.more}\n[common]\nmore = -DMORE=1\n" : "";
    this.files["platformio.ini"] = [`[platformio]\ngloballib_dir = glob\n${layout}`, ...envs, shared].join("");
    return { files: this.files, envs: tree.envs.map((env) => env.name) };
  }

  /** A program without C++ of its own. */
  private inC(): void {
    const main = this.files["src/main.cpp"] ?? "";
    delete this.files["src/main.cpp"];
    delete this.files["src/deep/part.cpp"];
    this.files["src/main.c"] = main;
  }

  private sources(): void {
    const { r } = this;
    const stem = (path: string): string => path.replace(/\.[^./]*$/, "").toLowerCase();
    const taken = new Set(Object.keys(this.files).map(stem));
    for (let n = r.below(9); n > 0; n--) {
      const path = `${r.pick(["src/", "src/", "src/", "src/", "other/"])}${r.pick(FOLDERS)}${r.pick(NAMES)}`;
      // Without a framework a.c and a.cpp have one object in PlatformIO, which gives up.
      if (taken.has(path.toLowerCase())) continue;
      taken.add(path.toLowerCase());
      this.files[`${path}.${r.pick(SUFFIXES)}`] = "\n";
    }
  }

  /** Manifests get more flags than libraryTree gives them. */
  private libraryFlags(): void {
    const { r } = this;
    for (const [path, text] of Object.entries(this.files)) {
      if (!path.endsWith("library.json") || !text.endsWith("}") || !r.chance(0.4)) continue;
      const flags = caseMaker(r.below(1e9))
        .native(0)
        .build_flags.filter((item) => !/^!|PROJECT_|BUILD_DIR|none|outside|include|sp dir|-Isrc/.test(item));
      const manifest: { build?: Record<string, unknown> } = JSON.parse(text);
      this.files[path] = JSON.stringify({ ...manifest, build: { ...manifest.build, flags: flags.slice(0, 2) } });
      // A folder that is not there is looked for elsewhere by PlatformIO.
      this.files[path.replace("library.json", "inc/e.h")] = "\n";
    }
  }

  /** The folders of the project, by other names. */
  private layout(): string {
    const { r } = this;
    if (r.chance(0.8)) return "";
    this.src = r.pick(["code", "./firmware/main", "${PROJECT_DIR}/s"]);
    const folder = this.src.replace("${PROJECT_DIR}/", "").replace("./", "");
    for (const [path, text] of Object.entries(this.files)) {
      if (!path.startsWith("src/")) continue;
      delete this.files[path];
      this.files[`${folder}/${path.slice(4)}`] = text;
    }
    return `src_dir = ${this.src}\n${r.chance(0.3) ? "include_dir = inc\n" : ""}`;
  }

  private env(env: LibraryEnv, number: number, withLibraries: boolean): string {
    const { r } = this;
    const flags = caseMaker(r.below(1e9)).native(number);
    const debug = !flags.test && flags.debug;
    const list = (name: string, items: readonly string[]): string =>
      items.length === 0 ? "" : `${name} =\n${items.map((item) => `  ${item}\n`).join("")}`;
    const word = (name: string, value: string): string => (value === "" ? "" : `${name} = ${value}\n`);
    return [
      `[env:${env.name}]\nplatform = native\nlib_extra_dirs =\n  extra\n  more\n  lib/Alpha/inner\n`,
      ...(withLibraries
        ? [
            word("lib_ldf_mode", env.mode),
            word("lib_compat_mode", env.compat),
            word("lib_archive", env.archive),
            list("lib_deps", env.deps),
            list("lib_ignore", env.ignore),
          ]
        : []),
      list("build_flags", [...flags.build_flags, ...env.flags]),
      list("build_unflags", flags.build_unflags),
      list(r.chance(0.1) ? "src_build_flags" : "build_src_flags", flags.build_src_flags),
      debug ? "build_type = debug\n" : "",
      debug ? list("debug_build_flags", flags.debug_build_flags) : "",
      r.chance(0.4) ? list(r.chance(0.1) ? "src_filter" : "build_src_filter", this.filter()) : "",
    ].join("");
  }

  private filter(): string[] {
    const { r } = this;
    const paths = Object.keys(this.files).filter((path) => /\.(c|cpp|cc|cxx|c\+\+|S|s|sx|asm)$/.test(path));
    const pattern = (): string => {
      const path = r.pick([...paths, "src/a.c"]).replace(/^src\/|^(firmware\/main|code|s)\//, "");
      const inside = /^(lib|extra|more|glob|other)\//.test(path) ? `../${path}` : path;
      const parts = inside.split("/");
      const at = r.below(parts.length);
      const end = r.pick(["*", "*.c", "*.cpp", "**", "?*", "[a-m]*", "[!u]*", "*.[cS]"]);
      switch (r.below(7)) {
        case 0:
          return inside;
        case 1:
          return parts.slice(0, at).join("/") || "*";
        case 2:
          // "/" alone is the whole disk.
          return `${parts.slice(0, at).join("/") || "."}/`;
        case 3:
          return [...parts.slice(0, at), end].join("/");
        case 4:
          return `**/${r.pick(["*.c", "*.cpp", "a.*", "io.*"])}`;
        case 5:
          return r.pick(["*", "${PIOENV}/", "main.*", "nothing", ".*"]);
        default:
          return parts.map((part) => (r.chance(0.3) && part !== ".." ? `${part.slice(0, 1)}*` : part)).join("/");
      }
    };
    const first = r.pick(["+<*>", "+<*>", "+<*> -<.git/> -<.svn/>", "-<*> +<main.*>", "+<**>"]);
    const more = Array.from({ length: r.below(4) }, () => `${r.pick(["+", "-", "-"])}<${pattern()}>`);
    return r.chance(0.5) ? [[first, ...more].join(" ")] : [first, ...more];
  }
}
