/**
 * What was last flashed from a project to each device, `.fb/state/flashed.json`: for people alone, as a board may have been flashed elsewhere since.
 * Format: `{"schema":1,"devices":{ID:Flashed}}`. An entry is taken away before a flash begins and comes back when the uploader has verified it, so what a broken flash
 * left is never called known. A file that does not read counts as empty; processes that write at the same time may lose each other's entries.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Flashed {
  readonly env: string;
  readonly profile: string;
  /** flash, flash-eeprom… */
  readonly target: string;
  /** The image, from the project's folder, and its content. */
  readonly image: string;
  readonly sha256: string;
  /** What was opened then. */
  readonly port: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export const LEDGER_FILE = ".fb/state/flashed.json";

/** By device id. folder: the project's. */
export function readLedger(folder: string): ReadonlyMap<string, Flashed> {
  try {
    const read = JSON.parse(readFileSync(join(folder, LEDGER_FILE), "utf8")) as { schema?: unknown; devices?: Record<string, Flashed> };
    return new Map(read.schema === 1 ? Object.entries(read.devices ?? {}) : []);
  } catch {
    return new Map();
  }
}

/** flashed: null takes the entry away. What cannot be written is not kept. */
export function noteFlashed(folder: string, device: string, flashed: Flashed | null): void {
  const devices = new Map(readLedger(folder));
  if (flashed === null && !devices.delete(device)) return;
  if (flashed !== null) devices.set(device, flashed);
  const file = join(folder, LEDGER_FILE);
  const fresh = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(fresh, `${JSON.stringify({ schema: 1, devices: Object.fromEntries(devices) })}\n`);
    renameSync(fresh, file);
  } catch {
    // A device was flashed all the same.
    rmSync(fresh, { force: true });
  }
}
