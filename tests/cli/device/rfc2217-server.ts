/** A small RFC 2217 server over a loop: what is sent comes back. Written from the RFC, not from fb's client. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export interface Rfc2217Behaviour {
  /** Refuses the option. */
  readonly refuses?: boolean;
  /** Says nothing at all. */
  readonly mute?: boolean;
  /** Sets another speed than was asked for. */
  readonly speed?: number;
  /** The device behind it, instead of the loop: told what is sent to it, and of each control (RFC 2217, SET-CONTROL). */
  readonly device?: { hear(byte: number): void; control(value: number): void };
}

/** What clients set, in order: `baud 57600`, `control 8`… */
export class Rfc2217Server {
  readonly set: string[] = [];
  readonly data: number[] = [];
  socket: Socket | null = null;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  static async open(how: Rfc2217Behaviour = {}): Promise<Rfc2217Server> {
    const server = createServer({ noDelay: true });
    const one = new Rfc2217Server(server);
    server.on("connection", (socket) => {
      one.socket = socket;
      socket.on("error", () => {});
      if (how.mute) return;
      const bytes: number[] = [];
      socket.on("data", (chunk) => {
        bytes.push(...chunk);
        for (let used = one.take(bytes, socket, how); used > 0; used = one.take(bytes, socket, how)) bytes.splice(0, used);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return one;
  }

  /** One command or byte from the front; how many bytes it took, 0 for more are needed. */
  private take(bytes: readonly number[], socket: Socket, how: Rfc2217Behaviour): number {
    const [first, second, third] = bytes;
    if (first === undefined) return 0;
    if (first !== 255) {
      this.heard(first, how);
      return 1;
    }
    if (second === undefined) return 0;
    if (second === 255) {
      this.heard(255, how);
      return 2;
    }
    if (second !== 250) {
      if (third === undefined) return 0;
      // WILL 44 → DO, or DONT; WILL and DO of others are agreed with.
      if (second === 251) socket.write(Uint8Array.of(255, third === 44 && how.refuses ? 254 : 253, third));
      if (second === 253) socket.write(Uint8Array.of(255, 251, third));
      return 3;
    }
    const body: number[] = [];
    for (let at = 2; at < bytes.length; at++) {
      if (bytes[at] !== 255) {
        body.push(bytes[at] ?? 0);
        continue;
      }
      if (bytes[at + 1] === 255) {
        body.push(255);
        at++;
      } else if (bytes[at + 1] === 240) {
        this.command(body, socket, how);
        return at + 2;
      } else return 0;
    }
    return 0;
  }

  private heard(byte: number, how: Rfc2217Behaviour): void {
    this.data.push(byte);
    if (how.device === undefined) this.say(Uint8Array.of(byte));
    else how.device.hear(byte);
  }

  /** The device says something. */
  say(bytes: Uint8Array): void {
    this.socket?.write(Uint8Array.from([...bytes].flatMap((byte) => (byte === 255 ? [255, 255] : [byte]))));
  }

  private command([option, command = 0, ...value]: readonly number[], socket: Socket, how: Rfc2217Behaviour): void {
    if (option !== 44) return;
    const names: Readonly<Record<number, string>> = { 1: "baud", 2: "data", 3: "parity", 4: "stop", 5: "control" };
    const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
    this.set.push(`${names[command] ?? command} ${number}`);
    if (command === 5) how.device?.control(number);
    const told = command === 1 && how.speed !== undefined ? [24, 16, 8, 0].map((bits) => ((how.speed ?? 0) >>> bits) & 255) : value;
    const quoted = told.flatMap((byte) => (byte === 255 ? [255, 255] : [byte]));
    // In pieces, as networks do.
    socket.write(Uint8Array.of(255, 250, 44, command + 100));
    socket.write(Uint8Array.from([...quoted, 255, 240]));
  }

  close(): void {
    this.socket?.destroy();
    this.server.close();
  }
}
