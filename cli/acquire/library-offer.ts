/** Libraries as they are offered and found: their archives, their packages in the store, and what the manifests in these say. */
import type { Package } from "../../cache/store.ts";
import { join } from "../../engine/paths.ts";
import { FileTree } from "../../rules/file-tree.ts";
import { installedRoot } from "../../rules/installed-library.ts";
import type { LibraryContent } from "../../rules/library-set.ts";
import type { LockSource } from "../../rules/lock.ts";
import { type Dependency, readManifest } from "../../rules/manifest.ts";
import type { PackageSpec } from "../../rules/package-spec.ts";
import type { HostDisk } from "../host/disk.ts";
import { ARCHIVE_LAYOUT, type Offer } from "./offer.ts";

/** A library that has one source. */
export interface LibraryFile {
  readonly name: string;
  /** "" for none. */
  readonly owner: string;
  readonly version: string;
  readonly is: LockSource;
  readonly from: string;
  /** Null where nobody says. */
  readonly sha256: string | null;
  readonly size: number | null;
}

export function offerOf({ name, owner, version, is, from, sha256, size }: LibraryFile): Offer {
  // Archives of repositories have a folder around all, those of the registry have not.
  const source = { from, sha256, size, version, layout: ARCHIVE_LAYOUT };
  return { kind: "library", name, owner, version, is, sources: [source], program: "", debian: [], orSystem: false };
}

/** What the first manifest says that can be read, of the folder that is the library, which may lie deeper than the archive's top. */
export function contentOf(found: Package, disk: Pick<HostDisk, "list" | "read">): LibraryContent {
  const tree = new FileTree(disk);
  const { folder } = installedRoot(found.folder, tree);
  for (const kind of ["library.json", "library.properties", "module.json"] as const) {
    if (!tree.has(folder, kind, "file")) continue;
    const read = readManifest(kind, new TextDecoder().decode(disk.read(join(folder, kind))));
    if (!read.ok) continue;
    const { name, version, dependencies } = read.value;
    return { name: name ?? "", version: version ?? "", dependencies };
  }
  return { name: "", version: found.version.startsWith("0.0.0+") ? "" : found.version, dependencies: [] };
}

/** A dependency as lib_deps would write it. */
export function textOf({ owner, name, version }: Dependency): string {
  return `${owner === "" ? "" : `${owner}/`}${name}${version === "" ? "" : `@${version}`}`;
}

/** A spec of which only its text matters, as the lock has it. */
export function specOf(text: string): PackageSpec {
  return { owner: null, id: null, name: null, requirement: null, uri: null, custom: false, text };
}
