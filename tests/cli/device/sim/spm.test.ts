/** Self-programming against a plain model of the datasheet's rules: generated sequences of commands, SPM and LPM in the boot section of an ATmega328P. */
import { avrInstruction, CPU } from "avr8js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHIPS } from "../../../../cli/device/sim/chips.ts";
import { bootStart, SelfProgramming, SPMCSR } from "../../../../cli/device/sim/spm.ts";
import { newSeed, Random } from "../../../random.ts";

const chip = CHIPS["atmega328p"];
if (chip === undefined) throw new Error("no ATmega328P");
const FUSES = { low: 0xff, high: 0xde, extended: 0xfd };
const BOOT = 0x7e00;
const NRWW = 0x7000;
const PAGE = 128;
/** Longer than any programming. */
const LONG = 80_000;
const OUT_SPMCSR_R16 = 0xbf07;
const NOP = 0x0000;
const SPM = 0x95e8;
const LPM_R5_Z = 0x9054;

interface Op {
  readonly command: number;
  readonly gap: number;
  readonly then: "spm" | "lpm";
  readonly z: number;
  readonly data: number;
  /** Until all programming is over. */
  readonly wait: boolean;
}

/** The chip as the datasheet tells it: what is in flash, buffer and SPMCSR after each operation. */
class Model {
  readonly flash: Uint8Array;
  lock: number;
  rwwsb = false;
  /** The command of a programming that goes on. */
  busy = 0;
  readonly #words = new Map<number, number>();

  constructor(flash: Uint8Array, lock: number) {
    this.flash = flash.slice();
    this.lock = lock;
  }

  /** What LPM loads, null for SPM. */
  apply({ command, gap, then, z, data, wait }: Op): number | null {
    const given = this.busy !== 0 || (command & 1) === 0 ? 0 : command & 0x3f;
    let loaded: number | null = null;
    if (then === "lpm") loaded = this.#load(gap < 3 ? given : 0, z);
    else if (gap < 4) this.#program(given, z, data);
    if (wait) this.busy = 0;
    return loaded;
  }

  #load(command: number, z: number): number {
    if (command === 0x09)
      return (
        new Map([
          [0, FUSES.low],
          [1, this.lock],
          [2, FUSES.extended],
          [3, FUSES.high],
        ]).get(z) ?? 0xff
      );
    if (command === 0x21)
      return (
        new Map([
          [0, 0x1e],
          [2, 0x95],
          [4, 0x0f],
        ]).get(z) ?? 0xff
      );
    return this.rwwsb && z < NRWW ? 0xff : (this.flash[z] ?? 0);
  }

  #program(command: number, z: number, data: number): void {
    const word = (z % PAGE) >> 1;
    if (command === 0x01) {
      if (!this.#words.has(word)) this.#words.set(word, data);
      this.rwwsb = false;
    }
    if (command === 0x11) {
      this.#words.clear();
      this.rwwsb = false;
    }
    if (command === 0x09) this.lock &= data | 0xffc0;
    if (command !== 0x03 && command !== 0x05) return;
    if ((this.lock & (z < BOOT ? 0x04 : 0x10)) === 0) return;
    for (let at = z - (z % PAGE), i = 0; i < PAGE; i++) {
      const word = this.#words.get(i >> 1) ?? 0xffff;
      const byte = i % 2 === 0 ? word & 0xff : word >> 8;
      this.flash[at + i] = command === 0x03 ? 0xff : (this.flash[at + i] ?? 0) & byte;
    }
    if (command === 0x05) this.#words.clear();
    if (z >= NRWW) return;
    this.rwwsb = true;
    this.busy = command;
  }
}

