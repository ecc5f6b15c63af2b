/**
 * What was written is on the disk before a rename makes it visible: without it a power failure can leave a package of empty files under its final name.
 * syncfs(2) through `sync -f` writes a folder of thousands of files in one go; fsync of each costs a journal commit a file.
 */
import { spawn } from "node:child_process";
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";

export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "linux" && (await syncFilesystem(folder))) return;
  const walk = (at: string) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (entry.isDirectory()) walk(join(at, entry.name));
      else if (entry.isFile()) flushPath(join(at, entry.name));
    }
    flushPath(at);
  };
  walk(folder);
}

/** fsync of a file or folder; on systems that have none for folders (Windows) nothing happens. */
export function flushPath(path: string): void {
  if (process.platform === "win32" && lstatSync(path).isDirectory()) return;
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** coreutils' since 8.24; false where it is not that one. */
function syncFilesystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("sync", ["-f", folder], { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
