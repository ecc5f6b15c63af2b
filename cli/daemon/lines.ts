/** A session's bytes as lines, numbered from its first; the latest are kept. */

/** Bytes of lines that are kept. */
const KEPT = 256 * 1024;
/** A line that does not end is given in pieces of so many bytes. */
export const LONGEST = 64 * 1024;
const NEWLINE = 10;

export class Lines {
  /** How many lines there were: the index of the next one. */
  end = 0;
  #kept: string[] = [];
  #keptBytes = 0;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** How many lines ended with these bytes. */
  push(bytes: Uint8Array): number {
    const before = this.end;
    let at = 0;
    for (let next = bytes.indexOf(NEWLINE); next >= 0; next = bytes.indexOf(NEWLINE, at)) {
      this.#add(bytes.subarray(at, next));
      this.#finish();
      at = next + 1;
    }
    this.#add(bytes.subarray(at));
    while (this.#restBytes >= LONGEST) this.#finish();
    return this.end - before;
  }

  /** At most so many lines from an index on, and the index of the first of them: a later one where those are gone. */
  since(index: number, most: number): { readonly lines: readonly string[]; readonly index: number } {
    const first = this.end - this.#kept.length;
    const from = Math.min(this.end, Math.max(index, first));
    return { lines: this.#kept.slice(from - first, from - first + most), index: from };
  }

  /** What came after the last line's end. */
  get partial(): string {
    return Buffer.concat(this.#rest).toString("utf8");
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // A copy: the bytes are shared with others.
    this.#rest.push(bytes.slice());
    this.#restBytes += bytes.length;
  }

  /** Invalid UTF-8 becomes U+FFFD: who wants the bytes attaches `raw`. */
  #finish(): void {
    const all = Buffer.concat(this.#rest);
    const cut = all.length > LONGEST ? LONGEST : all.length;
    const returned = all[cut - 1] === 13 && cut === all.length ? cut - 1 : cut;
    const line = all.toString("utf8", 0, returned);
    const left = all.subarray(cut);
    this.#rest = left.length === 0 ? [] : [left];
    this.#restBytes = left.length;
    this.#kept.push(line);
    this.#keptBytes += line.length;
    this.end++;
    let drop = 0;
    while (this.#keptBytes > KEPT && drop < this.#kept.length - 1) this.#keptBytes -= this.#kept[drop++]?.length ?? 0;
    if (drop > 0) this.#kept = this.#kept.slice(drop);
  }
}