function generate(random: Random): Op {
  const then = random.chance(0.75) ? "spm" : "lpm";
  const usual = then === "spm" ? [0x01, 0x01, 0x01, 0x03, 0x05, 0x11] : [0x09, 0x21, 0x00];
  const page = random.pick([0, PAGE, NRWW - PAGE, NRWW, BOOT - PAGE, BOOT]);
  return {
    command: random.chance(0.85) ? random.pick(usual) : random.below(64),
    gap: random.chance(0.8) ? 0 : random.below(7),
    then,
    z: then === "lpm" && random.chance(0.5) ? random.below(6) : page + 2 * random.below(4) + random.below(2),
    data: random.below(0x10000),
    wait: random.chance(0.7),
  };
}

test("the boot section begins where BOOTSZ says", () => {
  assert.equal(
    [0xde, 0xdc, 0xda, 0xd8].map((fuse) => bootStart(chip, fuse)),
    [0x7e00, 0x7c00, 0x7800, 0x7000],
  );
});

test("generated self-programming does what the model says", () => {
  const random = new Random(newSeed());
  for (let round = 0; round < 300; round++) {
    const flash = Uint8Array.from({ length: chip.flashBytes }, () => random.below(256));
    const kept = { flash, fuses: FUSES, lock: random.pick([0xff, 0xff, 0xff, 0xcf, 0xef, 0xfb, 0xeb]) };
    const words = new Uint16Array(flash.buffer);
    // The program's own place is written by no operation: pages of the boot section but its last.
    const at = (chip.flashBytes - 64) / 2;
    const model = new Model(flash, kept.lock);
    const cpu = new CPU(words, chip.ramBytes);
    const spm = new SelfProgramming(cpu, chip, kept, 16_000_000);
    const step = () => {
      if (!spm.awake || !spm.step()) avrInstruction(cpu);
      cpu.tick();
    };
    const done: string[] = [];
    for (let i = 0; i < 40; i++) {
      const op = generate(random);
      done.push(JSON.stringify(op));
      const program = [
        OUT_SPMCSR_R16,
        ...Array<number>(op.gap).fill(NOP),
        op.then === "spm" ? SPM : LPM_R5_Z,
        ...Array<number>(6).fill(NOP),
      ];
      words.set(program, at);
      model.flash.set(flash.subarray(2 * at), 2 * at);
      cpu.pc = at;
      cpu.data[16] = op.command;
      cpu.dataView.setUint16(0, op.data, true);
      cpu.dataView.setUint16(30, op.z, true);
      while (cpu.pc < at + program.length) step();
      if (op.wait) {
        cpu.cycles += LONG;
        cpu.pc = at + program.length - 1;
        step();
      }
      const loaded = model.apply(op);
      const story = `round ${round} (lock ${kept.lock.toString(16)}): ${done.join(" ")}`;
      if (loaded !== null) assert.is(cpu.data[5], loaded, story);
      assert.is((cpu.data[SPMCSR] ?? 0) & 0x7f, (model.rwwsb ? 0x40 : 0) | model.busy, story);
      assert.is(kept.lock & 0x3f, model.lock & 0x3f, story);
    }
    assert.ok(Buffer.from(flash).equals(Buffer.from(model.flash)), `round ${round}: ${done.join(" ")}`);
  }
});

test("SPM outside the boot section does nothing", () => {
  const flash = new Uint8Array(chip.flashBytes);
  const kept = { flash, fuses: FUSES, lock: 0xff };
  const cpu = new CPU(new Uint16Array(flash.buffer), chip.ramBytes);
  const spm = new SelfProgramming(cpu, chip, kept, 16_000_000);
  cpu.progMem.set([OUT_SPMCSR_R16, SPM], 0x100);
  const before = flash.slice();
  cpu.pc = 0x100;
  cpu.data[16] = 0x03;
  for (let i = 0; i < 8; i++) {
    if (!spm.awake || !spm.step()) avrInstruction(cpu);
    cpu.tick();
  }
  assert.ok(Buffer.from(flash).equals(Buffer.from(before)));
  assert.is(cpu.data[SPMCSR], 0);
});

test.run();
