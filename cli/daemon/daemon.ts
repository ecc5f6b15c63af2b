/** The daemon itself: its parts, who is here, whether it is busy, and how it ends. */
import type { WebSocket } from "ws";
import { Claims, holderText } from "./claims.ts";
import type { SimBoards } from "../device/sim/boards.ts";
import { Devices } from "./devices.ts";
import { type DaemonFacts, infoOf } from "./facts.ts";
import { Hub } from "./hub.ts";
import type { Lease } from "./leases.ts";
import type { Log } from "./log.ts";
import { Operations } from "./operations.ts";
import { Presence } from "./presence.ts";
import { SerialSocket } from "./serial-socket.ts";
import { Audience, tell } from "./status-socket.ts";

export class Daemon {
  readonly facts: DaemonFacts;
  readonly log: Log;
  readonly claims: Claims;
  readonly hub: Hub;
  readonly devices: Devices;
  readonly operations: Operations;
  readonly presence: Presence;
  readonly status = new Audience();
  readonly logs = new Audience();
  readonly #sims: SimBoards;
  readonly #serial = new Set<SerialSocket>();
  /** Sockets of clients that hold leases, by the client's name. */
  readonly #clients = new Map<string, Set<WebSocket>>();
  #telling = false;
  /** Since when nobody needs it; null: somebody does. */
  #idleSince: number | null = Date.now();
  readonly #end: (why: string) => void;

  /** end: asks for the end of the process, which calls close(). */
  constructor(facts: DaemonFacts, log: Log, sims: SimBoards, end: (why: string) => void) {
    this.facts = facts;
    this.log = log;
    this.#sims = sims;
    this.#end = end;
    const changed = () => this.#changed();
    this.hub = new Hub(changed);
    this.devices = new Devices(sims);
    this.operations = new Operations(log, changed);
    this.presence = new Presence((client) => this.claims.clientGone(client));
    const faces = {
      pause: (device: string, reason: string, by: string) => this.hub.give(device, { reason, by }),
      resume: (device: string) => void this.hub.takeBack(device),
      lost: (lease: Lease, text: string) => this.#lost(lease, text),
      changed,
    };
    this.claims = new Claims(faces, log);
    log.listen((line) => this.logs.say({ type: "log", line }));
  }

  /** An operation runs, or a device is held alone: ending now would break something. Null: nothing; else what. */
  get operation(): string | null {
    const [running] = this.operations.all();
    if (running !== undefined) return `a ${running.kind} runs (${running.what})`;
    const held = this.claims.leases.all().find((l) => l.mode === "exclusive");
    return held === undefined ? null : `${held.device} is held: ${holderText(held)}`;
  }

  /** Somebody would notice if it were gone. */
  get needed(): boolean {
    return this.operation !== null || this.presence.count + this.claims.leases.all().length + this.status.count + this.logs.count > 0;
  }

  info(): object {
    return infoOf(this.facts, this.clientCount, this.operation !== null);
  }

  get clientCount(): number {
    return this.presence.count + this.status.count + this.logs.count;
  }

  /** What /ws/status tells. */
  snapshot(): object {
    const sessions = this.hub.all().map((c) => ({
      session_id: c.id,
      device_id: c.place.id,
      port: c.port,
      baud_rate: c.settings.baud,
      state: c.state,
      watchers: c.watchers.size,
      bytes: c.bytesEnd,
      since: new Date(c.since).toISOString(),
    }));
    const operations = this.operations.all().map((o) => ({ ...o, since: new Date(o.since).toISOString() }));
    return { ...this.info(), leases: this.claims.leases.all().map(leaseJson), sessions, operations };
  }

  serial(socket: WebSocket): SerialSocket {
    const one = new SerialSocket(socket, this);
    this.#serial.add(one);
    socket.on("close", () => this.#serial.delete(one));
    return one;
  }

  /** A client says that it is here: its leases live as long as this socket. */
  client(socket: WebSocket, name: string): void {
    const leave = this.presence.enter(name);
    const all = this.#clients.get(name) ?? new Set();
    this.#clients.set(name, all.add(socket));
    socket.on("message", (data, binary) => {
      if (!binary && String(data).includes('"ping"')) tell(socket, { type: "pong" });
    });
    socket.on("close", () => {
      all.delete(socket);
      if (all.size === 0) this.#clients.delete(name);
      leave();
      this.#changed();
    });
    tell(socket, { type: "hello", client_id: name });
    this.#changed();
  }

  #lost(lease: Lease, text: string): void {
    for (const one of this.#serial) if (one.lease === lease.id) one.lost(text);
    for (const socket of this.#clients.get(lease.client) ?? [])
      tell(socket, { type: "lease_lost", lease_id: lease.id, device_id: lease.device, reason: text });
  }

  #changed(): void {
    this.#idleSince = this.needed ? null : (this.#idleSince ?? Date.now());
    if (this.#telling || this.status.count === 0) return;
    // Several changes of one moment are told once.
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      this.status.say({ type: "status", ...this.snapshot() });
    });
  }

  /** Ends it when nobody has needed it for so long. Called now and then. */
  endIfIdle(afterMs: number): void {
    this.#idleSince = this.needed ? null : (this.#idleSince ?? Date.now());
    if (this.#idleSince !== null && Date.now() - this.#idleSince >= afterMs) this.#end("nobody needs it");
  }

  /** A request that only asks counts as somebody, too. */
  asked(): void {
    if (this.#idleSince !== null) this.#idleSince = Date.now();
  }

  shutdown(why: string): void {
    this.#end(why);
  }

  async close(): Promise<void> {
    this.claims.close();
    await Promise.all([this.operations.close(), this.hub.close()]);
    await this.#sims.close();
  }
}

export function leaseJson(lease: Lease): object {
  return {
    lease_id: lease.id,
    device_id: lease.device,
    lease_type: lease.mode,
    client_id: lease.client,
    holder: holderText(lease),
    description: lease.description,
    since: new Date(lease.since).toISOString(),
    expires: lease.expires === null ? null : new Date(lease.expires).toISOString(),
  };
}
