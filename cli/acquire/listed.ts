/** Packages that hold a list of archives in place of a tool (rules/espressif-tools.ts): what the list has for this machine is fetched as the package, checked by its sum. */
import type { PackageNeed } from "../../cache/providers/package.ts";
import type { Package } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { readToolsFile, TOOLS_FILE } from "../../rules/espressif-tools.ts";
import { bestFor } from "../../rules/systems.ts";
import type { LockFile } from "../../rules/lock.ts";
import { isSafeName } from "../../rules/safe-name.ts";
import { ARCHIVE_LAYOUT, lockedSource, type Offer, programOf } from "./offer.ts";

export interface Listed {
  readonly offer: Offer;
  /** Of all machines, for the lock. */
  readonly files: readonly LockFile[];
}

type Read = (path: string) => string | null;

/** null: what lies there is the package itself. told: the version that its package.json has, "" for none. Failure `package.host` (exit 3): the list has none for this machine. */
export function listedIn(held: Package, need: PackageNeed, told: string, machine: string, read: Read): Result<Listed> | null {
  const list = listIn(held.name, held.folder, read);
  if (list === null) return null;
  const version = isSafeName(told) && !told.includes("@") ? told : list.version;
  const file = bestFor(list.files, machine, ({ system }) => [system]);
  if (file === null) {
    const message = `package ${held.name} ${version} is published for no machine like this one (${machine})`;
    return fail(failure("package.host", 3, message, { hint: `name one of your own: platform_packages = ${held.name}@symlink:///FOLDER` }));
  }
  const source = { ...lockedSource(file), version, layout: ARCHIVE_LAYOUT };
  const what = { kind: "tool", name: held.name, owner: need.want?.owner ?? "", is: "index", version } as const;
  return ok({ offer: { ...what, sources: [source], program: programOf(need), debian: [], orSystem: false }, files: list.files });
}

/** Whether a package's folder holds such a list. */
export function isList(name: string, folder: string, read: Read): boolean {
  return listIn(name, folder, read) !== null;
}

function listIn(name: string, folder: string, read: Read): ReturnType<typeof readToolsFile> {
  const text = read(`${folder}/${TOOLS_FILE}`);
  return text === null ? null : readToolsFile(name, text);
}
