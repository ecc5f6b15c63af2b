/** A WebSocket to the daemon. */
import type { WebSocket } from "ws";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { DaemonState } from "./place.ts";

const OPEN_MS = 5000;

/** Open, or a failure (exit 4). path: with its query; hear: each message, from the first on. */
export async function openSocket(state: DaemonState, path: string, hear: (message: unknown) => void): Promise<Result<WebSocket>> {
  const { WebSocket: Socket } = await import("ws");
  const { host, port, token } = state;
  const socket = new Socket(`ws://${host}:${port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: OPEN_MS,
  });
  // Now: the first message may come with the answer that opens it.
  socket.on("message", (data) => hear(JSON.parse(String(data))));
  return new Promise((resolve) => {
    socket.once("open", () => resolve(ok(socket)));
    socket.on("error", (error) =>
      resolve(
        fail(
          failure("daemon.silent", 4, `the daemon at ${host}:${port} does not open a WebSocket: ${error.message}`, {
            hint: "`fb daemon logs` may say why, `fb daemon restart` starts another",
          }),
        ),
      ),
    );
  });
}
