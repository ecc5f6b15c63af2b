/**
 * One port that stays in use though its device comes and goes: opened again after it was unplugged or reset, given away for a while (a flash) and taken back.
 * One reader; any number of subscribers; writes one after the other.
 *
 *            pause()                   resume()
 *   open ───────────────► paused ───────────────► seeking
 *    │ ▲                    ▲                      │  │
 *    │ └────────────────────┼──────────────────────┘  │ give up
 *    │ port gone: "lost"    │ pause()    "reconnected"│
 *    └──► seeking ──────────┘                         ▼
 *   any ── close() ─────────────────────────────────► ended
 *
 * Bytes are counted from 1st to last over all connections: index is the number of bytes that came before. The latest are kept (KEPT_BYTES), so that a subscriber that
 * comes or looks away for a moment has what it missed.
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { clock } from "../host/clock.ts";
import { addressText, type PortAddress } from "./address.ts";
import { type Connection, type LineChange, openConnection, type SerialSettings } from "./connection.ts";
import { Ring } from "./ring.ts";
import { reappearance } from "./reappear.ts";

/** by: who paused it, for people. after: what it comes back from. */
export type SessionEvent =
  | { readonly is: "lost"; readonly why: Failure }
  | { readonly is: "paused"; readonly reason: string; readonly by: string }
  | { readonly is: "reconnected"; readonly after: "lost" | "paused"; readonly address: PortAddress }
  | { readonly is: "ended"; readonly why: Failure | null };

export interface Subscriber {
  /** index: how many bytes came before the first of these. The bytes are shared: not to be changed. */
  data(bytes: Uint8Array, index: number): void;
  event(event: SessionEvent): void;
}

export type SessionState = "open" | "seeking" | "paused" | "ended";

export interface SessionOptions {
  /** False: a port that goes is the end, with its failure. */
  readonly reconnect: boolean;
  /** Seconds after which a port that does not come back is the end; null: never. */
  readonly patience: number | null;
  /** Where the device is now, which may have another name than before; null: it is not there. */
  locate(address: PortAddress): Promise<PortAddress | null>;
}

/** How long the n-th try waits: PlatformIO's n/2 s, at most so many. */
const LONGEST_WAIT_MS = 5000;
/** Of what came last so much is kept. */
export const KEPT_BYTES = 256 * 1024;

export class PortSession {
  /** As it is named now. */
  address: PortAddress;
  readonly settings: SerialSettings;
  private readonly options: SessionOptions;
  private readonly ring = new Ring(KEPT_BYTES);
  private readonly subscribers = new Set<Subscriber>();
  private connection: Connection | null = null;
  private now: SessionState = "seeking";
  /** Of the search that goes on; a pause or the end stops it. */
  private search: AbortController | null = null;
  /** Of each connection; what one says after its time is not heard. */
  private turn = 0;
  /** Changes of state, one after the other. */
  private changing: Promise<unknown> = Promise.resolve();
  private writing: Promise<unknown> = Promise.resolve();
  private lines: LineChange = {};

  private constructor(address: PortAddress, settings: SerialSettings, options: SessionOptions) {
    this.address = address;
    this.settings = settings;
    this.options = options;
  }

  /** Failure: the port cannot be opened at the start, which is said at once and not tried again. */
  static async open(
    address: PortAddress,
    settings: SerialSettings,
    options: SessionOptions,
    stop: AbortSignal | null = null,
  ): Promise<Result<PortSession>> {
    const session = new PortSession(address, settings, options);
    const opened = await session.connect(address, stop);
    if (!opened.ok) return opened;
    return ok(session);
  }

  get state(): SessionState {
    return this.now;
  }

  /** How many bytes have come. */
  get index(): number {
    return this.ring.end;
  }

  /** The bytes from an index on that are still kept, and the index of the first of them. */
  since(index: number): { readonly bytes: Uint8Array; readonly index: number } {
    return this.ring.since(index);
  }

