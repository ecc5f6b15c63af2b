/** WebSockets that only tell: /ws/status when something is different, /ws/logs each line, /ws/client what becomes of a client's leases. */
import type { WebSocket } from "ws";

/** A client that has not taken so many bytes is let go: it asks again when it is back. */
const UNDER_WAY = 1 << 20;

export class Audience {
  readonly #sockets = new Set<WebSocket>();

  get count(): number {
    return this.#sockets.size;
  }

  /** first: what it hears at once. */
  add(socket: WebSocket, ...first: readonly object[]): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("message", (data, binary) => {
      if (!binary && String(data).includes('"ping"')) tell(socket, { type: "pong" });
    });
    for (const message of first) tell(socket, message);
  }

  say(message: object): void {
    if (this.#sockets.size === 0) return;
    const text = JSON.stringify(message);
    for (const socket of this.#sockets) send(socket, text);
  }
}

export function tell(socket: WebSocket, message: object): void {
  send(socket, JSON.stringify(message));
}

function send(socket: WebSocket, text: string): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > UNDER_WAY) {
    socket.close(1013, "it is too slow");
    setTimeout(() => socket.terminate(), 1000).unref();
    return;
  }
  socket.send(text);
}
