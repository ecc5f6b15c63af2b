/**
 * A daemon as fb's own processes use it: to hold a device, to watch a port. Every client says by a WebSocket that it is here; when that closes (its end, a crash,
 * kill -9) the daemon ends all that it held.
 */
import { randomUUID } from "node:crypto";
import { isAbsolute, resolve } from "node:path";
import type { WebSocket } from "ws";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { type Address, addressText, type PortAddress, readAddress } from "../device/address.ts";
import type { LineChange, SerialSettings } from "../device/connection.ts";
import { type Answered, ask, askLines, type JsonObject } from "./ask.ts";
import { findDaemon, startDaemon } from "./find.ts";
import type { ServerMessage } from "./messages.ts";
import type { DaemonState } from "./place.ts";
import { openSocket } from "./socket.ts";

/** A daemon answers a question at once; one that gives a port away closes it first. */
const ANSWER_MS = 30_000;
/** RFC 6455, 7.4.1: a WebSocket that was not closed but broke off. */
const BROKE_OFF = 1006;

export interface LeaseWish {
  readonly mode: "exclusive" | "monitor";
  /** What for: others are told, as in "flash uno". */
  readonly description: string;
  readonly ttlSeconds?: number;
  /** Why it is taken from whoever holds it; without it a device that is held is refused. */
  readonly takeover?: string;
}

export interface Lease {
  readonly id: string;
  /** The device's id. */
  readonly device: string;
  /** What a tool opens: a path, or for virtual boards and network ports a host and port. */
  readonly port: PortAddress;
  /** For people: what is odd about the device; null: nothing. */
  readonly note: string | null;
  /** Does nothing when it is over already. */
  release(): Promise<void>;
  /** Settles, with the reason, when it ends otherwise than by release(): expired, taken over, the daemon gone. */
  readonly lost: Promise<string>;
}

export interface AttachFaces {
  /** index: how many bytes the session had before these. */
  data(bytes: Uint8Array, index: number): void;
  /** The port was given to somebody else for a while; `reconnected` follows. */
  preempted(reason: string, by: string): void;
  /** The device is not there (unplugged, reset); `reconnected` follows when it is back. */
  lost(why: Failure): void;
  reconnected(after: "lost" | "preempted"): void;
  /** The last call: why it is over; null after detach(). */
  ended(why: Failure | null): void;
}

export interface Attached {
  readonly session: string;
  readonly device: string;
  /** How the port is called. */
  readonly port: string;
  readonly state: "open" | "preempted" | "lost";
  /** How many bytes the port has taken. */
  write(bytes: Uint8Array): Promise<Result<number>>;
  signals(lines: LineChange): Promise<void>;
  /** Settles when the daemon has let go: if nobody else watches it, the port is being closed. */
  detach(): Promise<void>;
}

