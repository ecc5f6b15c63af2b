/**
 * Who may speak to the daemon. It listens on 127.0.0.1 alone, but so does every browser's page reach it: a page's request names its Origin, one that
 * came by DNS rebinding a foreign Host. So each request and each upgrade to a WebSocket has
 * - a Host that is 127.0.0.1, localhost or [::1] with the daemon's port,
 * - no Origin, or one of the same hosts (any port: a page that the user serves here),
 * - the token of the state file, as `Authorization: Bearer TOKEN`; a WebSocket, to which a browser can give no header, may carry it as `?token=TOKEN`.
 * Only `GET /health` and `GET /` need no token: they tell what any program on this machine can see, that a daemon runs and since when.
 */
import { createHash, timingSafeEqual } from "node:crypto";

export interface Credentials {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** Of the address; null where it has none. */
  readonly queryToken: string | null;
}

/** Why a request is refused: an HTTP status and a text for people. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly message: string;
}

const LOCAL = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** open: needs no token. */
export function refusal(from: Credentials, port: number, token: string, open: boolean): Refusal | null {
  if (!localHost(from.host, port))
    return { status: 421, message: `this daemon answers to 127.0.0.1:${port} and localhost:${port}, not to the Host ${shown(from.host)}` };
  if (from.origin !== undefined && !localOrigin(from.origin))
    return { status: 403, message: `pages of ${shown(from.origin)} may not speak to this daemon` };
  if (open) return null;
  const given = /^Bearer +(\S+) *$/i.exec(from.authorization ?? "")?.[1] ?? from.queryToken;
  if (given === null) return { status: 401, message: "a token is needed: Authorization: Bearer TOKEN, as in the daemon's state.json" };
  return sameText(given, token) ? null : { status: 401, message: "this is not the daemon's token: read its state.json again" };
}

function localHost(host: string | undefined, port: number): boolean {
  const parts = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(host ?? "");
  return parts !== null && LOCAL.has((parts[1] ?? "").toLowerCase()) && Number(parts[2]) === port;
}

function localOrigin(origin: string): boolean {
  const parts = /^https?:\/\/(\[[^\]]*\]|[^:/]*)(:\d{1,5})?$/i.exec(origin);
  return parts !== null && LOCAL.has((parts[1] ?? "").toLowerCase());
}

/** In a time that does not tell how much of it is right. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function shown(text: string | undefined): string {
  return text === undefined ? "(none)" : JSON.stringify(text.slice(0, 100));
}
