/** Telnet as RFC 2217 needs it (RFC 854, 855): commands cut out of the bytes that come, bytes that go escaped. */

export const IAC = 255;
export const WILL = 251;
export const WONT = 252;
export const DO = 253;
export const DONT = 254;
const SB = 250;
const SE = 240;

/** Options: RFC 856, 857, 858, 2217. */
export const BINARY = 0;
export const ECHO = 1;
export const SUPPRESS_GO_AHEAD = 3;
export const COM_PORT = 44;

export type TelnetCommand =
  | { readonly is: "negotiate"; readonly verb: typeof WILL | typeof WONT | typeof DO | typeof DONT; readonly option: number }
  | { readonly is: "sub"; readonly option: number; readonly bytes: Uint8Array };

/** A subnegotiation is a few bytes; one that goes on and on is not kept. */
const LONGEST_SUB = 4096;

/** Bytes come in any pieces. */
export class TelnetReader {
  private state: "data" | "iac" | "negotiate" | "sub" | "sub-iac" = "data";
  private verb = 0;
  private sub: number[] = [];

  /** What of these bytes is data, and the commands among them. */
  feed(bytes: Uint8Array): { readonly data: Uint8Array; readonly commands: readonly TelnetCommand[] } {
    const data = new Uint8Array(bytes.length);
    const commands: TelnetCommand[] = [];
    let length = 0;
    for (const byte of bytes) {
      switch (this.state) {
        case "data":
          if (byte === IAC) this.state = "iac";
          else data[length++] = byte;
          break;
        case "iac":
          this.state = "data";
          if (byte === IAC) data[length++] = byte;
          else if (byte >= WILL && byte <= DONT) {
            this.verb = byte;
            this.state = "negotiate";
          } else if (byte === SB) {
            this.sub = [];
            this.state = "sub";
          }
          break;
        case "negotiate":
          commands.push({ is: "negotiate", verb: this.verb as typeof WILL, option: byte });
          this.state = "data";
          break;
        case "sub":
          if (byte === IAC) this.state = "sub-iac";
          else if (this.sub.length < LONGEST_SUB) this.sub.push(byte);
          break;
        case "sub-iac":
          this.state = "sub";
          if (byte === IAC) this.sub.push(byte);
          else if (byte === SE) {
            const [option, ...rest] = this.sub;
            if (option !== undefined) commands.push({ is: "sub", option, bytes: Uint8Array.from(rest) });
            this.state = "data";
          }
          break;
      }
    }
    return { data: data.subarray(0, length), commands };
  }
}

/** Data as it is sent: 255 twice. */
export function escaped(bytes: Uint8Array): Uint8Array {
  let extra = 0;
  for (const byte of bytes) if (byte === IAC) extra++;
  if (extra === 0) return bytes;
  const out = new Uint8Array(bytes.length + extra);
  let at = 0;
  for (const byte of bytes) {
    out[at++] = byte;
    if (byte === IAC) out[at++] = IAC;
  }
  return out;
}

export function negotiation(verb: number, option: number): Uint8Array {
  return Uint8Array.of(IAC, verb, option);
}

export function subnegotiation(option: number, bytes: readonly number[]): Uint8Array {
  return Uint8Array.from([IAC, SB, option, ...escaped(Uint8Array.from(bytes)), IAC, SE]);
}
