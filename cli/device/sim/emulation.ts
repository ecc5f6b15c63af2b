/** Runs an image on a virtual chip, without a bootloader, until its lines or its time end it. Time is simulated: the same image says the same lines at the same times. */
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Result } from "../../../engine/types.ts";
import type { Patterns, Verdict } from "../patterns.ts";
import { Board } from "./board.ts";
import { CHIPS } from "./chips.ts";
import { loadHex } from "./hex.ts";
import type { VirtualBoard } from "./virtual-board.ts";

const PICO = "rp2040";
/** A longer line is cut into lines: a program that sends no newline. */
const LONGEST = 4096;
/** Simulated seconds between looks at whether it is over. */
const SLICE_S = 0.001;
const NEWLINE = 0x0a;
/** BOOTRST unprogrammed: the reset vector is the program's. */
const FUSES = { low: 0xff, high: 0xdf, extended: 0xfd };

export interface Image {
  readonly mcu: string;
  readonly clockHz: number;
  /** Intel hex or UF2, as the chip takes it, and the name of its file. */
  readonly bytes: Uint8Array;
  readonly file: string;
}

export interface Line {
  /** Simulated seconds since power came. */
  readonly at: number;
  readonly text: string;
}

export class Emulation {
  readonly #board: VirtualBoard;
  readonly #patterns: Patterns;
  readonly #limit: number;
  readonly #onLine: (line: Line) => void;
  readonly #decoder = new TextDecoder();
  #bytes: number[] = [];
  #verdict: Verdict | null = null;

  constructor(board: VirtualBoard, patterns: Patterns, limit: number, onLine: (line: Line) => void) {
    this.#board = board;
    this.#patterns = patterns;
    this.#limit = limit;
    this.#onLine = onLine;
    board.onSerial = (byte) => this.#serial(byte);
  }

  /** limit: simulated seconds, Infinity for none. Failures: a chip that is not simulated, an image that is none or too large. */
  static async open(image: Image, patterns: Patterns, limit: number, onLine: (line: Line) => void): Promise<Result<Emulation>> {
    const board = image.mcu === PICO ? await picoWith(image) : avrWith(image);
    return board.ok ? ok(new Emulation(board.value, patterns, limit, onLine)) : board;
  }

  /** Simulated seconds since power came. */
  get seconds(): number {
    return this.#board.seconds;
  }

  /** Runs for so many simulated seconds, or until it is over; what decided that. */
  run(seconds: number): Verdict | null {
    const end = Math.min(this.#limit, this.#board.seconds + seconds);
    while (this.#verdict === null && this.#board.seconds < end) {
      this.#board.run(Math.min(SLICE_S, end - this.#board.seconds));
      if (this.#verdict === null && this.#board.halted !== null) this.#verdict = { exit: 1, why: this.#board.halted };
    }
    if (this.#verdict === null && this.#board.seconds >= this.#limit) this.#timeUp();
    return this.#verdict;
  }

  #serial(byte: number): void {
    if (this.#verdict !== null) return;
    if (byte !== NEWLINE) this.#bytes.push(byte);
    if (byte === NEWLINE || this.#bytes.length === LONGEST) this.#verdict = this.#patterns.line(this.#take());
  }

  #timeUp(): void {
    this.#verdict = this.#patterns.timeUp(this.#bytes.length === 0 ? "" : this.#take());
  }

  /** The line so far, told; bytes that are no UTF-8 are U+FFFD. */
  #take(): string {
    const text = this.#decoder.decode(Uint8Array.from(this.#bytes)).replace(/\r$/, "");
    this.#bytes = [];
    this.#onLine({ at: this.#board.seconds, text });
    return text;
  }
}

function avrWith({ mcu, clockHz, bytes, file }: Image): Result<VirtualBoard> {
  const chip = CHIPS[mcu];
  if (chip === undefined) {
    const hint = `simulated: ${[...Object.keys(CHIPS), PICO].join(", ")}`;
    return fail(failure("device.sim", 5, `there is no simulator for the ${mcu}`, { hint }));
  }
  const flash = new Uint8Array(chip.flashBytes).fill(0xff);
  const loaded = loadHex(Buffer.from(bytes).toString("latin1"), flash, file);
  return loaded.ok ? ok(new Board(chip, clockHz, { flash, fuses: FUSES, lock: 0xff })) : loaded;
}

/** Its simulator is loaded when it is wanted. */
async function picoWith({ bytes, file }: Image): Promise<Result<VirtualBoard>> {
  const { PicoBoard } = await import("./pico/board.ts");
  const board = new PicoBoard();
  const why = board.load(bytes);
  return why === null ? ok(board) : fail(failure("image.uf2", 5, `${file}: ${why}`, { file, hint: "fb run :firmware makes it" }));
}
