/**
 * A virtual Pico: rp2040js with a boot ROM of our own, its flash, one core. What it says on USB (CDC, the host that opens it is always there) and on UART0 comes out of one port; what is sent
 * goes to USB once the program has it, else to UART0. The second core is not there: a program that starts it waits for ever.
 */
import { type RP2040, Simulator, USBCDC } from "rp2040js";
import { readUf2 } from "../../../../rules/image/uf2.ts";
import type { VirtualBoard } from "../virtual-board.ts";
import { makeRom, type Rom, STAGE2_AT } from "./rom.ts";

const FLASH_START = 0x10000000;
/** A Pico's. */
export const FLASH_BYTES = 2 * 1024 * 1024;
const SECTOR = 4096;
/** The flash begins with what makes the rest of it readable, and its checksum; the ROM runs it from RAM. */
const STAGE2_BYTES = 252;
const WATCHDOG = 0x40058;

/** As much of rp2040js' watchdog as is used here. */
interface Watchdog {
  onWatchdogTrigger: () => void;
  reason: number;
  readonly timer: { enable: boolean };
  readonly scratchData: Uint32Array;
}

interface Running {
  readonly chip: RP2040;
  readonly clock: Simulator["clock"];
  readonly usb: USBCDC;
  readonly rom: Rom;
  usbIsOpen: boolean;
}

export class PicoBoard implements VirtualBoard {
  onSerial: (byte: number) => void = () => {};
  readonly #flash: Uint8Array;
  #running: Running;
  /** Nanoseconds before the last reset. */
  #before = 0;
  #resetDue = false;
  #halted: string | null = null;

  /** Its flash is empty: begins as if power came. */
  constructor() {
    this.#flash = new Uint8Array(FLASH_BYTES).fill(0xff);
    this.#running = this.#start(null);
  }

