/**
 * Records of the action cache as text that is carried to another machine: a JSON line each, `["results" | "sets" | "reads", key in hex, value in base64]`. What
 * is read back is as untrusted as any file: a record that is not sound, or that names what is not there, is left out.
 */
import { nowMinutes } from "../actions.ts";
import { decodeReads, decodeResult, decodeSet, encodeReads, isSound, setId, setOf } from "../codec.ts";
import type { Lmdb } from "../lmdb.ts";

export interface Carried {
  readonly lines: string;
  readonly results: number;
  /** Digests of the outputs. */
  readonly blobs: ReadonlySet<string>;
}

/** keys: of the results, null for all. hasBlob: results with an output whose blob is gone are left out. */
export function carryRecords(db: Lmdb, keys: ReadonlySet<string> | null, hasBlob: (digest: string) => boolean): Carried {
  const lines: string[] = [];
  const blobs = new Set<string>();
  const sets = new Set<string>();
  const add = (table: string, key: Uint8Array, value: Uint8Array): void => {
    lines.push(`${JSON.stringify([table, Buffer.from(key).toString("hex"), Buffer.from(value).toString("base64")])}\n`);
  };
  let results = 0;
  for (const { key, value } of db.entries("results")) {
    if (keys !== null && !keys.has(key.toString("hex"))) continue;
    const outputs = decodeResult(value)?.result.outputs;
    if (outputs === undefined || !outputs.every((output) => hasBlob(output.digest))) continue;
    for (const output of outputs) blobs.add(output.digest);
    sets.add(setOf(value));
    add("results", key, value);
    results++;
  }
  for (const name of sets) {
    const key = Buffer.from(name, "latin1");
    const value = db.get("sets", key);
    if (value !== undefined) add("sets", key, value);
  }
  for (const { key, value } of db.entries("reads")) {
    const [first, ...older] = decodeReads(value).filter((id) => sets.has(id.toString("latin1")));
    if (first !== undefined) add("reads", key, encodeReads(first, older));
  }
  return { lines: lines.join(""), results, blobs };
}

/** Puts what is sound, and not there yet. hasBlob: of a digest and size. @returns how many results are new; -1 where the database can not be written */
export function takeRecords(db: Lmdb, text: string, hasBlob: (digest: string, size: number) => boolean): number {
  const tables = { results: new Map<string, Buffer>(), sets: new Map<string, Buffer>(), reads: new Map<string, Buffer>() };
  for (const line of text.split("\n")) {
    const [table, key, value] = partsOf(line);
    if (table !== "results" && table !== "sets" && table !== "reads") continue;
    const bytes = Buffer.from(value, "base64");
    if (isSound(bytes) && /^(?:[0-9a-f]{2})+$/.test(key)) tables[table].set(key, bytes);
  }
  for (const [key, value] of tables.sets)
    if (setId(value).toString("hex") !== key || decodeSet(value, new Map()) === undefined) tables.sets.delete(key);
  const hasSet = (id: Buffer): boolean => tables.sets.has(id.toString("hex")) || db.get("sets", id) !== undefined;
  for (const [key, value] of tables.results) {
    const isWhole =
      key.length === 64 &&
      hasSet(Buffer.from(setOf(value), "latin1")) &&
      decodeResult(value)?.result.outputs.every((output) => hasBlob(output.digest, output.size)) === true;
    if (!isWhole) tables.results.delete(key);
  }
  let added = 0;
  const used = Buffer.alloc(4);
  used.writeUInt32LE(nowMinutes());
  const failed = db.transact(() => {
    for (const [hex, value] of tables.sets) {
      const key = Buffer.from(hex, "hex");
      if (db.get("sets", key) === undefined) db.put("sets", key, value);
    }
    for (const [hex, value] of tables.results) {
      const key = Buffer.from(hex, "hex");
      // What is here was made here: it stays.
      if (db.get("results", key) === undefined) {
        db.put("results", key, value);
        added++;
      }
      db.put("used", key, used);
    }
    for (const [hex, value] of tables.reads) {
      const key = Buffer.from(hex, "hex");
      const there = db.get("reads", key);
      const own = there === undefined ? [] : decodeReads(there);
      const more = decodeReads(value).filter((id) => hasSet(id) && !own.some((one) => one.equals(id)));
      const [first, ...older] = [...own, ...more];
      if (first !== undefined && key.length === 32 && more.length > 0) db.put("reads", key, encodeReads(first, older));
    }
  });
  return failed === null ? added : -1;
}

function partsOf(line: string): readonly [table: string, key: string, value: string] {
  try {
    const parts: unknown = JSON.parse(line);
    if (Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === "string"))
      return parts as [string, string, string];
  } catch {
    // An empty line, or one that is cut off.
  }
  return ["", "", ""];
}
