/**
 * Bootloaders wait by looking at a status register again and again, mostly for a byte, and may count how often. Until something happens (a clock event, a byte from
 * outside) each round is like the one before it: so rounds are counted instead of run, which takes a hundredth of the processor.
 *
 * A round is like another if it began at the same instruction, took as many cycles, and left the same memory and registers, but for one register that went up or down by the
 * same step: the low byte of a counter, which is counted on as long as it does not turn over. So counters end their waits when they would have; one that ends in the middle of
 * its low byte's turn does so at the end of that, less than a millisecond late.
 */
import type { CPU } from "avr8js";

/** What avr8js keeps to itself: the events of the clock, soonest first. */
interface Clock {
  readonly nextClockEvent: { readonly cycles: number } | null;
}

/** So many rounds that are alike are seen before some are left out. */
const ALIKE = 2;
const REGISTERS = 32;
/** Flags differ from one value of a counter to the next. */
const SREG = 0x5f;

export class Waiting {
  /** Nothing is left out beyond this cycle: whoever runs the chip looks up then. */
  until = 0;
  readonly #cpu: CPU;
  /** What memory and registers were at the last look. */
  readonly #last: Uint8Array;
  /** All but the registers and the flags, now and then. */
  readonly #rest: readonly (readonly [now: Buffer, then: Buffer])[];
  #pc = -1;
  #cycles = 0;
  #round = 0;
  #step = 0;
  #counter = -1;
  #alike = 0;

  constructor(cpu: CPU) {
    this.#cpu = cpu;
    this.#last = new Uint8Array(cpu.data.length);
    const part = (of: Uint8Array, from: number, to: number) => Buffer.from(of.buffer, of.byteOffset + from, to - from);
    const both = (from: number, to: number) => [part(cpu.data, from, to), part(this.#last, from, to)] as const;
    this.#rest = [both(REGISTERS, SREG), both(SREG + 1, cpu.data.length)];
  }

  /** The program looks at a register that says that nothing has happened. Advances the clock by rounds that would say so too. */
  look(): void {
    const cpu = this.#cpu;
    const { data } = cpu;
    const round = cpu.cycles - this.#cycles;
    const alike = cpu.pc === this.#pc && round === this.#round && this.#isAlike();
    this.#alike = alike ? this.#alike + 1 : 0;
    this.#pc = cpu.pc;
    this.#round = round;
    if (this.#alike >= ALIKE) {
      const rounds = Math.min(this.#turn(), Math.floor((this.#end() - cpu.cycles) / round) - 1);
      if (rounds > 0) {
        cpu.cycles += rounds * round;
        if (this.#counter >= 0) data[this.#counter] = (data[this.#counter] ?? 0) + rounds * this.#step;
      }
    }
    this.#cycles = cpu.cycles;
    this.#last.set(data);
  }

  /** But for the flags and a register that has gone on by the step of the round before. */
  #isAlike(): boolean {
    const { data } = this.#cpu;
    let counter = -1;
    for (let i = 0; i < REGISTERS; i++) {
      if (data[i] === this.#last[i]) continue;
      if (counter >= 0) return false;
      counter = i;
    }
    const step = counter < 0 ? 0 : (data[counter] ?? 0) - (this.#last[counter] ?? 0);
    const same = counter === this.#counter && step === this.#step;
    this.#counter = counter;
    this.#step = step;
    return same && this.#rest.every(([now, then]) => now.equals(then));
  }

  /** How many rounds until the counter's byte turns over. */
  #turn(): number {
    if (this.#counter < 0) return Number.POSITIVE_INFINITY;
    const value = this.#cpu.data[this.#counter] ?? 0;
    return Math.floor((this.#step > 0 ? 0xff - value : value) / Math.abs(this.#step));
  }

  #end(): number {
    const { nextClockEvent } = this.#cpu as unknown as Clock;
    return Math.min(this.until, nextClockEvent?.cycles ?? Number.POSITIVE_INFINITY);
  }
}
