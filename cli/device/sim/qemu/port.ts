/**
 * A virtual board that is QEMU, behind a TCP port of 127.0.0.1: each client finds it just started, as QEMU runs while somebody is connected. An image that a client sends
 * (image.ts) is kept as the board's flash; one without an image stands still. All of its serial ports are this port.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TAKEN } from "../image-upload.ts";
import { type Client, type SimPort, serveOne } from "../one-client.ts";
import { flashChip } from "./flash-chip.ts";
import { ImageReader, type SentImage } from "./image.ts";
import { type Machine, machineNamed } from "./machines.ts";
import { Qemu } from "./qemu.ts";

/** The folder of its image is there as long as this process. Port 0 takes a free one. */
export async function serveQemu(machine: Machine, port = 0): Promise<SimPort> {
  const folder = mkdtempSync(join(tmpdir(), "fb-sim-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const board = new Board(machine, folder);
  return serveOne(
    port,
    (socket) => new Connection(board, socket),
    () => board.stop(),
  );
}

class Board {
  readonly #machine: Machine;
  readonly #folder: string;
  #images = 0;
  /** "": none yet. */
  #file = "";
  #running: Qemu | null = null;

  /** folder: for its images. */
  constructor(machine: Machine, folder: string) {
    this.#machine = machine;
    this.#folder = folder;
  }

  /** Null: it has taken it, and what ran is being ended. */
  load({ machine, bytes }: SentImage): string | null {
    const { name, chip, takes } = this.#machine;
    const meant = machineNamed(machine);
    if (meant?.chip !== chip) {
      const other = meant === null ? "no machine of QEMU" : `sim:${machine} (${meant.chip})`;
      return `sim:${name} is an ${chip}, and this image is for ${other}`;
    }
    const content = takes === "elf" ? bytes : flashChip(bytes, takes.bootAt);
    if (content === null) return "it is for a larger flash chip than QEMU has";
    this.#running?.kill();
    if (this.#file !== "") rmSync(this.#file);
    this.#file = join(this.#folder, `image${++this.#images}`);
    writeFileSync(this.#file, content);
    return null;
  }

  /** Null: it has no image. */
  start(): Qemu | null {
    this.#running = this.#file === "" ? null : new Qemu(this.#machine, this.#file);
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#running?.kill();
    await this.#running?.ended;
    this.#running = null;
  }

  get program(): string {
    return this.#machine.program;
  }
}

class Connection implements Client {
  readonly #board: Board;
  readonly #socket: Socket;

  constructor(board: Board, socket: Socket) {
    this.#board = board;
    this.#socket = socket;
    const qemu = board.start();
    if (qemu !== null) this.#join(qemu);
    const reader = new ImageReader();
    socket.on("data", (bytes) => {
      const taken = reader.take(bytes);
      if (taken === "more") return;
      if ("serial" in taken) {
        if (qemu === null) return;
        socket.pause();
        qemu.send(taken.serial);
        return;
      }
      const why = board.load(taken);
      socket.end(why === null ? `\n${TAKEN}: ${taken.bytes.length} bytes\n` : `\n${why}\n`);
    });
    socket.on("error", () => {});
  }

  #join(qemu: Qemu): void {
    const socket = this.#socket;
    qemu.onSerial = (_, bytes) => {
      if (!socket.writable || socket.write(bytes)) return;
      qemu.pause();
      socket.once("drain", () => qemu.resume());
    };
    qemu.onSpace = () => socket.resume();
    // Its end is told where a program's last words are read.
    void qemu.ended.then((said) => {
      if (socket.writable && !qemu.killed) socket.write(`\r\n${this.#board.program} ended: ${said || "it said nothing"}\r\n`);
    });
  }

  end(): void {
    void this.#board.stop();
    this.#socket.resetAndDestroy();
  }
}