  /** From now on; from: first what is kept from that index on. Returns what ends it. */
  subscribe(subscriber: Subscriber, from: number | null = null): () => void {
    if (from !== null) {
      const kept = this.since(from);
      if (kept.bytes.length > 0) subscriber.data(kept.bytes, kept.index);
    }
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  /** After the writes that were asked for before. Failure (exit 5): nobody is there to take it. */
  write(bytes: Uint8Array): Promise<Result<number>> {
    const written = this.writing.then(async () => {
      const { connection } = this;
      if (connection === null) return fail<number>(this.away());
      return connection.write(bytes);
    });
    this.writing = written;
    return written;
  }

  /** Sets DTR and RTS, now and after each reconnection; a break now. */
  async signals(lines: LineChange): Promise<void> {
    const { brk: _, ...kept } = lines;
    this.lines = { ...this.lines, ...kept };
    await this.connection?.signals(lines);
  }

  /** Gives the port away; it is free when this settles. What came before has been delivered. */
  pause(reason: string, by: string): Promise<void> {
    this.search?.abort();
    return this.change(async () => {
      if (this.now === "ended" || this.now === "paused") return;
      this.now = "paused";
      this.search?.abort();
      await this.disconnect();
      this.tell({ is: "paused", reason, by });
    });
  }

  /** Takes it back: at once if it is there, else as soon as it is. Settles after the first try. */
  resume(): Promise<void> {
    return this.change(async () => {
      if (this.now !== "paused") return;
      await this.seek("paused");
    });
  }

  /** Ends it; the port is free when this settles. */
  close(): Promise<void> {
    return this.end(null);
  }

  private end(why: Failure | null): Promise<void> {
    this.search?.abort();
    return this.change(async () => {
      if (this.now === "ended") return;
      this.now = "ended";
      await this.disconnect();
      this.tell({ is: "ended", why });
    });
  }

  private change(what: () => Promise<void>): Promise<void> {
    const done = this.changing.then(what);
    this.changing = done.catch(() => {});
    return done;
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = null;
    // What it has read by now still comes: its turn ends with it.
    await connection?.close();
    this.turn++;
  }

  private async connect(address: PortAddress, stop: AbortSignal | null): Promise<Result<Connection>> {
    const turn = ++this.turn;
    const opened = await openConnection(
      address,
      this.settings,
      {
        data: (bytes) => {
          if (turn === this.turn) this.take(bytes);
        },
        closed: (why) => {
          if (turn === this.turn && why !== null) this.lose(why);
        },
      },
      stop,
    );
    if (!opened.ok) return opened;
    this.connection = opened.value;
    this.address = address;
    this.now = "open";
    if (this.lines.dtr !== undefined || this.lines.rts !== undefined) await opened.value.signals(this.lines);
    return opened;
  }

  private take(bytes: Uint8Array): void {
    const index = this.ring.end;
    this.ring.push(bytes);
    for (const one of [...this.subscribers]) one.data(bytes, index);
  }

  private tell(event: SessionEvent): void {
    for (const one of [...this.subscribers]) one.event(event);
  }

  private lose(why: Failure): void {
    void this.change(async () => {
      if (this.now !== "open") return;
      if (!this.options.reconnect) {
        this.now = "ended";
        await this.disconnect();
        return this.tell({ is: "ended", why });
      }
      this.now = "seeking";
      await this.disconnect();
      this.tell({ is: "lost", why });
      await this.seek("lost", why);
    });
  }

  /** The first try is part of the change of state, the others go on beside it until a pause or the end stops them. */
  private async seek(after: "lost" | "paused", lost: Failure | null = null): Promise<void> {
    this.now = "seeking";
    const search = new AbortController();
    this.search = search;
    const { patience } = this.options;
    const until = patience === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + patience * 1000;
    let last = lost;
    const attempt = async () => {
      const place = await this.options.locate(this.address);
      if (place === null || search.signal.aborted) return false;
      const opened = await this.connect(place, search.signal);
      if (!opened.ok) {
        last = opened.failure;
        return false;
      }
      if (this.search === search) this.search = null;
      this.tell({ is: "reconnected", after, address: place });
      return true;
    };
    if (await attempt()) return;
    const goOn = async () => {
      for (let n = 1; ; n++) {
        await reappearance(this.address, Math.min(n * 500, LONGEST_WAIT_MS, until - clock.monotonicMs()), search.signal);
        let over = false;
        await this.change(async () => {
          over = search.signal.aborted || this.now !== "seeking" || (await attempt());
        });
        if (over) return;
        if (clock.monotonicMs() >= until) return void this.end(last ?? this.away());
      }
    };
    void goOn();
  }

  private away(): Failure {
    const why =
      this.now === "paused"
        ? "is in use by somebody else for a moment"
        : this.now === "ended"
          ? "was closed"
          : "is not there at the moment";
    return failure("device.away", 5, `${addressText(this.address)} ${why}`, { hint: "try again when it is back" });
  }
}
