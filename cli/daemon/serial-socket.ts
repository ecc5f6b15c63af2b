/** One WebSocket of a serial session, both ways: /ws/serial-monitor, where the client says what to attach, and /ws/monitor/{session_id}, which is attached already. */
import type { WebSocket } from "ws";
import type { Failure } from "../../engine/types.ts";
import type { Channel } from "./channel.ts";
import type { Claims } from "./claims.ts";
import type { Devices } from "./devices.ts";
import type { Hub } from "./hub.ts";
import { type AttachMessage, readMessage, type ServerMessage } from "./messages.ts";
import type { Presence } from "./presence.ts";
import { type Sink, Watcher } from "./watcher.ts";

export interface Parts {
  readonly hub: Hub;
  readonly claims: Claims;
  readonly devices: Devices;
  readonly presence: Presence;
}

/** A client that was cut gets so long to take what is under way and the reason. */
const CUT_MS = 5000;
/** Requests of one client that wait for an answer. */
const WAITING = 1000;

export class SerialSocket {
  readonly #socket: WebSocket;
  readonly #parts: Parts;
  #leave: (() => void) | null = null;
  #client = "";
  #channel: Channel | null = null;
  #watcher: Watcher | null = null;
  #lease: string | null = null;
  /** Messages are taken one after the other: an answer is for the request before it. */
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(socket: WebSocket, parts: Parts) {
    this.#socket = socket;
    this.#parts = parts;
    socket.on("message", (data, binary) => {
      if (++this.#waiting > WAITING) return void socket.close(1008, `more than ${WAITING} requests at once`);
      this.#turn = this.#turn.then(() => this.#hear(binary ? "" : String(data))).finally(() => this.#waiting--);
    });
    socket.on("close", () => {
      this.#closed = true;
      void this.#turn.then(() => this.#detach());
      this.#leave?.();
    });
  }

  get lease(): string | null {
    return this.#lease;
  }

  /** Attached from the start; the session is there. */
  join(channel: Channel, client: string, raw: boolean, from: number | null, pid: number | null): void {
    this.#enter(client);
    this.#turn = this.#turn.then(() => this.#claim(channel.place.id, "monitor", pid)).then(() => this.#watch(channel, client, raw, from));
  }

  /** Its lease was taken from it. */
  lost(text: string): void {
    this.#lease = null;
    this.#send({ type: "ended", error: "lease-lost", message: `the session is over: ${text}`, hint: "" });
    void this.#detach();
  }

  async #hear(text: string): Promise<void> {
    if (this.#closed) return;
    const message = readMessage(text);
    if ("wrong" in message) return this.#error("message", message.wrong);
    switch (message.type) {
      case "ping":
        return this.#send({ type: "pong" });
      case "attach":
        return this.#attach(message);
      case "detach":
        await this.#detach();
        return this.#send({ type: "detached" });
      case "signals": {
        if (this.#channel === null) return this.#error("not-attached", "attach first");
        const { dtr, rts, brk } = message;
        await this.#channel.signals({
          ...(dtr === null ? {} : { dtr }),
          ...(rts === null ? {} : { rts }),
          ...(brk === null ? {} : { brk }),
        });
        return this.#send({ type: "signals_ack" });
      }
      case "write": {
        if (this.#channel === null) return this.#error("not-attached", "attach first");
        const written = await this.#channel.write(message.data);
        const bytes = written.ok ? written.value : 0;
        return this.#send({
          type: "write_ack",
          success: written.ok,
          bytes_written: bytes,
          message: written.ok ? "" : written.failure.message,
        });
      }
      default:
        return message satisfies never;
    }
  }

  async #attach(message: AttachMessage): Promise<void> {
    if (this.#channel !== null) return this.#error("attached", "this socket is attached already: detach first");
    this.#enter(message.client_id);
    const { hub, devices } = this.#parts;
    const device = await devices.find(message.port);
    if (!device.ok) return this.#fail(device.failure);
    await this.#claim(device.value.id, message.description, message.pid);
    const settings = { baud: message.baud_rate, ...message.settings };
    const opened = await hub.open(devices.place(device.value), settings, message.open_if_needed, (channel) =>
      this.#watch(channel, message.client_id, message.raw, message.from_index),
    );
    if (opened.ok) return;
    await this.#detach();
    this.#fail(opened.failure);
  }

  async #claim(device: string, description: string, pid: number | null): Promise<void> {
    const wish = { device, mode: "monitor", client: this.#client, description, ttl: null, pid, takeover: null, patient: true } as const;
    const taken = await this.#parts.claims.take(wish);
    if ("granted" in taken) this.#lease = taken.granted.id;
  }

  #watch(channel: Channel, client: string, raw: boolean, from: number | null): void {
    const watcher = new Watcher(client, raw, from, channel, this.#sink());
    this.#channel = channel;
    this.#watcher = watcher;
    const { id, place, settings, state, pause } = channel;
    this.#send({
      type: "attached",
      session_id: id,
      device_id: place.id,
      port: channel.port,
      baud_rate: settings.baud,
      current_index: watcher.at,
      state,
    });
    channel.watchers.add(watcher);
    if (pause !== null) watcher.tell({ type: "preempted", reason: pause.reason, preempted_by: pause.by });
    watcher.pump();
    if (this.#closed) void this.#detach();
  }

  /** The port is free when this settles, unless others watch it. */
  async #detach(): Promise<void> {
    const channel = this.#channel;
    const watcher = this.#watcher;
    this.#channel = null;
    this.#watcher = null;
    const lease = this.#lease;
    this.#lease = null;
    if (lease !== null) this.#parts.claims.release(lease);
    if (channel === null || watcher === null) return;
    watcher.end();
    channel.watchers.delete(watcher);
    await this.#parts.hub.left(channel);
  }

  #enter(client: string): void {
    if (this.#client === client) return;
    this.#leave?.();
    this.#client = client;
    this.#leave = this.#parts.presence.enter(client);
  }

  #sink(): Sink {
    const socket = this.#socket;
    return {
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (text, done) => socket.send(text, () => done()),
      cut: (why) => {
        void this.#detach();
        socket.close(1013, why.slice(0, 120));
        setTimeout(() => socket.terminate(), CUT_MS).unref();
      },
    };
  }

  #fail(f: Failure): void {
    this.#send({ type: "error", error: f.code, message: f.message, hint: f.hint, exit: f.exit });
  }

  #error(error: string, message: string): void {
    this.#send({ type: "error", error, message, hint: "", exit: 2 });
  }

  #send(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
