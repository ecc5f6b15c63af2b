/** One call that opens the cache: action cache, blobs and memo in a folder that any number of processes may share. */
import { join } from "node:path";
import type { Failure, Result } from "../engine/types.ts";
import { LocalActions } from "./actions.ts";
import { LocalBlobs } from "./blobs.ts";
import { makeSuspect, makeTrusted, noteAsLeft } from "./check.ts";
import { unwritable } from "./folders.ts";
import { Lmdb } from "./lmdb.ts";
import { LocalMemo } from "./memo.ts";
import { enter, leave } from "./processes.ts";
import { errorCode, writeTrouble } from "./trouble.ts";

export interface Cache {
  readonly folder: string;
  readonly actions: LocalActions;
  readonly blobs: LocalBlobs;
  readonly memo: LocalMemo;
  readonly db: Lmdb;
  /** What went wrong since the last call: a full disk (exit 4), a database that was moved aside (warning). For the end of a run and for its beginning. */
  troubles(): readonly Failure[];
  /** Writes what waits. Nothing half-written stays when it fails. */
  flush(): Result<null>;
  /** Flushes and lets go; a process that ends without it makes the next one check the database. */
  close(): Promise<Result<null>>;
}

/**
 * @param folder from cacheFolder()
 * @param checker the command that reads a database through: [process.execPath, …, "tool", "check-lmdb"]; its folder is added
 */
export function openCache(folder: string, checker: readonly string[]): Result<Cache> {
  const troubles: Failure[] = [];
  try {
    enter(folder);
    const warning = makeTrusted(folder, checker);
    if (warning !== null) troubles.push(warning);
  } catch (error) {
    const why = errorCode(error);
    return {
      ok: false,
      failure: ["EROFS", "EACCES", "EPERM"].includes(why) ? unwritable(folder, why) : writeTrouble("cache.write", folder, error),
    };
  }
  let full = false;
  const db = new Lmdb(join(folder, "actions"));
  const blobs = new LocalBlobs(join(folder, "blobs"), (f) => {
    full ||= f.code === "cache.disk-full";
    troubles.push(f);
  });
  const actions = new LocalActions(db, (d) => blobs.isLost(d));
  const memo = new LocalMemo(db);
  let reported = false;
  const result = (failure: Failure | null): Result<null> =>
    failure === null || failure.severity === "warning" ? { ok: true, value: null } : { ok: false, failure };
  const note = () => {
    if (db.failure === null || reported) return;
    reported = true;
    // Of a full disk it is enough to hear once.
    if (db.failure.code !== "cache.disk-full" || !full) troubles.push(db.failure);
  };
  return {
    ok: true,
    value: {
      folder,
      actions,
      blobs,
      memo,
      db,
      troubles: () => {
        note();
        return troubles.splice(0);
      },
      flush: () => result(db.flush()),
      close: async () => {
        // What waits may be the first to open it.
        db.flush();
        const wasOpened = db.opened;
        const failure = await db.close();
        const isSound = !db.broken && db.unfit === "";
        if (wasOpened && isSound) noteAsLeft(folder);
        // Where that cannot be noted, this process leaves without taking leave, which makes the next one check, too.
        if (isSound || makeSuspect(folder, db.unfit)) leave(folder);
        return result(failure);
      },
    },
  };
}
