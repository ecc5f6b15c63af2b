/** Libraries as they are offered and found: their archives, their packages in the store, and what the manifests in these say. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Package } from "../../cache/store.ts";
import type { LibraryContent } from "../../rules/library-set.ts";
import type { LockSource } from "../../rules/lock.ts";
import { type Dependency, readManifest } from "../../rules/manifest.ts";
import type { PackageSpec } from "../../rules/package-spec.ts";
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

/** What the first manifest says that can be read. */
export function contentOf(found: Package): LibraryContent {
  for (const kind of ["library.json", "library.properties", "module.json"] as const) {
    const path = join(found.folder, kind);
    if (!existsSync(path)) continue;
    const read = readManifest(kind, readFileSync(path, "utf8"));
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
