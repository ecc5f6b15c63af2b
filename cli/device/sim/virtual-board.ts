/** What a port and an emulation do with a virtual board, whatever chip it has. */

/** Boards `sim:NAME` that have an RP2040, and need nobody's bootloader. */
export function isPico(name: string): boolean {
  return name === "pico" || name === "rpipico";
}

export interface VirtualBoard {
  /** A byte has left its serial port. */
  onSerial: (byte: number) => void;
  /** Simulated seconds since power came. */
  readonly seconds: number;
  /** Bytes that were sent and that the chip has not begun to receive. */
  readonly waiting: number;
  /** A bootloader runs, and its serial port is idle. */
  readonly isBootIdle: boolean;
  /** Since the last reset the program has looked whether somebody sends. */
  readonly listens: boolean;
  /** Why it runs no further; null while it does. */
  readonly halted: string | null;
  /** Takes a UF2 file as its drive would, and starts it: null, or why it does not. Null where boards have no such drive. */
  readonly load: ((file: Uint8Array) => string | null) | null;
  send(bytes: Uint8Array): void;
  reset(why: "power" | "external"): void;
  /** Runs for so many simulated seconds, and at least one instruction. */
  run(seconds: number): void;
}
