/** Rows of a program: whatever symbols and pieces there are, nothing is counted twice and nothing is left out. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Elf, ElfSymbol, Section } from "../../../rules/elf.ts";
import { readLinkMap } from "../../../rules/size/link-map.ts";
import { BERKELEY, countsOf, LTO, PADDING, rowsOf } from "../../../rules/size/rows.ts";
import { newSeed, Random } from "../../random.ts";

const TEXT: Section = { name: ".text", size: 100, address: 0, flags: 6, type: 1, isEmpty: false, offset: 0 };
const DATA: Section = { name: ".data", size: 20, address: 0x800100, flags: 3, type: 1, isEmpty: false, offset: 100 };
const BSS: Section = { name: ".bss", size: 12, address: 0x800114, flags: 3, type: 1, isEmpty: true, offset: 120 };
const NOTE: Section = { name: ".comment", size: 9, address: 0, flags: 0, type: 1, isEmpty: false, offset: 120 };
const COUNTS = countsOf([".text", ".data"], [".data", ".bss"]);

function elfOf(symbols: readonly ElfSymbol[], sections: readonly Section[] = [TEXT, DATA, BSS, NOTE]): Elf {
  return { entry: 0, sections, segments: [], symbols: () => symbols, content: () => new Uint8Array() };
}

function symbol(name: string, value: number, size: number, more: Partial<ElfSymbol> = {}): ElfSymbol {
  return { name, value, size, type: "function", bind: "global", section: 0, isCommon: false, ...more };
}

const MAP = `Archive member included to satisfy reference by file (symbol)

libgcc.a(_div.o)              main.o (__div)
/opt/with blank/libthing.a(a-long-member-name.cpp.o)
                              main.o (symbol from plugin) (thing(int))

Discarded input sections

 .text          0x0000000000000000       0x99 gone.o

Linker script and memory map

LOAD main.o
LOAD /tmp/ccAbC.ltrans0.ltrans.o
                0x0000000000000000                __TEXT_REGION_ORIGIN__ = DEFINED (X)?X:0x0

.text           0x0000000000000000       0x64
 *(.vectors)
 .vectors       0x0000000000000000        0xa crt.o
                0x0000000000000000                __vectors
                0x000000000000000a                . = ALIGN (0x2)
 .text.a_section_with_a_long_name
                0x000000000000000a       0x14 main.o
 *fill*         0x000000000000001e        0x2 
                0x0000000000000020                __script_start = .
 .text          0x0000000000000020       0x40 /tmp/ccAbC.ltrans0.ltrans.o
                0x0000000000000020                deep

.data           0x0000000000800100       0x14 load address 0x0000000000000064
 .data          0x0000000000800100       0x14 libgcc.a(_div.o)

.bss            0x0000000000800114        0xc
 COMMON         0x0000000000800114        0x8 main.o
                                          0x10 (size before relaxing)
`;

test("a map: pieces with their objects, also where a line is broken; what the script defines; who asked for a member", () => {
  const map = readLinkMap(MAP);
  assert.equal(
    map.pieces.map((p) => [p.output, p.section, p.address, p.size, p.object]),
    [
      [".text", ".vectors", 0, 10, "crt.o"],
      [".text", ".text.a_section_with_a_long_name", 10, 20, "main.o"],
      [".text", "*fill*", 30, 2, ""],
      [".text", ".text", 32, 64, "/tmp/ccAbC.ltrans0.ltrans.o"],
      [".data", ".data", 0x800100, 20, "libgcc.a(_div.o)"],
      [".bss", "COMMON", 0x800114, 8, "main.o"],
    ],
  );
  assert.equal(map.loaded, ["main.o", "/tmp/ccAbC.ltrans0.ltrans.o"]);
  assert.equal(
    [...map.broughtBy],
    [
      ["libgcc.a(_div.o)", { object: "main.o", symbol: "__div" }],
      ["/opt/with blank/libthing.a(a-long-member-name.cpp.o)", { object: "main.o", symbol: "thing(int)" }],
    ],
  );
  assert.equal([...map.scripted], ["__TEXT_REGION_ORIGIN__", ".", "__script_start"]);
  assert.equal(readLinkMap("").pieces, []);
});

test("rows: symbols cut pieces, what is left bears its section's name, holes are padding; mixed objects are asked about", () => {
  const symbols = [
    symbol("__vectors", 0, 0, { type: "none" }),
    symbol("__script_start", 0x20, 0, { type: "none" }),
    symbol("outer", 10, 16),
    symbol("alias", 10, 16, { bind: "weak" }),
    symbol("within", 14, 4),
    symbol("deep", 0x20, 30, { bind: "local" }),
    symbol("unknown", 0x40, 4, { bind: "local" }),
    symbol("asm_entry", 0x50, 0, { type: "none" }),
    symbol("value", 0x800100, 4, { type: "object", section: 1 }),
  ];
  const rows = rowsOf(elfOf(symbols), COUNTS, readLinkMap(MAP), ({ name }) => (name === "deep" ? "src/deep.o" : null));
  const told = rows.map((r) => `${r.bytes} ${r.section} ${r.name} ${r.object}`).sort();
  assert.equal(
    told,
    [
      "10 .text __vectors crt.o",
      "16 .data .data libgcc.a(_div.o)",
      "16 .text asm_entry (link-time optimisation)",
      "16 .text outer main.o",
      `4 .bss ${PADDING} `,
      "4 .data value libgcc.a(_div.o)",
      "4 .text .text.a_section_with_a_long_name main.o",
      `6 .text ${PADDING} `,
      "8 .bss COMMON main.o",
      "14 .text .text (link-time optimisation)",
      "30 .text deep src/deep.o",
      "4 .text unknown (link-time optimisation)",
    ].sort(),
  );
  assert.ok(rows.some((r) => r.object === LTO));
});

test("what `size` counts: text and data are flash, data and bss RAM, notes that are not loaded neither", () => {
  assert.equal(
    [TEXT, DATA, BSS, NOTE].map((s) => [BERKELEY.flash(s), BERKELEY.ram(s)]),
    [
      [true, false],
      [true, true],
      [false, true],
      [false, false],
    ],
  );
});

test("generated symbols and pieces, overlapping and out of bounds: each section's rows sum to its size", () => {
  const seed = newSeed();
  for (let i = 0; i < 500; i++) {
    const random = new Random(seed + i);
    const symbols = Array.from({ length: random.below(30) }, (_, k) => {
      const section = random.pick([0, 1, 2, null]);
      const base = section === null ? 0 : ([TEXT, DATA, BSS][section] as Section).address;
      const type = random.pick(["function", "object", "none", "file"] as const);
      return symbol(`s${k}`, base + random.below(130), random.below(40), { section, type, bind: random.pick(["local", "global", "weak"]) });
    });
    const pieces = Array.from({ length: random.below(12) }, (_, k) => ({
      output: random.pick([".text", ".data", ".bss"]),
      section: random.pick([".text.x", "*fill*", ".rodata.str1.1"]),
      address: random.pick([0, 0x800100, 0x800114]) + random.below(110),
      size: 1 + random.below(60),
      object: random.pick(["", `o${k}.o`, "x.ltrans0.o"]),
    }));
    const map = random.chance(0.2) ? null : { pieces, loaded: [], broughtBy: new Map(), scripted: new Set(["s1"]) };
    const rows = rowsOf(elfOf(symbols), COUNTS, map, () => (random.chance(0.5) ? "found.o" : null));
    for (const section of [TEXT, DATA, BSS]) {
      const sum = rows.filter((r) => r.section === section.name).reduce((n, r) => n + r.bytes, 0);
      assert.is(sum, section.size, `FB_SEED=${seed + i}: ${section.name}`);
    }
    assert.ok(
      rows.every((r) => r.bytes > 0 && r.name !== ""),
      `FB_SEED=${seed + i}`,
    );
  }
});

test.run();
