/**
 * Whether an LMDB file can be trusted, before it is mapped: a truncated one ends the process with SIGBUS, zeroed meta pages with SIGSEGV, and neither can
 * be caught.
 *
 * A file that is as a process of ours left it, told by its times (`left`: 0.03 ms), is as good as it was then. Of another one two things are read as a file: the meta pages (0.1 ms),
 * and whether its pages are where they belong (page-places.ts: some ms; all of it where no process of ours is there that could have changed the file).
 * After an unclean end (processes.ts), once after each boot (lmdb.ts says why), or when the file is shorter than its meta pages say, a child process reads it all. That a file is
 * shorter is no proof, LMDB does not write free pages at its end; so what a child found good is noted (`checked`: size and transaction) and not checked again. What fails is moved
 * aside, and the caller begins a fresh one.
 * Layout of a meta page (lmdb 3.5, data version 2): magic at 24, version at 28, page size at 48, last page at 144, transaction at 152; little endian.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Failure } from "../engine/types.ts";
import { Lmdb, lockMs, tableNames } from "./lmdb.ts";
import { misplacedPages } from "./page-places.ts";
import { bootId, deadMarkers, forgetMarkers, liveMarkers, processName, withLock } from "./processes.ts";
import { trouble } from "./trouble.ts";

const magic = 0xbeefc0de;
const dataVersion = 2;
const childMs = 120_000;
const keptBad = 2;

/** Of the file. why: what is bad. */
interface State {
  readonly is: "none" | "good" | "short" | "bad";
  readonly note: string;
  readonly why: string;
}

/**
 * Makes sure that `CACHE/actions` can be opened; call after enter(CACHE), so that others see this process.
 * @param checker command that reads a database through and exits 0 when it is whole; the database's folder is added as its last argument
 * @returns a warning when a database was moved aside
 */
export function makeTrusted(cache: string, checker: readonly string[]): Failure | null {
  if (
    deadMarkers(cache).length === 0 &&
    !isSuspect(cache) &&
    isOfThisBoot(cache) &&
    (isAsLeft(cache) || ["none", "good"].includes(stateOf(cache).is))
  )
    return null;
  const done = withLock(join(cache, "check.lock"), childMs, () => check(cache, checker));
  return done?.warning ?? null;
}

/** Notes how the database's file is now that this process is through with it. */
export function noteAsLeft(cache: string): void {
  const file = join(cache, "open", "left");
  const signature = signatureOf(cache);
  try {
    if (readNote(file) !== signature) writeFileSync(file, signature);
  } catch {
    // The next process looks at the pages.
  }
}

function isAsLeft(cache: string): boolean {
  const left = readNote(join(cache, "open", "left"));
  return left !== "" && left === signatureOf(cache);
}

/** The time of its last change cannot be set back by whoever changes it. */
function signatureOf(cache: string): string {
  const there = statSync(join(cache, "actions", "data.mdb"), { bigint: true, throwIfNoEntry: false });
  return there === undefined ? "" : `${there.dev} ${there.ino} ${there.size} ${there.mtimeNs} ${there.ctimeNs}`;
}

/** The next process to open the database checks it first, or moves it aside at once where it is known why. False: it could not be told so. */
export function makeSuspect(cache: string, why = ""): boolean {
  try {
    writeFileSync(join(cache, "open", "suspect"), why);
    return true;
  } catch {
    return false;
  }
}

function isSuspect(cache: string): boolean {
  return existsSync(join(cache, "open", "suspect"));
}

/** A power cut leaves what was not yet on the disk half-written, also when the last process had ended cleanly; any boot may follow one. */
function isOfThisBoot(cache: string): boolean {
  return readNote(join(cache, "open", "boot")) === bootId();
}

function check(cache: string, checker: readonly string[]): { warning: Failure | null } {
  const folder = join(cache, "actions");
  // Looked at again: another process may have checked while this one waited.
  const dead = deadMarkers(cache);
  const state = stateOf(cache);
  const note = join(cache, "open", "checked");
  const suspect = dead.length > 0 || isSuspect(cache) || !isOfThisBoot(cache) || (state.is === "short" && readNote(note) !== state.note);
  let warning: Failure | null = null;
  if (state.is === "bad" || (suspect && state.is !== "none")) {
    const known = state.is === "bad" ? state.why : readNote(join(cache, "open", "suspect"));
    const why = known !== "" ? known : readInChild(folder, checker);
    if (why === null) writeFileSync(note, state.note);
    else warning = moveAside(cache, folder, why);
  }
  forgetMarkers(cache, dead);
  writeFileSync(join(cache, "open", "boot"), bootId());
  rmSync(join(cache, "open", "suspect"), { force: true });
  return { warning };
}

