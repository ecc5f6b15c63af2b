/**
 * One LMDB environment: tables of bytes, opened when first needed, written in batches.
 *
 * Constraints and numbers (2 cores, Node 24): loading the lmdb package costs 25 ms, from the one file that scripts/bundle.ts makes of it 6, and opening 2.5, so
 * nothing is loaded before the first read or write;
 * a put alone costs a transaction (0.6 ms), in a batch 3 µs, so what is put is queued by its owner (Batcher) and written every 500 ms in one transaction.
 * That transaction is synchronous: lmdb's asynchronous ones report a full disk as an unhandled rejection and on stderr, and take as much of this thread.
 * Every transaction and the opening run under a lock file of ours (FOLDER.lock, 0.05 ms), so LMDB's own mutex is never waited for: beside holders that were
 * killed with SIGKILL a waiter was once seen to sleep for ever.
 * No WRITEMAP: a full disk would be SIGBUS. noSync: what a killed process committed is in the kernel's hands and whole; only a power cut can damage the
 * file, so check.ts reads it through once after each boot. lmdb's default, overlappingSync, was rejected: with processes killed beside others that write,
 * the list of free pages once came out damaged ("freelist duplicates"; not seen since), and six processes that write small batches take ten times as long.
 * Never noMemInit: the unused part of a written page is then whatever this process had in memory before, a password among it, in a cache that others may read.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Database, RootDatabase } from "lmdb";
import type { Failure } from "../engine/types.ts";
import { makeFolders } from "./folders.ts";
import { withLock } from "./processes.ts";
import { errorCode, trouble, writeTrouble } from "./trouble.ts";

export const tableNames = ["reads", "sets", "results", "used", "memo", "values"] as const;
export type TableName = (typeof tableNames)[number];

declare const __FB_LMDB__: string | undefined;
declare const __FB_REQUIRE__: (name: string) => unknown;

/** In the bundle a file beside it, by the bundle's own require: that starts it with code that was kept (cli/compiled.ts). */
function loadLmdb(): typeof import("lmdb") {
  const unbundled = typeof __FB_LMDB__ === "undefined";
  const load = unbundled ? process.getBuiltinModule("node:module").createRequire(import.meta.url) : __FB_REQUIRE__;
  return load(unbundled ? "lmdb" : __FB_LMDB__) as typeof import("lmdb");
}

/** Address space, not disk: the file grows as it is written. */
const mapBytes = 16 * 1024 ** 3;
const flushMs = 500;
/** Not abortable, committed when it returns (lmdb's own putSync uses the same). */
const commitFlags = 2;

/** A writer holds the lock for milliseconds. */
export const lockMs = 30_000;
const probe = Buffer.from("probe");

function busy(folder: string): Failure {
  return trouble(
    "warning",
    "cache.busy",
    folder,
    `another process has held the cache's database in ${folder} for ${lockMs / 1000} seconds; this run goes on without it`,
    `end that process; if there is none, delete ${folder}.lock`,
  );
}

/** Someone who has writes waiting. write() runs inside the transaction; written() once that is committed, discard() if it will never be. */
export interface Batcher {
  readonly waiting: number;
  write(): void;
  written(): void;
  discard(): void;
}

/** An environment that nobody uses now, and the file that it has open. */
interface Idle {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  readonly tables: Map<TableName, Database<Uint8Array, Uint8Array>>;
  readonly file: string;
}

/** By folder; null: environments are closed when they are closed. */
let idle: Map<string, Idle> | null = null;

/**
 * For a process of many runs: what is closed stays open for the next that opens it, unless the database has been replaced meanwhile. lmdb gives back not all
 * of what an environment takes (some 25 kB each time); and opening costs 2.5 ms.
 */
export function keepOpened(): void {
  idle ??= new Map();
}

function fileId(folder: string): string {
  const s = statSync(join(folder, "data.mdb"), { bigint: true, throwIfNoEntry: false });
  return s === undefined ? "" : `${s.dev}:${s.ino}:${s.birthtimeNs}`;
}

export class Lmdb {
  readonly folder: string;
  #root: RootDatabase<Uint8Array, Uint8Array> | null = null;
  #tables = new Map<TableName, Database<Uint8Array, Uint8Array>>();
  #batchers: Batcher[] = [];
  #timer: NodeJS.Timeout | null = null;
  #failure: Failure | null = null;
  #broken = false;
  #unfit = "";
  #closed = false;
  /** The file that is open, while environments are kept. */
  #file = "";
  readonly #lock: string;

  /** @param folder holds data.mdb and lock.mdb; made when it is not there */
  constructor(folder: string) {
    this.folder = folder;
    this.#lock = `${folder}.lock`;
  }

  /** What went wrong first; from then on nothing is written, and after a broken read nothing is found either. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Whether the file itself did not hold what it should: it must be checked before it is opened again. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Why the file cannot be written any more, whatever a reading of it says; "" where nothing says so. */
  get unfit(): string {
    return this.#unfit;
  }

  get opened(): boolean {
    return this.#root !== null;
  }

  register(b: Batcher): void {
    this.#batchers.push(b);
  }

  /** The value, valid until the next read; undefined if there is none. */
  get(table: TableName, key: Uint8Array): Buffer | undefined {
    try {
      const b = this.#table(table)?.getBinaryFast(key);
      // lmdb gives its own longer buffer with `length` set over, which half of Buffer's methods do not heed.
      return b?.subarray(0, b.length);
    } catch (error) {
      this.#break(error);
      return undefined;
    }
  }

