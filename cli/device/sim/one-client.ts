/** A TCP port of 127.0.0.1 that one client has at a time, as a serial port has one. */
import { createServer, type Server, type Socket } from "node:net";

/** Who comes while another client leaves is served after it; a port that stays taken is refused. */
const LEAVING_MS = 500;

export interface SimPort {
  readonly port: number;
  close(): Promise<void>;
}

export interface Client {
  /** Closes its connection. */
  end(): void;
}

/** Port 0 takes a free one. take: a client has come, and is alone; left: it has gone, and another may come; the next one is served once this has settled. Rejects when the port is taken. */
export async function serveOne(port: number, take: (socket: Socket) => Client, left: () => void | Promise<void>): Promise<SimPort> {
  let holder: Client | null = null;
  let next: Socket | null = null;
  const serve = (socket: Socket) => {
    const client = take(socket);
    holder = client;
    socket.on("close", async () => {
      if (server.listening) await left();
      holder = null;
      if (!server.listening) return;
      if (next !== null && !next.destroyed) serve(next);
      next = null;
    });
  };
  const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
    if (holder === null) return serve(socket);
    // By a reset, as in Client.end().
    if (next !== null) return void socket.resetAndDestroy();
    next = socket;
    socket.on("error", () => {});
    setTimeout(() => {
      if (next !== socket) return;
      next = null;
      socket.resetAndDestroy();
    }, LEAVING_MS).unref();
  });
  await listening(server, port);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server without a port");
  return {
    port: address.port,
    close() {
      holder?.end();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}
