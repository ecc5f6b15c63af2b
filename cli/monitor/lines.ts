/** A stream of bytes cut into lines, for patterns and programs. */

const LF = 10;
const CR = 13;
/** A line that grows beyond this is handed out in pieces, so that a device that never ends one fills no memory. */
const LONGEST = 64 * 1024;

/** ended: by a line break; else it is what has come so far of a line. */
export type OnLine = (bytes: Uint8Array, ended: boolean) => void;

/** Lines end at "\n", with a "\r" before it or not; where a device ends them with "\r" alone (monitor_eol = CR), there too. */
export class LineCutter {
  private readonly on: OnLine;
  /** Lines end at "\r", too. */
  crEnds: boolean;
  private open: Uint8Array = new Uint8Array();

  constructor(crEnds: boolean, on: OnLine) {
    this.crEnds = crEnds;
    this.on = on;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== LF && !(this.crEnds && byte === CR)) continue;
      this.end(bytes.subarray(from, at), byte === LF);
      from = at + 1;
    }
    if (from === bytes.length) return;
    this.open = joined(this.open, bytes.subarray(from));
    while (this.open.length > LONGEST) {
      this.on(this.open.subarray(0, LONGEST), false);
      this.open = this.open.slice(LONGEST);
    }
  }

  private end(last: Uint8Array, byLf: boolean): void {
    const line = joined(this.open, last);
    this.open = new Uint8Array();
    // "\r\n" where "\r" ended the line already.
    if (byLf && this.crEnds && line.length === 0) return;
    this.on(byLf && line.at(-1) === CR ? line.subarray(0, -1) : line, true);
  }

  /** What has come since the last line's end. */
  get rest(): Uint8Array {
    return this.open;
  }

  /** The device was reset: what comes next is no continuation. Hands out what there is. */
  break(): void {
    const { open } = this;
    this.open = new Uint8Array();
    if (open.length > 0) this.on(open, false);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b.slice() : Buffer.concat([a, b]);
}
