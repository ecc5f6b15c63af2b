/** Folders, records and random numbers for the tests of the cache. */
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cache, openCache } from "../../cache/open.ts";
import { removeTree } from "../../cache/remove-tree.ts";
import type { ActionResult, CanonPath, Digest, Key, Read, StaticKey } from "../../engine/types.ts";

export const checker = [process.execPath, fileURLToPath(new URL("check-child.ts", import.meta.url))];

export function temporary(): string {
  if (made.length === 0)
    process.on("exit", () => {
      for (const folder of made) removeTree(folder);
    });
  const folder = mkdtempSync(join(tmpdir(), "fb-cache-"));
  made.push(folder);
  return folder;
}
const made: string[] = [];

export function open(folder: string): Cache {
  const cache = openCache(folder, checker);
  if (!cache.ok) throw new Error(cache.failure.message);
  return cache.value;
}

export const sha = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex") as Digest;
export const keyOf = (text: string) => sha(text) as string as Key;
export const staticKeyOf = (text: string) => sha(text) as string as StaticKey;

export function someReads(n: number, seed = ""): Read<CanonPath>[] {
  const kinds = ["file", "absent", "listing", "includes", "value", "directives"] as const;
  return Array.from({ length: n }, (_, i) => ({ is: kinds[i % kinds.length] ?? "file", path: `src/${seed}/höader ${i}.h` as CanonPath }));
}

export function someResult(name: string, contents: readonly string[] = [name]): ActionResult {
  return {
    outputs: contents.map((c, i) => ({
      path: `@out/${name}-${i}.o` as CanonPath,
      digest: sha(c),
      size: Buffer.byteLength(c),
      executable: i % 2 === 1,
    })),
    log: `warning: ${name}\n\0 und so weiter: ü`,
    reads: someReads(6, name),
    grown: name.length % 2 === 0 ? null : new TextEncoder().encode(name),
    ms: 12.5,
    origin: "/home/someone/project",
  };
}
