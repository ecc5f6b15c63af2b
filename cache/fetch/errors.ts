/** What went wrong on the way to a url: whether it can pass, which failure it is, and what to do. */
import { failure } from "../../engine/failure.ts";
import type { Failure } from "../../engine/types.ts";
import { errorCode } from "../trouble.ts";

export interface NetworkTrouble {
  readonly failure: Failure;
  /** Worth another try of the same url. */
  readonly passing: boolean;
}

const noNetwork = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EAI_NODATA",
  "EAI_NONAME",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
]);
const timeouts = new Set(["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);
/** Codes of failures before a connection stood, which can pass. */
export const UNCONNECTED: ReadonlySet<string> = new Set(["fetch.refused", "fetch.unanswered"]);

const broken = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET", "UND_ERR_CLOSED", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"]);
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS/;

export const supplyHint =
  "connect to the network, or name a proxy (HTTPS_PROXY) or a mirror ([mirrors] in fb.toml), or bring the packages from another machine (`fb cache export` there, `fb cache import` here)";

/** An error that undici or the system threw. */
export function troubleOf(url: string, error: unknown, proxy: string | null, stallMs: number): NetworkTrouble {
  const codes = codesOf(error);
  const host = proxy === null ? hostOf(url) : `the proxy ${proxy}`;
  const has = (set: ReadonlySet<string>) => codes.find((code) => set.has(code));
  const text = error instanceof Error && error.message !== "" ? error.message : codes.join(", ");
  const make = (code: string, message: string, hint: string, passing: boolean): NetworkTrouble => ({
    failure: failure(code, 4, message, { hint }),
    passing,
  });
  const tunnel = /Proxy (?:response|authentication required) \((\d{3})\)/i.exec(text)?.[1];
  if (tunnel !== undefined) return troubleOfStatus(url, Number(tunnel), proxy);
  const name = certificateCode(codes);
  if (name !== null)
    return make(
      "fetch.certificate",
      `${url}: the certificate of ${host} is not trusted (${name})`,
      "if a company's proxy signs the traffic, name its certificate in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS",
      false,
    );
  if (/wrong version number|packet length too long/i.test(text))
    return make("fetch.failed", `${url}: ${host} does not speak TLS on this port`, "is it an http:// url? Look at the port, too", false);
  if (codes.includes("ECONNREFUSED"))
    return make(
      "fetch.refused",
      `${url}: ${host} refuses the connection`,
      "check the url, the port, the proxy and that the server runs",
      true,
    );
  const late = has(timeouts);
  if (late !== undefined) {
    const what = late === "UND_ERR_BODY_TIMEOUT" ? `sent nothing for ${stallMs / 1000} s` : "does not answer";
    return make(
      late === "UND_ERR_CONNECT_TIMEOUT" || late === "ETIMEDOUT" ? "fetch.unanswered" : "fetch.timeout",
      `${url}: ${host} ${what}`,
      "try again, or name a proxy (HTTPS_PROXY) or a mirror ([mirrors] in fb.toml)",
      true,
    );
  }
  const none = has(noNetwork);
  if (none !== undefined) {
    const unresolved = none.startsWith("EAI") || none === "ENOTFOUND";
    return make(
      "fetch.no-network",
      `${url}: ${unresolved ? `the name of ${host} does not resolve` : `no way to ${host}`} (${none})`,
      supplyHint,
      false,
    );
  }
  const cut = has(broken);
  if (cut !== undefined)
    return make(
      "fetch.broken",
      `${url}: the connection to ${host} broke (${text})`,
      "try again: the next run goes on where it broke",
      true,
    );
  return make("fetch.failed", `${url}: ${text}`, "check the url and the proxy", false);
}

/** An answer that is no success. */
export function troubleOfStatus(url: string, status: number, proxy: string | null): NetworkTrouble {
  const via = proxy === null ? "" : ` (through the proxy ${proxy})`;
  const make = (code: string, what: string, hint: string): NetworkTrouble => ({
    failure: failure(code, 4, `${url}: ${what} (HTTP ${status})${via}`, { hint }),
    passing: status >= 500,
  });
  if (status === 404 || status === 410) return make("fetch.not-found", "there is no such file", "correct the url or the version");
  if (status === 401 || status === 403 || status === 407)
    return make(
      "fetch.denied",
      "the server refuses access",
      "it may want a login, or a proxy blocks it: use a mirror ([mirrors] in fb.toml)",
    );
  if (status === 429)
    return make("fetch.denied", "the server gives this address no more for now", "try again later, or use a mirror ([mirrors] in fb.toml)");
  if (status >= 500) return make("fetch.server", "the server failed", "try again later, or use a mirror ([mirrors] in fb.toml)");
  return make("fetch.status", "the server gave no file", "check the url");
}

/** Codes of an error, of its cause and of each address that was tried. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  const walk = (e: unknown, depth: number) => {
    if (!(e instanceof Error) || depth > 4) return;
    codes.push(errorCode(e));
    if ("errors" in e && Array.isArray(e.errors)) for (const inner of e.errors) walk(inner, depth + 1);
    walk(e.cause, depth + 1);
  };
  walk(error, 0);
  return codes;
}

function certificateCode(codes: readonly string[]): string | null {
  return codes.find((code) => certificate.test(code) && !code.includes(" ")) ?? null;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
