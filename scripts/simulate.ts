/** Runs an AVR image (Intel hex) on avr8js, an ATmega328P in JavaScript, and prints what it sends to its serial port: `simulate.ts HEX MILLISECONDS`. */
import { readFileSync } from "node:fs";
import { AVRTimer, AVRUSART, avrInstruction, CPU, timer0Config, timer1Config, timer2Config, usart0Config } from "avr8js";

const CLOCK_HZ = 16_000_000;
const FLASH_BYTES = 0x8000;

/** The program memory that a hex file describes (Intel, "Hexadecimal Object File Format": data and end records suffice up to 64 kB). */
function readHex(text: string): Uint16Array {
  const bytes = new Uint8Array(FLASH_BYTES).fill(0xff);
  for (const line of text.split(/\r?\n/)) {
    if (!line.startsWith(":") || line.slice(7, 9) !== "00") continue;
    const count = Number.parseInt(line.slice(1, 3), 16);
    const address = Number.parseInt(line.slice(3, 7), 16);
    for (let i = 0; i < count; i++) bytes[address + i] = Number.parseInt(line.slice(9 + 2 * i, 11 + 2 * i), 16);
  }
  return new Uint16Array(bytes.buffer);
}

const [file, time] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: simulate.ts HEX [MILLISECONDS]");
const cpu = new CPU(readHex(readFileSync(file, "utf8")));
for (const config of [timer0Config, timer1Config, timer2Config]) new AVRTimer(cpu, config);
const usart = new AVRUSART(cpu, usart0Config, CLOCK_HZ);
usart.onByteTransmit = (byte) => process.stdout.write(String.fromCharCode(byte));
const end = (Number(time ?? 1000) / 1000) * CLOCK_HZ;
while (cpu.cycles < end) {
  avrInstruction(cpu);
  cpu.tick();
}
