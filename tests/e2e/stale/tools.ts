/** What links and compilers read beside sources: scripts, archives, response files, specs, and the compilers themselves. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as assert from "uvu/assert";
import type { TestProject } from "../harness.ts";
import { age, type ByHand, link, type Row, V } from "./row.ts";

const BOTH = ["compile src/main.c", "link program"];
const LINK = ["link program"];
const fn = (value: number) => `int v(void) { return ${value}; }\n`;
const CALLS = { "src/main.c": "int v(void);\nint main(void) { return v(); }\n" };
/** Answers the byte that a linker script puts down. */
const BYTE = { "src/main.c": "extern const char v;\nint main(void) { return v; }\n" };
const script = (value: number | string) =>
  `SECTIONS { .fbdata : { v = .; ${typeof value === "number" ? `BYTE(${value})` : value} } }\nINSERT AFTER .data;\n`;
const ONE_TWO = { "src/one.c": "int one(void) { return 1; }\nint two(void) { return 2; }\n" };
const DEFAULT = { "src/main.c": "#ifndef V\n#define V 1\n#endif\nint main(void) { return V; }\n" };

/** An archive with v(); the compiler's own, not fb's. */
function archive(p: TestProject, path: string, value: number): void {
  p.write("../make/v.c", fn(value));
  spawnSync("gcc", ["-c", "v.c", "-o", "v.o"], { cwd: p.path("../make") });
  mkdirSync(p.path(path).replace(/[^/]+$/, ""), { recursive: true });
  spawnSync("ar", ["rcsD", p.path(path), "v.o"], { cwd: p.path("../make") });
}

const replaced = (path: string): ByHand => ({
  there: (p) => {
    archive(p, path, 2);
    age(p, path);
  },
  back: (p) => {
    archive(p, path, 1);
    age(p, path);
  },
});

/** A toolchain of the project's own: scripts that call the real programs. The texts are of one length, so that an exchange changes neither size nor time. */
export const TOOLS = "platform_packages = toolchain-gccnative@symlink://../tools";
export const calls = (program: string, words: string) => `#!/bin/sh\nexec ${program} ${words} "$@"\n`;
export function toolchain(files: Readonly<Record<string, string>>): { readonly ini: string; readonly prepare: (p: TestProject) => void } {
  return {
    ini: TOOLS,
    prepare: (p) => {
      const all = { "bin/gcc": calls("/usr/bin/gcc", ""), "bin/g++": calls("/usr/bin/g++", ""), ...files };
      for (const [path, text] of Object.entries(all)) tool(p, path, text);
      for (const name of ["ar", "as", "ld"]) if (!(`bin/${name}` in files)) link(p, `../tools/bin/${name}`, `/usr/bin/${name}`);
    },
  };
}
export function tool(p: TestProject, path: string, text: string | Uint8Array): void {
  // By a new file, as package managers do it.
  p.write(`../tools/${path}.new`, text);
  chmodSync(p.path(`../tools/${path}.new`), 0o755);
  age(p, `../tools/${path}.new`);
  p.rename(`../tools/${path}.new`, `../tools/${path}`);
}

/** A real driver, copied; the second one defines V, by a spec that stands in the place of one that nobody uses. */
function driver(p: TestProject, version: 1 | 2): void {
  const own = readFileSync("/usr/bin/gcc", "latin1");
  const spec = "%{posix:-D_POSIX_SOURCE}";
  assert.ok(own.includes(spec), "gcc's driver has no such spec: the row needs another one");
  const text = version === 1 ? own : own.replaceAll(spec, "%{!posix:-DV=2}".padEnd(spec.length));
  tool(p, "real/gcc", Buffer.from(text, "latin1"));
}

const upgrade = (path: string, from: string, to: string): ByHand => ({ there: (p) => tool(p, path, to), back: (p) => tool(p, path, from) });

