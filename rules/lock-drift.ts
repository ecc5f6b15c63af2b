/** What a project asks for against what its fb.lock has: which entry serves a want, what `--locked` complains of, what an upgrade lets go. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { entryName, type Lock, type LockEntry, type LockKind, type LockWant } from "./lock.ts";
import { didYouMean } from "./nearest.ts";
import { type Origin, type PackageSpec, parsePackageSpec } from "./package-spec.ts";
import { castVersion, compareVersions, inRange } from "./version.ts";

/** A want of the ini, now. */
export interface AskedPackage {
  readonly kind: LockKind;
  readonly env: string;
  readonly spec: PackageSpec;
  readonly origin: Origin | null;
}

/** added: the ini asks, no entry serves it. removed: the lock says that the ini asks, it does not. `locked`: what the lock has of this name, "" for nothing. */
export type Drift =
  | { readonly is: "added"; readonly asked: AskedPackage; readonly locked: string }
  | { readonly is: "removed"; readonly entry: LockEntry; readonly want: LockWant };

/**
 * The entry that serves a want: of this kind and name, its version in the range; one that this env has before others, then the newest. What comes from an
 * address is served by the entry whose want says the same address. Null: the lock does not have it.
 */
export function lockedFor(lock: Lock, asked: AskedPackage): LockEntry | null {
  const serving = lock.entries.filter((entry) => serves(entry, asked));
  const rank = (entry: LockEntry): number =>
    entry.wants.some((want) => want.env === asked.env && want.spec === asked.spec.text)
      ? 2
      : entry.wants.some((want) => want.env === asked.env)
        ? 1
        : 0;
  return [...serving].sort((a, b) => rank(b) - rank(a) || newestFirst(a, b))[0] ?? null;
}

/** Whether an entry is what a want asks for. */
export function serves(entry: LockEntry, { kind, spec }: AskedPackage): boolean {
  if (entry.kind !== kind) return false;
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  // A number or an address says no name: what was asked for then has to be what is asked for now.
  if (spec.uri !== null || spec.id !== null) return entry.wants.some((want) => sameTarget(want.spec, spec) && inRequirement(entry, spec));
  if (!same(entry.name, spec.name ?? "") || (spec.owner && entry.owner !== "" && !same(entry.owner, spec.owner))) return false;
  // What came from an address for one want is no version of the registry's for another.
  if (["archive", "repository", "copy", "link"].includes(entry.source)) return entry.wants.some((want) => want.spec === spec.text);
  return inRequirement(entry, spec);
}

/** What differs; empty when the lock serves all that is asked and holds nothing that is not. Libraries that libraries need are not asked of the ini. */
export function driftOf(lock: Lock, asked: readonly AskedPackage[]): readonly Drift[] {
  const drift: Drift[] = [];
  for (const each of asked) {
    if (lockedFor(lock, each) !== null) continue;
    const others = lock.entries.filter(
      (entry) => entry.kind === each.kind && entry.name.toLowerCase() === (each.spec.name ?? "").toLowerCase(),
    );
    drift.push({ is: "added", asked: each, locked: others.map((entry) => entry.version).join(", ") });
  }
  for (const entry of lock.entries)
    for (const want of entry.wants) {
      if (want.by !== "") continue;
      const stays = asked.some(
        (each) => each.env === want.env && each.kind === entry.kind && (each.spec.text === want.spec || serves(entry, each)),
      );
      if (!stays) drift.push({ is: "removed", entry, want });
    }
  return drift;
}

/** Lines as a diff has them: `-` what the lock has, `+` what the ini asks for; in the order of envs, what goes first. */
export function driftText(drift: readonly Drift[]): string {
  const lines = drift.map((each): readonly [env: string, line: string] => {
    if (each.is === "removed") return [each.want.env, `- [env:${each.want.env}] ${each.want.spec} (fb.lock has ${entryName(each.entry)})`];
    const { spec, origin, env } = each.asked;
    const place = origin === null ? "" : ` (${origin.file}:${origin.line})`;
    return [env, `+ [env:${env}] ${spec.text}${place}${each.locked === "" ? "" : `; fb.lock has ${each.locked}`}`];
  });
  return lines
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : Number(x.startsWith("+")) - Number(y.startsWith("+"))))
    .map(([, line]) => line)
    .join("\n");
}

/** The failure of `--locked`: `lock.drift` (exit 3) at the first thing that the ini asks and the lock has not; null where nothing drifts. */
export function lockedFailure(drift: readonly Drift[]): Failure | null {
  if (drift.length === 0) return null;
  const first = drift.find((each) => each.is === "added");
  const message = `fb.lock is not what the project asks for:\n${driftText(drift)}`;
  return failure("lock.drift", 3, message, { ...first?.asked.origin, hint: "run `fb deps` without --locked and commit fb.lock" });
}

/** The lock without what is to be chosen anew: packages of these names (`Foo`, `acme/Foo`, without case), or all for an empty list. Failure `lock.unknown` (exit 2). */
export function unlocked(lock: Lock, names: readonly string[]): Result<Lock> {
  if (names.length === 0) return ok({ entries: [] });
  const isNamed = (entry: LockEntry, name: string): boolean =>
    [entry.name, `${entry.owner}/${entry.name}`].some((one) => one.toLowerCase() === name.toLowerCase());
  for (const name of names) {
    if (lock.entries.some((entry) => isNamed(entry, name))) continue;
    const known = lock.entries.map((entry) => entry.name);
    return fail(failure("lock.unknown", 2, `fb.lock has no package "${name}"`, { hint: didYouMean(name, known, "fb deps lists them") }));
  }
  return ok({ entries: lock.entries.filter((entry) => !names.some((name) => isNamed(entry, name))) });
}

function inRequirement(entry: LockEntry, spec: PackageSpec): boolean {
  return spec.requirement === null || inRange(entry.version, spec.requirement) === true;
}

function sameTarget(text: string, spec: PackageSpec): boolean {
  if (text === spec.text) return true;
  // A path that is there now was there then.
  const read = parsePackageSpec(text, null, (path) => spec.uri === `file://${path}`);
  return (
    read.ok &&
    (spec.uri !== null ? read.value.uri === spec.uri && (!spec.custom || read.value.name === spec.name) : read.value.id === spec.id)
  );
}

function newestFirst(a: LockEntry, b: LockEntry): number {
  const [x, y] = [castVersion(a.version), castVersion(b.version)];
  return x === null || y === null ? 0 : compareVersions(y, x);
}
