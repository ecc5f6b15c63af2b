/**
 * One project's memory between runs, in its `.fb/state`: the last run of each action (db, see statefile.ts), the outputs of each folder (outputs/),
 * the folders that a run which did not come to its end was writing into (unfinished, a line "SINCE FOLDER" each), the last sizes (sizes.json) and the last runs
 * (history.ts). Plain files, replaced by rename or appended; the writer holds the project's lock.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CanonPath, Failure, LastRun, OutputRecord, ProjectState, Read, Result, RunResult } from "../engine/types.ts";
import type { EvidenceRef } from "../engine/run-record.ts";
import { makeFolders } from "./folders.ts";
import type { Run } from "../engine/run-record.ts";
import { History } from "./history.ts";
import { replaceFile } from "./replace-file.ts";
import { StateFile, type StateMark } from "./statefile.ts";
import { deletedHint, errorCode, trouble } from "./trouble.ts";

/** So many results are written at once while a run goes on; a kill loses no more. */
const batchSize = 64;
/** https://bford.info/cachedir/: the first line is fixed, backup programs look for it. */
const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is written by fb and can be deleted.\n";

export type Sizes = RunResult["size"][number];

export class LocalState implements ProjectState {
  readonly folder: string;
  readonly history: History;
  readonly #file: StateFile;
  /** What this process changed: where the evidence of the run before lies, and whether the outputs are as they were. */
  readonly #changed = new Map<string, { readonly before: EvidenceRef | null; same: boolean }>();
  readonly #gone = new Map<string, EvidenceRef>();
  #changes = new Map<string, LastRun | null>();
  /** Durations outlive the results that they were measured with, as long as the process lives. */
  readonly #durations = new Map<string, number>();
  readonly #outputs = new Map<string, readonly string[]>();
  #unfinished: Map<string, bigint> | null = null;
  /** The folders among them that this process writes into. */
  readonly #begun = new Set<string>();
  #failure: Failure | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.history = new History(join(folder, "history"));
    this.#file = StateFile.open(join(folder, "db"), () => this.history.generations());
  }

  /**
   * @param fbFolder the project's `.fb`; made if it is not there, with its .gitignore and CACHEDIR.TAG
   * @param stateFolder where the state lies if not in `.fb/state`, as with FB_DEV_MODE
   */
  static open(fbFolder: string, stateFolder: string = join(fbFolder, "state")): Result<LocalState> {
    try {
      if (!existsSync(join(stateFolder, "outputs"))) makeFolders(join(stateFolder, "outputs"));
      writeOnce(join(fbFolder, ".gitignore"), "*\n");
      writeOnce(join(fbFolder, "CACHEDIR.TAG"), cacheTag);
      return { ok: true, value: new LocalState(stateFolder) };
    } catch (error) {
      return { ok: false, failure: unwritableState(fbFolder, error) };
    }
  }

  /** The first write that failed: what this run did will be done again by the next. */
  get failure(): Failure | null {
    return this.#failure;
  }

  last(action: string): LastRun | undefined {
    const change = this.#changes.get(action);
    return change === undefined ? this.#file.get(action) : (change ?? undefined);
  }

  setLast(action: string, run: LastRun): void {
    const before = this.last(action);
    const outputs = before?.result.outputs ?? [];
    const same = before !== undefined && sameOutputs(outputs, run.result.outputs);
    this.#changed.set(action, { before: this.#changed.get(action)?.before ?? this.#file.evidenceRef(action), same });
    this.#durations.set(action, run.result.ms);
    this.#change(action, run);
  }

  forget(action: string): void {
    const seen = this.#file.evidenceRef(action);
    if (seen !== null) this.#gone.set(action, seen);
    const ms = this.duration(action);
    if (ms !== undefined) this.#durations.set(action, ms);
    this.#change(action, null);
  }

  duration(action: string): number | undefined {
    return this.#durations.get(action) ?? this.#file.ms(action);
  }

  /** What is on disk of it; null where the last write failed. */
  mark(): StateMark | null {
    return this.#changes.size > 0 || this.#failure !== null ? null : this.#file.mark();
  }

  /** Whether all that was there at a mark is there still. */
  reaches({ generation, bytes }: StateMark): boolean {
    const now = this.#file.mark();
    return now.generation === generation && now.bytes >= bytes;
  }

  /** The actions whose last run on disk had one of these reads. */
  readers(reads: readonly Read<CanonPath>[]): Iterable<string> {
    return this.#file.readers(reads);
  }

  /** Every action that has a last run. */
  actions(): string[] {
    const names = new Set(this.#file.names());
    for (const [name, run] of this.#changes) {
      if (run === null) names.delete(name);
      else names.add(name);
    }
    return [...names];
  }

  outputs(folder: string): readonly string[] {
    const known = this.#outputs.get(folder);
    if (known !== undefined) return known;
    const text = readText(this.#outputsFile(folder));
    const paths = text === null || text === "" ? [] : text.split("\0");
    this.#outputs.set(folder, paths);
    return paths;
  }

  async setOutputs(folder: string, paths: readonly string[]): Promise<void> {
    const old = this.outputs(folder);
    if (old.length === paths.length && old.every((p, i) => p === paths[i])) return;
    try {
      replaceFile(this.#outputsFile(folder), paths.join("\0"));
      this.#outputs.set(folder, [...paths]);
    } catch (error) {
      this.#failure ??= unwritableState(this.folder, error);
    }
  }

  unfinished(folder: string): bigint | null {
    return this.#marks().get(folder) ?? null;
  }

  setUnfinished(folder: string, since: bigint | null): void {
    const marks = this.#marks();
    if (since === null) marks.delete(folder);
    else marks.set(folder, since);
    if (since === null) this.#begun.delete(folder);
    else this.#begun.add(folder);
    this.#writeMarks();
  }

  /** This run has come to its end: what it left in the folders that it wrote into is whole. */
  finish(): void {
    if (this.#begun.size === 0) return;
    for (const folder of this.#begun) this.#marks().delete(folder);
    this.#begun.clear();
    this.#writeMarks();
  }

  /** The flash and RAM that an env's image took when it was last linked; null if never. */
  sizes(env: string, profile: string): Sizes | null {
    return this.#sizes()[`${env}/${profile}`] ?? null;
  }

  setSizes(profile: string, sizes: Sizes): void {
    const file = join(this.folder, "sizes.json");
    const all = JSON.stringify({ ...this.#sizes(), [`${sizes.env}/${profile}`]: sizes });
    // Most edits leave the sizes as they are; to replace a file makes ext4 write it out, some milliseconds.
    if (all !== readText(file)) this.#try(() => replaceFile(file, all));
  }

  /** What the history says of an action that this process ran or restored; null of any other. After flush(). */
  changed(action: string): { readonly before: EvidenceRef | null; readonly after: EvidenceRef | null; readonly same: boolean } | null {
    const changed = this.#changed.get(action);
    return changed === undefined ? null : { ...changed, after: this.#file.evidenceRef(action) };
  }

  /** Actions that this process forgot and did not run again, with where what they saw lies. */
  gone(): readonly { readonly name: string; readonly before: EvidenceRef }[] {
    return [...this.#gone].flatMap(([name, before]) => (this.last(name) === undefined ? [{ name, before }] : []));
  }

  /** Where that of an action's last run lies. After flush(). */
  evidenceRef(action: string): EvidenceRef | null {
    return this.#file.evidenceRef(action);
  }

  /** What an action saw, as JSON of Evidence in engine/key.ts. */
  evidence(ref: EvidenceRef): string {
    return this.#file.evidence(ref);
  }

  /** Adds a run to the history, where that can be written. */
  addRun(run: Omit<Run, "run">): void {
    this.#try(() => this.history.add(run));
  }

  async flush(): Promise<void> {
    this.#write();
  }

  #change(action: string, run: LastRun | null): void {
    this.#changes.set(action, run);
    if (this.#changes.size >= batchSize && this.#failure === null) this.#write();
  }

  #write(): void {
    if (this.#changes.size === 0) return;
    this.#try(() => {
      this.#file.append(this.#changes);
      this.#changes = new Map();
    });
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= unwritableState(this.folder, error);
    }
  }

  /** Folder → since when. */
  #marks(): Map<string, bigint> {
    if (this.#unfinished === null) {
      const lines = (readText(this.#unfinishedFile()) ?? "").matchAll(/^(\d+) (.+)$/gm);
      this.#unfinished = new Map([...lines].map(([, since = "0", folder = ""]) => [folder, BigInt(since)]));
    }
    return this.#unfinished;
  }

  #writeMarks(): void {
    const text = [...this.#marks()].map(([folder, since]) => `${since} ${folder}\n`).join("");
    this.#try(() => {
      if (text === "") rmSync(this.#unfinishedFile(), { force: true });
      else replaceFile(this.#unfinishedFile(), text);
    });
  }

  #unfinishedFile(): string {
    return join(this.folder, "unfinished");
  }

  #sizes(): Record<string, Sizes> {
    const value = parseJson(readText(join(this.folder, "sizes.json")) ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, Sizes>) : {};
  }

  #outputsFile(folder: string): string {
    return join(this.folder, "outputs", encodeURIComponent(folder));
  }
}

function sameOutputs(a: readonly OutputRecord[], b: readonly OutputRecord[]): boolean {
  return a.length === b.length && a.every((o, i) => o.path === b[i]?.path && o.digest === b[i].digest);
}

const IN_THE_WAY = "what stands there is no folder: move it away";
const WRITE_HINTS: Readonly<Record<string, string>> = {
  ENOENT: deletedHint,
  ENOSPC: "free some space on that disk",
  EROFS: "mount it writable, or copy the project to a folder that is",
  ENOTDIR: IN_THE_WAY,
  EEXIST: IN_THE_WAY,
};

function unwritableState(folder: string, error: unknown): Failure {
  const why = errorCode(error);
  return trouble("error", "state.write", folder, `cannot write ${folder}: ${why}`, WRITE_HINTS[why] ?? "make it writable by you");
}

function writeOnce(file: string, text: string): void {
  // Asked first: the error for a file that is there costs 0.1 ms.
  if (!existsSync(file)) writeFileSync(file, text);
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
