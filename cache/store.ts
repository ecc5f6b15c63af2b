/**
 * The package store: `packages/NAME@VERSION-DIGEST8/`, each a package as its archive had it, with its manifest, read-only, never written again.
 *
 * A package appears by one rename of a whole, synced folder, and goes by one, so it is there as a whole or not at all, whenever a process or the machine dies. Temporary
 * folders (`.tmp-OWNER-N`, `.gone-OWNER-N`; OWNER as in cache/processes.ts) of dead processes are removed by the next install. Of two that install the
 * same package at once the second to finish finds it there and throws its own away.
 */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import type { Entry, Limits } from "./extract/tree.ts";
import { flushFolder, flushPath } from "./flush.ts";
import { makeFolders } from "./folders.ts";
import { type About, digestOf, entryLines, manifestName, manifestText, readAbout, readManifest } from "./manifest.ts";
import { packageFolder } from "./package-name.ts";
import { isAlive, processName } from "./processes.ts";
import { removeTree } from "./remove-tree.ts";
import { errorCode, writeTrouble } from "./trouble.ts";
import { hashFile } from "./blobs.ts";

export interface Package extends About {
  /** Its folder in the store. */
  readonly folder: string;
}

export interface InstallRequest {
  readonly name: string;
  readonly version: string;
  /** The archive, and its sha256. */
  readonly archive: string;
  readonly sha256: string;
  /** What messages call it: its url. */
  readonly label: string;
  readonly layout: Layout;
}

/** How an archive becomes a package. */
export interface Layout {
  /** Only this folder of the archive; "" for all. */
  readonly subfolder: string;
  /** Takes off a single top folder. */
  readonly strip: boolean;
  /** Globs of files that are executable whatever the archive says. */
  readonly executables: readonly string[];
  readonly outsideLinks: "refuse" | "omit";
}

export const plainLayout: Layout = { subfolder: "", strip: false, executables: [], outsideLinks: "refuse" };

export interface InstallContext {
  readonly signal: AbortSignal | null;
  /** Bytes of the archive that are unpacked, and its size. */
  readonly onProgress: (bytes: number, total: number) => void;
  /** null: those of extract/tree.ts. */
  readonly limits: Limits | null;
}

export const installDefaults: InstallContext = { signal: null, onProgress: () => {}, limits: null };

let counter = 0;

export class Store {
  readonly folder: string;

