/**
 * What is said on the daemon's WebSockets, one JSON object a message.
 *
 * /ws/serial-monitor: fbuild's contract, and beside it: `raw` (bytes as they come, not lines), `settings`, `from_index`, `signals`, `lost` (unplugged; `reconnected` follows when
 * it is back), `ended`. Lines are counted from the session's first, bytes too: `current_index` is how many have been given, so a client that comes again with
 * `from_index` misses and doubles nothing, as long as the session keeps it (256 KiB).
 */
import type { JsonObject } from "./ask.ts";
import type { SerialSettings } from "../device/connection.ts";

export interface AttachMessage {
  readonly type: "attach";
  /** The client's own name for itself: its leases end when its last socket closes. */
  readonly client_id: string;
  /** An address or a device's id. */
  readonly port: string;
  readonly baud_rate: number;
  /** False: only where the port is open already. */
  readonly open_if_needed: boolean;
  /** 8N1 without flow control if not said. */
  readonly settings: Omit<SerialSettings, "baud">;
  /** Bytes instead of lines. */
  readonly raw: boolean;
  /** Null: from now on. Lines, or bytes where raw. */
  readonly from_index: number | null;
  /** For other holders: what for. */
  readonly description: string;
  readonly pid: number | null;
}

export type ClientMessage =
  | AttachMessage
  | { readonly type: "write"; readonly data: Uint8Array }
  | { readonly type: "signals"; readonly dtr: boolean | null; readonly rts: boolean | null; readonly brk: boolean | null }
  | { readonly type: "detach" }
  | { readonly type: "ping" };

/** error: a code of docs/devices.md or of a failure; exit: the failure's, for fb itself. */
export interface ErrorMessage {
  readonly type: "error";
  readonly error: string;
  readonly message: string;
  readonly hint: string;
  readonly exit: number;
}

export type ServerMessage =
  | {
      readonly type: "attached";
      readonly session_id: string;
      readonly device_id: string;
      readonly port: string;
      readonly baud_rate: number;
      readonly current_index: number;
      readonly state: "open" | "preempted" | "lost";
    }
  | { readonly type: "data"; readonly lines: readonly string[]; readonly current_index: number }
  | { readonly type: "data"; readonly data: string; readonly current_index: number }
  | { readonly type: "preempted"; readonly reason: string; readonly preempted_by: string }
  | { readonly type: "lost"; readonly error: string; readonly message: string; readonly hint: string }
  | { readonly type: "reconnected"; readonly port: string; readonly after: "lost" | "preempted" }
  | { readonly type: "write_ack"; readonly success: boolean; readonly bytes_written: number; readonly message: string }
  | { readonly type: "signals_ack" }
  | { readonly type: "detached" }
  | { readonly type: "ended"; readonly error: string | null; readonly message: string; readonly hint: string }
  | { readonly type: "pong" }
  | ErrorMessage;

/** What keeps a message from being understood, or the message. */
export function readMessage(text: string): ClientMessage | { readonly wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { wrong: "a message is a JSON object" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { wrong: "a message is a JSON object" };
  const given = value as JsonObject;
  switch (given["type"]) {
    case "ping":
    case "detach":
      return { type: given["type"] };
    case "write":
      return write(given["data"]);
    case "signals": {
      const level = (name: string) => (typeof given[name] === "boolean" ? given[name] : null);
      return { type: "signals", dtr: level("dtr"), rts: level("rts"), brk: level("brk") };
    }
    case "attach":
      return attach(given);
    default:
      return { wrong: `no message is called ${JSON.stringify(given["type"])?.slice(0, 50)}: attach, write, signals, detach, ping` };
  }
}

function write(data: unknown): ClientMessage | { readonly wrong: string } {
  if (typeof data !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return { wrong: '"data" of a write is base64' };
  return { type: "write", data: Buffer.from(data, "base64") };
}

function attach(given: JsonObject): ClientMessage | { readonly wrong: string } {
  const {
    client_id,
    port,
    baud_rate = 115_200,
    open_if_needed = true,
    raw = false,
    from_index = null,
    description = "monitor",
    pid = null,
  } = given;
  if (typeof client_id !== "string" || client_id === "" || client_id.length > 200)
    return { wrong: '"client_id" is a text of at most 200 characters' };
  if (typeof port !== "string" || port === "" || port.length > 4096) return { wrong: "\"port\" is a port's address or a device's id" };
  if (!wholeFrom(baud_rate, 1, 100_000_000)) return { wrong: '"baud_rate" is a whole number above 0' };
  if (typeof open_if_needed !== "boolean" || typeof raw !== "boolean") return { wrong: '"open_if_needed" and "raw" are true or false' };
  if (from_index !== null && !wholeFrom(from_index, 0, Number.MAX_SAFE_INTEGER)) return { wrong: '"from_index" is a whole number' };
  if (typeof description !== "string" || description.length > 500) return { wrong: '"description" is a text of at most 500 characters' };
  if (pid !== null && !wholeFrom(pid, 1, 2 ** 31)) return { wrong: '"pid" is a process number' };
  const settings = settingsIn(given["settings"] ?? {});
  if (typeof settings === "string") return { wrong: settings };
  return { type: "attach", client_id, port, baud_rate, open_if_needed, raw, from_index, description, pid, settings };
}

function wholeFrom(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
}

/** The names are those of SerialSettings. */
function settingsIn(value: unknown): Omit<SerialSettings, "baud"> | string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return '"settings" is an object';
  const { dataBits = 8, parity = "none", stopBits = 1, rtscts = false, xonxoff = false, dtr = null, rts = null } = value as JsonObject;
  if (dataBits !== 5 && dataBits !== 6 && dataBits !== 7 && dataBits !== 8) return '"dataBits" is 5, 6, 7 or 8';
  if (parity !== "none" && parity !== "even" && parity !== "odd" && parity !== "mark" && parity !== "space")
    return '"parity" is none, even, odd, mark or space';
  if (stopBits !== 1 && stopBits !== 1.5 && stopBits !== 2) return '"stopBits" is 1, 1.5 or 2';
  if (typeof rtscts !== "boolean" || typeof xonxoff !== "boolean") return '"rtscts" and "xonxoff" are true or false';
  if ((dtr !== null && typeof dtr !== "boolean") || (rts !== null && typeof rts !== "boolean"))
    return '"dtr" and "rts" are true, false or null';
  return { dataBits, parity, stopBits, rtscts, xonxoff, dtr, rts };
}
