/** What QEMU's debugger port is asked for: GDB's remote protocol, of which these few packets ("Debugging with GDB", appendix E: Overview, Packets, Stop Reply Packets). */
import type { Duplex } from "node:stream";

/** Core registers r0 to r15. */
const CORE = 16;
export const PC = 15;
const TRIES = 10;

/** A place that is watched: the processor stops before it uses it, or before it writes there. */
export interface Watch {
  readonly start: number;
  readonly bytes: number;
  readonly uses: "any" | "writes";
}

/** What is asked is done in its order. Only what tells something is waited for: an answer of the others is its turn passed. */
export class Debugger {
  readonly #stream: Duplex;
  #text = "";
  /** Who has asked, the first first. Nothing may be asked while the processor runs: it would stop. */
  #waiting: ((packet: string | null) => void)[] = [];
  #over = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString("latin1");
      this.#read();
    });
    const end = () => {
      this.#over = true;
      for (const waiting of this.#waiting.splice(0)) waiting(null);
    };
    stream.on("end", end).on("close", end);
  }

  /** Registers can be set only by who has asked how they are described. */
  begin(): void {
    void this.#ask("qXfer:features:read:target.xml:0,ffb");
  }

  watch(place: Watch): void {
    void this.#ask(`Z${watchText(place)}`);
  }

  unwatch(place: Watch): void {
    void this.#ask(`z${watchText(place)}`);
  }

  /** Runs until a watched place is about to be used: its start. Null: it is over. */
  async run(): Promise<number | null> {
    for (;;) {
      const reply = await this.#ask("c");
      if (reply === null || !/^[TS]/.test(reply)) return null;
      const start = /[ar]?watch:([0-9a-f]+);/.exec(reply)?.[1];
      if (start !== undefined) return Number.parseInt(start, 16);
    }
  }

  /** The instruction at the program counter, which may use the place; from: that counter, where it has to be done when this settles, and not in a second try. */
  async step(place: Watch, from: number | null): Promise<void> {
    this.unwatch(place);
    if (from === null) await this.#ask("s");
    else await this.#stepFrom(from);
    this.watch(place);
  }

  /** Has the processor do one instruction that lies elsewhere with these registers, r0 and on, which have their own values again afterwards. */
  async perform(at: number, given: readonly number[]): Promise<void> {
    const before = await this.#ask("g");
    const bytes = hexBytes(before);
    if (before === null || bytes === null || bytes.length < CORE * 4) return;
    for (const [i, value] of given.entries()) bytes.writeUInt32LE(value >>> 0, i * 4);
    bytes.writeUInt32LE(at, PC * 4);
    void this.#ask(`G${bytes.toString("hex")}`);
    await this.#stepFrom(at);
    void this.#ask(`G${before}`);
  }

  /** Now and then a step ends before its instruction. */
  async #stepFrom(address: number): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      await this.#ask("s");
      if ((await this.registers())?.[PC] !== address) break;
    }
  }

  /** r0 to r15; null: it is over. */
  async registers(): Promise<readonly number[] | null> {
    const bytes = hexBytes(await this.#ask("g"));
    if (bytes === null || bytes.length < CORE * 4) return null;
    return Array.from({ length: CORE }, (_, i) => bytes.readUInt32LE(i * 4));
  }

  setRegister(number: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    void this.#ask(`P${number.toString(16)}=${bytes.toString("hex")}`);
  }

  /** The two halfwords at the program counter. */
  async code(registers: readonly number[]): Promise<readonly [number, number] | null> {
    const bytes = await this.#memory(registers[PC] ?? 0);
    return bytes === null ? null : [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
  }

  /** A word of memory, or of a device's registers; null: none is there, or it is over. */
  async word(address: number): Promise<number | null> {
    return (await this.#memory(address))?.readUInt32LE() ?? null;
  }

  /** Also into flash, not into a device's registers. */
  setWord(address: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    void this.#ask(`M${address.toString(16)},4:${bytes.toString("hex")}`);
  }

  async #memory(address: number): Promise<Buffer | null> {
    const bytes = hexBytes(await this.#ask(`m${(address >>> 0).toString(16)},4`));
    return bytes === null || bytes.length < 4 ? null : bytes;
  }

  /** The answer's data; null: it is over. Who asks again has heard: "+" is never said, which would stop a processor that runs by then. */
  #ask(packet: string): Promise<string | null> {
    if (this.#over) return Promise.resolve(null);
    const sum = [...packet].reduce((total, letter) => (total + letter.charCodeAt(0)) & 0xff, 0);
    const answer = new Promise<string | null>((resolve) => this.#waiting.push(resolve));
    this.#stream.write(`$${packet}#${sum.toString(16).padStart(2, "0")}`);
    return answer;
  }

  #read(): void {
    for (;;) {
      const found = /\$([^#]*)#[0-9a-fA-F]{2}/.exec(this.#text);
      if (found === null) return;
      this.#text = this.#text.slice(found.index + found[0].length);
      this.#waiting.shift()?.(expanded(found[1] ?? ""));
    }
  }
}

function watchText({ start, bytes, uses }: Watch): string {
  return `${uses === "any" ? 4 : 2},${start.toString(16)},${bytes.toString(16)}`;
}

/** "0* " is four zeros: a letter, a star, and how often more, as that plus 29. */
function expanded(text: string): string {
  return text.replace(/(.)\*(.)/g, (_, letter: string, count: string) => letter.repeat(count.charCodeAt(0) - 28));
}

function hexBytes(text: string | null): Buffer | null {
  return text === null || !/^(?:[0-9a-fx]{2})+$/i.test(text) ? null : Buffer.from(text.replaceAll(/x/gi, "0"), "hex");
}