  /** @param folder `CACHE/packages`; made by the first install */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Packages that are there; of one name if it is given. No order. */
  list(name?: string): Package[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      return [];
    }
    const found: Package[] = [];
    for (const entry of names) {
      const p = entry.startsWith(".") ? null : this.#read(entry);
      if (p !== null && (name === undefined || p.name === name)) found.push(p);
    }
    return found;
  }

  /** The package of this name and version; `recipe` or `digest` tell between several. null: it is not there. */
  find(name: string, version: string, which: { readonly recipe: string } | { readonly digest: string }): Package | null {
    const base = packageFolder(name, version);
    if (!base.ok) return null;
    if ("digest" in which) {
      const p = this.#read(`${base.value}-${which.digest.slice(0, 8)}`);
      return p !== null && p.digest === which.digest ? p : null;
    }
    let names: string[] = [];
    try {
      names = readdirSync(this.folder).filter((n) => n.startsWith(`${base.value}-`));
    } catch {
      return null;
    }
    for (const entry of names) {
      const p = this.#read(entry);
      if (p !== null && p.recipe === which.recipe && p.version === version) return p;
    }
    return null;
  }

  /**
   * Unpacks the archive and seals it. A package of this recipe that is there already is given back as it is (verify() looks at its content).
   * Codes: store.name (3), extract.* and cache.disk-full, store.write (4).
   */
  async install(request: InstallRequest, context: InstallContext = installDefaults): Promise<Result<Package>> {
    const base = packageFolder(request.name, request.version);
    if (!base.ok) return base;
    const recipe = recipeOf(request.sha256, request.layout);
    const there = this.find(request.name, request.version, { recipe });
    if (there !== null) return { ok: true, value: there };
    const temporary = this.#temporary("tmp");
    try {
      makeFolders(this.folder);
      this.sweep();
      const { layout, label } = request;
      const { signal, onProgress, limits } = context;
      // Loaded where it is wanted: most runs look packages up only.
      const { extract, extractDefaults } = await import("./extract/extract.ts");
      const made = await extract(request.archive, temporary, {
        ...extractDefaults,
        ...layout,
        label,
        signal,
        onProgress,
        limits: limits ?? extractDefaults.limits,
        readOnly: true,
      });
      if (!made.ok) return made;
      const { entries } = made.value;
      if (entries.some((e) => e.path.split("/")[0]?.toLowerCase() === manifestName)) return reserved(request, temporary);
      const lines = entryLines(entries);
      const about: About = { name: request.name, version: request.version, digest: digestOf(lines), recipe };
      writeFileSync(join(temporary, manifestName), manifestText(about, lines), { mode: 0o444 });
      const wrong = differences(temporary, entries, false);
      if (wrong.length > 0) throw new Error(`what was written is not what lies there: ${wrong[0]}`);
      seal(temporary, entries);
      await flushFolder(temporary, signal);
      const folder = join(this.folder, `${base.value}-${about.digest.slice(0, 8)}`);
      this.#publish(temporary, folder, about);
      return { ok: true, value: { ...about, folder } };
    } catch (error) {
      const stopped = context.signal?.aborted === true;
      const text = `unpacking ${request.label} was interrupted`;
      return { ok: false, failure: stopped ? failure("extract.aborted", 4, text) : writeTrouble("store.write", this.folder, error) };
    } finally {
      removeTree(temporary);
    }
  }

  /** What is wrong with a package's folder that lies elsewhere; null if it is what its manifest says. Its files may still be writable. */
  check(folder: string): string | null {
    const manifest = readManifest(folder);
    if (manifest === null) return "its manifest is damaged";
    const base = packageFolder(manifest.name, manifest.version);
    return base.ok ? (differences(folder, manifest.entries, true)[0] ?? null) : base.failure.message;
  }

  /** Takes in a folder that check() let through, on the store's disk and nobody else's: it is gone afterwards. Codes: as of install(). */
  async adopt(folder: string): Promise<Result<Package>> {
    const manifest = readManifest(folder);
    const base = packageFolder(manifest?.name ?? "", manifest?.version ?? "");
    if (manifest === null || !base.ok) throw new Error(`${folder} was not checked`);
    const { entries, name, version, digest, recipe } = manifest;
    const target = join(this.folder, `${base.value}-${digest.slice(0, 8)}`);
    try {
      makeFolders(this.folder);
      for (const e of entries) if (e.kind === "file") chmodSync(join(folder, e.path), e.executable ? 0o555 : 0o444);
      chmodSync(join(folder, manifestName), 0o444);
      const temporary = this.#temporary("tmp");
      renameSync(folder, temporary);
      try {
        seal(temporary, entries);
        await flushFolder(temporary);
        this.#publish(temporary, target, { name, version, digest, recipe });
      } finally {
        removeTree(temporary);
      }
      return { ok: true, value: { name, version, digest, recipe, folder: target } };
    } catch (error) {
      return { ok: false, failure: writeTrouble("store.write", this.folder, error) };
    }
  }

  /** Hashes a package's files again. Code: store.damaged (4), with the first few differences. */
  async verify(p: Package): Promise<Result<Package>> {
    const manifest = readManifest(p.folder);
    const wrong =
      manifest === null || manifest.digest !== p.digest ? ["its manifest is damaged"] : differences(p.folder, manifest.entries, true);
    if (wrong.length === 0) return { ok: true, value: p };
    const more = wrong.length > 5 ? ` and ${wrong.length - 5} more` : "";
    const message = `the stored package ${p.name}@${p.version} was changed: ${wrong.slice(0, 5).join("; ")}${more}`;
    return {
      ok: false,
      failure: failure("store.damaged", 4, message, { file: p.folder, hint: "remove that folder: the next run installs it again" }),
    };
  }

  /** All that a package holds; null if its manifest is damaged. */
  entries(p: Package): readonly Entry[] | null {
    return readManifest(p.folder)?.entries ?? null;
  }

  /** Takes a package away. Throws the system's error if it can not be. */
  remove(p: Pick<Package, "folder">): void {
    const gone = this.#temporary("gone");
    try {
      renameSync(p.folder, gone);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return;
      throw error;
    }
    removeTree(gone);
  }

  /** Removes what processes that are dead left behind. */
  sweep(): void {
    for (const name of readdirSync(this.folder)) {
      const owner = /^\.(?:tmp|gone)-(\d+-\d+-[0-9a-f]+)-/.exec(name)?.[1];
      if (owner !== undefined && !isAlive(owner)) removeTree(join(this.folder, name));
    }
  }

  #temporary(kind: "tmp" | "gone"): string {
    return join(this.folder, `.${kind}-${processName()}-${counter++}`);
  }

  #read(entry: string): Package | null {
    const folder = join(this.folder, entry);
    const about = readAbout(folder);
    if (about === null) return null;
    const base = packageFolder(about.name, about.version);
    return base.ok && entry === `${base.value}-${about.digest.slice(0, 8)}` ? { ...about, folder } : null;
  }

  /** One rename; what is at its place already is the same package, or damaged. */
  #publish(temporary: string, folder: string, about: About): void {
    for (let n = 0; ; n++) {
      const there = readAbout(folder);
      if (there !== null && there.digest === about.digest) return;
      if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) this.remove({ folder });
      try {
        renameSync(temporary, folder);
        flushPath(this.folder);
        return;
      } catch (error) {
        // Another process was first; what it put there is looked at. It can not go on for ever: each turn another one finished.
        if (n > 8 || !/^(ENOTEMPTY|EEXIST|EPERM)$/.test(errorCode(error))) throw error;
      }
    }
  }
}