/** Finds the daemon, or starts one. With start false: a failure (exit 4) where none runs. */
export async function connectDaemon(
  { start }: { readonly start: boolean },
  vars: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Result<DaemonClient>> {
  if (start) {
    const started = await startDaemon(vars);
    return started.ok ? ok(new DaemonClient(started.value.state, started.value.notes)) : started;
  }
  const found = await findDaemon(vars);
  if (!found.ok) return found;
  if (found.value !== null) return ok(new DaemonClient(found.value, []));
  return fail(failure("daemon.none", 4, "no daemon runs", { hint: "`fb daemon start` starts one; what needs it does so by itself" }));
}

export class DaemonClient {
  readonly state: DaemonState;
  /** Warnings about the daemon that was found. */
  readonly notes: readonly Failure[];
  /** This client's name, for the daemon and in its messages to others. */
  readonly name = `fb-${process.pid}-${randomUUID().slice(0, 8)}`;
  #here: Promise<Result<WebSocket>> | null = null;
  #closed = false;
  /** What ends each lease that is held. */
  readonly #leases = new Map<string, (reason: string) => void>();
  /** Leases that are asked for, and why some were over before the answer came that grants them. */
  #asking = 0;
  readonly #over = new Map<string, string>();

  constructor(state: DaemonState, notes: readonly Failure[]) {
    this.state = state;
    this.notes = notes;
  }

  /** One request. A refusal is an answer, too: its status tells. */
  request(method: "GET" | "POST", path: string, body: object | null = null, stop: AbortSignal | null = null): Promise<Result<Answered>> {
    return ask(this.state, { method, path, body, limitMs: stop === null ? ANSWER_MS : null, stop });
  }

  /** The events of a build or deploy, the last always `result`; stop cancels it. Throws where the connection fails. */
  events(path: string, body: object, stop: AbortSignal | null): AsyncGenerator<JsonObject> {
    return askLines(this.state, { method: "POST", path, body: { ...body, stream: true }, limitMs: null, stop });
  }

  /** Holds a device until release(), its time, or this process's end. Failure (exit 5): who holds it, or that it is not there. */
  async lease(address: Address | string, wish: LeaseWish): Promise<Result<Lease>> {
    const here = await this.#arrive();
    if (!here.ok) return here;
    const named = portName(address);
    if (!named.ok) return named;
    const id = encodeURIComponent(named.value);
    const { mode, description, ttlSeconds, takeover } = wish;
    const who = { client_id: this.name, client_pid: process.pid, ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }) };
    this.#asking++;
    const answer =
      takeover === undefined
        ? await this.request("POST", `/api/devices/${id}/lease`, { ...who, lease_type: mode, description })
        : await this.request("POST", `/api/devices/${id}/preempt`, { ...who, reason: takeover });
    this.#asking--;
    if (!answer.ok) return answer;
    const { status, body } = answer.value;
    if (status !== 200) return fail(refused(status, body));
    const port = portIn(String(body["port"]));
    if (!port.ok) return port;
    return ok(
      this.#held(String(body["lease_id"]), String(body["device_id"]), port.value, typeof body["note"] === "string" ? body["note"] : null),
    );
  }

  #held(id: string, device: string, port: PortAddress, note: string | null): Lease {
    const lost = new Promise<string>((resolve) => this.#leases.set(id, resolve));
    const over = this.#over.get(id);
    if (over !== undefined) this.#lost(id, over);
    if (this.#asking === 0) this.#over.clear();
    const release = async () => {
      if (!this.#leases.delete(id)) return;
      await this.request("POST", `/api/devices/${encodeURIComponent(device)}/release`, { lease_id: id });
    };
    return { id, device, port, note, release, lost };
  }

  /** Watches a port, which is opened if nobody does; the bytes from now on. Failure (exit 5): it does not open. */
  async attach(address: Address | string, settings: SerialSettings, on: AttachFaces, description = "monitor"): Promise<Result<Attached>> {
    const named = portName(address);
    if (!named.ok) return named;
    const attachment = new Attachment(on);
    const socket = await openSocket(this.state, "/ws/serial-monitor", (message) => attachment.hear(message as ServerMessage));
    if (!socket.ok) return socket;
    const { baud, ...others } = settings;
    return attachment.begin(socket.value, {
      type: "attach",
      client_id: this.name,
      port: named.value,
      baud_rate: baud,
      open_if_needed: true,
      settings: others,
      raw: true,
      description,
      pid: process.pid,
    });
  }

  /** Says that it is here, once. */
  #arrive(): Promise<Result<WebSocket>> {
    this.#here ??= this.#enter();
    return this.#here;
  }

  async #enter(): Promise<Result<WebSocket>> {
    let arrived: () => void = () => {};
    const here = new Promise<void>((resolve) => (arrived = resolve));
    const opened = await openSocket(this.state, `/ws/client?client_id=${encodeURIComponent(this.name)}`, (heard) => {
      const message = heard as JsonObject;
      if (message["type"] === "hello") arrived();
      if (message["type"] === "lease_lost") this.#lost(String(message["lease_id"]), String(message["reason"]));
    });
    if (!opened.ok) return opened;
    opened.value.on("close", () => {
      arrived();
      this.#here = null;
      if (!this.#closed) for (const id of this.#leases.keys()) this.#lost(id, "the daemon ended");
    });
    await here;
    return opened;
  }

  #lost(id: string, reason: string): void {
    const end = this.#leases.get(id);
    if (end !== undefined) end(reason);
    else if (this.#asking > 0) this.#over.set(id, reason);
    this.#leases.delete(id);
  }

  /** Ends all leases that are held. */
  async close(): Promise<void> {
    this.#closed = true;
    const here = await this.#here;
    if (here?.ok !== true) return;
    await new Promise<void>((resolve) => {
      here.value.on("close", () => resolve());
      here.value.close();
    });
  }
}

/** One attached session: requests are answered in their order. */
class Attachment {
  #socket: WebSocket | null = null;
  readonly #on: AttachFaces;
  readonly #acks: ((message: ServerMessage | null) => void)[] = [];
  #first: ((message: ServerMessage | null) => void) | null = null;
  #detaching = false;
  #over = false;

  constructor(on: AttachFaces) {
    this.#on = on;
  }

