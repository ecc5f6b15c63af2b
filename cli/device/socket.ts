/** A TCP socket as a port: bytes as they are, no settings and no lines. */
import { connect, type Socket } from "node:net";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { addressText, type PortAddress } from "./address.ts";
import type { Connection, ConnectionFaces } from "./connection.ts";

type NetAddress = Extract<PortAddress, { readonly is: "socket" | "rfc2217" }>;

/** A server that is there answers in less. */
const CONNECT_MS = 5000;

/** openConnection for socket://. */
export async function openSocket(address: NetAddress, on: ConnectionFaces, stop: AbortSignal | null): Promise<Result<Connection>> {
  const connected = await connectTcp(address, stop);
  return connected.ok ? ok(new SocketConnection(address, connected.value, on)) : connected;
}

/** Failures (exit 5): nobody there, refused, too slow, stopped. */
export function connectTcp(address: NetAddress, stop: AbortSignal | null): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    const end = (why: Failure | null) => {
      clearTimeout(timer);
      stop?.removeEventListener("abort", stopped);
      socket.off("error", failed);
      if (why === null) return resolve(ok(socket));
      socket.on("error", () => {});
      socket.destroy();
      resolve(fail(why));
    };
    const failed = (error: NodeJS.ErrnoException) => end(unreachable(address, error.code ?? error.message));
    const stopped = () => end(failure("device.stopped", 5, `${addressText(address)} was not waited for`));
    const timer = setTimeout(() => end(unreachable(address, "ETIMEDOUT")), CONNECT_MS);
    if (stop?.aborted === true) return stopped();
    stop?.addEventListener("abort", stopped);
    socket.on("error", failed);
    socket.on("connect", () => end(null));
  });
}

function unreachable(address: NetAddress, code: string): Failure {
  const text = addressText(address);
  const what: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nobody listens there",
    ETIMEDOUT: `no answer in ${CONNECT_MS / 1000} s`,
    ENOTFOUND: "no such host",
    EAI_AGAIN: "the host's name can not be looked up now",
    EHOSTUNREACH: "no way to that host",
    ENETUNREACH: "no way to that network",
  };
  return failure("device.unreachable", 5, `${text}: ${what[code] ?? code}`, {
    hint: "is the server started, and are host and port right?",
  });
}

/** A connection over a socket that is connected. */
export class SocketConnection implements Connection {
  private readonly address: NetAddress;
  private readonly socket: Socket;
  private over = false;
  private readonly closed: Promise<void>;

  constructor(address: NetAddress, socket: Socket, on: ConnectionFaces) {
    this.address = address;
    this.socket = socket;
    let why: string | null = null;
    socket.on("data", (bytes) => {
      if (!this.over) on.data(new Uint8Array(bytes));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        const own = this.over;
        this.over = true;
        resolve();
        on.closed(own ? null : this.ended(why));
      });
    });
  }

  write(bytes: Uint8Array): Promise<Result<number>> {
    return new Promise((resolve) => {
      if (this.over) return resolve(fail(this.ended(null)));
      this.socket.write(bytes, (error) => resolve(error ? fail(this.ended(error.message)) : ok(bytes.length)));
    });
  }

  async signals(): Promise<void> {}

  async close(): Promise<void> {
    this.over = true;
    this.socket.destroySoon();
    // A reader that takes nothing would keep it open.
    setTimeout(() => this.socket.destroy(), 200).unref();
    await this.closed;
  }

  private ended(why: string | null): Failure {
    const text = why === null ? "was closed by the other side" : `broke off: ${why}`;
    return failure("device.vanished", 5, `${addressText(this.address)} ${text}`, { hint: "is the server still there?" });
  }
}
