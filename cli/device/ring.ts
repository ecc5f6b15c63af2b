/** The latest bytes of a stream, by their running index. */
export class Ring {
  /** How many bytes have come: the index of the next one. */
  end = 0;
  private readonly bytes: Uint8Array;

  /** capacity: bytes that are kept. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  push(bytes: Uint8Array): void {
    const { length } = this.bytes;
    const kept = bytes.subarray(Math.max(0, bytes.length - length));
    const at = (this.end + bytes.length - kept.length) % length;
    const first = kept.subarray(0, length - at);
    this.bytes.set(first, at);
    this.bytes.set(kept.subarray(first.length), 0);
    this.end += bytes.length;
  }

  /** A copy of what is kept from an index on; index: of its first byte, later than asked where that is gone. */
  since(index: number): { readonly bytes: Uint8Array; readonly index: number } {
    const { length } = this.bytes;
    const from = Math.min(this.end, Math.max(index, this.end - length, 0));
    const out = new Uint8Array(this.end - from);
    const at = from % length;
    const first = this.bytes.subarray(at, Math.min(length, at + out.length));
    out.set(first, 0);
    out.set(this.bytes.subarray(0, out.length - first.length), first.length);
    return { bytes: out, index: from };
  }
}
