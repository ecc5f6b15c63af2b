/**
 * The last runs of a project that did something, in `.fb/state/history`: a file each, named by its number, JSON compressed by zstd. What an action saw is not
 * in it but where that lies (evidence.ts), so a run writes little and its causes are worked out when somebody asks. One that was not written to its end is none.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cause, Kind, Status } from "../engine/types.ts";
import type { EvidenceRef } from "./evidence.ts";
import { makeFolders } from "./folders.ts";

/** So many can be asked for. */
const KEPT_RUNS = 20;

/** What one action did in a run. */
export interface RunAction {
  readonly name: string;
  readonly kind: Kind;
  readonly env: string;
  readonly label: string;
  readonly status: Status;
  readonly ms: number;
  /** Causes that no evidence tells: an output that was missing, a forced run; all of an action that failed. */
  readonly why: readonly Cause[];
  /** What it saw the time before, and this time; null where it saw nothing that was kept. */
  readonly before: EvidenceRef | null;
  readonly after: EvidenceRef | null;
  /** Of what came from the cache: the folder of the project that had run it. */
  readonly origin: string | null;
  /** Its outputs are byte for byte those of the time before. */
  readonly same: boolean;
}

export interface Run {
  /** Counted from 1. */
  readonly run: number;
  /** Its begin, ISO 8601. */
  readonly time: string;
  readonly request: readonly string[];
  readonly status: "ok" | "failed" | "cancelled";
  readonly ms: number;
  readonly counts: {
    readonly actions: number;
    readonly ran: number;
    readonly hits: number;
    readonly upToDate: number;
    readonly failed: number;
  };
  readonly builds: readonly { readonly env: string; readonly profile: string }[];
  /** What the targets of the request stood for, by env. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Names and versions of tools by their digest, where the run looked at them. */
  readonly tools: Readonly<Record<string, string>>;
  readonly actions: readonly RunAction[];
  /** Actions that there are no more, with what they had seen. */
  readonly gone: readonly { readonly name: string; readonly before: EvidenceRef }[];
}

export class History {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The numbers of the runs that are kept, newest first. */
  numbers(): readonly number[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
      .sort((a, b) => b - a)
      .slice(0, KEPT_RUNS);
  }

  /** Null where it is not kept any more, or cannot be read. */
  run(number: number): Run | null {
    try {
      const text = process
        .getBuiltinModule("node:zlib")
        .zstdDecompressSync(readFileSync(this.#file(number)))
        .toString("utf8");
      return { gone: [], ...(JSON.parse(text) as Omit<Run, "run" | "gone"> & Partial<Pick<Run, "gone">>), run: number };
    } catch {
      return null;
    }
  }

  /** Adds a run under the next number; those that are too many go. Throws the system's error. */
  add(run: Omit<Run, "run">): void {
    if (!existsSync(this.#folder)) makeFolders(this.#folder);
    const kept = this.numbers();
    const data = process.getBuiltinModule("node:zlib").zstdCompressSync(JSON.stringify(run));
    writeFileSync(this.#file((kept[0] ?? 0) + 1), data);
    for (const old of kept.slice(KEPT_RUNS - 1)) rmSync(this.#file(old), { force: true });
  }

  /** The generations of evidence that its runs name. */
  generations(): readonly number[] {
    const refs = this.numbers().flatMap((number) => {
      const run = this.run(number);
      return [...(run?.actions ?? []).flatMap((a) => [a.before, a.after]), ...(run?.gone ?? []).map((a) => a.before)];
    });
    return [...new Set(refs.flatMap((ref) => (ref === null ? [] : [ref[0]])))];
  }

  #file(number: number): string {
    return join(this.#folder, String(number));
  }
}
