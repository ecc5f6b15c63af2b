/** A package's sources, tried in their order: urls and registries. The next one is asked where one can not give the file; never where it gave a wrong one. */
import type { Failure, Result } from "../../engine/types.ts";
import { fetchUrl } from "../fetch/fetch.ts";
import { mirrored } from "../fetch/mirrors.ts";
import { defaultTiming } from "../fetch/network.ts";
import { fail, type Fetched, type FetchContext } from "../fetch/request.ts";
import { fetchGit, parseGit } from "./git.ts";
import { isRegistrySource, parseRegistrySource } from "./ref.ts";
import { fetchFromRegistry } from "./registry-fetch.ts";

export interface Source {
  /** A url (http, https, file), `git+URL#REF`, or `pypi:NAME@VERSION`, `npm:NAME@VERSION`, `deb:NAME`. */
  readonly from: string;
  readonly sha256: string | null;
  readonly size: number | null;
}

export interface SourceContext extends FetchContext {
  readonly mirrors: ReadonlyMap<string, string>;
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

/** Where all fail: the first one's failure, with what the others said in its message. */
export async function fetchFirst(sources: readonly Source[], context: SourceContext): Promise<Result<SourceFetched>> {
  const failures: Failure[] = [];
  for (const [index, source] of sources.entries()) {
    const got = await fetchOne(source, context);
    if (got.ok) return { ok: true, value: { ...got.value, index } };
    failures.push(got.failure);
    if (final.has(got.failure.code)) break;
    const next = sources[index + 1];
    if (next !== undefined) context.onNext(source, got.failure, next);
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
  const git = parseGit(source.from);
  if (git !== null) {
    if (!git.ok) return git;
    const cloned = await fetchGit({ ...git.value, url: mirrored(git.value.url, context.mirrors) }, context, context.vars);
    return cloned.ok ? { ok: true, value: { ...cloned.value, version: cloned.value.commit } } : cloned;
  }
  const got = await fetchUrl({ url: mirrored(source.from, context.mirrors), sha256, size, archive: true }, context);
  return got.ok ? { ok: true, value: { ...got.value, version: null } } : got;
}
