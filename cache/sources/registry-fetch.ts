/** Fetches from a registry through its client, and gives what a download gives: one file of `downloads/`, its sha256, its version. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { fetchUrl } from "../fetch/fetch.ts";
import { adoptFile } from "../fetch/file-url.ts";
import { partialKey } from "../fetch/partial.ts";
import { fail, type Fetched, type FetchContext, interrupted } from "../fetch/request.ts";
import { processName } from "../processes.ts";
import { writeTrouble } from "../trouble.ts";
import { type ClientEnd, findProgram, runClient, workFolder } from "./client.ts";
import { type Registry, type RegistryRef, registries } from "./registries.ts";

export interface RegistryRequest {
  readonly ref: RegistryRef;
  readonly sha256: string | null;
  readonly size: number | null;
}

export interface RegistryFetched extends Fetched {
  readonly version: string;
}

/** As for urls (cache/fetch): the clients' own words tell what can pass. */
const passing =
  /timed? ?out|ETIMEDOUT|connection (was )?reset|ECONNRESET|ECONNREFUSED|connection refused|broken|IncompleteRead|50[0234] (server error|bad gateway|service|gateway|internal)|E50[0234]/i;

let counter = 0;

/**
 * Codes: source.not-found, .no-network, .denied, .no-lists, .no-client, .failed, fetch.offline, fetch.checksum, fetch.length, fetch.aborted, cache.disk-full, fetch.write; all of
 * exit 4, with the client's last lines in the message.
 * @param vars the environment that the client gets; its PATH finds it
 * @param retries waits before further tries, in ms
 */
export async function fetchFromRegistry(
  request: RegistryRequest,
  context: FetchContext,
  vars: Readonly<Record<string, string | undefined>>,
  retries: readonly number[],
): Promise<Result<RegistryFetched>> {
  const { ref } = request;
  const label = labelOf(ref);
  const url = { url: label, sha256: request.sha256, size: request.size, archive: false };
  // With the network taken away this looks among the downloads only.
  if (request.sha256 !== null && ref.version !== "") {
    const there = await fetchUrl({ ...url, url: "https://offline.invalid/" }, { ...context, network: null });
    if (there.ok) return { ok: true, value: { ...there.value, url: label, version: ref.version } };
  }
  if (context.network === null)
    return fail(
      failure("fetch.offline", 4, `${label} is not in ${context.downloads}, and fb is offline`, { hint: "run once without --offline" }),
    );
  const registry = registries[ref.registry](ref);
  const command = registry.commands.map((c) => ({ c, program: findProgram([c[0]], vars) })).find((c) => c.program !== null);
  if (command === undefined || command.program === null)
    return fail(
      failure("source.no-client", 4, `${label} needs ${registry.client}, which is not on PATH`, {
        hint: `install ${registry.client}, or use another source`,
      }),
    );
  const argv = [command.program, ...command.c.slice(1)] as const;
  const folder = join(context.downloads, `.part-${partialKey(label, request.sha256)}-${processName()}-c${counter++}`);
  try {
    for (let tries = 0; ; tries++) {
      workFolder(folder);
      const onBytes = (bytes: number) => context.onProgress(bytes, request.size);
      const end = await runClient({ argv, folder, vars, signal: context.signal, onBytes });
      if (end.aborted) return fail(interrupted(label));
      if (end.code === 0) return await adopt(folder, registry, url, context);
      const trouble = troubleOf(label, registry, argv[0], end);
      const wait = retries[tries];
      if (trouble.code !== "source.failed" || wait === undefined || !passing.test(end.lastLines.join("\n"))) return fail(trouble);
      context.onRetry(trouble, wait);
      await sleep(wait, undefined, context.signal === null ? {} : { signal: context.signal });
    }
  } catch (error) {
    return fail(context.signal?.aborted === true ? interrupted(label) : writeTrouble("fetch.write", context.downloads, error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function labelOf(ref: RegistryRef): string {
  return `${ref.registry}:${ref.name}${ref.version === "" ? "" : `@${ref.version}`}`;
}

async function adopt(
  folder: string,
  registry: Registry,
  request: Parameters<typeof adoptFile>[1],
  context: FetchContext,
): Promise<Result<RegistryFetched>> {
  for (const file of readdirSync(folder)) {
    const version = registry.versionOf(file);
    if (version === null) continue;
    const got = await adoptFile(join(folder, file), request, context);
    return got.ok ? { ok: true, value: { ...got.value, version } } : got;
  }
  const hint = "use another source of the package";
  return fail(failure("source.failed", 4, `${request.url}: ${registry.client} ended well but left no package`, { hint }));
}

function troubleOf(label: string, registry: Registry, program: string, end: ClientEnd): Failure {
  const said = end.lastLines.join("\n");
  const known = registry.troubles.find((t) => t.words.test(said));
  // The reason may stand well before the end: pip's last words are the same for most of them.
  const words = end.lastLines
    .slice(-6)
    .map((line) => `\n  ${line}`)
    .join("");
  if (known === undefined)
    return failure(
      "source.failed",
      4,
      `${label}: ${program} failed (${end.code === null ? "it was killed" : `exit ${end.code}`})${words}`,
      {
        hint: "the lines above are the client's own: try its command by hand",
      },
    );
  return failure(known.code, 4, `${label}: ${known.message}${words}`, { hint: known.hint });
}
