/**
 * A virtual board behind a port: a TCP server on 127.0.0.1 that avrdude opens as net:127.0.0.1:PORT and monitors as socket://127.0.0.1:PORT.
 * A connection finds the board just reset, as DTR does on an Arduino, and holds the port alone; without one the board stands still. It runs no faster than real time, as
 * the other side's patience is real. A board that takes UF2 files on a drive takes them here: a client that sends one gets an answer in one line, and the end.
 */
import type { Socket } from "node:net";
import { ImageUpload } from "./image-upload.ts";
import { type Client, type SimPort, serveOne } from "./one-client.ts";
import type { VirtualBoard } from "./virtual-board.ts";

/**
 * After a reset the board runs until its bootloader listens, at most so many simulated seconds. At a serial port avrdude waits until then (250 ms with DTR low, 50 more), at
 * a socket it does not, and what it says again and again is answered as often.
 */
const START_S = 1;
/** Simulated seconds at a stretch, between which the event loop turns. */
const SLICE_S = 0.002;
/** A board that is so far behind (a busy machine) does not run after the clock. */
const BEHIND_S = 0.05;
/**
 * A bootloader that was spoken to and has waited so long (simulated: longer than it takes to write a page) waits for the client, as a busy machine gives that no time: then
 * the board lets it have the processor, and goes on in short steps until it speaks again.
 */
const PATIENT_S = 0.012;
const REST_MS = 50;
/** Real seconds of that: who typed something to a program that is still to start is no programmer, and wants the bootloader to give up. */
const RESTS_S = 3;
/** Bytes that may wait for the chip before the sender has to. */
const HIGH_WATER = 4096;

/** The board after a reset, as far as it is when a client may speak; what it said meanwhile. */
function restart(board: VirtualBoard): number[] {
  const said: number[] = [];
  board.onSerial = (byte) => said.push(byte);
  board.reset("external");
  const end = board.seconds + START_S;
  while (!board.listens && board.seconds < end) board.run(SLICE_S);
  return said;
}

/** Port 0 takes a free one. Rejects when the port is taken. */
export async function servePort(board: VirtualBoard, port = 0): Promise<SimPort> {
  // Before the client comes, as its patience begins when it is connected.
  let said = restart(board);
  const left = () => {
    said = restart(board);
  };
  return serveOne(port, (socket) => new Connection(board, socket, said), left);
}

/** One client's hold on the board. */
class Connection implements Client {
  readonly #board: VirtualBoard;
  readonly #socket: Socket;
  #sent: number[];
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  /** Real and simulated seconds at which the board was in step. */
  #real: number;
  #simulated: number;
  #spokenTo = false;
  /** Simulated seconds at which the bootloader last had something to do; real ones at which the client last spoke. */
  #busy: number;
  #heard = 0;

  constructor(board: VirtualBoard, socket: Socket, said: number[]) {
    this.#board = board;
    this.#socket = socket;
    this.#sent = said;
    board.onSerial = (byte) => this.#sent.push(byte);
    this.#real = performance.now() / 1000;
    this.#simulated = board.seconds;
    this.#busy = board.seconds;
    const upload = board.load === null ? null : new ImageUpload(board.load);
    socket.on("data", (bytes) => {
      const answer = upload?.take(bytes) ?? null;
      if (answer === "more") return;
      if (answer !== null) return void socket.end(answer);
      board.send(bytes);
      this.#spokenTo = true;
      this.#heard = performance.now() / 1000;
      if (this.#rests) this.#soon(0);
      this.#busy = board.seconds;
      if (board.waiting > HIGH_WATER) socket.pause();
    });
    // The close event follows, and is what counts.
    socket.on("error", () => {});
    socket.on("end", () => this.#stop());
    socket.on("close", () => this.#stop());
    this.#turn();
  }

  /** By a reset: avrdude 7.1 waits for ever, and busily, at a socket that was closed in good order. */
  end(): void {
    this.#stop();
    this.#socket.resetAndDestroy();
  }

  #stop(): void {
    this.#clear();
  }

  #turn = (): void => {
    const due = () => this.#simulated + performance.now() / 1000 - this.#real;
    if (due() - this.#board.seconds > BEHIND_S) {
      this.#simulated = this.#board.seconds;
      this.#real = performance.now() / 1000;
    }
    this.#board.run(SLICE_S);
    if (this.#sent.length > 0) this.#socket.write(Uint8Array.from(this.#sent));
    this.#sent = [];
    if (this.#socket.isPaused() && this.#board.waiting < HIGH_WATER / 2) this.#socket.resume();
    if (!this.#board.isBootIdle) this.#busy = this.#board.seconds;
    this.#soon(this.#rests ? REST_MS : Math.max(0, (this.#board.seconds - due()) * 1000));
  };

  get #rests(): boolean {
    const waits = this.#spokenTo && this.#board.seconds - this.#busy > PATIENT_S;
    return waits && performance.now() / 1000 - this.#heard < RESTS_S;
  }

  /** A timer takes a millisecond and more, which one that is behind has not. */
  #soon(ms: number): void {
    this.#clear();
    if (ms > 0) this.#timer = setTimeout(this.#turn, ms);
    else this.#immediate = setImmediate(this.#turn);
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
  }
}