/** A compiler whose parts are looked for in ../tools/libexec first. */
const PARTS = { "bin/gcc": `#!/bin/sh\nexec /usr/bin/gcc -B\${0%/*}/../libexec/ "$@"\n` };
const inside = (name: string) => spawnSync("gcc", [`-print-prog-name=${name}`], { encoding: "utf8" }).stdout.trim();
const part = (name: string, words: (value: number) => string): Row => {
  const program = inside(name);
  const full = program.includes("/") ? program : `/usr/bin/${program}`;
  const text = (value: number) => calls(full, words(value));
  return {
    ...toolchain({ ...PARTS, [`libexec/${name}`]: text(1) }),
    name: `a toolchain upgraded in place: its ${name}, while the driver stays`,
    files: name === "cc1" ? DEFAULT : name === "as" ? AS : BYTE_LD,
    byHand: upgrade(`libexec/${name}`, text(1), text(2)),
  };
};
const AS = {
  "src/main.c": 'asm(".data\\n.global data\\ndata: .byte V\\n.text");\nextern const char data;\nint main(void) { return data; }\n',
};
const BYTE_LD = {
  "src/main.c": "extern const char one, two;\nextern const char v;\nint main(void) { return v; }\n",
  "src/data.c": "const char one = 1, two = 2;\n",
};

