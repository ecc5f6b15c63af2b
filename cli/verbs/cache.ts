/** `fb cache`: how much the cache holds, and what keeps it small and sound. */
import { type Dirent, existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Load } from "../../cache/carry/carry.ts";
import { cacheFolder } from "../../cache/folders.ts";
import { cacheLimit, clear, collect, stats, verify } from "../../cache/gc.ts";
import { type Cache, openCache } from "../../cache/open.ts";
import { keptDays } from "../../cache/package-age.ts";
import { LocalState } from "../../cache/state.ts";
import { type Package, Store } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { lockedFile } from "../../rules/lock.ts";
import { lockIn } from "../acquire/lock-file.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { thisMachine } from "../host/machine.ts";
import { projectFolder } from "../project-folder.ts";
import { bytes, count } from "../show/text.ts";

type CacheCommand = Extract<Command, { verb: "cache" }>;

/** What a verb has to say: the object of --json, the lines for people, and what went wrong. */
interface Said {
  readonly json: object;
  readonly text: string;
  readonly wrong: readonly Failure[];
}

export async function cacheVerb(command: CacheCommand, faces: Faces): Promise<number> {
  const limit = cacheLimit(process.env);
  if (!limit.ok) return complain(faces, [limit.failure]);
  const folder = cacheFolder(process.env);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const cache = openCache(folder.value, [process.execPath, ...process.execArgv, process.argv[1] ?? "", "tool", "check-lmdb"]);
  if (!cache.ok) return complain(faces, [cache.failure]);
  const found = [...cache.value.troubles()];
  const said =
    command.action === "export" || command.action === "import"
      ? await carried(command, cache.value)
      : await perform(command.action, cache.value, limit.value);
  found.push(...said.wrong, ...cache.value.troubles());
  if (command.action !== "clear") {
    const closed = await cache.value.close();
    if (!closed.ok) found.push(closed.failure);
  }
  faces.out.write(command.json ? `${JSON.stringify(said.json)}\n` : said.text);
  return complain(faces, found);
}

async function perform(action: "stats" | "gc" | "verify" | "clear", cache: Cache, limit: number): Promise<Said> {
  switch (action) {
    case "stats":
      return statsOf(cache, limit);
    case "gc":
      return collected(cache, limit);
    case "verify":
      return verified(cache);
    case "clear": {
      const { folder } = cache;
      const before = stats(cache, limit);
      const packages = storedPackages(join(folder, "packages"));
      const wrong = await clear(cache);
      const text = `removed ${count(before.entries, "result")} and ${count(before.blobs, "file")}, ${bytes(before.bytes)}, and ${count(packages.count, "package")}, ${bytes(packages.bytes)}, from ${folder}\n`;
      return {
        json: { entries: before.entries, blobs: before.blobs, bytes: before.bytes, packages },
        text,
        wrong: wrong === null ? [] : [wrong],
      };
    }
  }
}

async function carried(command: Extract<CacheCommand, { action: "export" | "import" }>, cache: Cache): Promise<Said> {
  const { exportCache, importCache } = await import("../../cache/carry/carry.ts");
  const load = command.action === "import" ? null : loadOf(command, cache);
  const done = load === null ? await importCache(cache, command.file) : load.ok ? await exportCache(cache, load.value, command.file) : load;
  if (!done.ok) return { json: { packages: 0, downloads: 0, entries: 0, blobs: 0, bytes: 0 }, text: "", wrong: [done.failure] };
  const { packages, downloads, entries, blobs, bytes: size } = done.value;
  const what = [count(packages, "package"), count(downloads, "download"), count(entries, "result"), count(blobs, "file")].join(", ");
  const text = command.action === "export" ? `${command.file}: ${what}; ${bytes(size)}\n` : `${what} taken in from ${command.file}\n`;
  return { json: done.value, text, wrong: [] };
}

