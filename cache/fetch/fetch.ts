/**
 * One url to one file of `downloads/`, which is named by its sha256: so a file that is there is never fetched again, and two processes that fetch the same one end
 * with the same. Tries again what can pass, goes on where a connection broke (Range, RFC 9110 14), and gives up at once where no network is.
 */
import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, renameSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../../engine/failure.ts";
import { withoutCredentials } from "../../engine/redact.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { writeTrouble } from "../trouble.ts";
import { authorizationOf } from "./credentials.ts";
import { type NetworkTrouble, UNCONNECTED, supplyHint, troubleOf, troubleOfStatus } from "./errors.ts";
import { fetchFile } from "./file-url.ts";
import type { Network } from "./network.ts";
import { hashInto, partialKey, readPartial, releasePartial, sweepPartials, takePartial, writeAbout } from "./partial.ts";
import { fail, type Fetched, type FetchContext, type FetchRequest, headOfFile, interrupted, isStopped, judge } from "./request.ts";

const maxRedirects = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Codes, all of exit 4: fetch.no-network, .refused, .unanswered, .timeout, .broken, .certificate, .not-found, .denied, .server, .status, .redirects, .length, .checksum, .html,
 * .url, .failed, .offline, .aborted; cache.disk-full and fetch.write where the file can not be written.
 */
export async function fetchUrl(request: FetchRequest, context: FetchContext): Promise<Result<Fetched>> {
  const there = await cached(request, context);
  if (there !== null) return { ok: true, value: there };
  const { url } = request;
  if (!URL.canParse(url) || !/^(https?|file):/i.test(url))
    return fail(failure("fetch.url", 4, `"${url}" is no url that fb can fetch`, { hint: "use http, https or file" }));
  if (isStopped(context)) return fail(interrupted(url));
  if (/^file:/i.test(url)) return fetchFile(request, context);
  const { network } = context;
  if (network === null)
    return fail(failure("fetch.offline", 4, `${url} is not in ${context.downloads}, and fb is offline`, { hint: supplyHint }));
  let partial: string | null = null;
  let finished = false;
  try {
    sweepPartials(context.downloads);
    partial = takePartial(context.downloads, partialKey(url, request.sha256));
    const download = new Download(request, context, network, partial);
    const result = await download.run();
    finished = result.ok || download.spoiled;
    return result;
  } catch (error) {
    return fail(isStopped(context) ? interrupted(url) : writeTrouble("fetch.write", context.downloads, error));
  } finally {
    if (partial !== null && finished) rmSync(partial, { recursive: true, force: true });
    else if (partial !== null) releasePartial(partial);
  }
}

/** Its time tells when it was last of use. */
function used(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Another user's file, or a read-only disk.
  }
}

/** The file of this sha256, if it is there and sound; a damaged one is removed. null also where it was interrupted. */
async function cached(request: FetchRequest, context: FetchContext): Promise<Fetched | null> {
  if (request.sha256 === null) return null;
  const file = join(context.downloads, request.sha256);
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined) return null;
  const hash = createHash("sha256");
  try {
    const size = await hashInto(hash, file, context.signal);
    if (hash.digest("hex") === request.sha256) {
      used(file);
      return { file, url: request.url, sha256: request.sha256, size, cached: true };
    }
  } catch {
    if (isStopped(context)) return null;
    // Unreadable is as good as damaged.
  }
  rmSync(file, { recursive: true, force: true });
  return null;
}

type Step = { readonly is: "done"; readonly fetched: Fetched } | { readonly is: "trouble"; readonly trouble: NetworkTrouble };

class Download {
  /** What is there is of no use to a later run. */
  spoiled = false;
  readonly #request: FetchRequest;
  readonly #context: FetchContext;
  readonly #network: Network;
  readonly #partial: string;

  constructor(request: FetchRequest, context: FetchContext, network: Network, partial: string) {
    this.#request = request;
    this.#context = context;
    this.#network = network;
    this.#partial = partial;
  }

