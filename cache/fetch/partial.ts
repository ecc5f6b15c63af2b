/**
 * A download that is under way: `downloads/.part-KEY-OWNER/` with `data` and `about.json`. KEY stands for the url and the sha256 that it must have; OWNER is the
 * process (cache/processes.ts) and a number, or `free` after a failure. One that is free or whose owner is dead is taken over by renaming the folder, which only
 * one process can do; so no two ever write one file, and a killed download goes on where it stopped.
 */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { makeFolders } from "../folders.ts";
import { isAlive, processName } from "../processes.ts";

/** What a server said of the file that the data is the beginning of. */
export interface About {
  readonly url: string;
  /** A strong ETag or a date, for If-Range (RFC 9110 13.1.5); null: it gave none. */
  readonly validator: string | null;
}

let counter = 0;
const staleMs = 14 * 86_400_000;

export function partialKey(url: string, sha256: string | null): string {
  return createHash("sha256")
    .update(`${url}\n${sha256 ?? ""}`)
    .digest("hex")
    .slice(0, 16);
}

/** An own folder for this download: what another left of the same one, or a new one. */
export function takePartial(downloads: string, key: string): string {
  makeFolders(downloads);
  const mine = join(downloads, `.part-${key}-${processName()}-${counter++}`);
  for (const name of readdirSync(downloads)) {
    if (!name.startsWith(`.part-${key}-`) || !isFree(name)) continue;
    try {
      renameSync(join(downloads, name), mine);
      return mine;
    } catch {
      // Another process was first.
    }
  }
  mkdirSync(mine);
  return mine;
}

/** Kept for the next try of the same download; only the newest one is. */
export function releasePartial(partial: string): void {
  const free = partial.replace(/(\.part-[0-9a-f]{16})-[^/\\]*$/, "$1-free");
  try {
    if (statSync(join(partial, "data"), { throwIfNoEntry: false }) === undefined) rmSync(partial, { recursive: true, force: true });
    else {
      rmSync(free, { recursive: true, force: true });
      renameSync(partial, free);
    }
  } catch {
    // Another one was released meanwhile: this one is taken over as a dead process's later.
  }
}

/** Removes what dead processes left of downloads that nobody took up again for two weeks. */
export function sweepPartials(downloads: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(downloads);
  } catch {
    return;
  }
  for (const name of names) {
    if (!name.startsWith(".part-") || !isFree(name)) continue;
    const path = join(downloads, name);
    const at = statSync(path, { throwIfNoEntry: false });
    if (at !== undefined && Date.now() - at.mtimeMs > staleMs) rmSync(path, { recursive: true, force: true });
  }
}

/** What is there of the data: its size, its hash so far, what is known of it. Nothing where it cannot go on from. */
export async function readPartial(
  partial: string,
  url: string,
  signal: AbortSignal | null,
): Promise<{ readonly size: number; readonly about: About | null; readonly hash: ReturnType<typeof createHash> }> {
  const hash = createHash("sha256");
  let about: About | null = null;
  try {
    const known: unknown = JSON.parse(readFileSync(join(partial, "about.json"), "utf8"));
    if (typeof known === "object" && known !== null && "url" in known && known.url === url && "validator" in known)
      about = { url, validator: typeof known.validator === "string" ? known.validator : null };
  } catch {
    return { size: 0, about: null, hash };
  }
  if (about === null) return { size: 0, about, hash };
  try {
    return { size: await hashInto(hash, join(partial, "data"), signal), about, hash };
  } catch {
    return { size: 0, about: null, hash: createHash("sha256") };
  }
}

export function writeAbout(partial: string, about: About): void {
  writeFileSync(join(partial, "about.json"), JSON.stringify(about));
}

/** So much is hashed in about 30 ms: then whoever draws, or interrupts, has a turn. */
const turnBytes = 16 << 20;

/** @returns the file's size. Throws the system's errors, and the signal's reason where it is aborted. */
export async function hashInto(hash: ReturnType<typeof createHash>, file: string, signal: AbortSignal | null): Promise<number> {
  const chunk = Buffer.allocUnsafeSlow(1 << 20);
  const fd = openSync(file, "r");
  try {
    let size = 0;
    let turn = 0;
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) {
      hash.update(chunk.subarray(0, n));
      size += n;
      turn += n;
      if (turn < turnBytes) continue;
      turn = 0;
      await nextTurn();
      signal?.throwIfAborted();
    }
    return size;
  } finally {
    closeSync(fd);
  }
}

function isFree(name: string): boolean {
  const owner = /^\.part-[0-9a-f]{16}-(.*)$/.exec(name)?.[1];
  return owner === "free" || (owner !== undefined && !isAlive(owner.split("-").slice(0, 3).join("-")));
}