  get seconds(): number {
    return (this.#before + this.#running.clock.nanos) / 1e9;
  }

  get waiting(): number {
    return this.#running.usb.txFIFO.itemCount;
  }

  get isBootIdle(): boolean {
    return false;
  }

  get listens(): boolean {
    return true;
  }

  get halted(): string | null {
    return this.#halted;
  }

  /** A UF2 with nothing for this flash, or that is none, is refused; the sectors that it touches are erased first. */
  readonly load = (file: Uint8Array): string | null => {
    const pages = readUf2(file);
    if (pages === null) return "that is no UF2 file";
    const placed = [...pages].map(([address, bytes]) => [address - FLASH_START, bytes] as const);
    const wrong = placed.find(([offset, bytes]) => offset < 0 || offset + bytes.length > this.#flash.length);
    if (wrong !== undefined) return `0x${(wrong[0] + FLASH_START).toString(16)} lies outside of the flash of ${this.#flash.length} bytes`;
    for (const [offset] of placed) this.#flash.fill(0xff, offset - (offset % SECTOR), offset - (offset % SECTOR) + SECTOR);
    for (const [offset, bytes] of placed) this.#flash.set(bytes, offset);
    this.reset();
    return null;
  };

  send(bytes: Uint8Array): void {
    const { chip, usb, usbIsOpen } = this.#running;
    for (const byte of bytes) {
      if (usbIsOpen) usb.sendSerialByte(byte);
      else chip.uart[0]?.feedByte(byte);
    }
  }

  reset(): void {
    this.#restart(null);
  }

  run(seconds: number): void {
    const end = this.seconds + seconds;
    do {
      this.#runFor((end - this.seconds) * 1e9);
      if (this.#resetDue) this.#restart(watchdogOf(this.#running.chip));
    } while (this.seconds < end);
  }

  #runFor(nanos: number): void {
    const { chip, clock } = this.#running;
    const { core } = chip;
    const end = clock.nanos + nanos;
    do {
      if (this.#halted !== null) {
        clock.tick(end - clock.nanos);
      } else if (core.waiting) {
        const next = clock.nanosToNextAlarm;
        clock.tick(next > 0 ? Math.min(next, end - clock.nanos) : end - clock.nanos);
        // An alarm's interrupt ends the waiting with the next instruction.
        if (core.interruptsUpdated) core.waiting = !core.checkForInterrupts() && core.waiting;
      } else clock.tick((core.executeInstruction() * 1e9) / chip.clkSys);
    } while (clock.nanos < end && !this.#resetDue);
  }

  #restart(watchdog: Watchdog | null): void {
    this.#before += this.#running.clock.nanos;
    this.#resetDue = false;
    this.#halted = null;
    this.#running = this.#start(watchdog);
  }

  /** last: of the chip that its watchdog started anew: its notes are kept. */
  #start(last: Watchdog | null): Running {
    const { clock, rp2040: chip } = new Simulator();
    const quiet = () => {};
    chip.logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const { core } = chip;
    const rom = makeRom({
      read: (address) => chip.readUint8(address),
      write: (address, byte) => chip.writeUint8(address, byte),
      erase: (offset, count) => this.#write(chip, offset, new Uint8Array(count).fill(0xff)),
      // Programming clears bits.
      program: (offset, bytes) =>
        this.#write(
          chip,
          offset,
          bytes.map((byte, i) => byte & (this.#flash[offset + i] ?? 0)),
        ),
      start: () => this.#boot(chip),
      toLoader: () => this.#halt("the program asked for the boot ROM's loader: the board waits for a UF2"),
    });
    chip.loadBootrom(rom.words);
    chip.flash.set(this.#flash);
    chip.onBreak = (code) => {
      const run = core.PC < rom.words.byteLength ? rom.functions[code] : undefined;
      if (run === undefined) this.#halt(`the program stopped at a breakpoint (0x${(core.PC - 2).toString(16)}), as after a panic`);
      else run(core.registers);
    };
    const usb = new USBCDC(chip.usbCtrl);
    const running: Running = { chip, clock, usb, rom, usbIsOpen: false };
    usb.onDeviceConnected = () => {
      running.usbIsOpen = true;
    };
    usb.onSerialData = (bytes) => {
      for (const byte of bytes) this.onSerial(byte);
    };
    const [uart] = chip.uart;
    if (uart !== undefined) uart.onByte = (byte) => this.onSerial(byte);
    const watchdog = watchdogOf(chip);
    if (last !== null) {
      watchdog.reason = last.reason;
      watchdog.scratchData.set(last.scratchData);
    }
    watchdog.onWatchdogTrigger = () => {
      this.#resetDue = true;
      // Else the alarm that called comes again at the same moment, for ever.
      watchdog.timer.enable = false;
    };
    return running;
  }

  #write(chip: RP2040, offset: number, bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, Math.max(0, this.#flash.length - offset));
    this.#flash.set(fitting, offset);
    chip.flash.set(fitting, offset);
  }

  #halt(why: string): void {
    this.#halted = why;
  }

  /** The flash's first stage, if its checksum is right, is run from RAM; it goes on to the program. */
  #boot(chip: RP2040): void {
    const stage = this.#flash.subarray(0, STAGE2_BYTES + 4);
    const sum = new DataView(stage.buffer, stage.byteOffset).getUint32(STAGE2_BYTES, true);
    if (crc(stage.subarray(0, STAGE2_BYTES)) !== sum) return this.#halt("the flash holds no program: the board waits for a UF2");
    for (const [i, byte] of stage.entries()) chip.writeUint8(STAGE2_AT + i, byte);
    const { core } = chip;
    core.LR = 0;
    core.PC = STAGE2_AT;
  }
}

/** CRC-32 of the datasheet's 2.8.1.3.1: polynomial 0x04c11db7, from all ones, neither turned nor inverted. */
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let i = 0; i < 8; i++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  }
  return sum >>> 0;
}

function watchdogOf(chip: RP2040): Watchdog {
  return chip.peripherals[WATCHDOG] as unknown as Watchdog;
}
