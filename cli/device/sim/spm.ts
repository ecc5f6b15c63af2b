/**
 * Self-programming, which avr8js has not: the SPM instruction, SPMCSR, the temporary page buffer, and LPM of fuses, lock bits and signature (datasheets of
 * ATmega328P and ATmega640/1280/2560: "Boot Loader Support – Read-While-Write Self-Programming", "Register Description: SPMCSR").
 */
import type { CPU } from "avr8js";
import type { Chip } from "./chips.ts";

export const SPMCSR = 0x57;
const EECR = 0x3f;
const EEPE = 0x02;
const RAMPZ = 0x5b;
export const SPMIE = 0x80;
export const RWWSB = 0x40;
export const SIGRD = 0x20;
export const RWWSRE = 0x10;
export const BLBSET = 0x08;
export const PGWRT = 0x04;
export const PGERS = 0x02;
export const SPMEN = 0x01;
const COMMAND = SIGRD | RWWSRE | BLBSET | PGWRT | PGERS | SPMEN;
/** Clock cycles after the write to SPMCSR within which SPM, and LPM, must begin. */
const SPM_WINDOW = 4;
const LPM_WINDOW = 3;
/** An erase or a write of a page, or of lock bits ("SPM Programming Time", the longest). */
export const PROGRAM_MS = 4.5;
/** Lock bits that keep SPM from a section: BLB01 the application's, BLB11 the boot section's. */
const BLB01 = 0x04;
const BLB11 = 0x10;

/** What a chip keeps without power, beside its EEPROM. */
export interface Kept {
  readonly flash: Uint8Array;
  readonly fuses: { readonly low: number; readonly high: number; readonly extended: number };
  lock: number;
}

/** Byte address of the boot section ("Boot Size Configuration": BOOTSZ are bits 2 and 1 of the high fuse). */
export function bootStart(chip: Chip, highFuse: number): number {
  return chip.flashBytes - (chip.bootBytes << (3 - ((highFuse >> 1) & 3)));
}

export class SelfProgramming {
  /** False: the next instruction is an ordinary one. */
  awake = false;
  readonly #cpu: CPU;
  readonly #chip: Chip;
  readonly #kept: Kept;
  readonly #programCycles: number;
  readonly #boot: number;
  readonly #buffer: Uint8Array;
  /** Which words of the buffer were loaded: each only once. */
  readonly #loaded: Uint8Array;
  readonly #ready;
  /** SPMCSR was written by the instruction before this. */
  #written = false;
  #opened = 0;
  #busy = false;

