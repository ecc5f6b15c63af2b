/**
 * The image that an ESP8266 starts from (esptool's first format, as its core's tools/elf2bin.py lays it out): the bootloader eboot, filled up to 4096 bytes, then the
 * program. Each is a header (0xE9, number of segments, flash mode, flash size and frequency, entry), its segments (address, size, content), zeros to the last byte of a
 * multiple of 16, and there 0xEF xor all bytes of content. At 4096 + 16, in the program's first segment, eboot expects the size of the whole and a checksum of it.
 */
import type { Result } from "../../engine/types.ts";
import { readElf, type Elf } from "../elf.ts";
import { numberOf } from "../number.ts";
import { type ImageTool, made, one, refused } from "./image-tool.ts";

/** The chip's codes. */
export const MODES: Readonly<Record<string, number>> = { qio: 0, qout: 1, dio: 2, dout: 3 };
const FREQUENCIES: Readonly<Record<number, number>> = { 40: 0, 26: 1, 20: 2, 80: 15 };
/** By KiB. */
const SIZES: Readonly<Record<number, number>> = { 256: 1, 512: 0, 1024: 2, 2048: 3, 4096: 4, 8192: 8, 16384: 9 };

const EBOOT_SIZE = 4096;
const SIZE_AT = EBOOT_SIZE + 16;
const CRC_AT = SIZE_AT + 4;
const EBOOT_SECTIONS = [".text", ".rodata"];
const APP_SECTIONS = [".irom0.text", ".text", ".text1", ".data", ".rodata"];

/** Flash frequency in Hz, size in bytes. */
export interface Flash {
  readonly mode: string;
  readonly frequency: number;
  readonly size: number;
}

interface Program {
  readonly file: string;
  readonly elf: Elf;
}

/** null: no flash of an ESP8266 is like that. Failures (exit 1): `image.no-section`, `image.eboot`, `elf.malformed`. */
export function esp8266Image(
  eboot: readonly [string, Uint8Array],
  app: readonly [string, Uint8Array],
  flash: Flash,
): Result<Uint8Array> | null {
  const mode = MODES[flash.mode];
  const frequency = FREQUENCIES[Math.trunc(flash.frequency / 1_000_000)];
  const size = SIZES[flash.size / 1024];
  if (mode === undefined || frequency === undefined || size === undefined) return null;
  const first = readElf(...eboot);
  if (!first.ok) return first;
  const second = readElf(...app);
  if (!second.ok) return second;
  const settings = [mode, frequency + 16 * size] as const;
  const boot = part({ file: eboot[0], elf: first.value }, EBOOT_SECTIONS, settings);
  if (!boot.ok) return boot;
  const program = part({ file: app[0], elf: second.value }, APP_SECTIONS, settings);
  if (!program.ok) return program;
  if (boot.value.length + 8 > EBOOT_SIZE) {
    const message = `the bootloader takes ${boot.value.length} bytes, there is room for ${EBOOT_SIZE - 8}`;
    return refused("image.eboot", message, eboot[0], "use the eboot.elf of the framework's package");
  }
  const bytes = new Uint8Array(EBOOT_SIZE + program.value.length).fill(0xaa, 0, EBOOT_SIZE);
  bytes.set(boot.value);
  bytes.set(program.value, EBOOT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(SIZE_AT, 0, true);
  view.setUint32(CRC_AT, 0, true);
  const sum = crc(bytes);
  view.setUint32(SIZE_AT, bytes.length, true);
  view.setUint32(CRC_AT, sum, true);
  return { ok: true, value: bytes };
}

function part({ file, elf }: Program, names: readonly string[], [mode, speedAndSize]: readonly [number, number]): Result<Uint8Array> {
  const found = names.map((name) => elf.sections.find((section) => section.name === name));
  const content = found.map((section) => (section === undefined ? new Uint8Array() : elf.content(section)));
  const bad = found.findIndex((section, i) => section === undefined || content[i]?.length !== section.size);
  if (bad >= 0) {
    const message = `${file} has no section ${names[bad]} with content, which an image of the ESP8266 is made of`;
    return refused("image.no-section", message, file, "link with the linker script of the framework's package");
  }
  const length = 8 + content.reduce((sum, bytes) => sum + 8 + bytes.length, 0);
  const image = new Uint8Array((length + 16) & ~15);
  const view = new DataView(image.buffer);
  image.set([0xe9, names.length, mode, speedAndSize]);
  view.setUint32(4, elf.entry, true);
  let at = 8;
  let sum = 0xef;
  for (const [i, bytes] of content.entries()) {
    view.setUint32(at, found[i]?.address ?? 0, true);
    view.setUint32(at + 4, bytes.length, true);
    image.set(bytes, at + 8);
    at += 8 + bytes.length;
    for (const byte of bytes) sum ^= byte;
  }
  image[image.length - 1] = sum;
  return { ok: true, value: image };
}

/** CRC-32 as eboot computes it: polynomial 0x04C11DB7, highest bit first, from all ones, not inverted at the end. */
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = ((sum << 8) ^ (TABLE[((sum >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return sum;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  return sum >>> 0;
});

export const elf2bin: ImageTool = {
  usage: "fb tool elf2bin --app ELF --eboot ELF --mode qio|qout|dio|dout --frequency HZ --size BYTES --out FILE",
  make(options, read) {
    const [app, eboot, mode] = [one(options, "app"), one(options, "eboot"), one(options, "mode")];
    const [frequency, size] = [numberOf(one(options, "frequency")), numberOf(one(options, "size"))];
    if (app === null || eboot === null || mode === null || frequency === null || size === null) return null;
    const image = esp8266Image([eboot, read(eboot)], [app, read(app)], { mode, frequency, size });
    return image === null || !image.ok ? image : made(image.value);
  },
};
