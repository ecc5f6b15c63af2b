/** A package's sources, tried in their order: urls and registries. The next one is asked where one can not give the file; never where it gave a wrong one. */
import type { Failure, Result } from "../../engine/types.ts";
import { UNCONNECTED } from "../fetch/errors.ts";
import { fetchUrl } from "../fetch/fetch.ts";
import { type Credentials, withCredentials } from "../fetch/credentials.ts";
import { mirrored } from "../fetch/mirrors.ts";
import { defaultTiming } from "../fetch/network.ts";
import { fail, type Fetched, type FetchContext } from "../fetch/request.ts";
import { isRegistrySource, parseRegistrySource } from "./ref.ts";
import { fetchFromRegistry } from "./registry-fetch.ts";
import { fetchRepository, parseRepository } from "./repository.ts";

export interface Source {
  /** A url (http, https, file), `git+URL#REF` (`hg+`, `svn+`), or `pypi:NAME@VERSION`, `npm:NAME@VERSION`, `deb:NAME`. */
  readonly from: string;
  readonly sha256: string | null;
  readonly size: number | null;
}

export interface SourceContext extends FetchContext {
  readonly mirrors: ReadonlyMap<string, string>;
  readonly credentials: Credentials;
  /** The environment for registries' clients. */
  readonly vars: Readonly<Record<string, string | undefined>>;
  /** Told when a source failed and the next one is asked. */
  readonly onNext: (failed: Source, why: Failure, next: Source) => void;
}

export interface SourceFetched extends Fetched {
  /** Of `sources`, which one gave the file. */
  readonly index: number;
  /** What a registry says, the commit of a repository; null for urls. */
  readonly version: string | null;
}

/** A file that came and is wrong, a full disk and an interruption end the search: another source must not hide them. */
const final = new Set(["fetch.checksum", "fetch.length", "fetch.aborted", "fetch.write", "cache.disk-full", "source.syntax"]);

/** Each is asked before any is waited for. Where all fail: the first one's failure, with what the others said in its message. */
export async function fetchFirst(sources: readonly Source[], context: SourceContext): Promise<Result<SourceFetched>> {
  const failures: Failure[] = [];
  for (const [index, source] of sources.entries()) {
    const next = sources[index + 1];
    // Whoever has another source does not wait for a host that is not there.
    const got = await fetchOne(source, { ...context, leaveUnconnected: sources.length > 1 });
    if (got.ok) return { ok: true, value: { ...got.value, index } };
    failures.push(got.failure);
    if (final.has(got.failure.code)) break;
    if (next !== undefined) context.onNext(source, got.failure, next);
  }
  for (const [index, source] of sources.length > 1 ? sources.entries() : []) {
    const why = failures[index];
    if (why === undefined || !UNCONNECTED.has(why.code) || failures.some((f) => final.has(f.code))) continue;
    const got = await fetchOne(source, context);
    if (got.ok) return { ok: true, value: { ...got.value, index } };
    failures[index] = got.failure;
    if (final.has(got.failure.code)) return got;
  }
  const last = failures.at(-1);
  const first = last !== undefined && final.has(last.code) ? last : failures[0];
  if (first === undefined) throw new Error("a package without sources");
  const others = failures.filter((f) => f !== first).map((f) => `\n  also: ${f.message}`);
  return fail(first === last && final.has(first.code) ? first : { ...first, message: first.message + others.join("") });
}

async function fetchOne(source: Source, context: SourceContext): Promise<Result<Fetched & { readonly version: string | null }>> {
  const { sha256, size } = source;
  if (isRegistrySource(source.from)) {
    const ref = parseRegistrySource(source.from);
    if (!ref.ok) return ref;
    const { retries } = context.network?.timing ?? defaultTiming;
    return fetchFromRegistry({ ref: ref.value, sha256, size }, context, context.vars, retries);
  }
  const repository = parseRepository(source.from);
  if (repository !== null) {
    if (!repository.ok) return repository;
    const cloned = await fetchRepository({ ...repository.value, url: asked(repository.value.url, context) }, context, context.vars);
    return cloned.ok ? { ok: true, value: { ...cloned.value, version: cloned.value.commit } } : cloned;
  }
  const got = await fetchUrl({ url: asked(source.from, context), sha256, size, archive: true }, context);
  return got.ok ? { ok: true, value: { ...got.value, version: null } } : got;
}

/** A mirror has credentials of its own, if any. */
function asked(url: string, { mirrors, credentials }: SourceContext): string {
  const mirror = mirrored(url, mirrors);
  return mirror === url ? withCredentials(url, credentials) : mirror;
}
