/**
 * What a cache holds, carried to another machine in one archive (tar, tar.gz or tar.zst by its name): packages with their manifests, archives that were
 * downloaded, results of actions.
 *
 *   fb-cache             {"schema": 1}
 *   packages/NAME/…      as in the store
 *   downloads/SHA256
 *   blobs/SHA256[0..2]/REST
 *   records              cache/carry/records.ts
 *
 * Nothing of an archive is taken before all of it is unpacked beside the cache and checked: every name, link and size (cache/extract), the sha256 of every
 * blob and download, the manifest of every package with the content of its files. Records come last, so that none names what is not there. All that is put may
 * be there already. Who imports trusts the results of who exported: they stand for compiles that this machine will not do.
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { failure } from "../../engine/failure.ts";
import type { Digest, Result } from "../../engine/types.ts";
import { extract, extractDefaults } from "../extract/extract.ts";
import type { Entry, Limits } from "../extract/tree.ts";
import { makeFolders } from "../folders.ts";
import type { Cache } from "../open.ts";
import { isAlive, processName } from "../processes.ts";
import { removeTree } from "../remove-tree.ts";
import { type Package, Store } from "../store.ts";
import { writeTrouble } from "../trouble.ts";
import { carryRecords, takeRecords } from "./records.ts";

/** What is carried. */
export interface Load {
  readonly packages: readonly Package[];
  /** Sha256 of archives; those that are not there are left out. */
  readonly downloads: readonly string[];
  /** Keys of results; null for all. */
  readonly results: ReadonlySet<string> | null;
}

export interface CarriedCounts {
  readonly packages: number;
  readonly downloads: number;
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
}

const SCHEMA = 1;
/** A cache of 10 GB has some 100,000 files, each store package some 10,000. */
const LIMITS: Limits = { entries: 5_000_000, bytes: 1000 ** 4, ratio: 1000, ratioFloor: 1000 ** 3 };

/** Writes the archive, whole or not at all. Code: carry.write (exit 4), cache.disk-full. */
export async function exportCache(cache: Cache, load: Load, file: string): Promise<Result<CarriedCounts>> {
  cache.db.flush();
  const records = carryRecords(cache.db, load.results, (digest) => existsSync(cache.blobs.path(digest)));
  const downloads = load.downloads.filter((sha256) => existsSync(join(cache.folder, "downloads", sha256)));
  const staged = join(cache.folder, `.export-${processName()}`);
  const target = resolve(file);
  const half = join(dirname(target), `.${basename(target)}.${processName()}`);
  try {
    makeFolders(staged);
    writeFileSync(join(staged, "fb-cache"), `${JSON.stringify({ schema: SCHEMA })}\n`);
    writeFileSync(join(staged, "records"), records.lines);
    const names = [
      ...["fb-cache", "records"].map((name) => `${basename(staged)}/${name}`),
      ...load.packages.map((each) => `packages/${basename(each.folder)}`),
      ...downloads.map((sha256) => `downloads/${sha256}`),
      ...[...records.blobs].map((digest) => relative(cache.folder, cache.blobs.path(digest))),
    ];
    const { create } = await import("tar");
    const packed = /\.(?:tar\.gz|tgz)$/.test(file) ? { gzip: true } : /\.(?:tar\.zst|tzst)$/.test(file) ? { zstd: true } : {};
    await create(
      {
        ...packed,
        cwd: cache.folder,
        file: half,
        portable: true,
        noMtime: true,
        strict: true,
        onWriteEntry: (entry) => {
          if (entry.path.startsWith(`${basename(staged)}/`)) entry.path = basename(entry.path);
        },
      },
      names,
    );
    renameSync(half, target);
    const counts = { packages: load.packages.length, downloads: downloads.length, entries: records.results, blobs: records.blobs.size };
    return { ok: true, value: { ...counts, bytes: statSync(target).size } };
  } catch (error) {
    return { ok: false, failure: writeTrouble("carry.write", target, error) };
  } finally {
    rmSync(half, { force: true });
    removeTree(staged);
  }
}

