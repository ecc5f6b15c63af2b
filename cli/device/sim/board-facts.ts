/** What a virtual board is made of, from an Arduino core's boards.txt: chip, fuses, lock bits, bootloader, how it is flashed. */
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Result } from "../../../engine/types.ts";
import { CHIPS, type Chip } from "./chips.ts";
import { MACHINES } from "./qemu/machines.ts";

export interface BoardFacts {
  readonly chip: Chip;
  readonly fuses: { readonly low: number; readonly high: number; readonly extended: number };
  readonly lock: number;
  /** Below the core's folder `bootloaders`. */
  readonly bootloader: string;
  /** avrdude's -c and -b. */
  readonly protocol: string;
  readonly speed: number;
}

/**
 * sim:NAME → the boards of boards.txt that it may be made of, the first whose bootloader is whole, and the choice in their menu ("Arduino Platform Specification":
 * boards.txt, custom board options). Debian's build of the Uno's bootloader (arduino-core-avr 1.8.3 to 1.8.7) is 532 bytes long, in a section of 512: such a board gets
 * the bootloader of older boards with that chip.
 */
const BOARDS: Readonly<Record<string, readonly Choice[]>> = {
  uno: [
    ["uno", null],
    ["nano", "atmega328old"],
  ],
  nano: [
    ["nano", "atmega328"],
    ["nano", "atmega328old"],
  ],
  mega: [["mega", "atmega2560"]],
};
export const SIM_BOARDS: readonly string[] = [...Object.keys(BOARDS), "pico", ...MACHINES];
/** The Leonardo's bootloader speaks USB, which avr8js has not. */
const NEEDS_USB = new Set(["leonardo", "micro", "esplora"]);

/** What sim:NAME may be made of, best first. text: of the file boards.txt at `file`. Failures: a board that is not simulated, an entry that is missing. */
export function boardFacts(name: string, text: string, file: string): Result<readonly BoardFacts[]> {
  const known = BOARDS[name];
  if (known === undefined) {
    const message = NEEDS_USB.has(name)
      ? `sim:${name}: its bootloader and its serial port are USB, which the simulator has not`
      : `there is no virtual board sim:${name}`;
    return fail(failure("device.sim", 5, message, { hint: `virtual boards: ${SIM_BOARDS.map((one) => `sim:${one}`).join(" ")}` }));
  }
  const all: BoardFacts[] = [];
  for (const choice of known) {
    const facts = factsOf(name, choice, text, file);
    if (!facts.ok) return facts;
    all.push(facts.value);
  }
  return ok(all);
}

type Choice = readonly [board: string, cpu: string | null];

function factsOf(name: string, [board, cpu]: Choice, text: string, file: string): Result<BoardFacts> {
  const entries = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf("=");
    if (at > 0) entries.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const missing: string[] = [];
  const entry = (key: string) => {
    const value = (cpu === null ? undefined : entries.get(`${board}.menu.cpu.${cpu}.${key}`)) ?? entries.get(`${board}.${key}`);
    if (value === undefined) missing.push(`${board}.${key}`);
    return value ?? "";
  };
  const byte = (key: string) => {
    const value = entry(key);
    if (value !== "" && !/^0x[0-9a-f]{1,2}$/i.test(value)) missing.push(`${board}.${key} as a byte (it is ${value})`);
    return Number(value);
  };
  const mcu = entry("build.mcu");
  const chip = CHIPS[mcu];
  if (mcu !== "" && chip === undefined) missing.push(`${board}.build.mcu as one of ${Object.keys(CHIPS).join(", ")} (it is ${mcu})`);
  const fuses = { low: byte("bootloader.low_fuses"), high: byte("bootloader.high_fuses"), extended: byte("bootloader.extended_fuses") };
  const rest = { lock: byte("bootloader.lock_bits"), bootloader: entry("bootloader.file"), protocol: entry("upload.protocol") };
  const speed = Number(entry("upload.speed"));
  if (missing.length > 0 || chip === undefined)
    return fail(failure("device.sim-board", 5, `sim:${name} needs ${missing.join(", ")}`, { file, hint: "is the Arduino core whole?" }));
  return ok({ chip, fuses, ...rest, speed });
}