  /** All entries as of now, in key order; the buffers are the caller's. */
  *entries(table: TableName): Generator<{ key: Buffer; value: Buffer }> {
    const db = this.#table(table);
    if (db === null) return;
    for (const { key, value } of db.getRange({ snapshot: true })) {
      yield { key: Buffer.from(key), value: Buffer.from(value) };
    }
  }

  count(table: TableName): number {
    const stats: { entryCount?: number } = this.#table(table)?.getStats() ?? {};
    return stats.entryCount ?? 0;
  }

  /** Only inside a transaction: Batcher.write() or transact(). */
  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    void this.#table(table)?.put(key, value);
  }

  /** Only inside a transaction. */
  remove(table: TableName, key: Uint8Array): void {
    void this.#table(table)?.remove(key);
  }

  /** All entries of a table. Only inside a transaction. */
  clear(table: TableName): void {
    this.#table(table)?.clearSync();
  }

  /** Runs `work` in one transaction; null when it is committed. */
  transact(work: () => void): Failure | null {
    if (this.#failure !== null) return this.#failure;
    try {
      const root = this.#open();
      if (root === null) return this.#failure;
      // Two arguments at run time; the published type knows only the flag names, not the combination that lmdb itself uses.
      const run = root.transactionSync.bind(root) as (work: () => void, flags: number) => void;
      const done = withLock(this.#lock, lockMs, () => {
        run(work, commitFlags);
        return true;
      });
      if (done === null) {
        this.#failure = busy(this.folder);
        return this.#failure;
      }
      return null;
    } catch (error) {
      this.#failure = writeTrouble("cache.write", this.folder, error);
      const why = errorCode(error);
      if (/MDB_(CORRUPTED|PAGE_NOTFOUND|PANIC|INVALID|VERSION_MISMATCH)/.test(why)) this.#broken = true;
      // What is read may all be there, and only the list of free pages be damaged: no reading through finds that, and no write succeeds any more.
      if (/freelist/.test(why)) this.#unfit = "its list of free pages is damaged";
      return this.#failure;
    }
  }

  /** Something is waiting: it will be written soon. The timer does not keep the process alive. */
  soon(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.flush();
    }, flushMs);
    this.#timer.unref();
  }

  /** Writes what waits, in one transaction. */
  flush(): Failure | null {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const due = this.#batchers.filter((b) => b.waiting > 0);
    if (due.length === 0) return this.#failure;
    const failure = this.transact(() => {
      for (const b of due) b.write();
    });
    for (const b of due) {
      if (failure === null) b.written();
      else b.discard();
    }
    return failure;
  }

  async close(): Promise<Failure | null> {
    if (this.#closed) return this.#failure;
    const failure = this.flush();
    this.#closed = true;
    const root = this.#root;
    const tables = this.#tables;
    this.#root = null;
    this.#tables = new Map();
    if (root !== null && idle !== null && failure === null && !this.#broken && !idle.has(this.folder) && this.#file !== "")
      idle.set(this.folder, { root, tables, file: this.#file });
    else if (root !== null) await root.close();
    return failure;
  }

  #table(name: TableName): Database<Uint8Array, Uint8Array> | null {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const root = this.#open();
    if (root === null) return null;
    const table = root.openDB<Uint8Array, Uint8Array>(name, { keyEncoding: "binary", encoding: "binary" });
    this.#tables.set(name, table);
    return table;
  }

  #open(): RootDatabase<Uint8Array, Uint8Array> | null {
    if (this.#root !== null) return this.#root;
    // Not waited for again, where it was waited for in vain.
    if (this.#closed || this.#broken || this.#failure !== null) return null;
    if (this.#takeIdle()) return this.#root;
    try {
      const lmdb = loadLmdb();
      makeFolders(this.folder);
      const root = withLock(this.#lock, lockMs, () => this.#openLocked(lmdb));
      if (root === null) this.#failure = busy(this.folder);
      return root;
    } catch (error) {
      const trouble = writeTrouble("cache.write", this.folder, error);
      // No room for its lock says nothing of the database.
      if (trouble.code === "cache.disk-full" && !/EIO|Input/.test(errorCode(error))) this.#failure = trouble;
      else this.#break(error);
      return null;
    }
  }

  #openLocked(lmdb: typeof import("lmdb")): RootDatabase<Uint8Array, Uint8Array> {
    const root = lmdb.open<Uint8Array, Uint8Array>({
      path: this.folder,
      noSubdir: false,
      mapSize: mapBytes,
      maxDbs: tableNames.length,
      noSync: true,
    });
    this.#root = root;
    // All now: making a table is a write transaction of its own, and the first read takes a place among the readers under one of LMDB's mutexes.
    for (const name of tableNames) this.#table(name)?.getBinaryFast(probe);
    if (idle !== null) this.#file = fileId(this.folder);
    return root;
  }

  #takeIdle(): boolean {
    const kept = idle?.get(this.folder);
    if (kept === undefined) return false;
    idle?.delete(this.folder);
    if (kept.file !== fileId(this.folder)) {
      void kept.root.close();
      return false;
    }
    this.#root = kept.root;
    this.#tables = kept.tables;
    this.#file = kept.file;
    return true;
  }

  #break(error: unknown): void {
    this.#broken = true;
    this.#failure ??= trouble(
      "warning",
      "cache.broken",
      this.folder,
      `the cache's database in ${this.folder} cannot be read (${errorCode(error)}); this run goes on without it`,
      "it is checked, and replaced if need be, by the next run; `fb cache clear` replaces it now",
    );
  }
}