/** Takes an archive of exportCache in. Codes: carry.kind, carry.damaged, carry.newer, those of extract() and of writes; all of exit 4. */
export async function importCache(cache: Cache, file: string): Promise<Result<CarriedCounts>> {
  sweep(cache.folder);
  const staged = join(cache.folder, `.import-${processName()}`);
  try {
    const unpacked = await extract(file, staged, { ...extractDefaults, label: file, limits: LIMITS });
    if (!unpacked.ok) return unpacked;
    const { entries } = unpacked.value;
    const wrong = wrongIn(staged, entries);
    if (wrong !== null) return refuse(wrong.code, file, wrong.why, wrong.hint);
    const store = new Store(join(cache.folder, "packages"));
    const packages = existsSync(join(staged, "packages")) ? readdirSync(join(staged, "packages")) : [];
    for (const name of packages) {
      const checked = store.check(join(staged, "packages", name));
      if (checked !== null) return refuse("carry.damaged", file, `packages/${name}: ${checked}`, "export it again");
    }
    for (const name of packages) {
      const adopted = await store.adopt(join(staged, "packages", name));
      if (!adopted.ok) return adopted;
    }
    const files = entries.flatMap((each) => (each.kind === "file" ? [each] : []));
    const downloads = files.filter((each) => each.path.startsWith("downloads/"));
    for (const { sha256, path } of downloads) takeDownload(join(staged, path), join(cache.folder, "downloads", sha256));
    const blobs = files.filter((each) => each.path.startsWith("blobs/"));
    for (const { sha256, path } of blobs) {
      cache.blobs.put(join(staged, path), sha256 as Digest);
      if (cache.blobs.isLost(sha256 as Digest))
        return refuse("carry.write", file, "its blobs can not be put into the cache", "see the failure above");
    }
    const hasBlob = (digest: string, size: number): boolean => statSync(cache.blobs.path(digest), { throwIfNoEntry: false })?.size === size;
    const taken = takeRecords(cache.db, readFileSync(join(staged, "records"), "utf8"), hasBlob);
    if (taken < 0) return refuse("carry.write", file, "its records can not be put into the cache", "see the failure above");
    const counts = { packages: packages.length, downloads: downloads.length, entries: taken, blobs: blobs.length };
    return { ok: true, value: { ...counts, bytes: statSync(file).size } };
  } catch (error) {
    return { ok: false, failure: writeTrouble("carry.write", cache.folder, error) };
  } finally {
    removeTree(staged);
  }
}

/** What is not as exportCache leaves it; null for nothing. */
function wrongIn(folder: string, entries: readonly Entry[]): { readonly code: string; readonly why: string; readonly hint: string } | null {
  const about = entries.some((each) => each.path === "fb-cache" && each.kind === "file") ? schemaOf(join(folder, "fb-cache")) : null;
  if (about === null || !entries.some((each) => each.path === "records" && each.kind === "file"))
    return { code: "carry.kind", why: "was not written by `fb cache export`", hint: "name a file that `fb cache export` wrote" };
  if (about > SCHEMA)
    return { code: "carry.newer", why: "was written by a newer fb", hint: "export it with this version, or import it with the newer one" };
  for (const each of entries) {
    const [top = "", ...rest] = each.path.split("/");
    // What is in a package its manifest judges.
    if (top === "packages" && (rest.length > 0 || each.kind === "folder")) continue;
    if (each.kind === "folder" && (each.path === "downloads" || each.path === "blobs" || (top === "blobs" && rest.length === 1))) continue;
    if (each.kind === "file" && (each.path === "fb-cache" || each.path === "records")) continue;
    const name = top === "blobs" ? rest.join("") : top === "downloads" ? rest.join("/") : "";
    const isPlace = top === "blobs" ? rest.length === 2 && rest[0]?.length === 2 : rest.length === 1;
    if (each.kind === "file" && isPlace && name === each.sha256) continue;
    return {
      code: "carry.damaged",
      why: `${each.path} is not what its name says`,
      hint: "export it again; a file that was changed on its way is not taken",
    };
  }
  return null;
}

function schemaOf(file: string): number | null {
  try {
    const about: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof about === "object" && about !== null && "schema" in about && typeof about.schema === "number" ? about.schema : null;
  } catch {
    return null;
  }
}

function takeDownload(from: string, to: string): void {
  if (existsSync(to)) return;
  makeFolders(dirname(to));
  const half = `${to}.${processName()}`;
  copyFileSync(from, half);
  renameSync(half, to);
}

/** What imports and exports of dead processes left behind. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = /^\.(?:import|export)-(\d+-\d+-[0-9a-f]+)$/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(owner)) removeTree(join(folder, name));
  }
}

function refuse(code: string, file: string, why: string, hint: string): Result<never> {
  return { ok: false, failure: failure(code, 4, `${file}: ${why}`, { file, hint }) };
}
