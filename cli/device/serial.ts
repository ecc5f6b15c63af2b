/** A serial device of this machine, by serialport's binding; loaded when one is opened. */
import { read as fsRead } from "node:fs";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { realOf } from "../host/look.ts";
import type { Connection, ConnectionFaces, LineChange, SerialSettings } from "./connection.ts";
import { otherHolders } from "./holder.ts";
import { busy, notAPort, vanished, whyNotOpened } from "./trouble.ts";

/** One read; at 2 Mbaud so much comes in 0.3 s. */
const READ_BYTES = 64 * 1024;
const WRITE_MS = 100;

/** What the binding has on Linux and macOS beyond its interface. */
interface Unix {
  readonly fd: number | null;
  readonly poller: { once(event: "readable", callback: (error: Error | null) => void): unknown; stop(): void };
}

interface Port {
  close(): Promise<void>;
  read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  set(lines: { dtr: boolean; rts: boolean; brk: boolean }): Promise<void>;
}

/** openConnection for a path, or a COM name. Opening raises DTR and RTS, which resets most Arduinos; closing lets DTR fall. */
export async function openSerial(path: string, settings: SerialSettings, on: ConnectionFaces): Promise<Result<Connection>> {
  const { parity } = settings;
  if (parity === "mark" || parity === "space")
    return fail(
      failure("device.settings", 5, `${path}: parity ${parity} is not to be had at ports of this machine`, {
        hint: "monitor_parity = N, E or O; a server by rfc2217:// may have it",
      }),
    );
  const other = notAPort(path);
  if (other !== null) return fail(other);
  const { SerialPort } = await import("serialport");
  // Programs that do not lock a port would take a part of its bytes. A pty's other end holds it too, by design.
  const holders = realOf(path)?.startsWith("/dev/pts/") === true ? [] : otherHolders(path);
  if (holders.length > 0) return busy(path, holders);
  let port: Port & { readonly [name: string]: unknown };
  try {
    port = (await SerialPort.binding.open({
      path,
      baudRate: settings.baud,
      dataBits: settings.dataBits,
      stopBits: settings.stopBits,
      parity,
      rtscts: settings.rtscts,
      xon: settings.xonxoff,
      xoff: settings.xonxoff,
      lock: true,
      hupcl: true,
    })) as unknown as Port & { readonly [name: string]: unknown };
  } catch (error) {
    return whyNotOpened(path, settings, error);
  }
  const opened = new Serial(path, port, on);
  await opened.signals({
    ...(settings.dtr === null ? {} : { dtr: settings.dtr }),
    ...(settings.rts === null ? {} : { rts: settings.rts }),
  });
  opened.start();
  return ok(opened);
}

class Serial implements Connection {
  private readonly path: string;
  private readonly port: Port;
  private readonly unix: Unix | null;
  private readonly on: ConnectionFaces;
  /** As opening leaves them. */
  private lines = { dtr: true, rts: true, brk: false };
  private over = false;
  private reading: Promise<void> = Promise.resolve();
  private writing: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | null = null;

  constructor(path: string, port: Port & { readonly [name: string]: unknown }, on: ConnectionFaces) {
    this.path = path;
    this.port = port;
    this.unix = typeof port.fd === "number" && port.poller !== undefined ? (port as unknown as Unix) : null;
    this.on = on;
  }

  /** Reads from the event loop's next turn on. */
  start(): void {
    this.reading = new Promise((resolve) => setImmediate(() => resolve(this.readAll())));
  }

  private async readAll(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    while (!this.over) {
      let length: number;
      try {
        length = await this.readSome(buffer);
      } catch (error) {
        return this.gone(error);
      }
      if (length === 0) return this.gone(null);
      this.on.data(new Uint8Array(buffer.subarray(0, length)));
    }
  }

  /** At least one byte; 0: the device has hung up. The binding itself would read again for ever then. */
  private async readSome(buffer: Buffer): Promise<number> {
    const { unix } = this;
    if (unix === null) return (await this.port.read(buffer, 0, buffer.length)).bytesRead;
    for (;;) {
      const { fd } = unix;
      if (fd === null) return 0;
      const read = await readOnce(fd, buffer);
      if (read !== "again") return read;
      // The binding's poller crashes the process when it is asked after its end.
      if (this.over) return 0;
      await new Promise<void>((resolve, reject) => unix.poller.once("readable", (error) => (error ? reject(error) : resolve())));
    }
  }

  private gone(error: unknown): void {
    if (this.over) return;
    this.over = true;
    void this.release().then(() => this.on.closed(vanished(this.path, error)));
  }

  async write(bytes: Uint8Array): Promise<Result<number>> {
    if (this.over) return fail(vanished(this.path, null));
    const written = this.port.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.writing = written.catch(() => {});
    try {
      await written;
      return ok(bytes.length);
    } catch (error) {
      return fail(vanished(this.path, error));
    }
  }

  async signals(lines: LineChange): Promise<void> {
    if (Object.keys(lines).length === 0) return;
    this.lines = { ...this.lines, ...lines };
    // A pty has no such lines.
    await this.port.set(this.lines).catch(() => {});
  }

  async close(): Promise<void> {
    const first = !this.over;
    this.over = true;
    if (first) this.unix?.poller.stop();
    // Not while a thread reads: its descriptor's number may be another file's by then.
    if (this.unix !== null) await this.reading;
    await this.release();
    await this.reading;
    if (first) this.on.closed(null);
  }

  /** What is being written gets a moment; a device that takes nothing does not hold it up. */
  private release(): Promise<void> {
    this.closing ??= Promise.race([this.writing, new Promise((resolve) => setTimeout(resolve, WRITE_MS))])
      .then(() => this.port.close())
      .catch(() => {});
    return this.closing;
  }
}

function readOnce(fd: number, buffer: Buffer): Promise<number | "again"> {
  return new Promise((resolve, reject) =>
    fsRead(fd, buffer, 0, buffer.length, null, (error, length) => {
      if (error === null) resolve(length);
      else if (error.code === "EAGAIN" || error.code === "EINTR") resolve("again");
      else reject(error);
    }),
  );
}
