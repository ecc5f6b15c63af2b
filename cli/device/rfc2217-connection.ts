/** The client's side of RFC 2217 over a connected socket. */
import type { Socket } from "node:net";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { addressText, type PortAddress } from "./address.ts";
import type { Connection, ConnectionFaces, LineChange, Parity, SerialSettings } from "./connection.ts";
import { SocketConnection } from "./socket.ts";
import * as telnet from "./telnet.ts";

type Address = Extract<PortAddress, { readonly is: "rfc2217" }>;

/** The client's commands (RFC 2217, 3); the server's answers are these plus ANSWER. */
const SET_BAUDRATE = 1;
const SET_DATASIZE = 2;
const SET_PARITY = 3;
const SET_STOPSIZE = 4;
const SET_CONTROL = 5;
const SUSPEND = 8;
const RESUME = 9;
const ANSWER = 100;
const PARITIES: Readonly<Record<Parity, number>> = { none: 1, odd: 2, even: 3, mark: 4, space: 5 };
const CONTROL = { noFlow: 1, xonXoff: 2, rtsCts: 3, breakOn: 5, breakOff: 6, dtrOn: 8, dtrOff: 9, rtsOn: 11, rtsOff: 12 };

/** How long a server may take to agree, and to answer a setting. */
const PATIENCE_MS = 3000;
const AGREED: ReadonlySet<number> = new Set([telnet.BINARY, telnet.SUPPRESS_GO_AHEAD, telnet.COM_PORT]);

interface Wanted {
  readonly name: string;
  readonly command: number;
  readonly bytes: readonly number[];
}

export class Rfc2217Connection implements Connection {
  private readonly address: Address;
  private readonly inner: SocketConnection;
  private readonly reader = new telnet.TelnetReader();
  private readonly on: ConnectionFaces;
  /** Options that this side offered, that it asked the other side for. */
  private readonly will = new Set<number>();
  private readonly does = new Set<number>();
  private agreed: (yes: boolean) => void = () => {};
  private answers = new Map<number, (bytes: Uint8Array) => void>();
  private resumed: Promise<void> = Promise.resolve();
  private resume: () => void = () => {};
  /** What came before the settings were made is handed over with the first that follows. */
  private early: Uint8Array[] | null = [];
  private lost: Failure | null = null;

  private constructor(address: Address, socket: Socket, on: ConnectionFaces) {
    this.address = address;
    this.on = on;
    this.inner = new SocketConnection({ ...address }, socket, {
      data: (bytes) => this.take(bytes),
      closed: (why) => {
        this.lost = why;
        this.agreed(false);
        this.resume();
        for (const answer of this.answers.values()) answer(new Uint8Array());
        if (this.early === null) on.closed(why);
      },
    });
  }

  static async negotiate(
    address: Address,
    socket: Socket,
    settings: SerialSettings,
    on: ConnectionFaces,
    stop: AbortSignal | null,
  ): Promise<Result<Connection>> {
    const one = new Rfc2217Connection(address, socket, on);
    const stopped = () => void one.inner.close();
    stop?.addEventListener("abort", stopped);
    const why = (await one.agree()) ?? (await one.apply(settings));
    stop?.removeEventListener("abort", stopped);
    if (why === null) {
      setImmediate(() => one.begin());
      return ok(one);
    }
    const { lost } = one;
    await one.inner.close();
    return fail(lost ?? why);
  }

  private begin(): void {
    const early = this.early ?? [];
    this.early = null;
    for (const bytes of early) this.on.data(bytes);
    if (this.lost !== null) this.on.closed(this.lost);
  }

  private async agree(): Promise<Failure | null> {
    const yes = new Promise<boolean>((resolve) => {
      this.agreed = resolve;
    });
    for (const option of [telnet.COM_PORT, telnet.BINARY, telnet.SUPPRESS_GO_AHEAD]) {
      this.will.add(option);
      this.send(telnet.negotiation(telnet.WILL, option));
    }
    for (const option of [telnet.BINARY, telnet.SUPPRESS_GO_AHEAD]) {
      this.does.add(option);
      this.send(telnet.negotiation(telnet.DO, option));
    }
    return (await within(yes, false))
      ? null
      : this.trouble("the server speaks no RFC 2217", "for plain bytes over TCP: socket://HOST:PORT");
  }

