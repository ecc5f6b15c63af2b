/**
 * The interrupt of an STM32's USART for bytes that it has sent. QEMU 7.2's raises one for bytes that come alone, and a core whose Serial sends the next byte in its interrupt falls
 * silent. So after each use of a data register, and each write to a control register, the interrupt is made pending as the chip would (RM0090: "USART interrupts", NVIC's ISPR in the Armv7-M ARM). A QEMU
 * that does so itself is left alone from the first time that it is seen to.
 */
import type { Debugger, Watch } from "./debugger.ts";
import type { Place } from "./supply.ts";

export interface UsartFacts {
  /** Where each begins, and its interrupt. */
  readonly all: ReadonlyArray<readonly [at: number, interrupt: number]>;
  /** The last word of the chip's flash. */
  readonly flashEnd: number;
}

export const F2_F4_USARTS: UsartFacts = {
  all: [
    [0x40011000, 37],
    [0x40004400, 38],
    [0x40004800, 39],
    [0x40004c00, 52],
    [0x40005000, 53],
    [0x40011400, 71],
  ],
  flashEnd: 0x080ffffc,
};

export const F100_USARTS: UsartFacts = {
  all: [
    [0x40013800, 37],
    [0x40004400, 38],
    [0x40004800, 39],
  ],
  flashEnd: 0x0801fffc,
};

/** SR, DR and CR1; TXE and TC are the same bits as TXEIE and TCIE. */
const STATUS = 0;
const DATA = 4;
const CONTROL = 12;
const SENT = 0x80 | 0x40;
/** NVIC: a bit an interrupt, those that are pending. Written by the processor alone, as the debugger does not reach it: by `str r1, [r0]`. */
const PENDING = 0xe000e200;
const STORE = 0x6001;

export class Usarts {
  /** To be watched. */
  readonly places: readonly Place[];
  readonly #flashEnd: number;
  /** QEMU does it; null: not seen yet. */
  #isNeedless: boolean | null = null;
  #hasStore = false;
  #used = 0;

  constructor(facts: UsartFacts | null) {
    this.#flashEnd = facts?.flashEnd ?? 0;
    // A handler that takes what came and returns finds the interrupt still there on a chip, so reading counts too.
    this.places = (facts?.all ?? []).flatMap(([at, interrupt]) => [
      this.#place(at, interrupt, { start: at + DATA, bytes: 4, uses: "any" }),
      this.#place(at, interrupt, { start: at + CONTROL, bytes: 4, uses: "writes" }),
    ]);
  }

  /** Milliseconds since a program that is served here last used one, below 0 while it does; null: QEMU serves it. */
  get idle(): number | null {
    return this.#isNeedless === false ? performance.now() - this.#used : null;
  }

  #place(at: number, interrupt: number, watch: Watch): Place {
    const pending = PENDING + (interrupt >> 5) * 4;
    const bit = (1 << (interrupt & 31)) >>> 0;
    const registers = [pending, bit];
    const place: Place = {
      ...watch,
      used: async (chip) => {
        this.#used = Number.POSITIVE_INFINITY;
        await chip.step(place, null);
        const [control, status] = await Promise.all([chip.word(at + CONTROL), chip.word(at + STATUS)]);
        if (((control ?? 0) & (status ?? 0) & SENT) !== 0) {
          this.#isNeedless ??= (((await chip.word(pending)) ?? 0) & bit) !== 0;
          if (!this.#isNeedless && (await this.#canStore(chip))) await chip.perform(this.#flashEnd, registers);
        }
        this.#used = performance.now();
        return this.#isNeedless !== true;
      },
    };
    return place;
  }

  /** Where no program lies the instruction is put. */
  async #canStore(chip: Debugger): Promise<boolean> {
    if (this.#hasStore) return true;
    const there = await chip.word(this.#flashEnd);
    if (there !== 0 && there !== 0xffffffff) return false;
    chip.setWord(this.#flashEnd, STORE);
    this.#hasStore = true;
    return true;
  }
}