  async begin(socket: WebSocket, message: object): Promise<Result<Attached>> {
    this.#socket = socket;
    socket.on("close", (code, why) => {
      for (const ack of this.#acks.splice(0)) ack(null);
      this.#first?.(null);
      const died = code === BROKE_OFF;
      const text = died ? "it died" : String(why) || "it ended";
      this.#end(this.#detaching ? null : failure(died ? "daemon.died" : "daemon.gone", 5, `the daemon let go of the port: ${text}`));
    });
    const first = new Promise<ServerMessage | null>((resolve) => (this.#first = resolve));
    socket.send(JSON.stringify(message));
    const answer = await first;
    this.#first = null;
    if (answer?.type !== "attached") {
      this.#detaching = true;
      this.#over = true;
      socket.close();
      if (answer?.type === "error") return fail(failure(answer.error, exitOf(answer.exit), answer.message, { hint: answer.hint }));
      return fail(failure("daemon.gone", 4, "the daemon ended before it answered", { hint: "`fb daemon logs` may say why" }));
    }
    const { session_id, device_id, port, state } = answer;
    return ok({
      session: session_id,
      device: device_id,
      port,
      state,
      write: (bytes) => this.#write(bytes),
      signals: async (lines) => void (await this.#asked({ type: "signals", ...lines })),
      detach: () => this.#detach(),
    });
  }

  async #write(bytes: Uint8Array): Promise<Result<number>> {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    const answer = await this.#asked({ type: "write", data });
    if (answer?.type === "write_ack" && answer.success) return ok(answer.bytes_written);
    const why = answer?.type === "write_ack" ? answer.message : answer?.type === "error" ? answer.message : "the session is over";
    return fail(failure("device.write", 5, why));
  }

  async #detach(): Promise<void> {
    if (this.#over) return;
    this.#detaching = true;
    await this.#asked({ type: "detach" });
    const socket = this.#socket;
    await new Promise<void>((resolve) => {
      if (socket === null || socket.readyState === socket.CLOSED) return resolve();
      socket.on("close", () => resolve());
      socket.close();
    });
  }

  #asked(message: object): Promise<ServerMessage | null> {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== socket.OPEN) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#acks.push(resolve);
      socket.send(JSON.stringify(message));
    });
  }

  hear(message: ServerMessage): void {
    switch (message.type) {
      case "attached":
        return this.#first?.(message);
      case "data": {
        if (!("data" in message)) return;
        const bytes = Buffer.from(message.data, "base64");
        const index = message.current_index - bytes.length;
        return this.#over ? undefined : this.#on.data(bytes, index);
      }
      case "preempted":
        return this.#on.preempted(message.reason, message.preempted_by);
      case "lost":
        return this.#on.lost(failure(message.error, 5, message.message, { hint: message.hint }));
      case "reconnected":
        return this.#on.reconnected(message.after);
      case "write_ack":
      case "signals_ack":
      case "detached":
        return this.#acks.shift()?.(message);
      case "error":
        return this.#first === null ? this.#acks.shift()?.(message) : this.#first(message);
      case "ended":
        this.#end(message.error === null ? null : failure(message.error, 5, message.message, { hint: message.hint }));
        return this.#socket?.close();
      case "pong":
        return;
      default:
        return message satisfies never;
    }
  }

  #end(why: Failure | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#on.ended(why);
  }
}

/** A port's name as the daemon takes it, whose current folder is another. */
export function portName(given: Address | string): Result<string> {
  const address = typeof given === "string" ? readAddress(given) : ok(given);
  if (!address.ok) return address;
  const { value } = address;
  const relative = value.is === "serial" && process.platform !== "win32" && !isAbsolute(value.path);
  return ok(relative ? resolve(value.path) : addressText(value));
}

/** What the daemon says no with, as fb says it. */
function refused(status: number, body: JsonObject): Failure {
  const message = String(body["message"] ?? `the daemon answers ${status}`);
  const hint = typeof body["hint"] === "string" ? body["hint"] : "";
  if (status === 409) return failure("device.busy", 5, message, { hint: "wait for its end, or take it: `fb device take ID --reason WHY`" });
  const code = typeof body["error"] === "string" && body["error"].includes(".") ? body["error"] : "daemon.refused";
  return failure(code, status === 400 ? 2 : status === 404 ? 5 : 4, message, { hint });
}

function exitOf(exit: number): Failure["exit"] {
  return exit === 1 || exit === 2 || exit === 3 || exit === 4 ? exit : 5;
}

function portIn(text: string): Result<PortAddress> {
  const address = readAddress(text);
  if (!address.ok) return address;
  const { value } = address;
  if (value.is === "serial" || value.is === "socket" || value.is === "rfc2217") return ok(value);
  return fail(failure("daemon.answer", 4, `the daemon's answer names no port: ${text}`));
}
