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
const LIFELINE = FIRST_PORT + PORTS;
const DEBUGGER = LIFELINE + 1;
/** QEMU takes the shell's place, and a child of it waits for the end of a pipe that only this process holds. */
const SCRIPT = `{ read -r _ <&${LIFELINE}; kill -9 $$; } >/dev/null 2>&1 & exec "$@" ${LIFELINE}<&-`;

/** program: what is run in place of the machine's own program. */
export type QemuMachine = Pick<Machine, "name" | "takes" | "args" | "registers" | "usarts" | "program">;

export class Qemu {
  /** Bytes of a serial port, from 0. */
  onSerial: (port: number, bytes: Uint8Array) => void = () => {};
  /** Once it has ended and all that it said has been told: what it said last on stderr. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ports: readonly Duplex[];
  #killed = false;

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
    const pipes = Array.from({ length: PORTS + 2 }, () => "pipe" as const);
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...argv], { stdio: ["ignore", "ignore", "pipe", ...pipes] });
    this.#child = child;
    // Of 'pipe' beyond the first three Node makes sockets.
    const streams = child.stdio.slice(FIRST_PORT) as Duplex[];
    this.#ports = streams.slice(0, PORTS);
    for (const stream of streams) stream.on("error", () => {});
    for (const [i, port] of this.#ports.entries()) port.on("data", (bytes: Uint8Array) => this.onSerial(i, bytes));
    const debug = streams[PORTS + 1];
    if (registers.length > 0 && debug !== undefined) {
      const places = [...new Registers(registers).places, ...new Usarts(usarts).places];
      void supply(new Debugger(debug), places);
    }
    let complaint = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("exit", () => streams[PORTS]?.destroy());
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message)).on("close", () => resolve(complaint.trim().split("\n").at(-1) ?? ""));
    });
  }

  /** To each of its serial ports, as nobody knows which one the program reads: one that is not switched on loses it. */
  send(bytes: Uint8Array): void {
    for (const port of this.#ports) if (port.writable) port.write(bytes);
  }

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
    this.#child.kill("SIGKILL");
  }

  get killed(): boolean {
    return this.#killed;
  }
}