/** What stands for an archive unpacked in a certain way. */
export function recipeOf(sha256: string, layout: Layout): string {
  const { subfolder, strip, executables, outsideLinks } = layout;
  return createHash("sha256")
    .update(JSON.stringify(["recipe 1", sha256, subfolder, strip, executables, outsideLinks]))
    .digest("hex");
}

function reserved<T>(request: InstallRequest, temporary: string): Result<T> {
  removeTree(temporary);
  const message = `${request.label}: has an entry "${manifestName}", which is the store's own name`;
  return {
    ok: false,
    failure: failure("extract.entry", 4, message, { file: request.archive, hint: "get the archive from another source" }),
  };
}

/** Folders after their files, so that nothing can be put into them any more. */
function seal(root: string, entries: readonly Entry[]): void {
  for (const e of entries) if (e.kind === "folder") chmodSync(join(root, e.path), 0o555);
  chmodSync(root, 0o555);
}

/** How a folder differs from its manifest: missing, other and additional entries; file contents only with `hash`. */
function differences(root: string, entries: readonly Entry[], hash: boolean): string[] {
  const wrong: string[] = [];
  const known = new Set<string>([manifestName]);
  for (const e of entries) {
    known.add(e.path);
    const path = join(root, e.path);
    const at = lstatSync(path, { throwIfNoEntry: false });
    if (at === undefined) wrong.push(`${e.path} is missing`);
    else if (e.kind === "folder") {
      if (!at.isDirectory()) wrong.push(`${e.path} is no folder`);
    } else if (e.kind === "link") {
      if (!at.isSymbolicLink() || readlinkSync(path) !== e.target) wrong.push(`${e.path} is not a link to ${e.target}`);
    } else if (!at.isFile() || at.size !== e.size) wrong.push(`${e.path} has ${at.size} bytes instead of ${e.size}`);
    else if (((at.mode & 0o111) !== 0) !== e.executable) wrong.push(`${e.path} is ${e.executable ? "not " : ""}executable`);
    else if (hash && hashFile(path).digest !== e.sha256) wrong.push(`${e.path} has another content`);
  }
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (!known.has(path)) wrong.push(`${path} does not belong to it`);
      else if (entry.isDirectory()) walk(path);
    }
  };
  walk("");
  return wrong;
}
