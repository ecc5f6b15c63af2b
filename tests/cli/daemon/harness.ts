/** A real daemon process with a cache folder of its own, plain clients that know only the contract, and devices behind TCP. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import { WebSocket } from "ws";
import { type Answered, ask, type JsonObject } from "../../../cli/daemon/ask.ts";
import { DaemonClient } from "../../../cli/daemon/client.ts";
import { startDaemon } from "../../../cli/daemon/find.ts";
import type { DaemonState } from "../../../cli/daemon/place.ts";

/** No answer takes as long: what does hangs. */
export const HANG_MS = 20_000;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "fb-daemon-")));
export const vars = { ...process.env, FB_CACHE_DIR: folder, FB_DAEMON_PORT: "0" };
let started: Promise<DaemonState> | null = null;
const closing: (() => void)[] = [];

test.after(async () => {
  for (const close of closing) close();
  const state = await started?.catch(() => null);
  if (state) process.kill(state.pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** This test file's daemon. */
export function daemon(): Promise<DaemonState> {
  started ??= startDaemon(vars).then((found) => {
    if (!found.ok) throw new Error(`${found.failure.message}\n${found.failure.hint}`);
    return found.value.state;
  });
  return started;
}

export async function client(): Promise<DaemonClient> {
  return new DaemonClient(await daemon(), []);
}

/** One request with the token. */
export async function call(method: "GET" | "POST", path: string, body: object | null = null): Promise<Answered> {
  const answer = await ask(await daemon(), { method, path, body, limitMs: HANG_MS, stop: null });
  if (!answer.ok) throw new Error(answer.failure.message);
  return answer.value;
}

/** A client of one WebSocket that knows messages, and nothing of fb's own code. */
export class Peer {
  readonly socket: WebSocket;
  readonly heard: JsonObject[] = [];
  closed: { readonly code: number; readonly why: string } | null = null;
  #woken: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    closing.push(() => socket.terminate());
    socket.on("message", (data) => {
      this.heard.push(JSON.parse(String(data)) as JsonObject);
      this.#wake();
    });
    socket.on("close", (code, why) => {
      this.closed = { code, why: String(why) };
      this.#wake();
    });
  }

  static async open(path: string): Promise<Peer> {
    const { port, token } = await daemon();
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on("open", () => resolve());
      socket.on("error", reject);
    });
    return peer;
  }

  /** A monitor of a port, by the contract's words. */
  static async monitor(port: string, more: object = {}): Promise<Peer> {
    const peer = await Peer.open("/ws/serial-monitor");
    peer.say({ type: "attach", client_id: `peer-${Math.random()}`, port, baud_rate: 115200, open_if_needed: true, ...more });
    await peer.until((m) => m["type"] === "attached" || m["type"] === "error");
    return peer;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  #wake(): void {
    for (const wake of this.#woken.splice(0)) wake();
  }

  /** The first message for which `is` holds, of those from number `from` on. */
  async until(is: (message: JsonObject) => boolean, from = 0): Promise<JsonObject> {
    for (;;) {
      const found = this.heard.slice(from).find(is);
      if (found !== undefined) return found;
      if (this.closed !== null)
        throw new Error(`closed (${this.closed.code} ${this.closed.why}) after ${JSON.stringify(this.heard.slice(-5))}`);
      await this.#something();
    }
  }

  /** Until a message of this type has come so often. */
  async untilType(type: string, times = 1): Promise<JsonObject> {
    await this.when(() => this.of(type).length >= times);
    return this.of(type)[times - 1] ?? {};
  }

  async when(is: () => boolean): Promise<void> {
    while (!is()) {
      if (this.closed !== null)
        throw new Error(`closed (${this.closed.code} ${this.closed.why}) after ${JSON.stringify(this.heard.slice(-5))}`);
      await this.#something();
    }
  }

  async untilClosed(): Promise<{ readonly code: number; readonly why: string }> {
    while (this.closed === null) await this.#something();
    return this.closed;
  }

  #something(): Promise<void> {
    return new Promise((resolve, reject) => {
      const hang = setTimeout(() => reject(new Error(`nothing came; so far ${JSON.stringify(this.heard.slice(-5))}`)), HANG_MS);
      this.#woken.push(() => {
        clearTimeout(hang);
        resolve();
      });
    });
  }

  of(type: string): JsonObject[] {
    return this.heard.filter((m) => m["type"] === type);
  }

  get lines(): string[] {
    return this.of("data").flatMap((m) => m["lines"] as string[]);
  }
}

/** A device behind TCP: what it is sent, who is connected, how often it was opened. */
export class Board {
  readonly server: Server;
  readonly port: string;
  socket: Socket | null = null;
  opened = 0;
  received = "";
  #woken: (() => void)[] = [];

  private constructor(server: Server) {
    this.server = server;
    this.port = `socket://127.0.0.1:${(server.address() as AddressInfo).port}`;
    closing.push(() => {
      this.socket?.destroy();
      server.close();
    });
    server.on("connection", (socket) => {
      this.socket = socket;
      this.opened++;
      socket.on("data", (d) => {
        this.received += d;
        this.#wake();
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        if (this.socket === socket) this.socket = null;
        this.#wake();
      });
      this.#wake();
    });
  }

  static async open(port = 0): Promise<Board> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new Board(server);
  }

  say(text: string): void {
    this.socket?.write(text);
  }

  #wake(): void {
    for (const wake of this.#woken.splice(0)) wake();
  }

  async when(is: () => boolean): Promise<void> {
    while (!is())
      await new Promise<void>((resolve, reject) => {
        const hang = setTimeout(() => reject(new Error(`the board waits in vain: ${this.received.slice(-200)}`)), HANG_MS);
        this.#woken.push(() => {
          clearTimeout(hang);
          resolve();
        });
      });
  }
}
