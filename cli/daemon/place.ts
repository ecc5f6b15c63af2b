/**
 * Where a daemon lies: the folder `daemon/` of the cache, with its state file, its log and what its start is locked by.
 *
 * `state.json` (0600, replaced by rename): a JSON object as DaemonState. It is a hint: who reads it asks the port whether a daemon with this pid answers there. One that
 * does not read, or whose daemon is gone, counts as none. The token in it is what keeps other users and web pages out.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, makeFolders } from "../../cache/folders.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

export interface DaemonState {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  /** What every request carries. */
  readonly token: string;
  readonly version: string;
  /** The digest of its fb: another one is another program. */
  readonly build: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface DaemonPlace {
  readonly folder: string;
  readonly state: string;
  readonly log: string;
}

/** Made if it is not there, for the user alone. */
export function daemonPlace(vars: Readonly<Record<string, string | undefined>>): Result<DaemonPlace> {
  const cache = cacheFolder(vars);
  if (!cache.ok) return cache;
  const folder = join(cache.value, "daemon");
  try {
    makeFolders(folder, 0o700);
    chmodSync(folder, 0o700);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(failure("daemon.folder", 4, `the daemon's folder ${folder} can not be made: ${why}`, { hint: "see that it is yours" }));
  }
  return ok({ folder, state: join(folder, "state.json"), log: join(folder, "daemon.log") });
}

/** Null where there is none, or none that reads. */
export function readState(place: DaemonPlace): DaemonState | null {
  try {
    return stateIn(JSON.parse(readFileSync(place.state, "utf8")));
  } catch {
    return null;
  }
}

function stateIn(value: unknown): DaemonState | null {
  if (typeof value !== "object" || value === null) return null;
  const { pid, host, port, token, version, build, startedAt } = value as Readonly<Record<string, unknown>>;
  if (typeof pid !== "number" || typeof host !== "string" || typeof port !== "number" || typeof token !== "string") return null;
  if (typeof version !== "string" || typeof build !== "string" || typeof startedAt !== "number") return null;
  return { pid, host, port, token, version, build, startedAt };
}

/** Whole from its first moment, readable by the user alone. */
export function writeState(place: DaemonPlace, state: DaemonState): void {
  const draft = `${place.state}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(state)}\n`, { mode: 0o600, flag: "wx" });
  renameSync(draft, place.state);
}

/** Takes the state file away if it is still this daemon's. */
export function dropState(place: DaemonPlace, pid: number): void {
  if (readState(place)?.pid === pid) rmSync(place.state, { force: true });
}
