/**
 * PlatformIO's registry over HTTP (protocol v3): answers by path, kept on disk for an hour as PlatformIO keeps them.
 *
 * An answer is kept in `answers/SHA256-OF-PATH-AND-HOSTS.json`: {"schema": 1, "at": ms since 1970, "path", "answer": JSON or null for 404}. It appears by a rename;
 * one that does not read, is older than an hour or is of another schema is asked for again. Offline any age will do.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { supplyHint, troubleOfStatus } from "./fetch/errors.ts";
import type { Network } from "./fetch/network.ts";
import { fail } from "./fetch/request.ts";
import { makeFolders } from "./folders.ts";
import { askHttp, type HttpContext } from "./http.ts";
import { processName } from "./processes.ts";
import { replaceFile } from "./replace-file.ts";

/** PlatformIO's own; the bases of a service, asked in turn, without a slash at the end. */
export const PLATFORMIO_REGISTRY: readonly string[] = ["https://api.registry.platformio.org", "https://api.registry.nm1.platformio.org"];

export interface RegistryContext {
  /** Bases, as of PLATFORMIO_REGISTRY. */
  readonly hosts: readonly string[];
  /** The folder of kept answers; made if need be. */
  readonly answers: string;
  /** null: offline. */
  readonly network: Network | null;
  readonly mirrors: ReadonlyMap<string, string>;
  readonly signal: AbortSignal | null;
  readonly onRetry: (failure: Failure, waitMs: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** An answer that was kept before this moment is asked for again; 0: an hour's age will do. */
  readonly since: number;
}

const KEPT_MS = 3_600_000;

/**
 * The registry's JSON for a path with its query (`/v3/packages/…`, `/v3/search?query=…`); null for 404. `about`: what is asked for, for messages. Codes, all
 * exit 4: those of askHttp; registry.answer, no JSON; registry.offline, no answer on disk.
 */
export async function registryJson(path: string, about: string, context: RegistryContext): Promise<Result<unknown>> {
  const file = join(context.answers, `${sha256([path, ...context.hosts].join("\n"))}.json`);
  const kept = readKept(file);
  const age = kept === null ? Infinity : context.now() - kept.at;
  // One from the future, of a clock that was set back, is too old too.
  if (kept !== null && (context.network === null || (age >= 0 && age < KEPT_MS && kept.at >= context.since))) return ok(kept.answer);
  if (context.network === null) {
    const message = `${about}: no answer of the registry is on disk, and fb is offline`;
    return fail(failure("registry.offline", 4, message, { hint: supplyHint }));
  }
  const got = await askHttp(
    "GET",
    context.hosts.map((host) => host + path),
    httpOf(context, context.network),
  );
  if (!got.ok) return got;
  const { status, url, body } = got.value;
  if (status === 404) return keep(file, path, null, context);
  if (status !== 200) return fail(refused(url, status, context.network));
  try {
    return keep(file, path, JSON.parse(body), context);
  } catch {
    const hint = "open the url in a browser: a proxy may answer in its place, or want a login";
    return fail(
      failure("registry.answer", 4, `${url}: expected JSON from the registry, got ${JSON.stringify(body.slice(0, 40))}`, { hint }),
    );
  }
}

function httpOf({ mirrors, signal, onRetry }: RegistryContext, network: Network): HttpContext {
  return { network, mirrors, signal, onRetry };
}

function refused(url: string, status: number, network: Network): Failure {
  if (status !== 429) return troubleOfStatus(url, status, network.proxyOf(new URL(url))).failure;
  const hint = "try again tomorrow, or use a mirror ([mirrors] in fb.toml)";
  return failure("fetch.denied", 4, `${url}: the registry gives this address no more for now (HTTP 429)`, { hint });
}

function readKept(file: string): { readonly at: number; readonly answer: unknown } | null {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof kept !== "object" || kept === null || !("schema" in kept) || kept.schema !== 1 || !("at" in kept) || !("answer" in kept))
      return null;
    return typeof kept.at === "number" ? { at: kept.at, answer: kept.answer } : null;
  } catch {
    return null;
  }
}

/** An answer that can not be kept is asked for again, no more. */
function keep(file: string, path: string, answer: unknown, context: RegistryContext): Result<unknown> {
  try {
    makeFolders(context.answers);
    replaceFile(file, JSON.stringify({ schema: 1, at: context.now(), path, answer }), `${file}.${processName()}`);
  } catch {
    return ok(answer);
  }
  return ok(answer);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
