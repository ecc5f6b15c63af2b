/**
 * A USART in asynchronous mode (datasheets: "USART"). avr8js has one, which forgets a received byte when UCSRnB is written, as every Serial.write() does, and
 * holds one byte where the hardware holds two.
 */
import type { CPU } from "avr8js";
import type { UsartRegisters } from "./chips.ts";

const RXC = 0x80;
const TXC = 0x40;
const UDRE = 0x20;
const U2X = 0x02;
const MPCM = 0x01;
const DOR = 0x08;
const RXCIE = 0x80;
const TXCIE = 0x40;
const UDRIE = 0x20;
const RXEN = 0x10;
const TXEN = 0x08;
const UCSZ2 = 0x04;
/** Bytes that were received and not yet read: "two level FIFO". */
const FIFO = 2;

export class Usart {
  /** A byte has left, whole, at its baud rate. */
  onSent: (byte: number) => void = () => {};
  /** The program has looked whether something was received, for the first time since its reset. */
  polled = false;
  /** Told of each such look; null: nobody cares. */
  onPoll: (() => void) | null = null;
  readonly #cpu: CPU;
  readonly #at: UsartRegisters;
  /** What is still to come over the wire, a frame after the other, whether the program reads or not. */
  #wire: number[] = [];
  #received: number[] = [];
  #receiving = false;
  /** A byte that came while the FIFO was full: it waits in the shift register until the next comes. */
  #shifted: number | null = null;
  #sending: number | null = null;
  #next: number | null = null;
  readonly #interrupts;

  constructor(cpu: CPU, at: UsartRegisters) {
    this.#cpu = cpu;
    this.#at = at;
    const interrupt = (address: number, flagMask: number, enableMask: number, constant: boolean) => ({
      ...{ address, flagMask, enableMask, constant },
      ...{ flagRegister: at.UCSRA, enableRegister: at.UCSRB },
    });
    const received = interrupt(at.received, RXC, RXCIE, true);
    const empty = interrupt(at.empty, UDRE, UDRIE, true);
    this.#interrupts = { received, empty, sent: interrupt(at.sent, TXC, TXCIE, false) };
    cpu.data[at.UCSRA] = UDRE;
    cpu.data[at.UCSRC] = 0x06;
    cpu.writeHooks[at.UCSRA] = (value, old) => {
      cpu.data[at.UCSRA] = (old & ~(U2X | MPCM)) | (value & (U2X | MPCM));
      cpu.clearInterruptByFlag(this.#interrupts.sent, value);
      return true;
    };
    cpu.writeHooks[at.UCSRB] = (value) => {
      cpu.data[at.UCSRB] = value;
      if ((value & RXEN) === 0) this.#flush();
      for (const one of Object.values(this.#interrupts)) cpu.updateInterruptEnable(one, value);
      return true;
    };
    cpu.readHooks[at.UDR] = () => this.#read();
    cpu.readHooks[at.UCSRA] = () => {
      this.polled ||= this.#on(RXEN);
      this.onPoll?.();
      // Programs look a million times a second: once is enough here.
      if (this.polled && this.onPoll === null) delete cpu.readHooks[at.UCSRA];
      return cpu.data[at.UCSRA] ?? 0;
    };
    cpu.writeHooks[at.UDR] = (value) => {
      this.#write(value);
      return true;
    };
  }

  /** Bytes that wait to be received. */
  get waiting(): number {
    return this.#wire.length;
  }

  /** Nothing is on its way, in or out, and nothing that has come is left to be read. */
  get isIdle(): boolean {
    const { length } = this.#received;
    return (
      this.#wire.length === 0 && length === 0 && !this.#receiving && this.#shifted === null && this.#sending === null && this.#next === null
    );
  }

  /** Sends bytes to the chip; lost where its receiver is off, or not read in time. */
  send(bytes: Uint8Array): void {
    for (const byte of bytes) this.#wire.push(byte);
    this.#receive();
  }

  /** Clock cycles of one frame: start bit, data, parity, stop bits ("Internal Clock Generation", "Frame Formats"). */
  get #frame(): number {
    const { data } = this.#cpu;
    const [a = 0, b = 0, c = 0] = [data[this.#at.UCSRA], data[this.#at.UCSRB], data[this.#at.UCSRC]];
    const size = ((c >> 1) & 3) | (b & UCSZ2);
    const bits = 1 + (size < 4 ? 5 + size : 9) + ((c & 0x20) === 0 ? 0 : 1) + ((c & 0x08) === 0 ? 1 : 2);
    const divider = (((data[this.#at.UBRRH] ?? 0) & 0x0f) << 8) | (data[this.#at.UBRRL] ?? 0);
    return bits * (divider + 1) * ((a & U2X) === 0 ? 16 : 8);
  }

  #on(bit: number): boolean {
    return ((this.#cpu.data[this.#at.UCSRB] ?? 0) & bit) !== 0;
  }

  #receive(): void {
    if (!this.#on(RXEN)) this.#wire = [];
    if (this.#receiving || this.#wire.length === 0) return;
    this.#receiving = true;
    this.#cpu.addClockEvent(() => {
      this.#receiving = false;
      const byte = this.#wire.shift();
      if (byte !== undefined && this.#on(RXEN)) this.#arrived(byte);
      this.#receive();
    }, this.#frame);
  }

  /** "Data OverRun": the FIFO is full, the shift register too, and another byte has come. */
  #arrived(byte: number): void {
    const { data } = this.#cpu;
    if (this.#received.length === FIFO) {
      if (this.#shifted !== null) data[this.#at.UCSRA] = (data[this.#at.UCSRA] ?? 0) | DOR;
      this.#shifted = byte;
      return;
    }
    this.#received.push(byte);
    this.#cpu.setInterruptFlag(this.#interrupts.received);
  }

  #read(): number {
    const { data } = this.#cpu;
    const byte = this.#received.shift() ?? 0;
    data[this.#at.UCSRA] = (data[this.#at.UCSRA] ?? 0) & ~DOR;
    if (this.#shifted !== null) this.#received.push(this.#shifted);
    this.#shifted = null;
    if (this.#received.length === 0) this.#cpu.clearInterrupt(this.#interrupts.received);
    return byte;
  }

  #flush(): void {
    this.#received = [];
    this.#shifted = null;
    this.#wire = [];
    this.#cpu.clearInterrupt(this.#interrupts.received);
  }

  #write(byte: number): void {
    if (!this.#on(TXEN)) return;
    if (this.#sending === null) this.#shift(byte);
    else if (this.#next === null) {
      this.#next = byte;
      this.#cpu.clearInterrupt(this.#interrupts.empty);
    }
  }

  #shift(byte: number): void {
    this.#sending = byte;
    this.#cpu.addClockEvent(() => {
      this.#sending = null;
      this.onSent(byte);
      const next = this.#next;
      if (next === null) this.#cpu.setInterruptFlag(this.#interrupts.sent);
      else {
        this.#next = null;
        this.#shift(next);
        this.#cpu.setInterruptFlag(this.#interrupts.empty);
      }
    }, this.#frame);
  }
}