/** null if the child read all of it; else what happened. */
function readInChild(folder: string, checker: readonly string[]): string | null {
  const [program = process.execPath, ...args] = checker;
  const child = spawnSync(program, [...args, folder], { stdio: ["ignore", "ignore", "ignore"], timeout: childMs });
  if (child.error !== undefined) return `it could not be checked: ${child.error.message}`;
  if (child.signal !== null) return `reading it ends with ${child.signal}`;
  return child.status === 0 ? null : "it does not hold what its index says";
}

function moveAside(cache: string, folder: string, why: string): Failure {
  const old = readdirSync(cache)
    .filter((name) => name.startsWith("actions.bad-"))
    .sort();
  for (const name of old.slice(0, Math.max(0, old.length - keptBad + 1))) rmSync(join(cache, name), { recursive: true, force: true });
  const to = `${folder}.bad-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  renameSync(folder, to);
  return trouble(
    "warning",
    "cache.moved-aside",
    to,
    `the cache's database was damaged (${why}) and is now ${to}; this run begins a new one`,
    "nothing is lost but time; delete that folder when you do not need it",
  );
}

function readNote(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function stateOf(cache: string): State {
  const folder = join(cache, "actions");
  const none: State = { is: "none", note: "", why: "" };
  const bad: State = { is: "bad", note: "", why: "its header is damaged" };
  const file = join(folder, "data.mdb");
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined) return none;
  if (!there.isFile()) return bad;
  const fd = openSync(file, "r");
  try {
    const size = fstatSync(fd).size;
    // Another process has just made it.
    if (size === 0) return none;
    const page = Buffer.alloc(192);
    let lastByte = 0;
    let transaction = 0n;
    let at = 0;
    for (let i = 0; i < 2; i++) {
      if (readSync(fd, page, 0, page.length, at) !== page.length) return bad;
      const pageSize = page.readUInt32LE(48);
      if (page.readUInt32LE(24) !== magic || (page.readUInt32LE(28) & 0xffff) !== dataVersion || pageSize < 512 || pageSize > 65536)
        return bad;
      lastByte = Math.max(lastByte, (Number(page.readBigUInt64LE(144)) + 1) * pageSize);
      if (page.readBigUInt64LE(152) > transaction) transaction = page.readBigUInt64LE(152);
      at = pageSize;
    }
    // Where another process is at work, it is it that changed the file.
    const isAlone = liveMarkers(cache).every((name) => name === processName());
    // Looked at beside a process that writes, any page may seem wrong: then once more while none does.
    const wrong = () => misplacedPages(fd, isAlone);
    const why = wrong() === null ? null : withLock(`${folder}.lock`, lockMs, wrong);
    if (why !== null) return { ...bad, why };
    return { is: size < lastByte ? "short" : "good", note: `${size} ${transaction}`, why: "" };
  } finally {
    closeSync(fd);
  }
}

/**
 * What the child does (`fb tool check-lmdb FOLDER`): reads every entry, then commits one, which reads the list of free pages.
 * @returns the exit code; damage may also end the process with a signal
 */
export async function readThrough(folder: string): Promise<number> {
  const db = new Lmdb(folder);
  let bytes = 0;
  try {
    for (const name of tableNames) {
      let entries = 0;
      for (const { key, value } of db.entries(name)) {
        entries++;
        bytes += key.length + value.length;
      }
      if (entries !== db.count(name)) return 1;
    }
    const probe = Buffer.from("check");
    // As many pages in a row are looked for in all of the list of free pages, which nothing that is read says anything of; damage there ends this process, or the write.
    const large = Buffer.alloc(1024 * 1024);
    const failure = db.transact(() => db.put("values", probe, large)) ?? db.transact(() => db.remove("values", probe));
    // A full disk is no damage.
    if (db.broken || (failure !== null && failure.code !== "cache.disk-full")) return 1;
    await db.close();
  } catch {
    return 1;
  }
  return bytes >= 0 ? 0 : 1;
}
