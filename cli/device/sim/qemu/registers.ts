/**
 * Registers that QEMU's machines lack. Their STM32s have no clocks that get ready, no wait states, no voltage: reads there give 0, and ST's drivers wait for a bit that never
 * comes. So they are watched through QEMU's debugger port: what is written is kept here, and is what a read gives. Programs touch them as they
 * start, a hundred times or so. Facts: ST's RM0090 (F405), RM0033 (F205), RM0041 (F100), RM0351 (L475): "RCC register map", "Flash interface registers", "PWR register map".
 */
import { type Access, accessOf } from "./access.ts";
import { PC } from "./debugger.ts";
import type { Place } from "./supply.ts";

export interface Register {
  readonly at: number;
  readonly reset: number;
  /** Bits that follow others, as soon as those are written: "on" to "ready". */
  readonly follow: ReadonlyArray<readonly [from: number, to: number]>;
}

const PLAIN = { reset: 0, follow: [] } as const;
const OSCILLATORS = {
  reset: 0x83,
  follow: [
    [0, 1],
    [16, 17],
    [24, 25],
    [26, 27],
    [28, 29],
  ],
} as const;
const SWITCH = {
  reset: 0,
  follow: [
    [0, 2],
    [1, 3],
  ],
} as const;
const SLOW = { reset: 0, follow: [[0, 1]] } as const;
const F4_RCC = 0x40023800;
const F1_RCC = 0x40021000;
const PWR = 0x40007000;

export const STM32F2_F4: readonly Register[] = [
  { at: F4_RCC, ...OSCILLATORS },
  { at: F4_RCC + 0x04, ...PLAIN, reset: 0x24003010 },
  { at: F4_RCC + 0x08, ...SWITCH },
  { at: F4_RCC + 0x70, ...SLOW },
  { at: F4_RCC + 0x74, ...SLOW },
  { at: 0x40023c00, ...PLAIN },
  // The voltage is ready, the overdrive of an F446 follows its switches.
  { at: PWR, ...PLAIN, reset: 0xc000 },
  { at: PWR + 0x04, ...PLAIN, reset: 0x4000 | 0x30000 },
];

export const STM32F100: readonly Register[] = [
  { at: F1_RCC, ...OSCILLATORS },
  { at: F1_RCC + 0x04, ...SWITCH },
  { at: F1_RCC + 0x20, ...SLOW },
  { at: F1_RCC + 0x24, ...SLOW },
  { at: PWR, ...PLAIN },
];

/** Its clocks QEMU has. */
export const STM32L4: readonly Register[] = [
  { at: 0x40022000, ...PLAIN, reset: 0x600 },
  { at: PWR, ...PLAIN, reset: 0x200 },
];

/** Each bit of the peripherals is a word here, which QEMU turns into an access that no watch sees ("Bit-banding"). */
const BASE = 0x40000000;
const BITS = 0x42000000;
const WORD = 4;

/** Where a register is used. inBits: by its bits' words. */
export interface RegisterPlace extends Place {
  readonly register: Register;
  readonly inBits: boolean;
}

export class Registers {
  /** To be watched. */
  readonly places: readonly RegisterPlace[];
  readonly #values: Map<Register, number>;

  constructor(all: readonly Register[]) {
    this.#values = new Map(all.map((each) => [each, each.reset]));
    this.places = all.flatMap((register) => [
      this.#place(register, register.at, false),
      this.#place(register, BITS + (register.at - BASE) * 32, true),
    ]);
  }

  #place(register: Register, start: number, inBits: boolean): RegisterPlace {
    const place: RegisterPlace = {
      ...{ register, start, inBits, bytes: inBits ? WORD * 32 : WORD, uses: "any" },
      used: async (chip) => {
        const core = await chip.registers();
        const code = core === null ? null : await chip.code(core);
        const access = core === null || code === null ? null : accessOf(code, core);
        await chip.step(place, core?.[PC] ?? null);
        const read = access === null ? null : this.touch(place, access);
        if (access !== null && read !== null) chip.setRegister(access.register, read);
        return true;
      },
    };
    return place;
  }

  /** What a read gives; null: it is a write. */
  touch({ register, start, inBits }: RegisterPlace, { address, bytes, stored }: Access): number | null {
    const value = this.#values.get(register) ?? 0;
    const shift = inBits ? (address - start) / WORD : (address - start) * 8;
    const mask = inBits ? 1 : 2 ** (bytes * 8) - 1;
    if (stored === null) return ((value >>> shift) & mask) >>> 0;
    const written = (value & ~(mask << shift)) | ((stored & mask) << shift);
    const settled = register.follow.reduce((all, [from, to]) => (all & ~(1 << to)) | (((all >>> from) & 1) << to), written);
    this.#values.set(register, settled >>> 0);
    return null;
  }
}
