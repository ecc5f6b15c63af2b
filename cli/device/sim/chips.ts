/** What the virtual boards' processors have: memories, registers and interrupt vectors (datasheets: "Memories", "Interrupts", "Boot Loader Support", "Register Summary"). */
import { timer0Config, timer1Config, timer2Config } from "avr8js";

export type TimerConfig = typeof timer0Config;

/** Addresses in data space of one USART, and its vectors (word addresses). */
export interface UsartRegisters {
  readonly UCSRA: number;
  readonly UCSRB: number;
  readonly UCSRC: number;
  readonly UBRRL: number;
  readonly UBRRH: number;
  readonly UDR: number;
  readonly received: number;
  readonly empty: number;
  readonly sent: number;
}

export interface Chip {
  readonly mcu: string;
  readonly flashBytes: number;
  /** SPM's page. */
  readonly pageBytes: number;
  /** Byte address at which the section begins that can not be read while it is written. */
  readonly nrwwStart: number;
  /** Bytes of the boot section where BOOTSZ is 3, the smallest; each step down doubles it. */
  readonly bootBytes: number;
  readonly ramStart: number;
  readonly ramBytes: number;
  readonly eepromBytes: number;
  readonly signature: readonly [number, number, number];
  /** Vectors as word addresses. */
  readonly watchdog: number;
  readonly eepromReady: number;
  readonly spmReady: number;
  readonly usarts: readonly UsartRegisters[];
  readonly timers: readonly TimerConfig[];
}

function usart(base: number, received: number, step = 2): UsartRegisters {
  const at = (offset: number) => base + offset;
  const vectors = { received, empty: received + step, sent: received + 2 * step };
  return { UCSRA: at(0), UCSRB: at(1), UCSRC: at(2), UBRRL: at(4), UBRRH: at(5), UDR: at(6), ...vectors };
}

/** Timers 1, 3, 4 and 5 of the ATmega2560 are alike: base is TCCRnA, flags TIFRn, vector that of the capture. */
function wideTimer(base: number, flags: number, vector: number): TimerConfig {
  const registers = { TCCRA: base, TCCRB: base + 1, TCCRC: base + 2, TCNT: base + 4, ICR: base + 6 };
  const compare = { OCRA: base + 8, OCRB: base + 10, OCRC: base + 12, TIFR: flags, TIMSK: flags + 0x39 };
  const vectors = { captureInterrupt: vector, compAInterrupt: vector + 2, compBInterrupt: vector + 4, compCInterrupt: vector + 6 };
  const third = { OCFC: 8, OCIEC: 8, ovfInterrupt: vector + 8, externalClockPort: 0, externalClockPin: 0 };
  return { ...timer1Config, ...registers, ...compare, ...vectors, ...third, compPortA: 0, compPortB: 0, compPortC: 0 };
}

const atmega328p: Chip = {
  mcu: "atmega328p",
  flashBytes: 0x8000,
  pageBytes: 128,
  nrwwStart: 0x7000,
  bootBytes: 512,
  ramStart: 0x100,
  ramBytes: 2048,
  eepromBytes: 1024,
  signature: [0x1e, 0x95, 0x0f],
  watchdog: 0x0c,
  eepromReady: 0x2c,
  spmReady: 0x32,
  usarts: [usart(0xc0, 0x24)],
  timers: [timer0Config, timer1Config, timer2Config],
};

const atmega2560: Chip = {
  mcu: "atmega2560",
  flashBytes: 0x40000,
  pageBytes: 256,
  nrwwStart: 0x3e000,
  bootBytes: 1024,
  ramStart: 0x200,
  ramBytes: 8192,
  eepromBytes: 4096,
  signature: [0x1e, 0x98, 0x01],
  watchdog: 0x18,
  eepromReady: 0x3c,
  spmReady: 0x50,
  usarts: [usart(0xc0, 0x32), usart(0xc8, 0x48), usart(0xd0, 0x66), usart(0x130, 0x6c)],
  timers: [
    { ...timer0Config, compAInterrupt: 0x2a, compBInterrupt: 0x2c, ovfInterrupt: 0x2e },
    wideTimer(0x80, 0x36, 0x20),
    { ...timer2Config, compAInterrupt: 0x1a, compBInterrupt: 0x1c, ovfInterrupt: 0x1e },
    wideTimer(0x90, 0x38, 0x3e),
    wideTimer(0xa0, 0x39, 0x52),
    wideTimer(0x120, 0x3a, 0x5c),
  ],
};

export const CHIPS: Readonly<Record<string, Chip>> = { atmega328p, atmega2560 };
