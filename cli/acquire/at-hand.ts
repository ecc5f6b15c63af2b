/** Which items of lib_deps a folder has already: of the project, of PlatformIO's installs, of the framework. The plan finds them there; the others are fetched. */
import { collapse, join } from "../../engine/paths.ts";
import { FileTree } from "../../rules/file-tree.ts";
import { type LibraryWant, packageFor } from "../../rules/lib-deps.ts";
import { type Library, readLibrary } from "../../rules/library.ts";
import type { Dependency } from "../../rules/manifest.ts";
import type { LibraryOptions } from "../../rules/plan-libs.ts";
import type { HostDisk } from "../host/disk.ts";

export interface AtHand {
  readonly missing: readonly LibraryWant[];
  /** What libraries of the project's own folder need of a certain owner, or at an address, and no folder has. */
  readonly needs: readonly OwnNeed[];
  /** A library that comes with the framework. */
  isBuiltin(name: string): boolean;
}

/** A dependency that the manifest of a library of the project names. */
export interface OwnNeed {
  readonly of: string;
  readonly dependency: Dependency;
}

/** frameworkStorages: the framework's folders of libraries. */
export function librariesAtHand(options: LibraryOptions, framework: string, frameworkStorages: readonly string[], disk: HostDisk): AtHand {
  const tree = new FileTree({ list: (path) => disk.list(path === "" ? "." : path) });
  const io = {
    tree,
    read: (path: string) => new TextDecoder().decode(disk.read(path)),
    // Sources would tell the framework of a library without a manifest, which no item means by more than its name.
    includes: () => null,
  };
  const context = { ...options, framework, mcu: "" };
  const librariesIn = (storage: string): Library[] =>
    (tree.list(collapse(storage)) ?? []).flatMap((entry) =>
      entry.is === "dir" ? [readLibrary(join(collapse(storage), entry.name), context, io)] : [],
    );
  const own = options.before.map(librariesIn);
  const needing = own.flat().filter((library) => library.manifest.dependencies.some(isOfSomebody));
  // Usually nothing is wanted: then nothing more is read.
  if (needing.length === 0 && options.wants.every((want) => want.folder !== null))
    return { missing: [], needs: [], isBuiltin: () => false };
  const storages = [...own, ...[options.installed, ...options.after].map(librariesIn)];
  const builtin = frameworkStorages.flatMap(librariesIn);
  const isThere = (want: LibraryWant): boolean =>
    want.folder !== null ||
    [...storages, builtin].some((storage) => packageFor(want, storage) !== null || storage.some((library) => library.name === want.text));
  const has = (name: string): boolean =>
    [...storages, builtin].some((storage) =>
      storage.some((library) => (library.installed?.name ?? library.name).toLowerCase() === name.toLowerCase()),
    );
  return {
    missing: options.wants.filter((want) => !isThere(want)),
    needs: needing.flatMap((library) =>
      library.manifest.dependencies
        .filter((dependency) => isOfSomebody(dependency) && !has(dependency.name))
        .map((dependency) => ({ of: library.name, dependency })),
    ),
    isBuiltin: (name) => builtin.some((library) => library.name === name),
  };
}

/** PlatformIO fetches for libraries of the project what names its owner, or an address in place of a version; nothing else. */
function isOfSomebody({ owner, version }: Dependency): boolean {
  return owner !== "" || /:\/\//.test(version);
}
