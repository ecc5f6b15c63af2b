/**
 * One client of a session: what the session has had is sent from the client's own place in it, as fast as the client takes it. So a slow one holds up nobody and
 * costs no more memory than what is under way to it; one that is further behind than the session keeps is told so and cut.
 */
import type { ServerMessage } from "./messages.ts";

/** Bytes under way to a client, beyond which it has to take some first. */
const UNDER_WAY = 256 * 1024;
/** Bytes, or lines, of one message. */
const PIECE_BYTES = 32 * 1024;
const PIECE_LINES = 500;
/** Events that wait for a slow client. */
const EVENTS = 1000;

/** The client's end of a WebSocket. */
export interface Sink {
  /** Bytes that it has not taken yet. */
  readonly bufferedAmount: number;
  /** done: when these have left. */
  send(text: string, done: () => void): void;
  /** The last thing it hears. */
  cut(why: string): void;
}

/** Where the session's bytes and lines are. */
export interface Stock {
  readonly bytesEnd: number;
  readonly linesEnd: number;
  bytesSince(index: number): { readonly bytes: Uint8Array; readonly index: number };
  linesSince(index: number, most: number): { readonly lines: readonly string[]; readonly index: number };
}

export class Watcher {
  readonly client: string;
  readonly raw: boolean;
  readonly #sink: Sink;
  readonly #stock: Stock;
  /** What has been sent: bytes where raw, else lines. */
  #at: number;
  /** Sent when the client has had all that came before. */
  readonly #events: { readonly at: number; readonly message: ServerMessage }[] = [];
  #over = false;

  constructor(client: string, raw: boolean, from: number | null, stock: Stock, sink: Sink) {
    this.client = client;
    this.raw = raw;
    this.#sink = sink;
    this.#stock = stock;
    const end = raw ? stock.bytesEnd : stock.linesEnd;
    // What is gone already is not owed: the first message's index tells it.
    this.#at = from === null ? end : Math.min(from, end);
    this.#at = raw ? stock.bytesSince(this.#at).index : stock.linesSince(this.#at, 0).index;
  }

  get at(): number {
    return this.#at;
  }

  /** After all that the session has had by now. */
  tell(message: ServerMessage): void {
    if (this.#over) return;
    if (this.#events.length >= EVENTS) return this.#cut(`${EVENTS} messages are waiting for it`);
    this.#events.push({ at: this.raw ? this.#stock.bytesEnd : this.#stock.linesEnd, message });
    this.pump();
  }

  /** Nothing more is sent. */
  end(): void {
    this.#over = true;
  }

  /** Sends what there is and what the client takes. */
  pump = (): void => {
    while (!this.#over && this.#sink.bufferedAmount < UNDER_WAY) {
      const [event] = this.#events;
      if (event !== undefined && event.at <= this.#at) {
        this.#events.shift();
        this.#send(event.message);
        continue;
      }
      if (!(this.raw ? this.#sendBytes(event?.at) : this.#sendLines(event?.at))) return;
    }
  };

  #sendBytes(until = this.#stock.bytesEnd): boolean {
    if (this.#at >= until) return false;
    const { bytes, index } = this.#stock.bytesSince(this.#at);
    if (index > this.#at) return this.#behind(index - this.#at, "bytes");
    const piece = bytes.subarray(0, Math.min(PIECE_BYTES, until - this.#at));
    this.#at += piece.length;
    this.#send({
      type: "data",
      data: Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("base64"),
      current_index: this.#at,
    });
    return true;
  }

  #sendLines(until = this.#stock.linesEnd): boolean {
    if (this.#at >= until) return false;
    const { lines, index } = this.#stock.linesSince(this.#at, Math.min(PIECE_LINES, until - this.#at));
    if (index > this.#at) return this.#behind(index - this.#at, "lines");
    this.#at += lines.length;
    this.#send({ type: "data", lines, current_index: this.#at });
    return true;
  }

  #behind(missed: number, what: string): false {
    this.#cut(`it is too slow: ${missed} ${what} are gone that it has not had`);
    return false;
  }

  #cut(why: string): void {
    this.#over = true;
    this.#sink.cut(why);
  }

  #send(message: ServerMessage): void {
    this.#sink.send(JSON.stringify(message), this.pump);
  }
}
