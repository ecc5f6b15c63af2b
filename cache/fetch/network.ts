/**
 * The way out: proxies (HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in both cases; NO_PROXY as curl reads it) and certificates (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS) from the
 * environment, one pool of connections a run, and names that must resolve in seconds: the system's resolver tries for half a minute where there is no network.
 */
import { lookup as systemLookup } from "node:dns";
import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { failure } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { errorCode } from "../trouble.ts";

export interface Timing {
  /** Waits before the second, third, … try, in ms. */
  readonly retries: readonly number[];
  /** A connection must stand within this time. */
  readonly connectMs: number;
  /** A name must resolve within this time. */
  readonly lookupMs: number;
  /** No byte for this long is a broken connection. */
  readonly stallMs: number;
}

export const defaultTiming: Timing = { retries: [1000, 2000, 4000], connectMs: 10_000, lookupMs: 4000, stallMs: 30_000 };

export interface Network {
  readonly dispatcher: Dispatcher;
  readonly timing: Timing;
  /** Which proxy a url goes through, as messages name it (without its password); null: none. */
  proxyOf(url: URL): string | null;
  close(): Promise<void>;
}

type Vars = Readonly<Record<string, string | undefined>>;

/** Costs 100 ms (undici), so only for runs that fetch. Codes: fetch.proxy, fetch.certificates (exit 4), each naming the variable. */
export async function openNetwork(vars: Vars, timing: Timing = defaultTiming): Promise<Result<Network>> {
  const context = certificates(vars);
  if (!context.ok) return context;
  const http = proxy(vars, "http_proxy");
  if (!http.ok) return http;
  const https = proxy(vars, "https_proxy");
  if (!https.ok) return https;
  const { EnvHttpProxyAgent } = await import("undici");
  const tls = context.value === null ? {} : { secureContext: context.value };
  const connect = { timeout: timing.connectMs, lookup: impatientLookup(timing.lookupMs), ...tls };
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: http.value?.href ?? "",
    httpsProxy: https.value?.href ?? "",
    noProxy: either(vars, "no_proxy"),
    connect,
    proxyTls: connect,
    requestTls: connect,
    headersTimeout: timing.stallMs,
    bodyTimeout: timing.stallMs,
    connections: 8,
  });
  const direct = either(vars, "no_proxy")
    .split(/[\s,]+/)
    .map((name) => name.replace(/^\*?\.|:\d+$/g, "").toLowerCase());
  const proxyOf = (url: URL) => {
    const used = url.protocol === "https:" ? (https.value ?? http.value) : http.value;
    const excepted = direct.some((name) => name !== "" && (name === "*" || url.hostname === name || url.hostname.endsWith(`.${name}`)));
    return used === null || excepted ? null : used.host;
  };
  return { ok: true, value: { dispatcher, timing, proxyOf, close: () => dispatcher.destroy() } };
}

function either(vars: Vars, name: string): string {
  return vars[name] ?? vars[name.toUpperCase()] ?? "";
}

function proxy(vars: Vars, name: "http_proxy" | "https_proxy"): Result<URL | null> {
  const text = either(vars, name);
  if (text === "") return { ok: true, value: null };
  try {
    // "proxy.example:3128" is what people write; curl takes it as http too.
    const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    if ((url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "") return { ok: true, value: url };
  } catch {
    // Told below.
  }
  const message = `${name.toUpperCase()} is "${text.replace(/\/\/[^@/]*@/, "//…@")}": expected the url of a proxy, such as http://proxy.example:3128`;
  return { ok: false, failure: failure("fetch.proxy", 4, message, { hint: "correct the variable, or unset it" }) };
}

/** Node itself knows NODE_EXTRA_CA_CERTS, as it was when it started; SSL_CERT_FILE it knows not. */
function certificates(vars: Vars): Result<ReturnType<typeof createSecureContext> | null> {
  const ca: string[] = [];
  for (const name of ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]) {
    const file = vars[name];
    if (file === undefined || file === "") continue;
    if (name === "NODE_EXTRA_CA_CERTS" && file === process.env["NODE_EXTRA_CA_CERTS"]) continue;
    try {
      ca.push(readFileSync(file, "utf8"));
    } catch (error) {
      const message = `${name} names ${file}, which can not be read: ${errorCode(error)}`;
      return {
        ok: false,
        failure: failure("fetch.certificates", 4, message, { file, hint: "name a file of PEM certificates, or unset the variable" }),
      };
    }
  }
  if (ca.length === 0) return { ok: true, value: null };
  try {
    return { ok: true, value: createSecureContext({ ca: [...getCACertificates("default"), ...ca] }) };
  } catch (error) {
    const message = `the certificates of SSL_CERT_FILE or NODE_EXTRA_CA_CERTS can not be used: ${errorCode(error)}`;
    return { ok: false, failure: failure("fetch.certificates", 4, message, { hint: "name files of PEM certificates" }) };
  }
}

/** dns.lookup that gives up with ENOTFOUND; the late answer is dropped. */
function impatientLookup(ms: number): typeof systemLookup {
  // The overloads of lookup say no more than its last argument being the callback.
  const impatient = (host: string, options: object, callback: (...answer: unknown[]) => void) => {
    let told = false;
    const tell = (...answer: unknown[]) => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      callback(...answer);
    };
    const late = () => tell(Object.assign(new Error(`${host} did not resolve within ${ms} ms`), { code: "ENOTFOUND", hostname: host }));
    const timer = setTimeout(late, ms);
    systemLookup(host, options, tell as never);
  };
  return impatient as unknown as typeof systemLookup;
}