  async run(): Promise<Result<Fetched>> {
    const { retries } = this.#network.timing;
    const { signal, onRetry } = this.#context;
    let resumed = true;
    for (let tries = 0; ; ) {
      const step = await this.#attempt(resumed);
      if (step.is === "done") return { ok: true, value: step.fetched };
      const { trouble } = step;
      if (signal?.aborted === true) return fail(interrupted(this.#request.url));
      // What an earlier run left may have been another file's beginning: once more from the start.
      if (this.spoiled && trouble.failure.code === "fetch.checksum" && this.#resumedFrom > 0) {
        this.spoiled = false;
        resumed = false;
        continue;
      }
      const wait = retries[tries++];
      const left = this.#context.leaveUnconnected === true && UNCONNECTED.has(trouble.failure.code);
      if (!trouble.passing || wait === undefined || left) return fail(tries > 1 ? afterTries(trouble.failure, tries) : trouble.failure);
      onRetry(trouble.failure, wait);
      try {
        await sleep(wait, undefined, signal === null ? {} : { signal });
      } catch {
        return fail(interrupted(this.#request.url));
      }
      resumed = true;
    }
  }

  /** Where the last attempt began. */
  #resumedFrom = 0;
  /** What the server says that it did to the file. Many say so of archives that they send as they are, so it counts only where these are not what is wanted. */
  #encoding = "identity";

  #wrong(size: number, sha256: string, head: Uint8Array): Failure | null {
    const wrong = judge(this.#request, size, sha256, head);
    if (wrong === null || this.#encoding === "identity") return wrong;
    return { ...wrong, message: `${wrong.message} (sent with Content-Encoding ${this.#encoding}, which fb did not ask for)` };
  }

  async #attempt(resume: boolean): Promise<Step> {
    const data = join(this.#partial, "data");
    const known = await readPartial(this.#partial, withoutCredentials(this.#request.url), this.#context.signal);
    // Without a validator only the sum can tell whether both halves are of one file.
    const from = resume && known.about !== null && (known.about.validator !== null || this.#request.sha256 !== null) ? known.size : 0;
    const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "fb" };
    if (from > 0) {
      headers["range"] = `bytes=${from}-`;
      if (known.about?.validator != null) headers["if-range"] = known.about.validator;
    }
    this.#resumedFrom = from;
    const answer = await this.#ask(headers);
    if ("trouble" in answer) return { is: "trouble", trouble: answer.trouble };
    const { status, body, url } = answer;
    if (status === 416 && from > 0) {
      // The file is shorter than what is here, or just as long: it is another one, or was whole.
      body.destroy();
      rmSync(data, { force: true });
      return this.#attempt(false);
    }
    if (status !== 200 && status !== 206) {
      body.destroy();
      return { is: "trouble", trouble: troubleOfStatus(url, status, this.#network.proxyOf(new URL(url))) };
    }
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header("content-range") ?? "");
    const start = status === 206 ? Number(range?.[1] ?? -1) : 0;
    if (start !== 0 && start !== from) {
      body.destroy();
      // Of the whole that was asked for it has sent a part: it would do so again.
      if (from === 0) return { is: "trouble", trouble: troubleOfStatus(url, status, this.#network.proxyOf(new URL(url))) };
      rmSync(data, { force: true });
      return this.#attempt(false);
    }
    this.#encoding = (answer.header("content-encoding") ?? "identity").slice(0, 40);
    const length = answer.header("content-length");
    const whole = range?.[2] !== undefined && range[2] !== "*" ? Number(range[2]) : length === null ? null : start + Number(length);
    if (this.#request.size !== null && whole !== null && whole !== this.#request.size) {
      body.destroy();
      this.spoiled = true;
      const wrong = this.#wrong(whole, "", new Uint8Array(0));
      if (wrong !== null) return { is: "trouble", trouble: { failure: wrong, passing: false } };
    }
    writeAbout(this.#partial, {
      url: withoutCredentials(this.#request.url),
      validator: validatorOf(answer.header("etag"), answer.header("last-modified")),
    });
    return this.#receive(body, url, start, start === 0 ? createHash("sha256") : known.hash, whole);
  }

  async #receive(body: Body, url: string, start: number, hash: ReturnType<typeof createHash>, whole: number | null): Promise<Step> {
    const data = join(this.#partial, "data");
    const { onProgress } = this.#context;
    let size = start;
    const fd = openSync(data, start === 0 ? "w" : "r+");
    try {
      ftruncateSync(fd, start);
      onProgress(size, whole);
      const chunks = body[Symbol.asyncIterator]();
      for (;;) {
        let next: IteratorResult<Uint8Array>;
        try {
          next = await chunks.next();
        } catch (error) {
          return { is: "trouble", trouble: this.#cut(url, error, size, whole) };
        }
        if (next.done === true) break;
        const chunk = next.value;
        hash.update(chunk);
        for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done, chunk.length - done, size + done);
        size += chunk.length;
        onProgress(size, whole);
      }
    } finally {
      closeSync(fd);
      body.destroy();
    }
    if (whole !== null && size < whole) return { is: "trouble", trouble: this.#cut(url, new Error("it ended"), size, whole) };
    const sha256 = hash.digest("hex");
    const wrong = this.#wrong(size, sha256, headOfFile(data));
    if (wrong !== null) {
      this.spoiled = true;
      rmSync(data, { force: true });
      return { is: "trouble", trouble: { failure: wrong, passing: false } };
    }
    const file = join(this.#context.downloads, sha256);
    renameSync(data, file);
    return { is: "done", fetched: { file, url, sha256, size, cached: false } };
  }

  /** A body that did not come to its end. */
  #cut(url: string, error: unknown, size: number, whole: number | null): NetworkTrouble {
    const trouble = troubleOf(url, error, this.#network.proxyOf(new URL(url)), this.#network.timing.stallMs);
    const so = `${trouble.failure.message}, after ${size} of ${whole ?? "unknown"} bytes`;
    const code = trouble.failure.code === "fetch.failed" ? "fetch.broken" : trouble.failure.code;
    const hint = "try again: the next run goes on where it broke";
    return { failure: { ...trouble.failure, code, message: so, hint }, passing: true };
  }

  /** Follows redirects; http and https only. */
  async #ask(headers: Record<string, string>): Promise<Answer | { readonly trouble: NetworkTrouble }> {
    const { request } = await import("undici");
    const { dispatcher, timing } = this.#network;
    let url = this.#request.url;
    let said = authorizationOf(new URL(url));
    for (let hops = 0; ; hops++) {
      let got: Awaited<ReturnType<typeof request>>;
      try {
        got = await request(url, { dispatcher, headers: { ...headers, ...said }, signal: this.#context.signal ?? null });
      } catch (error) {
        return { trouble: troubleOf(url, error, this.#network.proxyOf(new URL(url)), timing.stallMs) };
      }
      // A body that is given up emits an error; whoever iterates over it gets its errors all the same.
      got.body.on("error", () => {});
      const header = (name: string) => {
        const value = got.headers[name];
        return value === undefined ? null : Array.isArray(value) ? (value[0] ?? null) : value;
      };
      const to = header("location");
      if (!redirects.has(got.statusCode) || to === null) return { status: got.statusCode, body: got.body, url, header };
      got.body.destroy();
      const next = URL.canParse(to, url) ? new URL(to, url) : null;
      const looped = hops >= maxRedirects;
      if (looped || next === null || !/^https?:$/.test(next.protocol)) {
        const why = looped ? `redirects more than ${maxRedirects} times, last to ${to}` : `redirects to "${to}", which is no http url`;
        return {
          trouble: { failure: failure("fetch.redirects", 4, `${this.#request.url}: ${why}`, { hint: "correct the url" }), passing: false },
        };
      }
      // What is for one host is nobody else's.
      if (next.origin !== new URL(url).origin || next.username !== "") said = authorizationOf(next);
      url = next.href;
    }
  }
}

interface Body extends AsyncIterable<Uint8Array> {
  destroy(): unknown;
}

interface Answer {
  readonly status: number;
  readonly body: Body;
  /** The last one of the redirects. */
  readonly url: string;
  header(name: string): string | null;
}

/** RFC 9110 8.8.3.2, 13.1.5: only a strong ETag says that bytes are equal. */
function validatorOf(etag: string | null, modified: string | null): string | null {
  return etag !== null && !etag.startsWith("W/") ? etag : modified;
}

function afterTries(f: Failure, tries: number): Failure {
  return { ...f, message: `${f.message} (${tries} tries)` };
}
