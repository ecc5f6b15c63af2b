/** Section headers of an ELF file: names and sizes (System V ABI, "Sections"; 32- and 64-bit, both byte orders). */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";

export interface Section {
  readonly name: string;
  /** Bytes in memory; for .bss too, which takes none in the file. */
  readonly size: number;
}

/** The sections in the file's order; a failure (exit 1) when it is no ELF file or cut short. `file` is named in the message. */
export function readSections(file: string, bytes: Uint8Array): Result<readonly Section[]> {
  const broken = () => fail<readonly Section[]>(failure("elf.malformed", 1, `${file} is not a whole ELF file`, { file }));
  if (bytes.length < 52 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) return broken();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[4] === 2;
  const little = bytes[5] === 1;
  const u16 = (at: number) => view.getUint16(at, little);
  const word = (at: number) => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  try {
    const table = word(wide ? 0x28 : 0x20);
    const [entry, count, names] = wide ? [u16(0x3a), u16(0x3c), u16(0x3e)] : [u16(0x2e), u16(0x30), u16(0x32)];
    const header = (i: number) => table + i * entry;
    const strings = word(header(names) + (wide ? 0x18 : 0x10));
    const sections: Section[] = [];
    for (let i = 1; i < count; i++) {
      const start = strings + view.getUint32(header(i), little);
      const end = bytes.indexOf(0, start);
      sections.push({ name: new TextDecoder("latin1").decode(bytes.subarray(start, end)), size: word(header(i) + (wide ? 0x20 : 0x14)) });
    }
    return ok(sections);
  } catch {
    return broken();
  }
}
