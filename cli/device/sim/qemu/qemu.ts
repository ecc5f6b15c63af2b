/** One run of QEMU: an image on a machine, with the machine's serial ports. It ends with this process, however that ends. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { Debugger } from "./debugger.ts";
import type { Machine } from "./machines.ts";
import { Registers } from "./registers.ts";
import { supply } from "./supply.ts";
import { Usarts } from "./usarts.ts";

/** As many serial ports as the largest of these chips has. */
export const PORTS = 6;
const FIRST_PORT = 3;
const DEBUGGER = FIRST_PORT + PORTS;
/** A millisecond of a line of 115200 baud. */
const LINE_BYTES = 11;
/** Where its interrupts are done by us it gets the next byte when it has done with the last one: when nothing was used so long, or at last. */
const IDLE_MS = 6;
const LONGEST_MS = 100;
/**
 * A shell that waits for the end of its stdin, which only this process holds, and then ends QEMU and takes its place among the dead: so QEMU never outlives us, and no zombie is left to
 * a first process that reaps none. In a session of its own, where a terminal's signals do not come. It closes what QEMU has, whose end is heard by that.
 */
const SCRIPT = `"$@" & q=$!; exec ${Array.from({ length: PORTS + 1 }, (_, i) => `${FIRST_PORT + i}<&-`).join(" ")} 2>/dev/null; read -r _; kill -9 $q; wait $q`;

/** program: what is run in place of the machine's own program. */
export type QemuMachine = Pick<Machine, "name" | "takes" | "args" | "registers" | "usarts" | "program">;

export class Qemu {
  /** Bytes of a serial port, from 0. */
  onSerial: (port: number, bytes: Uint8Array) => void = () => {};
  /** All that was sent is with it. */
  onSpace: () => void = () => {};
  /** Once it has ended and all that it said has been told: what it said last on stderr. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ports: readonly Duplex[];
  #killed = false;
  #usarts: Usarts | null = null;
  #typed: number[] = [];
  #fed = 0;
  #feeding: NodeJS.Timeout | null = null;

  /** file: an image, as the machine takes it. */
  constructor(machine: QemuMachine, file: string) {
    const { program, name, takes, args, registers, usarts } = machine;
    const serial = Array.from({ length: PORTS }, (_, i) => [
      "-chardev",
      `socket,id=s${i},fd=${FIRST_PORT + i}`,
      "-serial",
      `chardev:s${i}`,
    ]).flat();
    // A comma in a value is written twice.
    const image = takes === "elf" ? ["-kernel", file] : ["-drive", `file=${file.replaceAll(",", ",,")},if=mtd,format=raw`];
    const watched = registers.length > 0 ? ["-S", "-chardev", `socket,id=gdb,fd=${DEBUGGER}`, "-gdb", "chardev:gdb"] : [];
    const argv = [program, "-M", name, "-display", "none", "-monitor", "none", ...serial, ...args, ...watched, ...image];
    const pipes = Array.from({ length: PORTS + 1 }, () => "pipe" as const);
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...argv], { stdio: ["pipe", "ignore", "pipe", ...pipes], detached: true });
    this.#child = child;
    // Of 'pipe' beyond the first three Node makes sockets.
    const streams = child.stdio.slice(FIRST_PORT) as Duplex[];
    this.#ports = streams.slice(0, PORTS);
    for (const stream of streams) stream.on("error", () => {});
    for (const [i, port] of this.#ports.entries()) port.on("data", (bytes: Uint8Array) => this.onSerial(i, bytes));
    const debug = streams[PORTS];
    if (registers.length > 0 && debug !== undefined) {
      this.#usarts = new Usarts(usarts);
      void supply(new Debugger(debug), [...new Registers(registers).places, ...this.#usarts.places]);
    }
    let complaint = "";
    child.stdin?.on("error", () => {});
    child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => {
        complaint += text;
      })
      .on("end", () => child.stdin?.destroy());
    this.ended = new Promise((resolve) => {
      child
        .on("error", (error) => resolve(error.message))
        .on("close", () => {
          this.#typed = [];
          resolve(complaint.trim().split("\n").at(-1) ?? "");
        });
    });
  }

  /**
   * To each of its serial ports, as nobody knows which one the program reads: one that is not switched on loses it. As fast as a line has it, since QEMU gives a program the next byte
   * at once and no time to put the last one away.
   */
  send(bytes: Uint8Array): void {
    this.#typed.push(...bytes);
    this.#feeding ??= setTimeout(this.#feed, 0);
  }

  #feed = (): void => {
    const idle = this.#usarts?.idle ?? null;
    if (idle !== null && idle < IDLE_MS && performance.now() - this.#fed < LONGEST_MS) {
      this.#feeding = setTimeout(this.#feed, IDLE_MS);
      return;
    }
    const bytes = Uint8Array.from(this.#typed.splice(0, idle === null ? LINE_BYTES : 1));
    for (const port of this.#ports) if (port.writable) port.write(bytes);
    this.#fed = performance.now();
    if (this.#typed.length === 0) this.onSpace();
    this.#feeding = this.#typed.length === 0 ? null : setTimeout(this.#feed, idle === null ? 1 : IDLE_MS);
  };

  /** Its serial ports are not read for a while: then it waits. */
  pause(): void {
    for (const port of this.#ports) port.pause();
  }

  resume(): void {
    for (const port of this.#ports) port.resume();
  }

  /** `ended` follows. */
  kill(): void {
    this.#killed = true;
    this.#child.stdin?.destroy();
  }

  get killed(): boolean {
    return this.#killed;
  }
}
