/**
 * What PlatformIO's package manager takes for the library in a folder that it installs (core: package/manager/library.py): from an archive, a repository or a
 * folder that it copies. fb uses the folder where it is.
 */
import type { FileTree } from "./file-tree.ts";

const MANIFESTS = ["library.json", "library.properties", "module.json"];
const SIGNS = ["include", "Include", "inc", "Inc", "src", "Src"];
const FILES = ["conanfile.py", "CMakeLists.txt"];
const CODE = /\.(?:c|cpp|h|hpp|S)$/;

/** `named`: a manifest says what it is; PlatformIO writes one, with no more than a name, for a library that has none. */
export interface InstalledRoot {
  readonly folder: string;
  readonly named: boolean;
}

/** The first folder with a manifest, from the top down; else the first that looks like a library's. */
export function installedRoot(folder: string, tree: FileTree): InstalledRoot {
  const isNamed = (dir: string): boolean => MANIFESTS.some((name) => tree.has(dir, name, "file"));
  if (isNamed(folder)) return { folder, named: true };
  const all = [...tree.folders(folder)];
  const named = all.find(({ dir }) => isNamed(dir));
  if (named !== undefined) return { folder: named.dir, named: true };
  const found = all.find(({ entries }) => {
    const names = (is: "file" | "dir"): string[] => entries.flatMap((entry) => (entry.is === is ? [entry.name] : []));
    const files = names("file");
    if (files.length === 0 && entries.length === 1) return false;
    return names("dir").some((name) => SIGNS.includes(name)) || files.some((name) => FILES.includes(name) || CODE.test(name));
  });
  return { folder: found?.dir ?? folder, named: false };
}