export const tools: readonly Row[] = [
  // ── linker scripts ──
  {
    name: "a linker script",
    ini: "build_flags = -Wl,-T,ld/v.ld",
    files: { ...BYTE, "ld/v.ld": script(1) },
    change: { "ld/v.ld": script(2) },
    done: LINK,
  },
  {
    name: "a linker script outside the project",
    ini: "build_flags = -Wl,-T,${PROJECT_DIR}/../ld/v.ld",
    files: { ...BYTE, "../ld/v.ld": script(1) },
    change: { "../ld/v.ld": script(2) },
    done: LINK,
  },
  {
    name: "what a linker script includes",
    ini: "build_flags = -Wl,-T,ld/v.ld -Lld",
    files: { ...BYTE, "ld/v.ld": script("INCLUDE inner.ld"), "ld/inner.ld": "BYTE(1)\n" },
    change: { "ld/inner.ld": "BYTE(2)\n" },
    done: LINK,
  },
  {
    name: "what a linker script includes that is found before",
    ini: "build_flags = -Wl,-T,v.ld -Lfirst -Lsecond",
    files: { ...BYTE, "v.ld": script("INCLUDE inner.ld"), "second/inner.ld": "BYTE(1)\n" },
    change: { "first/inner.ld": "BYTE(2)\n" },
    done: LINK,
  },
  {
    name: "a linker script without -T, and what it includes within a line",
    ini: "build_flags = -Wl,a.ld",
    files: { ...CALLS, ...ONE_TWO, "a.ld": "/* INCLUDE no.ld */ INCLUDE b.ld\n", "b.ld": "v = one;\n" },
    change: { "b.ld": "v = two;\n" },
    done: LINK,
  },
  {
    name: "a linker script that is found by -L",
    ini: "build_flags = -Wl,-T,v.ld -Lfirst -Lsecond",
    files: { ...BYTE, "second/v.ld": script(1) },
    change: { "first/v.ld": script(2) },
    done: LINK,
  },
  {
    name: "a linker script that a step makes",
    ini: "build_flags = -Wl,-T,${BUILD_DIR}/gen/v.ld",
    files: {
      ...BYTE,
      "fb.toml":
        'schema = 1\n[[step]]\nname = "script"\nin = "v.ld.in"\nout = "${gen}/v.ld"\nbefore = ["link"]\nrun = ["cp", "${in}", "${out}"]\n',
      "v.ld.in": script(1),
    },
    change: { "v.ld.in": script(2) },
    done: ["link program", "step script"],
  },

  // ── libraries ──
  {
    name: "a precompiled library, of equal size and time",
    ini: "build_flags = -Llibs -lv",
    files: CALLS,
    prepare: (p) => {
      archive(p, "libs/libv.a", 1);
      age(p, "libs/libv.a");
    },
    byHand: replaced("libs/libv.a"),
    done: LINK,
  },
  {
    name: "a precompiled library outside the project",
    ini: "build_flags = -L${PROJECT_DIR}/../libs -lv",
    files: CALLS,
    prepare: (p) => archive(p, "../libs/libv.a", 1),
    byHand: replaced("../libs/libv.a"),
    done: LINK,
  },
  {
    name: "a precompiled library given by its path",
    ini: "build_flags = -Wl,-uv,libs/libv.a",
    files: CALLS,
    prepare: (p) => archive(p, "libs/libv.a", 1),
    byHand: replaced("libs/libv.a"),
    done: LINK,
  },
  {
    name: "a precompiled library that is found before another",
    ini: "build_flags = -Lfirst -Lsecond -lv",
    files: CALLS,
    prepare: (p) => archive(p, "second/libv.a", 1),
    byHand: { there: (p) => archive(p, "first/libv.a", 2), back: (p) => p.remove("first") },
    done: LINK,
  },
  {
    name: "what a linker script INPUTs",
    ini: "build_flags = -Wl,-uv,in.ld",
    files: { ...CALLS, "in.ld": "INPUT(libs/libv.a)\n" },
    prepare: (p) => archive(p, "libs/libv.a", 1),
    byHand: replaced("libs/libv.a"),
    done: LINK,
  },

  // ── files of arguments ──
  {
    name: "a response file of the linker",
    ini: "build_flags = -Wl,@link.rsp",
    files: { ...CALLS, "link.rsp": "--defsym=v=one\n", ...ONE_TWO },
    change: { "link.rsp": "--defsym=v=two\n" },
    done: LINK,
  },
  {
    name: "a response file that another one names",
    ini: "build_flags = -Wl,@link.rsp",
    files: {
      ...CALLS,
      "link.rsp": "@inner.rsp\n",
      "inner.rsp": "--defsym=v=one\n",
      ...ONE_TWO,
    },
    change: { "inner.rsp": "--defsym=v=two\n" },
    done: LINK,
  },
  {
    name: "a linker script that a response file names",
    ini: "build_flags = -Wl,@link.rsp",
    files: { ...BYTE, "link.rsp": "-T ld/v.ld\n", "ld/v.ld": script(1) },
    change: { "ld/v.ld": script(2) },
    done: LINK,
  },
  {
    name: "a response file of the assembler",
    ini: "build_flags = -Wa,@as.rsp",
    files: { ...AS, "as.rsp": "--defsym V=1\n" },
    change: { "as.rsp": "--defsym V=2\n" },
    done: BOTH,
  },
  {
    name: "a response file of the preprocessor",
    ini: "build_flags = -Wp,@cpp.rsp",
    files: { ...DEFAULT, "cpp.rsp": "-DV=1\n" },
    change: { "cpp.rsp": "-DV=2\n" },
    done: BOTH,
  },
  {
    name: "a specs file",
    ini: "build_flags = -specs=my.specs",
    files: { ...DEFAULT, "my.specs": "*cpp:\n+ -DV=1\n\n" },
    change: { "my.specs": "*cpp:\n+ -DV=2\n\n" },
    done: BOTH,
  },

  // ── the toolchain ──
  {
    name: "a toolchain upgraded in place: the driver, of equal size and time",
    ...toolchain({ "bin/gcc": calls("/usr/bin/gcc", "-DV=1") }),
    files: DEFAULT,
    byHand: upgrade("bin/gcc", calls("/usr/bin/gcc", "-DV=1"), calls("/usr/bin/gcc", "-DV=2")),
    done: BOTH,
  },
  {
    name: "a toolchain upgraded in place: the driver that a wrapper calls",
    ini: TOOLS,
    files: DEFAULT,
    prepare: (p) => {
      toolchain({ "bin/gcc": `#!/bin/sh\nexec "\${0%/*}/../real/gcc" -B${dirname(inside("cc1"))}/ "$@"\n` }).prepare(p);
      driver(p, 1);
    },
    byHand: { there: (p) => driver(p, 2), back: (p) => driver(p, 1) },
    done: BOTH,
  },
  part("cc1", (value) => `-DV=${value}`),
  part("as", (value) => `--defsym V=${value}`),
  part("ld", (value) => `--defsym v=${value === 1 ? "one" : "two"}`),
  {
    name: "a toolchain upgraded in place: a header of its own",
    ...toolchain({ "bin/gcc": calls("/usr/bin/gcc", "-isystem ../tools/include") }),
    files: { "src/main.c": "#include <v.h>\nint main(void) { return V; }\n", "../tools/include/v.h": V(1) },
    change: { "../tools/include/v.h": V(2) },
    done: BOTH,
  },
  {
    name: "a toolchain upgraded in place: a specs file that appears beside its compiler",
    ...toolchain({ "bin/gcc": `#!/bin/sh\nexec /usr/bin/gcc -B\${0%/*}/../libexec/ "$@"\n` }),
    files: { ...DEFAULT, "../tools/libexec/x": "" },
    change: { "../tools/libexec/specs": "*cpp:\n+ -DV=2\n\n" },
    done: BOTH,
  },
];
