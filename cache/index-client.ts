/**
 * Arduino's package indexes by their addresses, fetched as any download and kept for an hour; offline any age will do.
 *
 * Which download an address gave is kept in `answers/SHA256-OF-URL.index.json`: {"schema": 1, "at": ms since 1970, "url", "sha256"}. It appears by a rename; one
 * that does not read, or whose download is gone, is asked for again.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fail, failure, ok } from "../engine/failure.ts";
import { withoutCredentials } from "../engine/redact.ts";
import type { Result } from "../engine/types.ts";
import { supplyHint } from "./fetch/errors.ts";
import { fetchUrl } from "./fetch/fetch.ts";
import { mirrored } from "./fetch/mirrors.ts";
import type { FetchContext } from "./fetch/request.ts";
import { makeFolders } from "./folders.ts";
import { processName } from "./processes.ts";
import { replaceFile } from "./replace-file.ts";

export interface IndexContext extends FetchContext {
  /** The folder of kept answers; made if need be. */
  readonly answers: string;
  readonly mirrors: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What was kept before this moment is asked for again; 0: an hour's age will do. */
  readonly since: number;
}

const KEPT_MS = 3_600_000;
/** Arduino's own has 4 MB. */
const MAX_BYTES = 64 << 20;

/** Codes, exit 4: those of cache/fetch, and fetch.length for more than 64 MB. */
export async function indexText(url: string, context: IndexContext): Promise<Result<string>> {
  const file = join(context.answers, `${createHash("sha256").update(withoutCredentials(url)).digest("hex")}.index.json`);
  const kept = readKept(file);
  const age = kept === null ? Infinity : context.now() - kept.at;
  const isFresh = kept !== null && age >= 0 && age < KEPT_MS && kept.at >= context.since;
  if (kept !== null && (isFresh || context.network === null)) {
    const text = textOf(join(context.downloads, kept.sha256));
    if (text !== null) return ok(text);
  }
  const address = mirrored(url, context.mirrors);
  if (context.network === null && !/^file:/i.test(address))
    return fail(failure("fetch.offline", 4, `${url}: this index is not on disk, and fb is offline`, { hint: supplyHint }));
  const got = await fetchUrl({ url: address, sha256: null, size: null, archive: false }, context);
  if (!got.ok) return got;
  const text = textOf(got.value.file);
  const hint = "look at the index's address: no index is as large";
  if (text === null) return fail(failure("fetch.length", 4, `${url}: the index has ${got.value.size} bytes`, { hint }));
  try {
    makeFolders(context.answers);
    const about = { schema: 1, at: context.now(), url: withoutCredentials(url), sha256: got.value.sha256 };
    replaceFile(file, JSON.stringify(about), `${file}.${processName()}`);
  } catch {
    // What can not be kept is asked for again, no more.
  }
  return ok(text);
}

function textOf(file: string): string | null {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? Infinity;
  return size > MAX_BYTES ? null : readFileSync(file, "utf8");
}

function readKept(file: string): { readonly at: number; readonly sha256: string } | null {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof kept !== "object" || kept === null || !("schema" in kept) || kept.schema !== 1 || !("at" in kept) || !("sha256" in kept))
      return null;
    const { at, sha256 } = kept;
    return typeof at === "number" && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? { at, sha256 } : null;
  } catch {
    return null;
  }
}
