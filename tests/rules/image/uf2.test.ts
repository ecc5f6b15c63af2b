/** UF2 images: digests of what picotool's elf2uf2 (2026-07-14) wrote of the same ELF files, recorded by hand; and texts with words replaced. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import { noHash } from "./elf-writer.ts";
import * as assert from "uvu/assert";
import { optionsOf } from "../../../rules/image/image-tool.ts";
import { substitute } from "../../../rules/image/substitute.ts";
import { pagesOf, readUf2, uf2, uf2Of } from "../../../rules/image/uf2.ts";
import { elfOf, noise } from "./elf-writer.ts";

const section = (name: string, address: number, length: number, seed: number) => ({ name, address, content: noise(length, seed) });
const ARM = 40;
const FLASH = 0x10000000;
const gaps = [
  section(".boot2", FLASH, 256, 1),
  section(".text", FLASH + 0x100, 1000, 2),
  section(".data", FLASH + 0x4e8, 77, 3),
  section(".far", FLASH + 0x9010, 600, 4),
];
const even = [section(".text", FLASH, 5000, 5), section(".rodata", FLASH + 0x2104, 3, 6)];

function bytesOf(tool: typeof uf2, args: readonly string[], files: Readonly<Record<string, Uint8Array>>): Uint8Array | string | null {
  const made = tool.make(optionsOf(args), (path) => files[path] ?? new Uint8Array(), noHash);
  return made === null ? null : made.ok ? made.value.bytes : made.failure.code;
}

const RECORDED = [
  ["0xe48bff56", elfOf(FLASH + 0x101, gaps, ARM), "74b7570fe56f070e6d07db7c7e8f297394d09edd24f514867643a0b5f6ed34df"],
  ["0xe48bff59", elfOf(FLASH + 1, even, ARM), "b0ae2d43f8dbcd709a6c0197171baa4a4a95cf72558d41d57043ca08f2909e5a"],
] as const;
for (const [family, elf, digest] of RECORDED)
  test(`as picotool writes it: family ${family}`, () => {
    const bytes = bytesOf(uf2, ["a.elf", "--out", "a.uf2", "--family", family], { "a.elf": elf });
    assert.is(bytes instanceof Uint8Array ? createHash("sha256").update(bytes).digest("hex") : bytes, digest);
  });

test("what is read back is what was loaded, each byte at its physical address, zeros between", () => {
  const pages = pagesOf("a.elf", elfOf(0, gaps, ARM));
  if (!pages.ok) throw new Error(pages.failure.message);
  const read = readUf2(uf2Of(pages.value, 0xe48bff56));
  const memory = new Uint8Array(0x9400);
  for (const { address, content } of gaps) memory.set(content, address - FLASH);
  assert.ok(read !== null && read.size > 15);
  for (const [address, bytes] of read ?? []) {
    assert.is(address % 256, 0);
    assert.equal([...bytes], [...memory.subarray(address - FLASH, address - FLASH + 256)]);
  }
});

test("what is no program, no UF2, no number", () => {
  assert.is(bytesOf(uf2, ["a.elf", "--family", "0x1"], { "a.elf": new Uint8Array(9) }), "elf.malformed");
  assert.is(bytesOf(uf2, ["a.elf", "--family", "0x1"], { "a.elf": elfOf(0, [], ARM) }), "image.empty");
  assert.is(bytesOf(uf2, ["a.elf", "--family", "x"], {}), null);
  assert.is(bytesOf(uf2, ["a.elf", "b.elf", "--family", "1"], {}), null);
  assert.is(readUf2(new Uint8Array(512)), null);
  assert.is(readUf2(new Uint8Array()), null);
});

test("words are replaced everywhere, as they are, one after the other", () => {
  const file = { "x.ld": new TextEncoder().encode("a = __A__; b = __A__ + __B__; c.d") };
  const text = (...words: string[]) => {
    const bytes = bytesOf(substitute, ["x.ld", "--out", "y.ld", "--words", ...words], file);
    return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : bytes;
  };
  assert.is(text("__A__", "$&", "__B__", "2k", "c.d", ""), "a = $&; b = $& + 2k; ");
  assert.is(text(), "a = __A__; b = __A__ + __B__; c.d");
  assert.is(text("__A__"), null);
});

test.run();
