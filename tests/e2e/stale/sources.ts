/** Files that are compiled or included: how an edit of one could go unseen. */
import { linkSync, mkdirSync, renameSync } from "node:fs";
import type { TestProject } from "../harness.ts";
import { age, link, put, type Row, SENDS, V } from "./row.ts";

const MAIN_OF = (header: string) => `#include "${header}"\nint main(void) { return V; }\n`;
const LINK = ["compile src/main.c", "link program"];

const INCBIN = 'asm(".data\\n.global data\\ndata:\\n.incbin \\"assets/data.bin\\"\\n.previous\\n");\nextern const char data[];\n';
const SUFFIXES = ["inl", "inc", "def", "ipp", "tpp", "hxx", "c", "any", "h.in"];

export const sources: readonly Row[] = [
  {
    name: "a source",
    files: { "src/main.c": "int main(void) { return 1; }\n" },
    change: { "src/main.c": "int main(void) { return 2; }\n" },
    done: LINK,
  },
  { name: "a header", files: { "include/v.h": V(1) }, change: { "include/v.h": V(2) }, done: LINK },
  {
    name: `included files of any name: ${SUFFIXES.map((each) => `.${each}`).join(" ")}`,
    ini: "build_src_filter = +<main.c>",
    files: {
      "src/main.c": `int main(void) {\n  return 1\n${SUFFIXES.map((each) => `#include "v.${each}"\n`).join("")};\n}\n`,
      ...Object.fromEntries(SUFFIXES.map((each) => [`src/v.${each}`, "+ 0\n"])),
    },
    change: Object.fromEntries(SUFFIXES.map((each) => [`src/v.${each}`, "+ 1\n"])),
    oneByOne: true,
    done: LINK,
  },
  {
    name: "an included file without a suffix, by way of another",
    files: { "include/v.h": "#include <parts/values>\n", "include/parts/values": V(1) },
    change: { "include/parts/values": V(2) },
    done: LINK,
  },
  {
    name: "a header outside the project, reached by a relative -I",
    ini: "build_flags = -I../outside",
    files: { "../outside/v.h": V(1) },
    change: { "../outside/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header outside the project, reached by an absolute -I",
    ini: "build_flags = -I${PROJECT_DIR}/../outside",
    files: { "../outside/v.h": V(1) },
    change: { "../outside/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header outside the project, included by its way from the source",
    files: { "src/main.c": MAIN_OF("../../outside/v.h"), "../outside/v.h": V(1) },
    change: { "../outside/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a source outside the project that the filter names",
    ini: "build_src_filter = +<*> +<../../outside/*.c>",
    files: { "src/main.c": "int v(void);\nint main(void) { return v(); }\n", "../outside/v.c": "int v(void) { return 1; }\n" },
    change: { "../outside/v.c": "int v(void) { return 2; }\n" },
  },

  // ── links ──
  {
    name: "the target of a source that is a link",
    files: { "src/main.c": null, "other/main.c": "int main(void) { return 1; }\n" },
    prepare: (p) => {
      mkdirSync(p.path("src"));
      link(p, "src/main.c", "../other/main.c");
    },
    change: { "other/main.c": "int main(void) { return 2; }\n" },
    done: LINK,
  },
  {
    name: "a source that is a link to another file now",
    files: { "src/main.c": null, "other/one.c": "int main(void) { return 1; }\n", "other/two.c": "int main(void) { return 2; }\n" },
    prepare: (p) => {
      mkdirSync(p.path("src"));
      link(p, "src/main.c", "../other/one.c");
    },
    byHand: { there: (p) => link(p, "src/main.c", "../other/two.c"), back: (p) => link(p, "src/main.c", "../other/one.c") },
    done: LINK,
  },
  {
    name: "a file in a folder of sources that is a link",
    files: { "../other/v.h": V(1), "../other/more.c": "int more;\n", "src/main.c": MAIN_OF("linked/v.h") },
    prepare: (p) => link(p, "src/linked", "../../other"),
    change: { "../other/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a folder of sources that is a link to another folder now",
    files: {
      "src/main.c": "int v(void);\nint main(void) { return v(); }\n",
      "one/v.c": "int v(void) { return 1; }\n",
      "two/v.c": "int v(void) { return 2; }\n",
    },
    prepare: (p) => link(p, "src/linked", "../one"),
    byHand: { there: (p) => link(p, "src/linked", "../two"), back: (p) => link(p, "src/linked", "../one") },
    done: ["compile src/linked/v.c", "link program"],
  },
  {
    name: "a header that is a link to another file now, of equal size and time",
    files: { "one.h": V(1), "two.h": V(2) },
    prepare: (p) => {
      for (const each of ["one.h", "two.h"]) age(p, each);
      mkdirSync(p.path("include"));
      link(p, "include/v.h", "../one.h");
    },
    byHand: { there: (p) => link(p, "include/v.h", "../two.h"), back: (p) => link(p, "include/v.h", "../one.h") },
    done: LINK,
  },
  {
    name: "a folder of -I that is a link to another folder now",
    ini: "build_flags = -Icurrent",
    files: { "one/v.h": V(1), "two/v.h": V(2) },
    prepare: (p) => link(p, "current", "one"),
    byHand: { there: (p) => link(p, "current", "two"), back: (p) => link(p, "current", "one") },
    done: LINK,
  },
  {
    name: "the project's src folder, a link to another one now",
    files: { "src/main.c": null, "one/main.c": "int main(void) { return 1; }\n", "two/main.c": "int main(void) { return 2; }\n" },
    prepare: (p) => link(p, "src", "one"),
    byHand: { there: (p) => link(p, "src", "two"), back: (p) => link(p, "src", "one") },
    done: LINK,
  },
  {
    name: "a link of links, the middle one changed",
    files: { "one.h": V(1), "two.h": V(2) },
    prepare: (p) => {
      mkdirSync(p.path("include"));
      link(p, "middle.h", "one.h");
      link(p, "include/v.h", "../middle.h");
    },
    byHand: { there: (p) => link(p, "middle.h", "two.h"), back: (p) => link(p, "middle.h", "one.h") },
    done: LINK,
  },
  {
    name: "a header that has a second name, edited by that",
    files: { "other/v.h": V(1) },
    prepare: (p) => {
      mkdirSync(p.path("include"));
      linkSync(p.path("other/v.h"), p.path("include/v.h"));
    },
    change: { "other/v.h": V(2) },
    done: LINK,
  },

  // ── times and sizes ──
  {
    name: "an edit whose file gets an older time",
    files: { "include/v.h": V(1) },
    byHand: {
      there: (p) => {
        p.write("include/v.h", V(2));
        age(p, "include/v.h");
      },
      back: (p) => p.write("include/v.h", V(1)),
    },
    done: LINK,
  },
  {
    name: "an edit of equal size and time, written in place",
    files: { "include/v.h": V(1) },
    prepare: (p) => age(p, "include/v.h"),
    byHand: { there: (p) => inPlace(p, 2), back: (p) => inPlace(p, 1) },
    done: LINK,
  },
  {
    name: "an edit of equal size and time, renamed over the file",
    files: { "include/v.h": V(1) },
    prepare: (p) => age(p, "include/v.h"),
    byHand: { there: (p) => renamedOver(p, 2), back: (p) => renamedOver(p, 1) },
    done: LINK,
  },
  {
    name: "two headers of equal size and time that change places",
    files: { "include/v.h": V(1), "include/w.h": V(2) },
    prepare: (p) => {
      for (const each of ["v", "w"]) age(p, `include/${each}.h`);
    },
    byHand: { there: swap, back: swap },
    done: LINK,
  },
  {
    name: "two folders that change places",
    files: { "include/a/v.h": V(1), "include/b/v.h": V(2), "src/main.c": MAIN_OF("a/v.h") },
    byHand: { there: swapFolders, back: swapFolders },
    done: LINK,
  },

  // ── names ──
  {
    name: "a source renamed in nothing but case",
    files: {
      "src/main.c": null,
      "src/V.c": "int main(void) { return sizeof __FILE__ == sizeof \"src/V.c\" && __FILE__[4] == 'V' ? 1 : 2; }\n",
    },
    byHand: { there: (p) => p.rename("src/V.c", "src/v.c"), back: (p) => p.rename("src/v.c", "src/V.c") },
  },
  {
    name: "a header renamed in nothing but case",
    files: { "include/v.h": V(1) },
    byHand: { there: (p) => p.rename("include/v.h", "include/V.h"), back: (p) => p.rename("include/V.h", "include/v.h") },
    after: /v\.h: No such file/,
  },
  {
    name: "a header that goes, and no other of its name",
    files: { "include/v.h": V(1) },
    change: { "include/v.h": null },
    after: /v\.h: No such file/,
  },
  {
    name: "a source that comes",
    files: { "src/main.c": "int v(void) __attribute__((weak));\nint main(void) { return v ? v() : 1; }\n" },
    change: { "src/v.c": "int v(void) { return 2; }\n" },
  },
  {
    name: "a source that goes",
    files: {
      "src/main.c": "int v(void) __attribute__((weak));\nint main(void) { return v ? v() : 2; }\n",
      "src/v.c": "int v(void) { return 1; }\n",
    },
    change: { "src/v.c": null },
  },
  {
    name: "a source of another language in a source's place",
    files: { "src/main.c": "int main(void) { return sizeof 'a' == 1 ? 2 : 1; }\n" },
    byHand: { there: (p) => p.rename("src/main.c", "src/main.cpp"), back: (p) => p.rename("src/main.cpp", "src/main.c") },
  },

  // ── what the assembler reads ──
  ...(["", "build_flags = -flto"] as const).map(
    (ini): Row => ({
      name: `what .incbin in C names${ini === "" ? "" : ", with LTO"}`,
      ini,
      files: {
        "src/main.c": `${INCBIN}int main(void) { return data[0]; }\n`,
        "assets/data.bin": "\u0001",
      },
      change: { "assets/data.bin": "\u0002" },
      done: LINK,
    }),
  ),
  ...(["", "build_unflags = -flto"] as const).map(
    (ini): Row => ({
      name: `what .incbin names on an AVR${ini === "" ? "" : ", without LTO"}`,
      on: "avr",
      ini,
      files: {
        "src/main.c": `${INCBIN}volatile char used = 1; // has .data copied to RAM\n#define V (data[0] * used)\n${SENDS}`,
        "assets/data.bin": "\u0001",
      },
      change: { "assets/data.bin": "\u0002" },
    }),
  ),
  {
    name: "what .incbin in assembler names",
    files: {
      "src/main.c": "extern const char data[];\nint main(void) { return data[0]; }\n",
      "src/data.S": '.section .rodata\n.global data\ndata:\n.incbin "assets/data.bin"\n.section .note.GNU-stack,"",@progbits\n',
      "assets/data.bin": "\u0001",
    },
    change: { "assets/data.bin": "\u0002" },
    done: ["compile src/data.S", "link program"],
  },
  {
    name: "what .include in assembler names, found by -I, and a file that comes before it",
    ini: "build_flags = -Wa,-Ifirst -Wa,-Isecond",
    files: {
      "src/main.c": "extern const char data[];\nint main(void) { return data[0]; }\n",
      "src/data.s": '.include "data.inc"\n',
      "second/data.inc": data(1),
    },
    change: { "first/data.inc": data(2) },
  },
];

function data(value: number): string {
  return `.section .rodata\n.global data\ndata: .byte ${value}\n.section .note.GNU-stack,"",@progbits\n`;
}

function inPlace(p: TestProject, value: number): void {
  p.write("include/v.h", V(value));
  age(p, "include/v.h");
}

function renamedOver(p: TestProject, value: number): void {
  put(p, { "new.h": V(value) });
  age(p, "new.h");
  p.rename("new.h", "include/v.h");
}

function swap(p: TestProject): void {
  for (const [from, to] of [
    ["v", "x"],
    ["w", "v"],
    ["x", "w"],
  ])
    p.rename(`include/${from}.h`, `include/${to}.h`);
}

function swapFolders(p: TestProject): void {
  const at = (name: string) => p.path(`include/${name}`);
  renameSync(at("a"), at("c"));
  renameSync(at("b"), at("a"));
  renameSync(at("c"), at("b"));
}
