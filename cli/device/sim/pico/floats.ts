/**
 * What the floating-point tables of an RP2040's boot ROM do (datasheet 2.8.3.2, "Fast Floating Point Library"; tables SF and SD of boot ROM 3), by JavaScript's numbers: each entry takes
 * the registers r0 to r3 and changes them. Conversions to integers round towards minus infinity and stay within what fits. Entries that no SDK calls (comparisons) are not there.
 */

export type Registers = Uint32Array;
export type RomFunction = (r: Registers) => void;

const bits = new DataView(new ArrayBuffer(8));

function float(r: Registers, at: number): number {
  bits.setUint32(0, r[at] ?? 0);
  return bits.getFloat32(0);
}

function setFloat(r: Registers, at: number, value: number): void {
  bits.setFloat32(0, value);
  r[at] = bits.getUint32(0);
}

function double(r: Registers, at: number): number {
  bits.setUint32(0, r[at + 1] ?? 0);
  bits.setUint32(4, r[at] ?? 0);
  return bits.getFloat64(0);
}

function setDouble(r: Registers, at: number, value: number): void {
  bits.setFloat64(0, value);
  r[at + 1] = bits.getUint32(0);
  r[at] = bits.getUint32(4);
}

function wide(r: Registers, signed: boolean): bigint {
  const value = (BigInt(r[1] ?? 0) << 32n) | BigInt(r[0] ?? 0);
  return signed ? BigInt.asIntN(64, value) : value;
}

function setWide(r: Registers, value: bigint): void {
  r[0] = Number(value & 0xffffffffn);
  r[1] = Number((value >> 32n) & 0xffffffffn);
}

/** A whole number within [low, high]; not a number is 0. */
function whole(value: number, low: bigint, high: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  const floor = Math.floor(value);
  if (floor <= Number(low)) return low;
  return floor >= Number(high) ? high : BigInt(floor);
}

const I32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const U32 = [0n, 2n ** 32n - 1n] as const;
const I64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const U64 = [0n, 2n ** 64n - 1n] as const;

/** Both tables are laid out alike, by the offset in bytes. words: how many registers a number takes. */
function table(words: 1 | 2): ReadonlyMap<number, RomFunction> {
  const get = words === 1 ? float : double;
  const set = words === 1 ? setFloat : setDouble;
  const second = words;
  const two = (apply: (a: number, b: number) => number) => (r: Registers) => set(r, 0, apply(get(r, 0), get(r, second)));
  const one = (apply: (a: number) => number) => (r: Registers) => set(r, 0, apply(get(r, 0)));
  const toWord = (range: readonly [bigint, bigint], scaled: boolean) => (r: Registers) => {
    r[0] = Number(BigInt.asUintN(32, whole(get(r, 0) * (scaled ? 2 ** ((r[second] ?? 0) | 0) : 1), ...range)));
  };
  const toWide = (range: readonly [bigint, bigint], scaled: boolean) => (r: Registers) =>
    setWide(r, whole(get(r, 0) * (scaled ? 2 ** ((r[second] ?? 0) | 0) : 1), ...range));
  const fromWord = (signed: boolean, scaled: boolean) => (r: Registers) =>
    set(r, 0, (signed ? (r[0] ?? 0) | 0 : (r[0] ?? 0)) / (scaled ? 2 ** ((r[1] ?? 0) | 0) : 1));
  const fromWide = (signed: boolean, scaled: boolean) => (r: Registers) =>
    set(r, 0, Number(wide(r, signed)) / (scaled ? 2 ** ((r[2] ?? 0) | 0) : 1));
  const both = (first: (a: number) => number, then: (a: number) => number) => (r: Registers) => {
    const angle = get(r, 0);
    set(r, 0, first(angle));
    set(r, second, then(angle));
  };
  return new Map<number, RomFunction>([
    [0x00, two((a, b) => a + b)],
    [0x04, two((a, b) => a - b)],
    [0x08, two((a, b) => a * b)],
    [0x0c, two((a, b) => a / b)],
    [0x18, one(Math.sqrt)],
    [0x1c, toWord(I32, false)],
    [0x20, toWord(I32, true)],
    [0x24, toWord(U32, false)],
    [0x28, toWord(U32, true)],
    [0x2c, fromWord(true, false)],
    [0x30, fromWord(true, true)],
    [0x34, fromWord(false, false)],
    [0x38, fromWord(false, true)],
    [0x3c, both(Math.cos, Math.sin)],
    [0x40, both(Math.sin, Math.cos)],
    [0x44, one(Math.tan)],
    [0x48, both(Math.sin, Math.cos)],
    [0x4c, one(Math.exp)],
    [0x50, one(Math.log)],
    [0x58, two(Math.atan2)],
    [0x5c, fromWide(true, false)],
    [0x60, fromWide(true, true)],
    [0x64, fromWide(false, false)],
    [0x68, fromWide(false, true)],
    [0x6c, toWide(I64, false)],
    [0x70, toWide(I64, true)],
    [0x74, toWide(U64, false)],
    [0x78, toWide(U64, true)],
    [0x7c, words === 1 ? (r) => setDouble(r, 0, float(r, 0)) : (r) => setFloat(r, 0, double(r, 0))],
  ]);
}

export const FLOATS = table(1);
export const DOUBLES = table(2);
/** Bytes of a table. */
export const TABLE_SIZE = 0x80;
