/**
 * Files as one object to be linked, each in a section of its own, under the names that objcopy gives (`--input-target binary`): `_binary_certs_ca_pem_start`, `_end`
 * and `_size` of certs/ca.pem. Texts end in a zero. Layout: System V ABI, 32 bits, little endian.
 */
import { type ImageTool, made, one } from "./image-tool.ts";

/** e_machine. */
const MACHINES: Readonly<Record<string, number>> = { xtensa: 94, riscv: 243 };
const SECTION = ".rodata.embedded";
const HEADER = 52;
const SECTION_HEADER = 40;
const SYMBOL = 16;
const [PROGBITS, SYMTAB, STRTAB] = [1, 2, 3];
const WRITE_ALLOC = 3;
const GLOBAL = 1 << 4;
const ABSOLUTE = 0xfff1;

export const embed: ImageTool = {
  usage: "fb tool embed --out FILE --machine xtensa|riscv --text FILE … --binary FILE …",
  make(options, read) {
    const machine = MACHINES[one(options, "machine") ?? ""];
    if (machine === undefined) return null;
    const texts = (options.get("text") ?? []).map((file): [string, Uint8Array] => [file, withZero(read(file))]);
    const others = (options.get("binary") ?? []).map((file): [string, Uint8Array] => [file, read(file)]);
    return made(objectOf(machine, [...texts, ...others]));
  },
};

function withZero(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(bytes.length + 1);
  all.set(bytes);
  return all;
}

/** What names in it are called after is the path as it was given. */
export function objectOf(machine: number, files: readonly (readonly [path: string, content: Uint8Array])[]): Uint8Array {
  const names = new Names();
  const symbols: number[][] = [[0, 0, 0, 0, 0]];
  files.forEach(([path, { length }], i) => {
    const stem = `_binary_${path.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
    symbols.push([names.at(`${stem}_start`), 0, 0, GLOBAL, i + 1], [names.at(`${stem}_end`), length, 0, GLOBAL, i + 1]);
    symbols.push([names.at(`${stem}_size`), length, 0, GLOBAL, ABSOLUTE]);
  });
  const table = new DataView(new ArrayBuffer(symbols.length * SYMBOL));
  symbols.forEach(([name = 0, value = 0, size = 0, info = 0, section = 0], i) => {
    const at = i * SYMBOL;
    table.setUint32(at, name, true);
    table.setUint32(at + 4, value, true);
    table.setUint32(at + 8, size, true);
    table.setUint8(at + 12, info);
    table.setUint16(at + 14, section, true);
  });
  const titles = new Names();
  const sections: {
    name: string;
    type: number;
    flags: number;
    content: Uint8Array;
    link: number;
    info: number;
    entry: number;
    align: number;
  }[] = [];
  for (const [, content] of files)
    sections.push({ name: SECTION, type: PROGBITS, flags: WRITE_ALLOC, content, link: 0, info: 0, entry: 0, align: 1 });
  const strings = files.length + 2;
  sections.push({
    name: ".symtab",
    type: SYMTAB,
    flags: 0,
    content: new Uint8Array(table.buffer),
    link: strings,
    info: 1,
    entry: SYMBOL,
    align: 4,
  });
  sections.push({ name: ".strtab", type: STRTAB, flags: 0, content: names.bytes(), link: 0, info: 0, entry: 0, align: 1 });
  const titled = [...sections.map(({ name }) => titles.at(name)), titles.at(".shstrtab")];
  sections.push({ name: ".shstrtab", type: STRTAB, flags: 0, content: titles.bytes(), link: 0, info: 0, entry: 0, align: 1 });

  let end = HEADER;
  const places = sections.map(({ content, align }) => {
    const place = Math.ceil(end / align) * align;
    end = place + content.length;
    return place;
  });
  const headers = Math.ceil(end / 4) * 4;
  const bytes = new Uint8Array(headers + (sections.length + 1) * SECTION_HEADER);
  const view = new DataView(bytes.buffer);
  // 32 bits, little endian, version 1; a relocatable file.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  for (const [at, value] of [
    [16, 1],
    [18, machine],
    [40, HEADER],
    [46, SECTION_HEADER],
    [48, sections.length + 1],
    [50, sections.length],
  ] as const)
    view.setUint16(at, value, true);
  view.setUint32(20, 1, true);
  view.setUint32(32, headers, true);
  sections.forEach(({ type, flags, content, link, info, entry, align }, i) => {
    const place = places[i] ?? 0;
    bytes.set(content, place);
    const fields = [titled[i] ?? 0, type, flags, 0, place, content.length, link, info, align, entry];
    for (const [k, value] of fields.entries()) view.setUint32(headers + (i + 1) * SECTION_HEADER + k * 4, value, true);
  });
  return bytes;
}

/** A string table: texts that end in a zero, the first one empty. */
class Names {
  private text = "\0";

  at(name: string): number {
    const place = this.text.length;
    this.text += `${name}\0`;
    return place;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.text);
  }
}
