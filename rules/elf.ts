/** ELF files: section headers and symbols (System V ABI, "Sections" and "Symbol Table"; 32- and 64-bit, both byte orders). */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";

export interface Section {
  readonly name: string;
  /** Bytes in memory; for .bss too, which takes none in the file. */
  readonly size: number;
  readonly address: number;
  /** SHF_* of the ABI: see FLAGS. */
  readonly flags: number;
  /** SHT_* of the ABI. */
  readonly type: number;
  /** Takes no room in the file: SHT_NOBITS. */
  readonly isEmpty: boolean;
  /** Where its content lies in the file. */
  readonly offset: number;
}

/** sh_flags. */
export const FLAGS = { write: 1, alloc: 2, execute: 4, threadLocal: 0x400 } as const;

export interface ElfSymbol {
  readonly name: string;
  /** An address; of a thread-local symbol the offset in its segment. */
  readonly value: number;
  readonly size: number;
  readonly type: "none" | "object" | "function" | "file" | "thread-local" | "other";
  readonly bind: "local" | "global" | "weak";
  /** The section it is defined in, as its place among `sections`; null where it has none: absolute, common, undefined, a file's name. */
  readonly section: number | null;
  /** SHN_COMMON: defined here, placed by the linker. */
  readonly isCommon: boolean;
}

/** What a loader copies: `size` bytes of the file, to a physical address. */
export interface Segment {
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

export interface Elf {
  /** The address at which the program starts. */
  readonly entry: number;
  readonly sections: readonly Section[];
  /** Of type PT_LOAD, with bytes in the file. */
  readonly segments: readonly Segment[];
  /** In the file's order: each FILE entry stands before the local symbols of that source. Empty where it was stripped. */
  symbols(): readonly ElfSymbol[];
  content(section: Section): Uint8Array;
}

const TYPES = ["none", "object", "function", "other", "file", "object", "thread-local"] as const;
const BINDS = ["local", "global", "weak"] as const;
const EM_ARM = 40;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHN_COMMON = 0xfff2;

/** The sections in the file's order; a failure (exit 1) when it is no ELF file or cut short. `file` is named in the message. */
export function readSections(file: string, bytes: Uint8Array): Result<readonly Section[]> {
  const elf = readElf(file, bytes);
  return elf.ok ? ok(elf.value.sections) : elf;
}

/** The same with all that is read off it; symbols are read when they are asked for, and are none where their table is cut short. */
export function readElf(file: string, bytes: Uint8Array): Result<Elf> {
  const broken = () => fail<Elf>(failure("elf.malformed", 1, `${file} is not a whole ELF file`, { file }));
  if (bytes.length < 52 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) return broken();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[4] === 2;
  const little = bytes[5] === 1;
  const u16 = (at: number) => view.getUint16(at, little);
  const u32 = (at: number) => view.getUint32(at, little);
  const word = (at: number) => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const latin = new TextDecoder("latin1");
  const text = (at: number) => latin.decode(bytes.subarray(at, bytes.indexOf(0, at)));
  try {
    const table = word(wide ? 0x28 : 0x20);
    const [entry, count, names] = wide ? [u16(0x3a), u16(0x3c), u16(0x3e)] : [u16(0x2e), u16(0x30), u16(0x32)];
    const header = (i: number) => table + i * entry;
    const strings = word(header(names) + (wide ? 0x18 : 0x10));
    const sections: Section[] = [];
    let symbolTable = 0;
    for (let i = 1; i < count; i++) {
      const at = header(i);
      const type = u32(at + 4);
      if (type === SHT_SYMTAB) symbolTable = i;
      sections.push({
        name: text(strings + u32(at)),
        size: word(at + (wide ? 0x20 : 0x14)),
        address: word(at + (wide ? 0x10 : 0x0c)),
        flags: word(at + 8),
        type,
        isEmpty: type === SHT_NOBITS,
        offset: word(at + (wide ? 0x18 : 0x10)),
      });
    }
    const symbols = (): ElfSymbol[] => {
      if (symbolTable === 0) return [];
      const at = header(symbolTable);
      const [start, size, link] = [word(at + (wide ? 0x18 : 0x10)), word(at + (wide ? 0x20 : 0x14)), u32(at + (wide ? 0x28 : 0x18))];
      const texts = word(header(link) + (wide ? 0x18 : 0x10));
      const step = wide ? 24 : 16;
      const isArm = u16(0x12) === EM_ARM;
      const found: ElfSymbol[] = [];
      for (let s = start + step; s + step <= start + size; s += step) {
        const info = view.getUint8(s + (wide ? 4 : 12));
        const index = u16(s + (wide ? 6 : 14));
        const type = TYPES[info & 15] ?? (info === 0 ? "none" : "other");
        const value = word(s + (wide ? 8 : 4));
        found.push({
          name: text(texts + u32(s)),
          // Of an Arm function bit 0 says that it is in Thumb code.
          value: isArm && type === "function" ? value & ~1 : value,
          size: word(s + (wide ? 16 : 8)),
          type,
          bind: BINDS[info >> 4] ?? "global",
          section: index > 0 && index < count ? index - 1 : null,
          isCommon: index === SHN_COMMON,
        });
      }
      return found;
    };
    const [programs, step, parts] = [word(wide ? 0x20 : 0x1c), u16(wide ? 0x36 : 0x2a), u16(wide ? 0x38 : 0x2c)];
    const segments: Segment[] = [];
    for (let at = programs; at < programs + parts * step; at += step) {
      const size = word(at + (wide ? 0x20 : 0x10));
      if (u32(at) !== PT_LOAD || size === 0) continue;
      segments.push({ address: word(at + (wide ? 0x18 : 0x0c)), offset: word(at + (wide ? 8 : 4)), size });
    }
    return ok({
      entry: word(0x18),
      sections,
      segments,
      symbols: () => {
        try {
          return symbols();
        } catch {
          return [];
        }
      },
      content: ({ offset, size, isEmpty }) => (isEmpty ? new Uint8Array() : bytes.subarray(offset, offset + size)),
    });
  } catch {
    return broken();
  }
}
