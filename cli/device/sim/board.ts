/** A virtual board: a chip of avr8js with self-programming, watchdog and serial port, that starts anew at every reset as the hardware does. */
import { AVREEPROM, AVRTimer, avrInstruction, CPU, EEPROMMemoryBackend, eepromConfig } from "avr8js";
import type { Chip } from "./chips.ts";
import { bootStart, type Kept, SelfProgramming, SPMCSR } from "./spm.ts";
import { Usart } from "./usart.ts";
import type { VirtualBoard } from "./virtual-board.ts";
import { Waiting } from "./waiting.ts";
import { attachWatchdog, MCUSR, WDRF } from "./watchdog.ts";

/** Why a chip starts anew: the flags of MCUSR ("MCU Status Register"). */
export type Reset = "power" | "external" | "watchdog";
const FLAGS: Readonly<Record<Reset, number>> = { power: 0x01, external: 0x02, watchdog: WDRF };
const PORF = FLAGS.power;

interface Running {
  readonly cpu: CPU;
  readonly spm: SelfProgramming;
  readonly serial: Usart;
  readonly waiting: Waiting;
}

export class Board implements VirtualBoard {
  /** A byte has left the first serial port. */
  onSerial: (byte: number) => void = () => {};
  readonly halted = null;
  readonly load = null;
  readonly #chip: Chip;
  readonly #clockHz: number;
  readonly #kept: Kept;
  readonly #eeprom: EEPROMMemoryBackend;
  #running: Running;
  /** Clock cycles before the last reset. */
  #before = 0;
  #resetDue: Reset | null = null;

  /** kept: its flash is as long as the chip's, and changes as the board programs itself. Begins as if power came. */
  constructor(chip: Chip, clockHz: number, kept: Kept) {
    this.#chip = chip;
    this.#clockHz = clockHz;
    this.#kept = kept;
    this.#eeprom = new EEPROMMemoryBackend(chip.eepromBytes);
    this.#running = this.#start(null, "power");
  }

  /** Simulated seconds since power came. */
  get seconds(): number {
    return (this.#before + this.#running.cpu.cycles) / this.#clockHz;
  }

  /** Bytes that were sent and that the chip has not begun to receive. */
  get waiting(): number {
    return this.#running.serial.waiting;
  }

  /** The bootloader runs, and its serial port is idle. */
  get isBootIdle(): boolean {
    const { cpu, serial } = this.#running;
    return serial.isIdle && this.#boots(cpu);
  }

  #boots(cpu: CPU): boolean {
    return cpu.pc * 2 >= bootStart(this.#chip, this.#kept.fuses.high);
  }

  /** The program has looked at its first serial port's receiver since the last reset: a bootloader that does listens. */
  get listens(): boolean {
    return this.#running.serial.polled;
  }

  /** To the first serial port: received one after the other, at the baud rate that the program set. */
  send(bytes: Uint8Array): void {
    this.#running.serial.send(bytes);
  }

  reset(why: Reset): void {
    this.#resetDue = null;
    const { cpu } = this.#running;
    this.#before += cpu.cycles;
    this.#running = this.#start(cpu, why);
  }

  /** Runs for so many simulated seconds, and at least one instruction. */
  run(seconds: number): void {
    const end = this.#before + this.#running.cpu.cycles + seconds * this.#clockHz;
    do {
      this.#runUntil(end - this.#before);
      if (this.#resetDue !== null) this.reset(this.#resetDue);
    } while (this.#before + this.#running.cpu.cycles < end);
  }

  #runUntil(end: number): void {
    const { cpu, spm, waiting } = this.#running;
    waiting.until = end;
    do {
      if (!spm.awake || !spm.step()) avrInstruction(cpu);
      cpu.tick();
    } while (cpu.cycles < end && this.#resetDue === null);
  }

  /** Registers have their first values, RAM keeps what it holds, the program begins at the reset vector ("Resetting the AVR", "Reset Vector: BOOTRST"). */
  #start(last: CPU | null, why: Reset): Running {
    const chip = this.#chip;
    const { flash, fuses } = this.#kept;
    const words = new Uint16Array(flash.buffer, flash.byteOffset, flash.length / 2);
    const cpu = new CPU(words, chip.ramStart + chip.ramBytes - 0x100);
    if (last !== null && why !== "power") cpu.data.set(last.data.subarray(chip.ramStart), chip.ramStart);
    cpu.data[MCUSR] = why === "power" ? PORF : (last?.data[MCUSR] ?? 0) | FLAGS[why];
    const spm = new SelfProgramming(cpu, chip, this.#kept, this.#clockHz);
    attachWatchdog(cpu, chip.watchdog, this.#clockHz, () => {
      this.#resetDue = "watchdog";
    });
    new AVREEPROM(cpu, this.#eeprom, { ...eepromConfig, eepromReadyInterrupt: chip.eepromReady });
    for (const timer of chip.timers) new AVRTimer(cpu, timer);
    const [serial] = chip.usarts.map((at) => new Usart(cpu, at));
    if (serial === undefined) throw new Error(`${chip.mcu} has no serial port`);
    serial.onSent = (byte) => this.onSerial(byte);
    const waiting = new Waiting(cpu);
    if ((fuses.high & 1) === 0) {
      cpu.pc = bootStart(chip, fuses.high) / 2;
      // Programs run as they are: theirs may be the time between two looks.
      serial.onPoll = () => {
        if (this.#boots(cpu)) waiting.look();
        else serial.onPoll = null;
      };
      cpu.readHooks[SPMCSR] = () => {
        if (this.#boots(cpu)) waiting.look();
        return cpu.data[SPMCSR] ?? 0;
      };
    }
    return { cpu, spm, serial, waiting };
  }
}
