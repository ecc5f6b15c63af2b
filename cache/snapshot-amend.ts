/** A snapshot's record after a run of few changes: the same but for what that run made, read and did not find. */
import type { Signature } from "../engine/types.ts";
import { sameSignature } from "../engine/files.ts";
import { signFile } from "./signature.ts";
import { type Changed, isSame } from "./snapshot.ts";
import { type Facts, type SnapshotRecord, split } from "./snapshot-format.ts";
import { assemble, groupAbsent, never, pathBytes, putSignature, trusted, writeRecord } from "./snapshot-write.ts";
import { isLink, inFolder, isMissing, listing } from "./snapshot-world.ts";

export interface Amendment extends Pick<SnapshotRecord, "dir" | "payload" | "kept" | "now" | "device"> {
  /** Signatures of files that the record has, by their place; null: gone, and nothing reads it any more. */
  readonly changed: ReadonlyMap<number, Signature | null>;
  /** Files that it has not. */
  readonly added: readonly { readonly path: string; readonly signature: Signature }[];
  /** A further name of the request; null for none. */
  readonly alias: string | null;
  /** Paths where nothing is; the record may have them already. */
  readonly absent: readonly string[];
}

/** Replaces the record that was found. @returns null, or why none was written: a folder changed meanwhile, the disk is full */
export function amendSnapshot(file: string, old: Changed, a: Amendment): string | null {
  const { record } = old;
  const gone = new Set([...a.changed].flatMap(([place, signature]) => (signature === null ? [place] : [])));
  const nKept = record.nFiles - gone.size;
  const nFiles = nKept + a.added.length;
  const folders = split(record.bytes, record.folderPathsAt, record.detailsAt);
  const groups = groupsOf(old, a);
  if (typeof groups === "string") return groups;
  const signatures = new BigUint64Array(5 * (nFiles + folders.length + groups.names.length));
  const holes = [...gone].sort((x, y) => x - y);
  let at = 0;
  let first = 0;
  // Few are gone: what lies between them is taken at once.
  for (const end of [...holes, record.nFiles]) {
    signatures.set(record.signatures.subarray(first * 5, end * 5), at);
    at += (end - first) * 5;
    first = end + 1;
  }
  for (const [place, now] of a.changed)
    if (now !== null) putSignature(signatures, (place - holes.filter((hole) => hole < place).length) * 5, now);
  for (const { signature } of a.added) at = putSignature(signatures, at, signature);
  const details = record.details();
  for (const [i, path] of folders.entries()) {
    const place = inFolder(a.dir, path === "." ? "" : path);
    const now = signFile(place);
    const was = details.listings[i];
    const known = isSame(now, record.signatures, (record.nFiles + i) * 5);
    if (!known && (was === undefined || listing(place, was.hidden) !== was.entries)) return `${path} changed`;
    at = putSignature(signatures, at, trusted(now ?? never, a));
  }
  for (const signature of groups.signatures) at = putSignature(signatures, at, signature);
  const facts: Facts = { ...record.facts, payload: a.payload, kept: a.kept, groups: groups.names };
  const kept =
    gone.size === 0
      ? record.bytes.subarray(record.filePathsAt, record.folderPathsAt)
      : pathBytes(old.paths.filter((_, place) => !gone.has(place)));
  const paths = a.added.length === 0 ? kept : Buffer.concat([kept, pathBytes(a.added.map((f) => f.path))]);
  const folderPaths = record.bytes.subarray(record.folderPathsAt, record.detailsAt);
  const json = Buffer.from(JSON.stringify({ ...details, missing: groups.missing }), "utf8");
  return writeRecord(
    file,
    old.request,
    assemble([nFiles, folders.length, groups.names.length], signatures, facts, paths, folderPaths, json),
    a.alias,
  );
}

interface Groups {
  readonly names: readonly string[];
  readonly missing: readonly (readonly string[])[];
  readonly signatures: readonly Signature[];
}

/** The record's groups of absent paths with the new ones; each folder signed before what is missing in it is looked for. */
function groupsOf({ record }: Changed, a: Amendment): Groups | string {
  const missing = new Map(record.facts.groups.map((folder, i) => [folder, [...(record.details().missing[i] ?? [])]]));
  // Those that the record has are looked at below, where their folder changed.
  const had = new Set([...missing.values()].flat());
  const grouped = groupAbsent({ ...a, absent: a.absent.filter((path) => !had.has(path) && !had.has(`${path}/`)), missingFolders: [] });
  if (typeof grouped === "string") return grouped;
  for (const [folder, group] of grouped) missing.set(folder, [...new Set([...(missing.get(folder) ?? []), ...group.missing])]);
  const signatures: Signature[] = [];
  for (const [i, [folder, paths]] of [...missing].entries()) {
    const now = signFile(inFolder(a.dir, folder));
    const known = i < record.facts.groups.length && isSame(now, record.signatures, (record.nFiles + record.nFolders + i) * 5);
    let signature = trusted(now ?? never, a);
    for (const path of known ? [] : paths) {
      if (!isMissing(a.dir, path)) return `${path.replace(/\/$/, "")} is there now`;
      // A link that leads nowhere starts to lead somewhere without its folder's changing.
      if (isLink(inFolder(a.dir, path))) signature = never;
    }
    const fresh = grouped.get(folder);
    signatures.push(fresh === undefined || sameSignature(fresh.signature, signature) ? signature : never);
  }
  return { names: [...missing.keys()], missing: [...missing.values()], signatures };
}