  constructor(cpu: CPU, chip: Chip, kept: Kept, clockHz: number) {
    this.#cpu = cpu;
    this.#chip = chip;
    this.#kept = kept;
    this.#programCycles = Math.round((PROGRAM_MS / 1000) * clockHz);
    this.#boot = bootStart(chip, kept.fuses.high);
    this.#buffer = new Uint8Array(chip.pageBytes).fill(0xff);
    this.#loaded = new Uint8Array(chip.pageBytes / 2);
    this.#ready = {
      ...{ address: chip.spmReady, flagRegister: SPMCSR, flagMask: SPMEN, enableRegister: SPMCSR, enableMask: SPMIE },
      ...{ constant: true, inverseFlag: true },
    };
    cpu.writeHooks[SPMCSR] = (value, old) => this.#control(value, old);
  }

  #control(value: number, old: number): true {
    const { data } = this.#cpu;
    // While a page is written only SPMIE takes; a write of the EEPROM keeps every command away.
    const blocked = this.#busy || ((data[EECR] ?? 0) & EEPE) !== 0;
    const command = blocked ? old & COMMAND : (value & SPMEN) === 0 ? 0 : value & COMMAND;
    data[SPMCSR] = (value & SPMIE) | (old & RWWSB) | command;
    this.#cpu.updateInterruptEnable(this.#ready, value);
    if (command !== 0) this.#cpu.clearInterrupt(this.#ready, false);
    if (!blocked && command !== 0) {
      this.#written = true;
      this.awake = true;
    }
    return true;
  }

  /** Before every instruction while awake. True: it was one of self-programming, and is done. */
  step(): boolean {
    const cpu = this.#cpu;
    if (this.#written) {
      this.#written = false;
      this.#opened = cpu.cycles;
    }
    const open = this.#command !== 0 && !this.#busy;
    const since = cpu.cycles - this.#opened;
    if (open && since >= SPM_WINDOW) this.#done();
    const opcode = cpu.progMem[cpu.pc] ?? 0;
    if ((opcode & 0xffef) === 0x95e8) {
      const increment = opcode === 0x95f8;
      cpu.cycles++;
      cpu.pc++;
      if (open && since < SPM_WINDOW && (cpu.pc - 1) * 2 >= this.#boot) this.#program();
      if (increment) cpu.dataView.setUint16(30, cpu.dataView.getUint16(30, true) + 2, true);
      return true;
    }
    return this.#load(opcode, open && since < LPM_WINDOW);
  }

  get #command(): number {
    return (this.#cpu.data[SPMCSR] ?? 0) & COMMAND;
  }

  /** The byte address in RAMPZ and Z. */
  get #z(): number {
    const high = this.#chip.flashBytes > 0x10000 ? (this.#cpu.data[RAMPZ] ?? 0) : 0;
    return ((high << 16) | this.#cpu.dataView.getUint16(30, true)) % this.#chip.flashBytes;
  }

  #program(): void {
    const { data } = this.#cpu;
    switch (this.#command) {
      case SPMEN:
        return this.#fill();
      case SPMEN | RWWSRE:
        data[SPMCSR] = (data[SPMCSR] ?? 0) & ~RWWSB;
        this.#emptyBuffer();
        return this.#done();
      case SPMEN | PGERS:
        return this.#page((page) => page.fill(0xff));
      case SPMEN | PGWRT:
        // Programming makes zeros; only an erase makes ones.
        return this.#page((page) => {
          for (const [i, byte] of this.#buffer.entries()) page[i] = (page[i] ?? 0) & byte;
          this.#emptyBuffer();
        });
      case SPMEN | BLBSET:
        this.#kept.lock &= (data[0] ?? 0) | 0xc0;
        return this.#wait(false);
      default:
        return this.#done();
    }
  }

  /** "Filling the Temporary Buffer": R1:R0 to the word of Z. */
  #fill(): void {
    const { data } = this.#cpu;
    const word = (this.#z % this.#chip.pageBytes) >> 1;
    if (this.#loaded[word] === 0) {
      this.#loaded[word] = 1;
      this.#buffer[2 * word] = data[0] ?? 0;
      this.#buffer[2 * word + 1] = data[1] ?? 0;
    }
    data[SPMCSR] = (data[SPMCSR] ?? 0) & ~RWWSB;
    this.#done();
  }

  #emptyBuffer(): void {
    this.#buffer.fill(0xff);
    this.#loaded.fill(0);
  }

  #page(change: (page: Uint8Array) => void): void {
    const at = this.#z - (this.#z % this.#chip.pageBytes);
    const closed = at >= this.#boot ? BLB11 : BLB01;
    if ((this.#kept.lock & closed) === 0) return this.#done();
    change(this.#kept.flash.subarray(at, at + this.#chip.pageBytes));
    this.#wait(at < this.#chip.nrwwStart);
  }

  /** The programming time. rww: the CPU goes on meanwhile, and that section can not be read; else it is halted. */
  #wait(rww: boolean): void {
    const { data } = this.#cpu;
    this.#busy = true;
    const end = () => {
      this.#busy = false;
      this.#done();
    };
    if (rww) {
      data[SPMCSR] = (data[SPMCSR] ?? 0) | RWWSB;
      this.#cpu.addClockEvent(end, this.#programCycles);
    } else {
      this.#cpu.cycles += this.#programCycles;
      end();
    }
  }

  /** The command bits go; what is left is SPMIE and RWWSB. */
  #done(): void {
    const { data } = this.#cpu;
    data[SPMCSR] = (data[SPMCSR] ?? 0) & ~COMMAND;
    if (((data[SPMCSR] ?? 0) & SPMIE) !== 0) this.#cpu.setInterruptFlag(this.#ready);
    this.awake = ((data[SPMCSR] ?? 0) & RWWSB) !== 0;
  }

  /** LPM and ELPM in their three forms, where they read no flash: fuses, lock bits, signature; and the section that is busy, which reads as ones. */
  #load(opcode: number, open: boolean): boolean {
    const toR0 = opcode === 0x95c8 || opcode === 0x95d8;
    const form = opcode & 0xfe0f;
    if (!toR0 && (form < 0x9004 || form > 0x9007)) return false;
    const extended = opcode === 0x95d8 || (!toR0 && form >= 0x9006);
    const cpu = this.#cpu;
    const low = cpu.dataView.getUint16(30, true);
    const z = extended ? this.#z : low;
    const special = open ? this.#special(low) : null;
    const busy = ((cpu.data[SPMCSR] ?? 0) & RWWSB) !== 0 && z < this.#chip.nrwwStart;
    if (special === null && !busy) return false;
    cpu.data[toR0 ? 0 : (opcode & 0x1f0) >> 4] = special ?? 0xff;
    if (!toR0 && (form === 0x9005 || form === 0x9007)) {
      cpu.dataView.setUint16(30, low + 1, true);
      if (form === 0x9007 && low === 0xffff) cpu.data[RAMPZ] = (cpu.data[RAMPZ] ?? 0) + 1;
    }
    cpu.cycles += 3;
    cpu.pc++;
    if (special !== null) this.#done();
    return true;
  }

  /** "Reading the Fuse and Lock Bits from Software", "Reading the Signature Row from Software"; null: it is no such command. */
  #special(z: number): number | null {
    const { fuses, lock } = this.#kept;
    if (this.#command === (SPMEN | BLBSET)) return [fuses.low, lock, fuses.extended, fuses.high][z] ?? 0xff;
    if (this.#command !== (SPMEN | SIGRD)) return null;
    return z % 2 === 0 ? (this.#chip.signature[z / 2] ?? 0xff) : 0xff;
  }
}
