/** A UF2 file that a client sends to a virtual board's port, in place of the drive that a real board is: told from serial bytes by its first eight. */

const MAGIC = Uint8Array.of(0x55, 0x46, 0x32, 0x0a, 0x57, 0x51, 0x5d, 0x9e);
const BLOCK = 512;
const COUNT_AT = 24;
/** What the answer to a file that was taken begins with, on a line of its own: what the program said until then stands before it. */
export const TAKEN = "taken";

export class ImageUpload {
  readonly #load: (file: Uint8Array) => string | null;
  #bytes = Buffer.alloc(0);
  #is: "unknown" | "image" | "serial" = "unknown";

  constructor(load: (file: Uint8Array) => string | null) {
    this.#load = load;
  }

  /** Null: these bytes are for the serial port, as is all that follows. "more": the file goes on. Else the answer to the whole file. */
  take(bytes: Uint8Array): string | null {
    if (this.#is === "unknown") this.#is = MAGIC.every((byte, i) => bytes[i] === byte) ? "image" : "serial";
    if (this.#is === "serial") return null;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.#bytes.length < BLOCK || this.#bytes.length < this.#bytes.readUInt32LE(COUNT_AT) * BLOCK) return "more";
    const why = this.#load(this.#bytes);
    return why === null ? `\n${TAKEN}: ${this.#bytes.length} bytes\n` : `\n${why}\n`;
  }
}
