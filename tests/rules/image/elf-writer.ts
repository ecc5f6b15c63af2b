/** Small ELF files for tests: 32 bits, little endian, sections with content and names, nothing else. */

export interface WrittenSection {
  readonly name: string;
  readonly address: number;
  readonly content: Uint8Array;
  /** SHF_* of the ABI; default: alloc. */
  readonly flags?: number;
}

/** A program of an Xtensa (94) or another machine that starts at `entry`; each section is a segment of its own too. */
export function elfOf(entry: number, sections: readonly WrittenSection[], machine = 94): Uint8Array {
  const names = ["", ...sections.map(({ name }) => name), ".shstrtab"];
  const strings = new TextEncoder().encode(`${names.join("\0")}\0`);
  const nameAt = (i: number) => new TextEncoder().encode(names.slice(0, i).join("\0")).length + (i === 0 ? 0 : 1);
  const contents = [...sections.map(({ content }) => content), strings];
  const segments = 52;
  let at = segments + 32 * sections.length;
  const offsets = contents.map((content) => {
    const offset = (at + 3) & ~3;
    at = offset + content.length;
    return offset;
  });
  const table = (at + 3) & ~3;
  const bytes = new Uint8Array(table + 40 * names.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const half = (where: number, ...values: number[]) => values.forEach((value, i) => void view.setUint16(where + 2 * i, value, true));
  const word = (where: number, ...values: number[]) => values.forEach((value, i) => void view.setUint32(where + 4 * i, value, true));
  half(16, 2, machine);
  word(20, 1, entry, segments, table, 0);
  half(40, 52, 32, sections.length, 40, names.length, names.length - 1);
  for (const [i, { address, content, flags }] of sections.entries()) {
    const offset = offsets[i] ?? 0;
    word(segments + 32 * i, 1, offset, address, address, content.length, content.length, 5, 4);
    word(table + 40 * (i + 1), nameAt(i + 1), 1, flags ?? 2, address, offset, content.length, 0, 0, 4, 0);
  }
  const last = names.length - 1;
  word(table + 40 * last, nameAt(last), 3, 0, 0, offsets[last - 1] ?? 0, strings.length, 0, 0, 1, 0);
  for (const [i, content] of contents.entries()) bytes.set(content, offsets[i]);
  return bytes;
}

/** Bytes that look like something: the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

/** For tools that hash nothing. */
export function noHash(): never {
  throw new Error("nothing to hash here");
}
