/** One open port, whatever lies behind it: a serial device, a TCP socket, or a serial device behind RFC 2217. */
import type { Failure, Result } from "../../engine/types.ts";
import type { PortAddress } from "./address.ts";

export type Parity = "none" | "even" | "odd" | "mark" | "space";

/** dtr, rts: null leaves them as opening makes them, which is on. A socket has no settings. */
export interface SerialSettings {
  readonly baud: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: Parity;
  readonly stopBits: 1 | 1.5 | 2;
  readonly rtscts: boolean;
  readonly xonxoff: boolean;
  readonly dtr: boolean | null;
  readonly rts: boolean | null;
}

/** 8N1 without flow control. */
export function plainSettings(baud: number): SerialSettings {
  return { baud, dataBits: 8, parity: "none", stopBits: 1, rtscts: false, xonxoff: false, dtr: null, rts: null };
}

/** Lines that are set. brk: the device sees a break while it is on. */
export interface LineChange {
  readonly dtr?: boolean;
  readonly rts?: boolean;
  readonly brk?: boolean;
}

export interface Connection {
  /** When the system has taken them all; how many. Failure (exit 5): the port is gone. */
  write(bytes: Uint8Array): Promise<Result<number>>;
  /** Sets the lines that are named; nothing where there are none (a socket, a pty). */
  signals(lines: LineChange): Promise<void>;
  /** The port is free afterwards. May be called twice. */
  close(): Promise<void>;
}

/** Neither is called before openConnection has settled. */
export interface ConnectionFaces {
  /** The bytes are the listener's own. */
  data(bytes: Uint8Array): void;
  /** Once, the last call: why it is over; null after close(). */
  closed(why: Failure | null): void;
}

/**
 * Opens a port for this process alone. Failures (exit 5): not found (the ports there are), busy (who holds it), no permission (whose group it is), not reachable.
 * stop: an open that takes its time (TCP) ends with a failure.
 */
export async function openConnection(
  address: PortAddress,
  settings: SerialSettings,
  on: ConnectionFaces,
  stop: AbortSignal | null = null,
): Promise<Result<Connection>> {
  switch (address.is) {
    case "serial":
      return (await import("./serial.ts")).openSerial(address.path, settings, on);
    case "socket":
      return (await import("./socket.ts")).openSocket(address, on, stop);
    case "rfc2217":
      return (await import("./rfc2217.ts")).openRfc2217(address, settings, on, stop);
  }
}
