/** What is asked of a download, what it gives, and whether what came is what was asked for. */
import { closeSync, openSync, readSync } from "node:fs";
import { failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { kindOf, magicBytes } from "../extract/magic.ts";
import type { Network } from "./network.ts";

export interface FetchRequest {
  /** http, https or file. */
  readonly url: string;
  /** Lower case hex; null: whatever comes is taken, and its sum told. */
  readonly sha256: string | null;
  /** Bytes it must have; null: not known. */
  readonly size: number | null;
  /** An archive is expected: a page instead of it is told as such. */
  readonly archive: boolean;
}

export interface FetchContext {
  /** The folder for downloads; made if need be. */
  readonly downloads: string;
  /** null: offline, only what is there already or `file:`. */
  readonly network: Network | null;
  readonly signal: AbortSignal | null;
  /** Bytes that are here, of how many (null: not known). It may go back: a server that cannot resume begins anew. */
  readonly onProgress: (bytes: number, total: number | null) => void;
  /** Told before each further try. */
  readonly onRetry: (failure: Failure, waitMs: number) => void;
  /** No further try where no connection stood: there is another source. Default: false. */
  readonly leaveUnconnected?: boolean;
}

export interface Fetched {
  readonly file: string;
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  /** It was there before. */
  readonly cached: boolean;
}

export function fail<T>(f: Failure): Result<T> {
  return { ok: false, failure: f };
}

export function isStopped({ signal }: Pick<FetchContext, "signal">): boolean {
  return signal?.aborted === true;
}

export function interrupted(url: string): Failure {
  return failure("fetch.aborted", 4, `fetching ${url} was interrupted`);
}

/** Sum, length and kind of a file that is whole; null: it is what was asked for. */
export function judge(request: FetchRequest, size: number, sha256: string, head: Uint8Array): Failure | null {
  const { url } = request;
  if (request.archive && kindOf(head) === "html")
    return failure("fetch.html", 4, `${url}: expected an archive, got an HTML page of ${size} bytes`, {
      hint: "open the url in a browser: it may want a login, or a proxy answers in its place",
    });
  if (request.size !== null && request.size !== size)
    return failure("fetch.length", 4, `${url}: expected ${request.size} bytes, got ${size}; the file was removed`, {
      hint: "the file behind the url is another one than was published: use another source, or correct the declared size",
    });
  if (request.sha256 !== null && request.sha256 !== sha256)
    return failure("fetch.checksum", 4, `${url}: expected sha256 ${request.sha256}, got ${sha256}; the file was removed`, {
      hint: "the file was damaged or replaced: do not use it unless its publisher confirms the new sum; try another source or mirror",
    });
  return null;
}

/** The first bytes of a file, for telling what it is. */
export function headOfFile(file: string): Uint8Array {
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(magicBytes);
    return head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
}
