/**
 * What was written is on the disk before a rename makes it visible: without it a power failure can leave a package of empty files under its final name.
 * syncfs(2) through `sync -f` writes a folder of thousands of files in one go; fsync of each costs a journal commit a file.
 */
import { spawn } from "node:child_process";
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Throws the signal's reason as soon as it is aborted: a slow disk may have seconds to write. */
export async function flushFolder(folder: string, signal: AbortSignal | null = null): Promise<void> {
  const synced = process.platform === "linux" && (await syncFilesystem(folder, signal));
  signal?.throwIfAborted();
  if (synced) return;
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
function syncFilesystem(folder: string, signal: AbortSignal | null): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("sync", ["-f", folder], { stdio: "ignore" });
    // It is not waited for: what it does in the kernel can not be ended.
    const leave = () => {
      child.unref();
      child.kill("SIGKILL");
      resolve(false);
    };
    signal?.addEventListener("abort", leave, { once: true });
    const end = (synced: boolean) => {
      signal?.removeEventListener("abort", leave);
      resolve(synced);
    };
    child.on("error", () => end(false));
    child.on("close", (code) => end(code === 0));
  });
}
