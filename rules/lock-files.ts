/** What fb.lock records of a choice: the files of every system that its source has for this version, not only of the machine that chose. */
import { type IndexTool, systemsOf } from "./arduino-index.ts";
import type { LockFile } from "./lock.ts";
import type { TablePackage } from "./package-table.ts";
import type { RegistryVersion } from "./registry.ts";
import { ANY_SYSTEM } from "./systems.ts";

/** Of a version in PlatformIO's registry. */
export function registryFiles({ files }: RegistryVersion): readonly LockFile[] {
  return firstOfEach(files.map(({ systems, url, sha256, size }) => ({ systems: systems ?? [ANY_SYSTEM], from: url, sha256, size })));
}

/** Of a table's package in one of the versions of its sources; a source without sha256 (of Debian) holds for this machine alone and is not among them. */
export function tableFiles({ sources }: TablePackage, version: string): readonly LockFile[] {
  return firstOfEach(
    sources.flatMap(({ systems, from, sha256, size, version: own }) =>
      own === version && sha256 !== null ? [{ systems, from, sha256, size: size ?? 0 }] : [],
    ),
  );
}

/** Of a tool of an Arduino index; hosts that fb does not know are left out. */
export function indexFiles({ files }: IndexTool): readonly LockFile[] {
  return firstOfEach(files.map(({ host, url, sha256, size }) => ({ systems: systemsOf(host), from: url, sha256, size })));
}

interface Offer {
  readonly systems: readonly string[];
  readonly from: string;
  readonly sha256: string;
  readonly size: number;
}

function firstOfEach(offers: readonly Offer[]): readonly LockFile[] {
  const found = new Map<string, LockFile>();
  // A system's name comes from a registry: what can be none is not recorded.
  for (const { systems, from, sha256, size } of offers)
    for (const system of systems)
      if (!found.has(system) && /^(?:\*|[a-z0-9_]{1,40})$/.test(system)) found.set(system, { system, from, sha256, size, digest: "" });
  return [...found.values()];
}
