/** Runs an image on a virtual chip, without a bootloader, until its lines or its time end it. Time is simulated: the same image says the same lines at the same times. */
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Result } from "../../../engine/types.ts";
import type { Patterns, Verdict } from "../patterns.ts";
import { Board } from "./board.ts";
import { CHIPS } from "./chips.ts";
import { loadHex } from "./hex.ts";

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
  /** Intel hex, and the name of its file. */
  readonly hex: string;
  readonly file: string;
}

export interface Line {
  /** Simulated seconds since power came. */
  readonly at: number;
  readonly text: string;
}

export class Emulation {
  readonly #board: Board;
  readonly #patterns: Patterns;
  readonly #limit: number;
  readonly #onLine: (line: Line) => void;
  readonly #decoder = new TextDecoder();
  #bytes: number[] = [];
  #verdict: Verdict | null = null;

  private constructor(board: Board, patterns: Patterns, limit: number, onLine: (line: Line) => void) {
    this.#board = board;
    this.#patterns = patterns;
    this.#limit = limit;
    this.#onLine = onLine;
    board.onSerial = (byte) => this.#serial(byte);
  }

  /** limit: simulated seconds, Infinity for none. Failures: a chip that is not simulated, an image that is none or too large. */
  static open(image: Image, patterns: Patterns, limit: number, onLine: (line: Line) => void): Result<Emulation> {
    const chip = CHIPS[image.mcu];
    if (chip === undefined) {
      const hint = `simulated: ${Object.keys(CHIPS).join(", ")}`;
      return fail(failure("device.sim", 5, `there is no simulator for the ${image.mcu}`, { hint }));
    }
    const flash = new Uint8Array(chip.flashBytes).fill(0xff);
    const loaded = loadHex(image.hex, flash, image.file);
    if (!loaded.ok) return loaded;
    return ok(new Emulation(new Board(chip, image.clockHz, { flash, fuses: FUSES, lock: 0xff }), patterns, limit, onLine));
  }

  /** Simulated seconds since power came. */
  get seconds(): number {
    return this.#board.seconds;
  }

  /** Runs for so many simulated seconds, or until it is over; what decided that. */
  run(seconds: number): Verdict | null {
    const end = Math.min(this.#limit, this.#board.seconds + seconds);
    while (this.#verdict === null && this.#board.seconds < end) this.#board.run(Math.min(SLICE_S, end - this.#board.seconds));
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