/** What a project's lock and its last runs name. */
function loadOf({ dir, all }: Extract<CacheCommand, { action: "export" }>, cache: Cache): Result<Load> {
  const store = new Store(join(cache.folder, "packages"));
  const downloads = join(cache.folder, "downloads");
  if (all) {
    const names = existsSync(downloads) ? readdirSync(downloads).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
    return ok({ packages: store.list(), downloads: names, results: null });
  }
  const folder = projectFolder(dir);
  if (!folder.ok) return fail({ ...folder.failure, hint: "name a project with -C, or carry all with --all" });
  const read = lockIn(folder.value);
  if (!read.ok) return read;
  const { lock } = read.value;
  const state = LocalState.open(join(folder.value, ".fb"));
  if (!state.ok) return state;
  const machine = thisMachine();
  const packages: Package[] = [];
  for (const entry of lock.entries) {
    const digest = lockedFile(entry, machine)?.digest ?? "";
    const found = digest === "" ? null : store.find(entry.name, entry.version, { digest });
    if (found !== null) packages.push(found);
  }
  const sums = lock.entries.flatMap((entry) => entry.files.flatMap(({ sha256 }) => (sha256 === "" ? [] : [sha256])));
  const results = new Set(state.value.actions().flatMap((name) => state.value.last(name)?.key ?? []));
  return ok({ packages, downloads: [...new Set(sums)], results });
}

function statsOf(cache: Cache, limit: number): Said {
  const held = stats(cache, limit);
  const packages = storedPackages(join(cache.folder, "packages"));
  const part = limit > 0 ? ` (${Math.round((held.bytes / limit) * 100)} %)` : "";
  const rows = [
    ["folder", cache.folder],
    ["results", String(held.entries)],
    ["files", `${held.blobs}`],
    ["size", `${bytes(held.bytes)} of at most ${bytes(held.limit)}${part}`],
    ["packages", `${packages.count}, ${bytes(packages.bytes)}`],
  ];
  const text = rows.map(([name = "", value = ""]) => `${name.padEnd(10)}${value}\n`).join("");
  return { json: { entries: held.entries, blobs: held.blobs, bytes: held.bytes, packages, limit: held.limit }, text, wrong: [] };
}

function collected(cache: Cache, limit: number): Said {
  const gone = collect(cache, limit);
  if (gone === null) {
    const hint = "nothing is left to do here: it collects for both";
    const wrong = {
      ...failure("cache.busy", 4, "another fb is collecting this cache", { file: cache.folder, hint }),
      severity: "warning" as const,
    };
    return {
      json: { entries: 0, blobs: 0, bytes: 0, packages: 0, downloads: 0, left: stats(cache, limit).bytes },
      text: "",
      wrong: [wrong],
    };
  }
  const left = `${bytes(gone.left)} left, at most ${bytes(limit)}`;
  const old =
    gone.packages + gone.downloads === 0
      ? ""
      : ` and, unused for ${keptDays} days, ${count(gone.packages, "package")} and ${count(gone.downloads, "download")}`;
  const text =
    gone.entries + gone.blobs === 0 && old === ""
      ? `nothing to remove: ${left}\n`
      : `removed ${count(gone.entries, "result")} and ${count(gone.blobs, "file")}, ${bytes(gone.bytes)}${old}; ${left}\n`;
  return { json: gone, text, wrong: [] };
}

async function verified(cache: Cache): Promise<Said> {
  const store = new Store(join(cache.folder, "packages"));
  const changed: Failure[] = [];
  const stored = store.list();
  for (const each of stored) {
    const sound = await store.verify(each);
    if (!sound.ok) changed.push(sound.failure);
  }
  const checked = verify(cache);
  const bad = checked.badEntries + checked.badBlobs;
  const outcome = bad + changed.length === 0 ? "all sound" : `${bad + changed.length} damaged`;
  const text = `read ${count(checked.entries, "result")} and ${count(checked.blobs, "file")}, ${bytes(checked.bytes)}, ${count(stored.length, "package")}: ${outcome}\n`;
  const message = `${count(checked.badBlobs, "file")} and ${count(checked.badEntries, "result")} of the cache were damaged and are removed`;
  const hint = "nothing is lost but time; when it happens again, check the disk and the memory of this machine";
  const damaged = bad === 0 ? [] : [failure("cache.damaged", 4, message, { file: cache.folder, hint })];
  return { json: { ...checked, packages: stored.length, badPackages: changed.length }, text, wrong: [...damaged, ...changed] };
}

/** Packages that were downloaded, each a folder. Links inside them are not followed. */
function storedPackages(folder: string): { readonly count: number; readonly bytes: number } {
  const packages = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory()) : [];
  return { count: packages.length, bytes: packages.reduce((sum, p) => sum + sizeOf(join(folder, p.name), p), 0) };
}

function sizeOf(path: string, entry: Dirent): number {
  if (!entry.isDirectory()) return entry.isFile() ? lstatSync(path).size : 0;
  return readdirSync(path, { withFileTypes: true }).reduce((sum, e) => sum + sizeOf(join(path, e.name), e), 0);
}
