/**
 * An image on its way to a virtual board that is QEMU: what `:flash` sends to the board's port, told from what is typed by its first eight bytes.
 *
 *   magic (8) | length of the machine's name, of the image (4 + 4, little-endian) | the name | the image
 *
 * The answer is one line, "taken: N bytes" or why not, and the end of the connection.
 */

const MAGIC = Buffer.from("\0fb:img\n", "latin1");
const HEAD = MAGIC.length + 8;

export interface SentImage {
  /** For which it was made, as `-M` names it. */
  readonly machine: string;
  readonly bytes: Uint8Array;
}

export function imageMessage({ machine, bytes }: SentImage): Buffer {
  const name = Buffer.from(machine);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(name.length);
  lengths.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([MAGIC, lengths, name, bytes]);
}

export class ImageReader {
  #pieces: Uint8Array[] = [];
  #length = 0;
  #is: "unknown" | "image" | "serial" = "unknown";

  /** "serial": these bytes, all that came so far, are for the serial port; so are those that follow. "more": the image goes on. */
  take(piece: Uint8Array): SentImage | "more" | { readonly serial: Uint8Array } {
    if (this.#is === "serial") return { serial: piece };
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#is === "unknown") {
      const start = this.#all();
      const known = Math.min(start.length, MAGIC.length);
      if (!start.subarray(0, known).equals(MAGIC.subarray(0, known))) {
        this.#is = "serial";
        this.#pieces = [];
        return { serial: start };
      }
      if (known === MAGIC.length) this.#is = "image";
    }
    if (this.#is === "unknown" || this.#length < HEAD) return "more";
    const head = this.#all();
    const name = head.readUInt32LE(MAGIC.length);
    const end = HEAD + name + head.readUInt32LE(MAGIC.length + 4);
    if (this.#length < end) return "more";
    return { machine: head.toString("utf8", HEAD, HEAD + name), bytes: head.subarray(HEAD + name, end) };
  }

  /** In one piece from now on. */
  #all(): Buffer {
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}
