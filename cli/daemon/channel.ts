/** One device's serial session in the daemon: one reader of the port, any number of watchers; the port is open while somebody watches and nobody else has the device. */
import { randomUUID } from "node:crypto";
import { fail, failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { addressText, type PortAddress } from "../device/address.ts";
import type { LineChange, SerialSettings } from "../device/connection.ts";
import { PortSession, type SessionEvent } from "../device/session.ts";
import { Lines } from "./lines.ts";
import type { ServerMessage } from "./messages.ts";
import type { Stock, Watcher } from "./watcher.ts";

/** Where a device is, each time that it is opened. */
export interface Place {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** To open it. Failure (exit 5): it is not there, with the ports that are. */
  open(): Promise<Result<OpenPlace>>;
  /** Where it is now, after it was lost; null: nowhere. */
  locate(): Promise<PortAddress | null>;
}

export interface OpenPlace {
  readonly address: PortAddress;
  /** For people: what is odd about it; null: nothing. */
  readonly note: string | null;
}

/** Why a device's port is given away. */
export interface Pause {
  readonly reason: string;
  readonly by: string;
}

export class Channel implements Stock {
  readonly id = randomUUID();
  readonly place: Place;
  readonly settings: SerialSettings;
  readonly since = Date.now();
  readonly watchers = new Set<Watcher>();
  /** Who waits for it to be ready. */
  coming = 0;
  readonly #lines = new Lines();
  #session: PortSession | null = null;
  #pause: Pause | null;
  /** Its watchers have been told of the pause; who comes later is told then. */
  #announced: boolean;
  /** The opening that is under way, or done. */
  #opening: Promise<Result<null>> | null = null;
  #ended = false;
  readonly #onEnd: (channel: Channel) => void;

  /** onEnd: it is over; its watchers have been told. */
  constructor(place: Place, settings: SerialSettings, pause: Pause | null, onEnd: (channel: Channel) => void) {
    this.place = place;
    this.settings = settings;
    this.#pause = pause;
    this.#announced = pause !== null;
    this.#onEnd = onEnd;
  }

  get bytesEnd(): number {
    return this.#session?.index ?? 0;
  }

  get linesEnd(): number {
    return this.#lines.end;
  }

  bytesSince(index: number): { readonly bytes: Uint8Array; readonly index: number } {
    return this.#session?.since(index) ?? { bytes: new Uint8Array(), index: 0 };
  }

  linesSince(index: number, most: number): { readonly lines: readonly string[]; readonly index: number } {
    return this.#lines.since(index, most);
  }

  get partialLine(): string {
    return this.#lines.partial;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Null: it is not given away, or its watchers will be told so yet. */
  get pause(): Pause | null {
    return this.#announced ? this.#pause : null;
  }

  get state(): "open" | "preempted" | "lost" {
    return this.pause !== null ? "preempted" : this.#session?.state === "open" ? "open" : "lost";
  }

  /** How the port is called now. */
  get port(): string {
    return this.#session === null ? this.place.name : addressText(this.#session.address);
  }

  /** Opens the port unless it is open or given away. */
  ready(): Promise<Result<null>> {
    if (this.#pause !== null && this.#session === null) return Promise.resolve({ ok: true, value: null });
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<Result<null>> {
    const place = await this.place.open();
    if (!place.ok) return place;
    const options = { reconnect: true, patience: null, locate: () => this.place.locate() };
    const opened = await PortSession.open(place.value.address, this.settings, options);
    if (!opened.ok) return opened;
    if (this.#ended) {
      await opened.value.close();
      return fail(failure("device.away", 5, `${this.place.name} was closed while it was opened`));
    }
    this.#session = opened.value;
    opened.value.subscribe({ data: (bytes) => this.#take(bytes), event: (event) => this.#hear(event) });
    return { ok: true, value: null };
  }

  #take(bytes: Uint8Array): void {
    const ended = this.#lines.push(bytes);
    for (const watcher of this.watchers) if (watcher.raw || ended > 0) watcher.pump();
  }

  #hear(event: SessionEvent): void {
    switch (event.is) {
      case "lost":
        return this.#tell({ type: "lost", ...said(event.why) });
      case "paused":
        // Said by give().
        return;
      case "reconnected":
        return this.#tell({
          type: "reconnected",
          port: addressText(event.address),
          after: event.after === "paused" ? "preempted" : "lost",
        });
      case "ended":
        return this.end(event.why);
      default:
        return event satisfies never;
    }
  }

  /** Gives the port away; it is free when this settles. One give or takeBack at a time. */
  async give(pause: Pause): Promise<void> {
    this.#pause = pause;
    await this.#opening;
    await this.#session?.pause(pause.reason, pause.by);
    if (this.#announced || this.#ended) return;
    this.#announced = true;
    this.#tell({ type: "preempted", reason: pause.reason, preempted_by: pause.by });
  }

  /** Takes it back. */
  async takeBack(): Promise<void> {
    if (this.#pause === null || this.#ended) return;
    this.#pause = null;
    this.#announced = false;
    // Not waited for: a port that is slow to open must not keep the next lease waiting. The session keeps the order.
    if (this.#session !== null) return void this.#session.resume();
    const opened = await this.ready();
    if (!opened.ok) return this.end(opened.failure);
    this.#tell({ type: "reconnected", port: this.port, after: "preempted" });
  }

  async write(bytes: Uint8Array): Promise<Result<number>> {
    return this.#session === null ? fail(failure("device.away", 5, `${this.place.name} is not open now`)) : this.#session.write(bytes);
  }

  async signals(lines: LineChange): Promise<void> {
    await this.#session?.signals(lines);
  }

  /** Ends it; the port is free when this settles. */
  async close(): Promise<void> {
    if (this.#session === null) this.end(null);
    await this.#opening;
    await this.#session?.close();
  }

  /** Over, for all who watch. */
  end(why: Failure | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tell({ type: "ended", ...(why === null ? { error: null, message: "the session is over", hint: "" } : said(why)) });
    this.#onEnd(this);
  }

  #tell(message: ServerMessage): void {
    for (const watcher of this.watchers) watcher.tell(message);
  }
}

function said(why: Failure): { readonly error: string; readonly message: string; readonly hint: string } {
  return { error: why.code, message: why.message, hint: why.hint };
}