  private async apply(settings: SerialSettings): Promise<Failure | null> {
    const control = (name: string, code: number): Wanted => ({ name, command: SET_CONTROL, bytes: [code] });
    const { baud, stopBits, dtr, rts } = settings;
    const wanted: readonly Wanted[] = [
      { name: `${baud} baud`, command: SET_BAUDRATE, bytes: [(baud >>> 24) & 255, (baud >>> 16) & 255, (baud >>> 8) & 255, baud & 255] },
      { name: `${settings.dataBits} data bits`, command: SET_DATASIZE, bytes: [settings.dataBits] },
      { name: `parity ${settings.parity}`, command: SET_PARITY, bytes: [PARITIES[settings.parity]] },
      { name: `${stopBits} stop bits`, command: SET_STOPSIZE, bytes: [stopBits === 1 ? 1 : stopBits === 2 ? 2 : 3] },
      control("flow control", settings.rtscts ? CONTROL.rtsCts : settings.xonxoff ? CONTROL.xonXoff : CONTROL.noFlow),
      // As opening a port of this machine leaves them.
      control("DTR", (dtr ?? true) ? CONTROL.dtrOn : CONTROL.dtrOff),
      control("RTS", (rts ?? true) ? CONTROL.rtsOn : CONTROL.rtsOff),
    ];
    for (const one of wanted) {
      const answer = await this.ask(one);
      if (answer === null)
        return this.trouble(`the server did not answer to ${one.name}`, "is it an RFC 2217 server, as ser2net or pyserial's?");
      if (one.command !== SET_CONTROL && answer.some((byte, i) => byte !== one.bytes[i]))
        return this.trouble(`the server did not take ${one.name}`, "another speed or frame: monitor_speed, monitor_parity, -b");
    }
    return null;
  }

  /** null: no answer. */
  private ask({ command, bytes }: Wanted): Promise<Uint8Array | null> {
    const answer = new Promise<Uint8Array | null>((resolve) => this.answers.set(command + ANSWER, resolve));
    this.send(telnet.subnegotiation(telnet.COM_PORT, [command, ...bytes]));
    return within(answer, null).then((value) => (this.lost === null ? value : null));
  }

  private take(bytes: Uint8Array): void {
    const { data, commands } = this.reader.feed(bytes);
    for (const command of commands) {
      if (command.is === "negotiate") this.negotiated(command.verb, command.option);
      else if (command.option === telnet.COM_PORT) this.told(command.bytes);
    }
    if (data.length === 0) return;
    if (this.early !== null) this.early.push(data);
    else this.on.data(data);
  }

  /** Only what changes something is answered, so that the two never answer each other for ever (RFC 854). */
  private negotiated(verb: number, option: number): void {
    const yes = AGREED.has(option) || (verb === telnet.WILL && option === telnet.ECHO);
    if (verb === telnet.DO) {
      if (!this.will.has(option)) this.send(telnet.negotiation(yes ? telnet.WILL : telnet.WONT, option));
      if (yes) this.will.add(option);
      if (option === telnet.COM_PORT) this.agreed(true);
    } else if (verb === telnet.WILL) {
      if (!this.does.has(option)) this.send(telnet.negotiation(yes ? telnet.DO : telnet.DONT, option));
      if (yes) this.does.add(option);
    } else if (verb === telnet.DONT && this.will.delete(option)) {
      if (option === telnet.COM_PORT) this.agreed(false);
    } else if (verb === telnet.WONT) this.does.delete(option);
  }

  private told(bytes: Uint8Array): void {
    const command = bytes[0] ?? 0;
    if (command === SUSPEND + ANSWER || command === SUSPEND) {
      this.resumed = new Promise((resolve) => {
        this.resume = resolve;
      });
    } else if (command === RESUME + ANSWER || command === RESUME) this.resume();
    this.answers.get(command)?.(bytes.subarray(1));
    this.answers.delete(command);
  }

  private send(bytes: Uint8Array): void {
    void this.inner.write(bytes);
  }

  async write(bytes: Uint8Array): Promise<Result<number>> {
    await this.resumed;
    const written = await this.inner.write(telnet.escaped(bytes));
    return written.ok ? ok(bytes.length) : written;
  }

  async signals({ dtr, rts, brk }: LineChange): Promise<void> {
    if (dtr !== undefined) await this.ask({ name: "DTR", command: SET_CONTROL, bytes: [dtr ? CONTROL.dtrOn : CONTROL.dtrOff] });
    if (rts !== undefined) await this.ask({ name: "RTS", command: SET_CONTROL, bytes: [rts ? CONTROL.rtsOn : CONTROL.rtsOff] });
    if (brk !== undefined) await this.ask({ name: "break", command: SET_CONTROL, bytes: [brk ? CONTROL.breakOn : CONTROL.breakOff] });
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private trouble(what: string, hint: string): Failure {
    return failure("device.rfc2217", 5, `${addressText(this.address)}: ${what}`, { hint });
  }
}

function within<T>(promise: Promise<T>, late: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(late), PATIENCE_MS);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
