/** What a load or a store of a Cortex-M does, told from its halfwords and the registers (Armv7-M ARM: "Thumb instruction set encoding", loads and stores). */

export interface Access {
  /** The core register that is loaded or stored. */
  readonly register: number;
  /** What is stored; null: it is a load. */
  readonly stored: number | null;
  readonly address: number;
  readonly bytes: 1 | 2 | 4;
}

/** Null: it is none of them, or one that moves several registers. */
export function accessOf([first, second]: readonly [number, number], core: readonly number[]): Access | null {
  return first >> 11 < 0b11101 ? narrow(first, core) : wide(first, second, core);
}

/** Those that add two registers, by three bits. */
const BY_REGISTERS: ReadonlyArray<readonly [load: boolean, bytes: 1 | 2 | 4]> = [
  [false, 4],
  [false, 2],
  [false, 1],
  [true, 1],
  [true, 4],
  [true, 2],
  [true, 1],
  [true, 2],
];
/** Those with an offset of five bits, which counts in what is moved. */
const BY_OFFSET: ReadonlyMap<number, 1 | 2 | 4> = new Map([
  [0b0110, 4],
  [0b0111, 1],
  [0b1000, 2],
]);

function narrow(code: number, core: readonly number[]): Access | null {
  const register = code & 7;
  const base = core[(code >> 3) & 7] ?? 0;
  if (code >> 12 === 0b0101) {
    const [load, bytes] = BY_REGISTERS[(code >> 9) & 7] ?? [true, 4];
    return access(load, register, base + (core[(code >> 6) & 7] ?? 0), bytes, core);
  }
  const bytes = BY_OFFSET.get(code >> 12);
  if (bytes === undefined) return null;
  return access(((code >> 11) & 1) === 1, register, base + ((code >> 6) & 31) * bytes, bytes, core);
}

function wide(first: number, second: number, core: readonly number[]): Access | null {
  if (first >> 9 !== 0b1111100) return null;
  const bytes = ([1, 2, 4] as const)[(first >> 5) & 3];
  const register = second >> 12;
  if (bytes === undefined) return null;
  const at = (offset: number) => access(((first >> 4) & 1) === 1, register, (core[first & 15] ?? 0) + offset, bytes, core);
  if (((first >> 7) & 1) === 1) return at(second & 0xfff);
  if (((second >> 11) & 1) === 0) return at((core[second & 15] ?? 0) << ((second >> 4) & 3));
  // Before the access or after it, up or down.
  const [before, up] = [10, 9].map((bit) => ((second >> bit) & 1) === 1);
  return at(before ? (up ? 1 : -1) * (second & 0xff) : 0);
}

function access(load: boolean, register: number, address: number, bytes: 1 | 2 | 4, core: readonly number[]): Access {
  return { register, stored: load ? null : (core[register] ?? 0), address: address >>> 0, bytes };
}
