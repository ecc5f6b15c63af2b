/** Small answers over HTTP, whole in memory, with the retries of downloads (cache/fetch): what registries and indexes are asked with. */
import { setTimeout as sleep } from "node:timers/promises";
import { failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { authorizationOf } from "./fetch/credentials.ts";
import { type NetworkTrouble, troubleOf, troubleOfStatus } from "./fetch/errors.ts";
import { mirrored } from "./fetch/mirrors.ts";
import type { Network } from "./fetch/network.ts";
import { fail, interrupted } from "./fetch/request.ts";

export interface HttpContext {
  readonly network: Network;
  /** Prefixes of urls that stand for others. */
  readonly mirrors: ReadonlyMap<string, string>;
  readonly signal: AbortSignal | null;
  /** Told before each further try. */
  readonly onRetry: (failure: Failure, waitMs: number) => void;
}

export interface HttpAnswer {
  /** Below 500. */
  readonly status: number;
  /** The url that answered. */
  readonly url: string;
  readonly body: string;
  /** A header by its name in lower case; null where there is none. */
  header(name: string): string | null;
}

/** No index or answer of a registry is larger; Arduino's own index has 4 MB, its libraries' 40 MB. */
const MAX_BYTES = 64 << 20;

/**
 * The first answer of several urls that say the same; redirects are not followed. Every url is asked before anything is waited for; what can pass (a broken
 * connection, a timeout, 5xx) is tried again after the network's waits. Codes, all exit 4: those of cache/fetch/errors.ts, fetch.aborted, fetch.length.
 */
export async function askHttp(method: "GET" | "HEAD", urls: readonly string[], context: HttpContext): Promise<Result<HttpAnswer>> {
  const { network, onRetry } = context;
  const signal = context.signal ?? undefined;
  for (let tries = 0; ; tries++) {
    let first: NetworkTrouble | null = null;
    for (const url of urls) {
      if (signal?.aborted === true) return fail(interrupted(url));
      const got = await ask(method, mirrored(url, context.mirrors), context);
      if (!("trouble" in got)) return ok(got);
      // One that may come back is worth waiting for, whatever the others say.
      if (first === null || (got.trouble.passing && !first.passing)) first = got.trouble;
    }
    if (first === null) throw new Error("no url to ask");
    const wait = network.timing.retries[tries];
    if (signal?.aborted === true) return fail(interrupted(urls[0] ?? ""));
    if (!first.passing || wait === undefined)
      return fail(tries > 0 ? { ...first.failure, message: `${first.failure.message} (${tries + 1} tries)` } : first.failure);
    onRetry(first.failure, wait);
    try {
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    } catch {
      return fail(interrupted(urls[0] ?? ""));
    }
  }
}

async function ask(method: "GET" | "HEAD", url: string, context: HttpContext): Promise<HttpAnswer | { readonly trouble: NetworkTrouble }> {
  const { request } = await import("undici");
  const { dispatcher, timing, proxyOf } = context.network;
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    const hint = "expected an http or https url; look at the registry's address and at [mirrors]";
    return { trouble: { failure: failure("fetch.url", 4, `"${url}" is no url that fb can ask`, { hint }), passing: false } };
  }
  try {
    const got = await request(url, {
      method,
      dispatcher,
      headers: { accept: "application/json", "user-agent": "fb", ...authorizationOf(new URL(url)) },
      signal: context.signal,
    });
    const header = (name: string): string | null => {
      const value = got.headers[name];
      return value === undefined ? null : Array.isArray(value) ? (value[0] ?? null) : value;
    };
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of got.body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MAX_BYTES) {
        const failed = failure("fetch.length", 4, `${url}: the answer has more than ${MAX_BYTES >> 20} MB`, {
          hint: "look at the registry's address",
        });
        return { trouble: { failure: failed, passing: false } };
      }
      chunks.push(chunk);
    }
    if (got.statusCode >= 500) return { trouble: troubleOfStatus(url, got.statusCode, proxyOf(new URL(url))) };
    return { status: got.statusCode, url, body: Buffer.concat(chunks).toString("utf8"), header };
  } catch (error) {
    return { trouble: troubleOf(url, error, proxyOf(new URL(url)), timing.stallMs) };
  }
}
