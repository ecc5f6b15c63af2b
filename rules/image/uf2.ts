/**
 * UF2 files (the format's own page: github.com/microsoft/uf2): blocks of 512 bytes, each with two magic words, flags, an address, the number of bytes (256), its number, how many there
 * are, the family of chips, up to 476 bytes and a last magic word; all little-endian. As picotool makes them of a program: its loaded bytes in pages of 256 at their physical addresses,
 * zeros between; a sector of 4096 that is touched is written whole, up to the last page, since a boot ROM erases it when its first block comes.
 */
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { readElf } from "../elf.ts";
import { numberOf } from "../number.ts";
import { type ImageTool, made, one, refused } from "./image-tool.ts";

const MAGIC = [0x0a324655, 0x9e5d5157] as const;
const LAST_MAGIC = 0x0ab16f30;
const FAMILY_IS_THERE = 0x2000;
const BLOCK = 512;
const PAGE = 256;
const SECTOR = 4096;

/** Pages by their addresses, in order. */
export type Pages = ReadonlyMap<number, Uint8Array>;

/** Failures (exit 1): `elf.malformed`; `image.empty`: nothing to load. */
export function pagesOf(file: string, bytes: Uint8Array): Result<Pages> {
  const elf = readElf(file, bytes);
  if (!elf.ok) return elf;
  const pages = new Map<number, Uint8Array>();
  const page = (address: number): Uint8Array => {
    const there = pages.get(address) ?? new Uint8Array(PAGE);
    pages.set(address, there);
    return there;
  };
  for (const { address, offset, size } of elf.value.segments) {
    for (let done = 0; done < size; ) {
      const at = (address + done) % PAGE;
      const length = Math.min(PAGE - at, size - done);
      page(address + done - at).set(bytes.subarray(offset + done, offset + done + length), at);
      done += length;
    }
  }
  if (pages.size === 0) return refused("image.empty", `${file} has nothing that is loaded`, file, "look at the linker script");
  const last = Math.max(...pages.keys());
  for (const sector of new Set([...pages.keys()].map((address) => address - (address % SECTOR))))
    for (let address = sector; address < sector + SECTOR && address < last; address += PAGE) page(address);
  return ok(new Map([...pages].sort(([a], [b]) => a - b)));
}

export function uf2Of(pages: Pages, family: number): Uint8Array {
  const file = new Uint8Array(pages.size * BLOCK);
  const view = new DataView(file.buffer);
  let number = 0;
  for (const [address, bytes] of pages) {
    const at = number * BLOCK;
    for (const [i, word] of [...MAGIC, FAMILY_IS_THERE, address, PAGE, number, pages.size, family].entries())
      view.setUint32(at + i * 4, word, true);
    file.set(bytes, at + 32);
    view.setUint32(at + BLOCK - 4, LAST_MAGIC, true);
    number++;
  }
  return file;
}

/** The pages of a UF2 file; null where it is none. Blocks of other lengths than 256 are as good; a block that is not for the flash (flag 1) is left out. */
export function readUf2(file: Uint8Array): Pages | null {
  if (file.length === 0 || file.length % BLOCK !== 0) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const pages = new Map<number, Uint8Array>();
  for (let at = 0; at < file.length; at += BLOCK) {
    const word = (i: number) => view.getUint32(at + i * 4, true);
    if (word(0) !== MAGIC[0] || word(1) !== MAGIC[1] || word(BLOCK / 4 - 1) !== LAST_MAGIC || word(4) > BLOCK - 36) return null;
    if ((word(2) & 1) === 0) pages.set(word(3), file.subarray(at + 32, at + 32 + word(4)));
  }
  return pages;
}

export const uf2: ImageTool = {
  usage: "fb tool uf2 ELF --out FILE --family NUMBER",
  make(options, read) {
    const [file, more] = options.get("") ?? [];
    const family = numberOf(one(options, "family"));
    if (file === undefined || more !== undefined || family === null) return null;
    const pages = pagesOf(file, read(file));
    return pages.ok ? made(uf2Of(pages.value, family)) : pages;
  },
};
