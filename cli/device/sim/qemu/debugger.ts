/** What QEMU's debugger port is asked for: GDB's remote protocol, of which these few packets ("Debugging with GDB", appendix E: Overview, Packets, Stop Reply Packets). */
import type { Duplex } from "node:stream";

/** Core registers r0 to r15. */
const CORE = 16;
const PC = 15;

/** A place that is watched: the processor stops before it uses it. */
export interface Watch {
  readonly start: number;
  readonly bytes: number;
}

export class Debugger {
  readonly #stream: Duplex;
  #text = "";
  #waiting: ((packet: string | null) => void) | null = null;
  #over = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString("latin1");
      this.#read();
    });
    const end = () => {
      this.#over = true;
      this.#waiting?.(null);
    };
    stream.on("end", end).on("close", end);
  }

  /** Registers can be set only by who has asked how they are described. */
  async begin(): Promise<void> {
    await this.#ask("qXfer:features:read:target.xml:0,ffb");
  }

  async watch(place: Watch): Promise<void> {
    await this.#ask(`Z4,${place.start.toString(16)},${place.bytes.toString(16)}`);
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

  /** One instruction, which may use the place. */
  async step({ start, bytes }: Watch): Promise<void> {
    await this.#ask(`z4,${start.toString(16)},${bytes.toString(16)}`);
    await this.#ask("s");
    await this.watch({ start, bytes });
  }

  /** r0 to r15; null: it is over. */
  async registers(): Promise<readonly number[] | null> {
    const bytes = hexBytes(await this.#ask("g"));
    if (bytes === null || bytes.length < CORE * 4) return null;
    return Array.from({ length: CORE }, (_, i) => bytes.readUInt32LE(i * 4));
  }

  async setRegister(number: number, value: number): Promise<void> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    await this.#ask(`P${number.toString(16)}=${bytes.toString("hex")}`);
  }

  /** The two halfwords at the program counter. */
  async code(registers: readonly number[]): Promise<readonly [number, number] | null> {
    const bytes = hexBytes(await this.#ask(`m${((registers[PC] ?? 0) >>> 0).toString(16)},4`));
    return bytes === null || bytes.length < 4 ? null : [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
  }

  /** The answer's data; null: it is over. One question at a time. */
  #ask(packet: string): Promise<string | null> {
    if (this.#over) return Promise.resolve(null);
    const sum = [...packet].reduce((total, letter) => (total + letter.charCodeAt(0)) & 0xff, 0);
    const answer = new Promise<string | null>((resolve) => {
      this.#waiting = resolve;
    });
    this.#stream.write(`$${packet}#${sum.toString(16).padStart(2, "0")}`);
    return answer;
  }

  #read(): void {
    for (;;) {
      const found = /\$([^#]*)#[0-9a-fA-F]{2}/.exec(this.#text);
      if (found === null) return;
      this.#text = this.#text.slice(found.index + found[0].length);
      this.#stream.write("+");
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting?.(expanded(found[1] ?? ""));
    }
  }
}

/** "0* " is four zeros: a letter, a star, and how often more, as that plus 29. */
function expanded(text: string): string {
  return text.replace(/(.)\*(.)/g, (_, letter: string, count: string) => letter.repeat(count.charCodeAt(0) - 28));
}

function hexBytes(text: string | null): Buffer | null {
  return text === null || !/^(?:[0-9a-fx]{2})+$/i.test(text) ? null : Buffer.from(text.replaceAll(/x/gi, "0"), "hex");
}
