/**
 * The serial bootloader of an STM32F411 (ST's AN3155): 0x7F begins, a command is a byte and its complement, what follows it ends with the exclusive or of its bytes,
 * and each of them is answered by ACK or NACK.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

const ACK = 0x79;
const NACK = 0x1f;
const COMMANDS = { get: 0x00, version: 0x01, id: 0x02, read: 0x11, go: 0x21, write: 0x31, erase: 0x44 } as const;
const VERSION = 0x31;
const CHIP = 0x431;
export const FLASH_START = 0x0800_0000;
const FLASH_SIZE = 512 * 1024;

export class Bootloader {
  readonly flash = new Uint8Array(FLASH_SIZE).fill(0);
  /** Where a program was started; null for not yet. */
  started: number | null = null;
  private readonly talk = this.#conversation();
  private pending: number[] = [];
  private wanted = 0;

  /** What it answers to what it hears. */
  hear(bytes: Uint8Array): Uint8Array {
    this.pending.push(...bytes);
    const said: number[] = [];
    if (this.wanted === 0) this.wanted = this.#next(undefined, said);
    while (this.wanted > 0 && this.pending.length >= this.wanted) this.wanted = this.#next(this.pending.splice(0, this.wanted), said);
    return Uint8Array.from(said);
  }

  #next(heard: readonly number[] | undefined, said: number[]): number {
    const step = this.talk.next(heard ?? []);
    if (step.done === true) return 0;
    said.push(...step.value.say);
    return step.value.want;
  }

  /** Says what is to be said and how many bytes are wanted then; is handed these. */
  *#conversation(): Generator<{ readonly say: readonly number[]; readonly want: number }, void, readonly number[]> {
    let say: readonly number[] = [];
    for (;;) {
      const [first = 0] = yield { say, want: 1 };
      if (first === 0x7f) {
        say = [ACK];
        continue;
      }
      const [complement = 0] = yield { say: [], want: 1 };
      if ((first ^ complement) !== 0xff) {
        say = [NACK];
        continue;
      }
      say = [ACK];
      if (first === COMMANDS.get) {
        const all = Object.values(COMMANDS);
        say = [ACK, all.length, VERSION, ...all, ACK];
      } else if (first === COMMANDS.version) say = [ACK, VERSION, 0, 0, ACK];
      else if (first === COMMANDS.id) say = [ACK, 1, CHIP >> 8, CHIP & 0xff, ACK];
      else if (first === COMMANDS.erase) {
        const [high = 0, low = 0] = yield { say, want: 2 };
        const pages = (high << 8) | low;
        const rest = pages >= 0xfff0 ? 1 : (pages + 1) * 2 + 1;
        yield { say: [], want: rest };
        this.flash.fill(0xff);
        say = [ACK];
      } else {
        const address = yield { say, want: 5 };
        const at = new DataView(Uint8Array.from(address).buffer).getUint32(0) - FLASH_START;
        if (xor(address) !== 0 || at < 0 || at >= FLASH_SIZE) {
          say = [NACK];
          continue;
        }
        say = [ACK];
        if (first === COMMANDS.go) this.started = FLASH_START + at;
        else if (first === COMMANDS.read) {
          const [count = 0] = yield { say, want: 2 };
          say = [ACK, ...this.flash.subarray(at, at + count + 1)];
        } else if (first === COMMANDS.write) {
          const [count = 0] = yield { say, want: 1 };
          const data = yield { say: [], want: count + 2 };
          const whole = (xor(data) ^ count) === 0;
          if (whole) this.flash.set(data.slice(0, -1), at);
          say = [whole ? ACK : NACK];
        } else say = [NACK];
      }
    }
  }
}

function xor(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0);
}

/** A pty at `path` behind which `hear` answers; null: nothing does. close: the pty goes. */
export async function ptyOf(path: string, hear: ((bytes: Uint8Array) => Uint8Array) | null): Promise<{ close(): Promise<void> }> {
  const socat: ChildProcess = spawn("socat", [`pty,rawer,link=${path}`, "stdio"], { stdio: ["pipe", "pipe", "ignore"] });
  socat.stdout?.on("data", (bytes: Uint8Array) => {
    const said = hear?.(bytes) ?? new Uint8Array();
    if (said.length > 0) socat.stdin?.write(said);
  });
  while (!existsSync(path)) {
    if (socat.exitCode !== null) throw new Error("socat ended");
    await new Promise((done) => setTimeout(done, 5));
  }
  return {
    async close() {
      socat.kill();
      if (socat.exitCode === null && socat.signalCode === null) await once(socat, "exit");
    },
  };
}
