/** How a port is named: the forms that -p, upload_port and monitor_port take, and the ids that the daemon's URLs use. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

/** What can be opened as it is. */
export type PortAddress =
  | { readonly is: "serial"; readonly path: string }
  | { readonly is: "socket"; readonly host: string; readonly port: number }
  | { readonly is: "rfc2217"; readonly host: string; readonly port: number };

/** glob: matched against the ports of the machine (* ? [ ]). id: of a port of the machine, `usb-…` or `dev-…` (ports.ts). unit: from 1. */
export type Address =
  | PortAddress
  | { readonly is: "glob"; readonly pattern: string }
  | { readonly is: "id"; readonly id: string }
  | { readonly is: "sim"; readonly board: string; readonly unit: number };

const FORMS =
  "a port is /dev/ttyACM0, COM3, a pattern as /dev/ttyUSB*, socket://HOST:PORT, rfc2217://HOST:PORT, sim:uno, sim:uno/2, or an id of `fb devices`";
/** What pyserial's urls may carry; none of it changes how fb opens a port. */
const URL_OPTIONS = new Set(["logging", "ign_set_control", "poll_modem", "timeout"]);

/** Failure (exit 2): a text that names no port. A text with `://` is never a pattern, as in PlatformIO. */
export function readAddress(text: string): Result<Address> {
  const word = text.trim();
  const bad = (why: string) =>
    fail<Address>(failure("device.address", 2, `${JSON.stringify(text)} names no port: ${why}`, { hint: FORMS }));
  if (word === "") return bad("it is empty");
  if (word.includes("://")) return readUrl(word, bad);
  if (word.startsWith("sim:")) {
    const [, board, unit] = /^sim:([A-Za-z0-9_][A-Za-z0-9_-]*)(?:\/([1-9][0-9]{0,3}))?$/.exec(word) ?? [];
    return board === undefined
      ? bad("a virtual board is sim:BOARD or sim:BOARD/NUMBER")
      : ok({ is: "sim", board, unit: Number(unit ?? 1) });
  }
  if (word.includes("\0")) return bad("it has a NUL");
  const sim = /^sim-([A-Za-z0-9_][A-Za-z0-9_-]*)-([1-9][0-9]{0,3})$/.exec(word);
  if (sim !== null) return ok({ is: "sim", board: sim[1] ?? "", unit: Number(sim[2]) });
  const net = /^(socket|rfc2217)-([A-Za-z0-9._-]+)-([0-9]+)$/.exec(word);
  if (net !== null) return readUrl(`${net[1]}://${bracketed((net[2] ?? "").replaceAll("_", ":"))}:${net[3]}`, bad);
  if (/^(usb|dev)-[A-Za-z0-9._-]+$/.test(word)) return ok({ is: "id", id: word });
  if (isPattern(word)) return ok({ is: "glob", pattern: word });
  if (/^com[0-9]+$/i.test(word)) return ok({ is: "serial", path: word.toUpperCase() });
  return ok({ is: "serial", path: word });
}

/** As PlatformIO tells patterns from names. */
export function isPattern(text: string): boolean {
  return /[*?[\]]/.test(text);
}

function readUrl(word: string, bad: (why: string) => Result<Address>): Result<Address> {
  const [scheme = ""] = word.split("://");
  const is = scheme.toLowerCase();
  if (is !== "socket" && is !== "rfc2217") return bad(`fb does not know ${scheme}://`);
  const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})\/?(?:\?(.*))?$/.exec(word.slice(scheme.length + 3));
  if (parts === null) return bad(`it is ${is}://HOST:PORT, an IPv6 address in [ ]`);
  const [, six, name, digits, query = ""] = parts;
  const port = Number(digits);
  if (port < 1 || port > 65535) return bad("its port is a number from 1 to 65535");
  const odd = query.split("&").find((one) => one !== "" && !URL_OPTIONS.has(one.split("=")[0] ?? ""));
  return odd === undefined ? ok({ is, host: six ?? name ?? "", port }) : bad(`fb does not know its option ${odd}`);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** As a person writes it; readAddress reads it back. */
export function addressText(a: Address): string {
  switch (a.is) {
    case "serial":
      return a.path;
    case "glob":
      return a.pattern;
    case "id":
      return a.id;
    case "socket":
    case "rfc2217":
      return `${a.is}://${bracketed(a.host)}:${a.port}`;
    case "sim":
      return a.unit === 1 ? `sim:${a.board}` : `sim:${a.board}/${a.unit}`;
  }
}

/**
 * The same in one word that is safe in a URL: `dev-ttyS0`, `dev-pts-3`, `socket-HOST-PORT`, `sim-uno-1`. For a serial port that is known to be on USB the list of
 * ports has a better one (ports.ts: idOf). readAddress reads it back.
 */
export function addressId(a: Address): string {
  switch (a.is) {
    case "serial":
      return safe(`dev-${a.path.replace(/^(\/dev\/|\\\\\.\\|\/)/, "").replaceAll("/", "-")}`);
    case "glob":
      return safe(`dev-${a.pattern}`);
    case "id":
      return a.id;
    case "socket":
    case "rfc2217":
      return safe(`${a.is}-${a.host}-${a.port}`);
    case "sim":
      return `sim-${a.board}-${a.unit}`;
  }
}

/** Other characters than those of a URL's unreserved set become "_". */
export function safe(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, "_");
}
