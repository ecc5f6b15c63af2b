/** The project's fb.lock in a run: read before anything is chosen, written when what was chosen is not what it says. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../cache/replace-file.ts";
import { writeTrouble } from "../../cache/trouble.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { type Lock, type LockEntry, type LockKind, type LockWant, lockOf, lockText, noLock, readLock } from "../../rules/lock.ts";
import { type AskedPackage, driftOf, driftText, lockedFailure, lockedFor, unlocked } from "../../rules/lock-drift.ts";

export const LOCK_FILE = "fb.lock";

/** The lock of a project's folder, empty where there is none; text: null then. Failures: those of readLock. */
export function lockIn(dir: string): Result<{ readonly text: string | null; readonly lock: Lock }> {
  const path = join(dir, LOCK_FILE);
  const text = existsSync(path) ? readFileSync(path, "utf8") : null;
  const lock = text === null ? ok(noLock) : readLock(LOCK_FILE, text);
  return lock.ok ? ok({ text, lock: lock.value }) : lock;
}

export class LockFile {
  private readonly dir: string;
  private readonly text: string | null;
  private readonly before: Lock;
  /** What of it is obeyed: without what is chosen anew. */
  private readonly obeyed: Lock;
  /** Of the envs of this run. */
  private readonly asked: AskedPackage[] = [];
  private readonly chosen: LockEntry[] = [];
  private readonly envs = new Set<string>();

  private constructor(dir: string, text: string | null, before: Lock, obeyed: Lock) {
    this.dir = dir;
    this.text = text;
    this.before = before;
    this.obeyed = obeyed;
  }

  /**
   * A project without one has an empty one. renewed: names of packages that are chosen anew whatever it says, all for an empty list; null: it is obeyed. Failures:
   * those of readLock and unlocked.
   */
  static open(dir: string, renewed: readonly string[] | null): Result<LockFile> {
    const read = lockIn(dir);
    if (!read.ok) return read;
    const { text, lock } = read.value;
    const obeyed = renewed === null ? ok(lock) : unlocked(lock, renewed);
    return obeyed.ok ? ok(new LockFile(dir, text, lock, obeyed.value)) : obeyed;
  }

  /** The entry that serves a want, null for none. A range is of the registry's versions, which a table's package may have under another name. */
  locked(asked: AskedPackage): LockEntry | null {
    const same = (entry: LockEntry): boolean =>
      entry.kind === asked.kind && entry.wants.some((w) => w.env === asked.env && w.spec === asked.spec.text && w.by === "");
    return lockedFor(this.obeyed, asked) ?? this.obeyed.entries.find(same) ?? null;
  }

  /** What `--locked` says to a package that has no entry: what the env asks for, and what the lock has of this name for it. */
  notLocked(asked: AskedPackage): Failure {
    const { env, spec, origin, kind } = asked;
    const name = (spec.name ?? "").toLowerCase();
    const same = this.entriesOf(kind, env).filter((entry) => entry.name.toLowerCase() === name);
    const entries = same.map((entry) => ({ ...entry, wants: entry.wants.filter((want) => want.env === env) }));
    const message = `fb.lock has nothing for ${spec.text}, which [env:${env}] needs, and --locked lets nothing be added:\n${driftText(driftOf({ entries }, [asked]))}`;
    return failure("lock.drift", 3, message, { ...origin, hint: "run `fb deps` without --locked and commit fb.lock" });
  }

  /** All of a kind that an env has. */
  entriesOf(kind: LockKind, env: string): readonly LockEntry[] {
    return this.obeyed.entries.filter((entry) => entry.kind === kind && entry.wants.some((want) => want.env === env));
  }

  /** Whether some of a kind that an env has are chosen anew. */
  isRenewed(kind: LockKind, env: string): boolean {
    const isOf = (entry: LockEntry): boolean => entry.kind === kind && entry.wants.some((want) => want.env === env);
    return this.before.entries.some((entry) => isOf(entry) && !this.obeyed.entries.includes(entry));
  }

  /** Notes what an env has for a want; its entry says nothing of the want yet. by: the library whose manifest asks, "" for the ini. */
  choose(asked: AskedPackage, entry: Omit<LockEntry, "wants">, by = ""): void {
    this.envs.add(asked.env);
    if (by === "") this.asked.push(asked);
    const old = this.before.entries.find(
      (e) => e.kind === entry.kind && e.owner === entry.owner && e.name === entry.name && e.version === entry.version,
    );
    // What machines of other systems have found out of their files stays.
    const others = (old?.files ?? []).filter((file) => !entry.files.some((f) => f.system === file.system && f.digest !== ""));
    const files = [...others, ...entry.files.filter((file) => !others.some((o) => o.system === file.system))];
    this.chosen.push({ ...entry, files, wants: [{ env: asked.env, spec: asked.spec.text, by }] });
  }

  /**
   * Writes what was chosen, and what was there for envs that this run did not build, or whose packages (`isWhole`) did not all come: of those nothing is forgotten,
   * nor of packages that this run had no use for (`isUnasked`): an uploader's.
   * True if the file is another now. locked: it may not be: a failure then, with what differs.
   */
  save(locked: boolean, isWhole: (env: string) => boolean, isUnasked: (name: string) => boolean): Result<boolean> {
    if (this.chosen.length === 0) return ok(false);
    const isKnown = (env: string): boolean => this.envs.has(env) && isWhole(env);
    const anew = new Set(this.chosen.flatMap((entry) => entry.wants.map((want) => wantKey(entry, want))));
    const kept = this.wanted((entry, want) => (!isKnown(want.env) || isUnasked(entry.name)) && !anew.has(wantKey(entry, want)));
    const text = lockText(lockOf([...this.chosen, ...kept]));
    if (!text.ok) return text;
    if (text.value === this.text) return ok(false);
    if (locked) {
      const drift = lockedFailure(
        driftOf(
          { entries: this.wanted((entry, want) => isKnown(want.env) && !isUnasked(entry.name)) },
          this.asked.filter((asked) => isKnown(asked.env)),
        ),
      );
      // Files that other machines use are no drift.
      return drift === null ? ok(false) : fail(drift);
    }
    const path = join(this.dir, LOCK_FILE);
    try {
      // Nothing of a killed run is left in the project's folder.
      replaceFile(path, text.value, join(this.dir, ".fb/state/lock.new"));
      return ok(true);
    } catch (error) {
      return fail(writeTrouble("lock.write", path, error));
    }
  }

  /** What the lock has for some of its wants. */
  private wanted(isOne: (entry: LockEntry, want: LockWant) => boolean): LockEntry[] {
    return this.before.entries.flatMap((entry) => {
      const wants = entry.wants.filter((want) => isOne(entry, want));
      return wants.length === 0 ? [] : [{ ...entry, wants }];
    });
  }
}

function wantKey({ kind }: Pick<LockEntry, "kind">, { env, spec, by }: LockWant): string {
  return JSON.stringify([kind, env, spec, by]);
}
