/**
 * The last runs of a project that did something, in `.fb/state/history`: a file each, named by its number, JSON compressed by zstd. What an action saw is not
 * in it but where that lies (evidence.ts), so a run writes little and its causes are worked out when somebody asks. One that was not written to its end is none.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../engine/run-record.ts";
import { makeFolders } from "./folders.ts";

/** So many can be asked for. */
const KEPT_RUNS = 20;

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
      return {
        links: {},
        gone: [],
        plans: {},
        ...(JSON.parse(text) as Omit<Run, "run" | "gone" | "links" | "plans"> & Partial<Pick<Run, "gone" | "links" | "plans">>),
        run: number,
      };
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
      return [
        ...(run?.actions ?? []).flatMap((a) => [a.before, a.after]),
        ...(run?.gone ?? []).map((a) => a.before),
        ...Object.values(run?.plans ?? {}),
      ];
    });
    return [...new Set(refs.flatMap((ref) => (ref === null ? [] : [ref[0]])))];
  }

  #file(number: number): string {
    return join(this.#folder, String(number));
  }
}
