/** Places where a compiler looks before it finds, or finds nothing: what appears or vanishes there. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import type { TestProject } from "../harness.ts";
import { type Row, V } from "./row.ts";

const LINK = ["compile src/main.c", "link program"];
const has = (condition: string, header: string) =>
  `#if ${condition}\n#include ${header}\n#else\n#define V 1\n#endif\nint main(void) { return V; }\n`;
/** A header that answers 2 and then stands back for the one it hides. */
const SHADOW = (header: string) => `#define V 2\n#include_next <${header}>\n`;
const unlessShadowed = (header: string) => `#include <${header}>\n#ifndef V\n#define V 1\n#endif\nint main(void) { return V; }\n`;

export const lookups: readonly Row[] = [
  // ── shadowing ──
  {
    name: "a header that hides another: beside the source, before include/",
    files: { "include/v.h": V(1) },
    change: { "src/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides another: in a folder of -I before another",
    ini: "build_flags = -Ifirst -Isecond",
    files: { "first/other.h": "", "second/v.h": V(1) },
    change: { "first/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides another: in a folder of -I that was not there",
    ini: "build_flags = -Ilate/er -Isecond",
    files: { "second/v.h": V(1) },
    change: { "late/er/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides another: its folder of -I is empty before",
    ini: "build_flags = -Iempty -Isecond",
    files: { "second/v.h": V(1) },
    prepare: (p) => mkdirSync(p.path("empty")),
    change: { "empty/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides another: in a folder below one that was not there",
    files: { "include/v.h": "#include <a/b/c.h>\n", "src/a/b/c.h": V(1) },
    change: { "include/a/b/c.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides a library's",
    files: { "lib/one/one.h": V(1), "lib/one/one.c": "int one;\n", "src/main.c": "#include <one.h>\nint main(void) { return V; }\n" },
    change: { "include/one.h": V(2) },
  },
  {
    name: "a header that hides the toolchain's own",
    files: { "src/main.c": unlessShadowed("stddef.h") },
    change: { "include/stddef.h": SHADOW("stddef.h") },
    done: LINK,
  },
  {
    name: "a header that hides one of the toolchain's that another of its headers wants",
    files: { "src/main.c": unlessShadowed("stdlib.h") },
    change: { "include/stddef.h": SHADOW("stddef.h") },
    done: LINK,
  },
  {
    name: "a header that hides a system's",
    files: { "src/main.c": unlessShadowed("sys/types.h") },
    change: { "include/sys/types.h": SHADOW("sys/types.h") },
    done: LINK,
  },
  {
    name: "a header that hides the core's",
    on: "arduino",
    files: { "src/v.h": "#include <Print.h>\n#ifndef V\n#define V 1\n#endif\n" },
    change: { "include/Print.h": SHADOW("Print.h") },
  },
  {
    name: "a header that hides avr-libc's",
    on: "avr",
    files: { "src/v.h": "#include <avr/eeprom.h>\n#ifndef V\n#define V 1\n#endif\n" },
    change: { "include/avr/eeprom.h": SHADOW("avr/eeprom.h") },
  },
  {
    name: "a header whose hiding one goes",
    ini: "build_flags = -Ifirst -Isecond",
    files: { "first/v.h": V(1), "second/v.h": V(2) },
    change: { "first/v.h": null },
    done: LINK,
  },
  {
    name: "a header that becomes a folder: the next one counts",
    ini: "build_flags = -Ifirst -Isecond",
    files: { "first/v.h": V(1), "second/v.h": V(2) },
    byHand: {
      there: (p) => {
        p.remove("first/v.h");
        mkdirSync(p.path("first/v.h"));
      },
      back: (p) => {
        rmdirSync(p.path("first/v.h"));
        p.write("first/v.h", V(1));
      },
    },
    done: LINK,
  },
  {
    name: "a folder that becomes a header",
    ini: "build_flags = -Ifirst -Isecond",
    files: { "second/v.h": V(1) },
    prepare: (p) => mkdirSync(p.path("first/v.h"), { recursive: true }),
    byHand: {
      there: (p) => {
        rmdirSync(p.path("first/v.h"));
        p.write("first/v.h", V(2));
      },
      back: (p) => {
        p.remove("first/v.h");
        mkdirSync(p.path("first/v.h"));
      },
    },
    done: LINK,
  },
  {
    name: "a whole folder of -I that goes",
    ini: "build_flags = -Ifirst -Isecond",
    files: { "first/v.h": V(1), "second/v.h": V(2) },
    byHand: { there: (p) => p.rename("first", "gone"), back: (p) => p.rename("gone", "first") },
    done: LINK,
  },
  {
    name: "a header that a macro names",
    files: {
      "src/main.c": "#define STR_(x) #x\n#define STR(x) STR_(x)\n#include STR(WHICH.h)\nint main(void) { return V; }\n",
      "include/one.h": V(1),
    },
    ini: "build_flags = -DWHICH=one",
    change: { "include/one.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides one that a macro names",
    files: { "src/main.c": '#define WHICH "one.h"\n#include WHICH\nint main(void) { return V; }\n', "second/one.h": V(1) },
    ini: "build_flags = -Ifirst -Isecond",
    change: { "first/one.h": V(2) },
    done: LINK,
  },
  {
    name: "what #include_next finds",
    ini: "build_flags = -Ifirst -Isecond -Ithird",
    files: { "first/v.h": "#include_next <v.h>\n", "third/v.h": V(1) },
    change: { "second/v.h": V(2) },
    done: LINK,
  },

  // ── __has_include ──
  {
    name: "__has_include: a header appears",
    files: { "src/main.c": has('__has_include("maybe.h")', '"maybe.h"') },
    change: { "include/maybe.h": V(2) },
    done: LINK,
  },
  {
    name: "__has_include: a header vanishes",
    files: {
      "src/main.c": "#if __has_include(<maybe.h>)\n#define V 1\n#else\n#define V 2\n#endif\nint main(void) { return V; }\n",
      "include/maybe.h": "",
    },
    change: { "include/maybe.h": null },
    done: LINK,
  },
  {
    name: "__has_include in a header of a header",
    files: {
      "include/v.h": "#include <w.h>\n",
      "include/w.h": "#if defined(__has_include) && __has_include(<deep/maybe.h>)\n#define V 2\n#else\n#define V 1\n#endif\n",
    },
    change: { "src/deep/maybe.h": "" },
    done: LINK,
  },
  {
    name: "__has_include by way of a macro",
    files: { "src/main.c": has("MAYBE(<maybe.h>)", "<maybe.h>").replace("#if", "#define MAYBE(x) __has_include(x)\n#if") },
    change: { "include/maybe.h": V(2) },
    done: LINK,
  },
  {
    name: "__has_include in the condition of another",
    files: {
      "src/main.c":
        "#if __has_include(<one.h>)\n#if __has_include(<two.h>)\n#define V 2\n#endif\n#endif\n#ifndef V\n#define V 1\n#endif\nint main(void) { return V; }\n",
    },
    change: { "include/one.h": "", "include/two.h": "" },
    done: LINK,
  },
  {
    name: "__has_include of a library's header that appears",
    files: { "src/main.c": has("__has_include(<late.h>)", "<late.h>") },
    change: { "lib/late/late.h": V(2), "lib/late/late.c": "int late;\n" },
  },

  // ── forced ──
  {
    name: "a header that -include names",
    ini: "build_flags = -include forced.h -Iinclude",
    files: { "include/forced.h": V(1), "include/v.h": "" },
    change: { "include/forced.h": V(2) },
    done: LINK,
  },
  {
    name: "a header that hides the one that -include names",
    ini: "build_flags = -include forced.h -Iinclude",
    files: { "include/forced.h": V(1), "include/v.h": "" },
    change: { "forced.h": V(2) },
    done: LINK,
  },
  {
    name: "macros that -imacros names",
    ini: "build_flags = -imacros include/macros.h",
    files: { "include/macros.h": V(1), "include/v.h": "" },
    change: { "include/macros.h": V(2) },
    done: LINK,
  },
  {
    name: "a file that -Wp,-include, names",
    ini: "build_flags = -Wp,-include,forced.h",
    files: { "forced.h": V(1), "include/v.h": "" },
    change: { "forced.h": V(2) },
    done: LINK,
  },
  {
    name: "a header found by -iquote, -isystem, -idirafter: one that comes before",
    ini: "build_flags = -idirafter third -isystem second -iquote first",
    files: { "third/v.h": V(1) },
    change: { "second/v.h": V(2) },
    done: LINK,
  },
  {
    name: "a precompiled header in the place of a header",
    files: { "include/v.h": V(1) },
    prepare: () => {},
    byHand: { there: (p) => precompiled(p), back: (p) => p.remove("include/v.h.gch") },
    done: LINK,
  },
];

/** Of another content than the header has. */
function precompiled(p: TestProject): void {
  p.write("other/v.h", V(2));
  spawnSync("gcc", ["-x", "c-header", p.path("other/v.h"), "-o", p.path("include/v.h.gch")]);
}
