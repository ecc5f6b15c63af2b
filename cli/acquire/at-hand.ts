/** Which items of lib_deps a folder has already: of the project, of PlatformIO's installs, of the framework. The plan finds them there; the others are fetched. */
import { collapse, join } from "../../engine/paths.ts";
import { FileTree } from "../../rules/file-tree.ts";
import { type LibraryWant, packageFor } from "../../rules/lib-deps.ts";
import { type Library, readLibrary } from "../../rules/library.ts";
import type { LibraryOptions } from "../../rules/plan-libs.ts";
import type { HostDisk } from "../host/disk.ts";

export interface AtHand {
  readonly missing: readonly LibraryWant[];
  /** A library that comes with the framework. */
  isBuiltin(name: string): boolean;
}

/** frameworkStorages: the framework's folders of libraries. */
export function librariesAtHand(options: LibraryOptions, framework: string, frameworkStorages: readonly string[], disk: HostDisk): AtHand {
  if (options.wants.every((want) => want.folder !== null)) return { missing: [], isBuiltin: () => false };
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
  const storages = [...options.before, options.installed, ...options.after].map(librariesIn);
  const builtin = frameworkStorages.flatMap(librariesIn);
  const isThere = (want: LibraryWant): boolean =>
    want.folder !== null ||
    [...storages, builtin].some((storage) => packageFor(want, storage) !== null || storage.some((library) => library.name === want.text));
  return { missing: options.wants.filter((want) => !isThere(want)), isBuiltin: (name) => builtin.some((library) => library.name === name) };
}
