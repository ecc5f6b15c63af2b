/**
 * The boot ROM of a virtual RP2040. The chip's own is not needed and not copied: this one has the same entries (datasheet 2.8.2 and 2.8.3), each a breakpoint at which the simulator does
 * what the function does, and a return. The words at its start: the first stack, the reset vector, at 0x10 "Mu", 1 and its version (3, with all floating-point entries), then pointers
 * to the tables of functions and data and to the function that looks in them.
 */
import { DOUBLES, FLOATS, type RomFunction, TABLE_SIZE } from "./floats.ts";

const ROM_BYTES = 0x4000;
/** Below it is the stack, above it the flash's first stage. */
export const STAGE2_AT = 0x20041f00;
const VERSION = 3;
const BKPT = 0xbe00;
const BX_LR = 0x4770;

/** What the ROM's functions need beyond registers. Addresses are those of the program. */
export interface RomMemory {
  read(address: number): number;
  write(address: number, byte: number): void;
  /** Offsets in the flash. */
  erase(offset: number, count: number): void;
  program(offset: number, bytes: Uint8Array): void;
  /** The chip starts: what the ROM does before the program. */
  start(): void;
  /** The program asks for the ROM's own loader: it waits for a UF2. */
  toLoader(): void;
}

export interface Rom {
  readonly words: Uint32Array;
  /** What is done at a breakpoint in the ROM, by its number. */
  readonly functions: readonly RomFunction[];
}

export function makeRom(memory: RomMemory): Rom {
  const bytes = new Uint8Array(ROM_BYTES);
  const view = new DataView(bytes.buffer);
  const functions: RomFunction[] = [];
  let free = 0x100;
  /** The address of a function, with the bit that says Thumb. */
  const add = (run: RomFunction): number => {
    const at = free;
    view.setUint16(at, BKPT | functions.length, true);
    view.setUint16(at + 2, BX_LR, true);
    functions.push(run);
    free += 4;
    return at + 1;
  };
  const tables = new Map<number, ReadonlyMap<number, number>>();
  /** A list of code and pointer that ends with 0. */
  const list = (entries: ReadonlyMap<number, number>): number => {
    const at = free;
    for (const [code, pointer] of entries) {
      view.setUint16(free, code, true);
      view.setUint16(free + 2, pointer, true);
      free += 4;
    }
    free += 4;
    tables.set(at, entries);
    return at;
  };
  const start = add(() => memory.start());
  const byCode = new Map(Object.entries(functionsOf(memory)).map(([name, run]) => [codeOf(name), add(run)]));
  const missing = add(() => undefined);
  const floats = (from: ReadonlyMap<number, RomFunction>): number => {
    const entries = Array.from({ length: TABLE_SIZE / 4 }, (_, i) => from.get(i * 4)).map((run) =>
      run === undefined ? missing : add(run),
    );
    // Before a table is the number of its entries.
    bytes[free + 2] = entries.length;
    free += 4;
    const at = free;
    for (const entry of entries) {
      view.setUint32(free, entry, true);
      free += 4;
    }
    return at;
  };
  const data = new Map([
    [codeOf("SF"), floats(FLOATS)],
    [codeOf("SD"), floats(DOUBLES)],
  ]);
  const lookUp = add((r) => {
    r[0] = tables.get(r[0] ?? 0)?.get((r[1] ?? 0) & 0xffff) ?? 0;
  });
  view.setUint32(0, STAGE2_AT, true);
  view.setUint32(4, start, true);
  bytes.set([0x4d, 0x75, 1, VERSION], 0x10);
  view.setUint16(0x14, list(byCode), true);
  view.setUint16(0x16, list(data), true);
  view.setUint16(0x18, lookUp, true);
  return { words: new Uint32Array(bytes.buffer), functions };
}

function codeOf(name: string): number {
  return name.charCodeAt(0) | (name.charCodeAt(1) << 8);
}

/** By the two letters that programs ask for. */
function functionsOf(memory: RomMemory): Readonly<Record<string, RomFunction>> {
  const copy: RomFunction = (r) => {
    const [to = 0, from = 0, count = 0] = r;
    for (let i = 0; i < count; i++) memory.write(to + i, memory.read(from + i));
  };
  const fill: RomFunction = (r) => {
    const [to = 0, byte = 0, count = 0] = r;
    for (let i = 0; i < count; i++) memory.write(to + i, byte & 0xff);
  };
  const nothing: RomFunction = () => undefined;
  const word = (apply: (value: number) => number): RomFunction => {
    return (r) => {
      r[0] = apply(r[0] ?? 0) >>> 0;
    };
  };
  const ones = (value: number): number => {
    let count = 0;
    for (let left = value; left !== 0; left &= left - 1) count++;
    return count;
  };
  return {
    P3: word(ones),
    R3: word((value) => {
      let turned = 0;
      for (let i = 0; i < 32; i++) turned |= ((value >>> i) & 1) << (31 - i);
      return turned;
    }),
    L3: word(Math.clz32),
    T3: word((value) => (value === 0 ? 32 : 31 - Math.clz32(value & -value))),
    MS: fill,
    S4: fill,
    MC: copy,
    C4: copy,
    // The flash answers as it is: there is no serial interface to set up, no cache to empty.
    IF: nothing,
    EX: nothing,
    FC: nothing,
    CX: nothing,
    RE: (r) => memory.erase(r[0] ?? 0, r[1] ?? 0),
    RP: (r) => {
      const [offset = 0, from = 0, count = 0] = r;
      memory.program(
        offset,
        Uint8Array.from({ length: count }, (_, i) => memory.read(from + i)),
      );
    },
    UB: () => memory.toLoader(),
  };
}
