/**
 * One action from "its inputs are settled" to "its outputs are": key → kept in place, restored, or run.
 *
 *   decide ──same key, outputs intact──► kept
 *     │ ────a recorded result──────────► restored ──blob missing or wrong──► (the record goes) decide again
 *     └────else──► run ──inputs changed meanwhile──► run again (twice at most)
 *                   └──► reads → digests → blobs → record → settled
 */
import { type Discovery, type Found, FOUND_NOTHING } from "./discover.ts";
import { type Executed, execute, UNIX_TIME } from "./execute.ts";
import { fail, failure, ok } from "./failure.ts";
import { ABSENT, type Files, type FilesHost } from "./files.ts";
import type { Graph, Node } from "./graph.ts";
import { Folders, Guard } from "./guard.ts";
import { evidenceJson, fullKey, staticKey, walkStatic } from "./key.ts";
import { writtenBy } from "./prune.ts";
import { canonical, canonicalRead, canonicalText, folderOf, fromCanonical, outFolder, type Paths } from "./paths.ts";
import { ReadSets } from "./read-sets.ts";
import { Reasons, type ReasonsHost } from "./reasons.ts";
import { RecordingIo } from "./recording-io.ts";
import type {
  ActionCache,
  ActionResult,
  ActionSpec,
  Blobs,
  CanonPath,
  Cause,
  Clock,
  Effector,
  Failure,
  InnerTools,
  Key,
  LastRun,
  OutputRecord,
  Planner,
  ProjectState,
  Read,
  Result,
  Runner,
  StaticKey,
  ActionRun,
} from "./types.ts";

/** Everything that the engine reaches the world by. */
export interface World extends FilesHost, ReasonsHost {
  readonly clock: Clock;
  readonly runner: Runner;
  readonly cache: ActionCache;
  readonly blobs: Blobs;
  readonly state: ProjectState;
  readonly planner: Planner;
  readonly tools: InnerTools;
  readonly effects: Effector;
  readonly paths: Paths;
  /** The names nearest to one that is unknown, best first. */
  nearest(word: string, names: Iterable<string>): readonly string[];
}

/** How often an action runs when its inputs change while it does. */
const ATTEMPTS = 3;

export type Decision =
  | { readonly do: "keep"; readonly last: LastRun }
  | { readonly do: "restore"; readonly sk: StaticKey; readonly key: Key; readonly result: ActionResult; readonly why: readonly Cause[] }
  /** sk holds as long as no file was forgotten since so many were. */
  | { readonly do: "run"; readonly sk: StaticKey; readonly changes: number; readonly why: readonly Cause[] };

export interface Finished {
  readonly exitCode: number;
  readonly result: ActionResult;
}

export class Settler {
  /** Set when a file changed while an action that reads it ran: this run's signatures must not be believed by the next. */
  disturbed = false;
  private readonly world: World;
  private readonly graph: Graph;
  private readonly files: Files;
  private readonly discovery: Discovery;
  /** By output folder and path. */
  private readonly canonicalReads = new Map<string, Map<string, Read<CanonPath>>>();
  private readonly folders: Folders;
  private readonly readSets: ReadSets;
  private readonly saysWhy: boolean;
  readonly reasons: Reasons;

  /** saysWhy: whether decisions name their causes, which costs as much as the key of an action. */
  constructor(world: World, graph: Graph, files: Files, discovery: Discovery, saysWhy: boolean) {
    this.world = world;
    this.graph = graph;
    this.files = files;
    this.discovery = discovery;
    this.folders = new Folders(world.disk);
    this.readSets = new ReadSets(files, graph, world.hashing);
    this.saysWhy = saysWhy;
    this.reasons = new Reasons(world, graph, files);
  }

  /** lookup: whether recorded results may be used at all. */
  async decide(node: Node, lookup: "all" | "project" | "none"): Promise<Decision> {
    const { world, files } = this;
    const { spec } = node;
    const sk = this.staticKey(spec);
    const { length: changes } = files.changes;
    const last = world.state.last(spec.name);
    if (lookup === "none") return { do: "run", sk, changes, why: [{ cause: "forced" }] };
    let broken: Cause[] = [];
    if (last !== undefined && last.staticKey === sk && spec.sharing !== "never") {
      const key = this.keyWith(sk, node, last.result.reads);
      if (key === last.key) {
        broken = this.reasons.broken(spec, last.result);
        if (broken.length === 0) return { do: "keep", last };
      }
    }
    const why = broken.length > 0 ? broken : this.saysWhy ? this.reasons.since(node, last) : [];
    const shared = lookup === "all" && spec.sharing !== "time" && spec.sharing !== "never";
    if (shared) {
      const recorded = world.cache.reads(sk);
      const sets = recorded instanceof Promise ? await recorded : recorded;
      for (const reads of sets) {
        const key = this.keyWith(sk, node, reads);
        if (key === null) continue;
        const found = world.cache.get(key);
        const result = found instanceof Promise ? await found : found;
        if (result !== undefined) return { do: "restore", sk, key, result, why };
      }
    }
    // What was there once would have been restored.
    return { do: "run", sk, changes, why: shared && broken.length > 0 ? [...broken, { cause: "evicted" }] : why };
  }

  private staticKey(spec: ActionSpec): StaticKey {
    return staticKey(this.world.hashing, spec, this.world.paths.project, (r) => this.files.digest(r));
  }

  /** The key with these reads as they are now; null if one of them is made by an action that this one does not wait for. */
  private keyWith(sk: StaticKey, node: Node, reads: readonly Read<CanonPath>[]): Key | null {
    const out = outFolder(node.spec.env, node.spec.profile);
    const shared = this.readSets.shared(reads);
    for (const { path } of this.readSets.made(shared, out)) if (this.graph.unordered(node, path) !== null) return null;
    return fullKey(this.world.hashing, sk, this.readSets.sum(shared, out));
  }

  /** Copies the outputs of a recorded result into place; false if a blob was missing or wrong: then the record is gone. */
  async restore(node: Node, d: Decision & { do: "restore" }): Promise<boolean> {
    const { world } = this;
    const out = outFolder(node.spec.env, node.spec.profile);
    this.clear(node);
    for (const folder of node.spec.outputs.filter((o) => o.endsWith("/"))) world.disk.makeDir(folder.slice(0, -1));
    for (const output of d.result.outputs) {
      const path = fromCanonical(output.path, out);
      world.disk.makeDir(folderOf(path));
      const restoring = world.blobs.restore(output.digest, output.size, path, output.executable);
      const restored = restoring instanceof Promise ? await restoring : restoring;
      this.files.forget(path);
      if (restored !== "done" || this.files.content(path) !== output.digest) {
        world.cache.drop(d.key);
        this.clear(node);
        return false;
      }
    }
    this.remember(node, d.sk, d.key, d.result);
    return true;
  }

  /** Removes all that an action writes, and what is known of it. */
  clear(node: Node): void {
    for (const path of writtenBy(node.spec)) {
      this.world.disk.remove(path.endsWith("/") ? path.slice(0, -1) : path);
      this.files.forget(path);
    }
  }

  /** Runs the action until its inputs stayed the same while it ran; its outputs are gone if it failed. */
  async run(node: Node, decided: Decision & { do: "run" }, around: ActionRun): Promise<Result<Finished>> {
    const guard = new Guard(this.world.disk, this.folders, this.graph, this.files);
    let good = false;
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const ended = await this.attempt(node, decided, around, guard, attempt === ATTEMPTS);
        if (!ended.ok) return ended;
        if (ended.value !== "disturbed") {
          good = ended.value.exitCode === 0;
          return ok(ended.value);
        }
        this.disturbed = true;
      }
      const message = `the inputs of ${node.spec.label} kept changing while it ran`;
      return fail(failure("run.inputs-change", 1, message, { hint: "stop what writes them, then run again" }));
    } finally {
      if (!good) this.clear(node);
    }
  }

  /** Performs an effect: once, whatever becomes of its inputs meanwhile, and nothing is recorded. */
  async effect({ spec }: Node, around: ActionRun): Promise<Result<Finished>> {
    const missing = spec.inputs.find((r) => r.is === "file" && this.files.digest(r) === ABSENT);
    if (missing !== undefined) return fail(noInput(spec, missing.path));
    const started = this.world.clock.monotonicMs();
    const done = await this.world.effects.perform(spec, around);
    if (!done.ok) return done;
    return ok({ exitCode: 0, result: this.resultOf(spec, [], done.value, [], null, this.world.clock.monotonicMs() - started) });
  }

  private async attempt(
    node: Node,
    decided: Decision & { do: "run" },
    around: ActionRun,
    guard: Guard,
    isLast: boolean,
  ): Promise<Result<Finished | "disturbed">> {
    const { spec } = node;
    const missing = spec.inputs.find((r) => r.is === "file" && this.files.digest(r) === ABSENT);
    if (missing !== undefined) return fail(noInput(spec, missing.path));
    // While the action waited for its claims, what it reads may have changed and been hashed again for another.
    const sk = decided.changes === this.files.changes.length ? decided.sk : this.staticKey(spec);
    const { length: changes } = this.files.changes;
    this.prepare(node);
    const started = this.world.clock.monotonicMs();
    guard.begin();
    const io = new RecordingIo(this.files, this.world);
    const ran = await execute(this.world, spec, io, around);
    if (!ran.ok) return ran;
    const ms = this.world.clock.monotonicMs() - started;
    const { exit, grown } = ran.value;
    // Looking at what it read and recording it take milliseconds, in which the next one can run.
    if (exit === 0) await around.ended();
    const found = this.discover(node, ran.value, io);
    if (exit !== 0) {
      if (guard.isDisturbed(spec.inputs)) return ok("disturbed");
      return ok({ exitCode: exit, result: this.resultOf(spec, [], found.log, [], null, ms) });
    }
    const gone = new Set(found.reads.filter((r) => guard.isGone(r)));
    if (gone.size > 0 && !isLast) return ok("disturbed");
    // What is gone after the last attempt, too, was never there, or was a temporary file of the tool's own: those in the project would count if they came.
    const kept = found.reads.flatMap((r): Read[] => (!gone.has(r) ? [r] : r.path.startsWith("/") ? [] : [{ is: "absent", path: r.path }]));
    if (guard.isDisturbed(spec.inputs, { ...found, reads: kept })) return ok("disturbed");
    // Another action that reads the same may have found it changed, and hashed it again: then it is as it is known to be, and not as this key has it.
    if (this.isForgotten(spec.inputs, changes) && this.staticKey(spec) !== sk) return ok("disturbed");
    return this.record(node, sk, { ...found, reads: kept }, grown, ms);
  }

  /** Whether one of the inputs may have another digest than when so many files had been forgotten. */
  private isForgotten(inputs: readonly Read[], since: number): boolean {
    const { changes } = this.files;
    for (let i = since; i < changes.length; i++) {
      const path = changes[i] as string;
      if (path.endsWith("/") || inputs.some((input) => input.path === path || input.path.endsWith("/"))) return true;
    }
    return false;
  }

  /** Makes the place for an action's outputs. */
  private prepare(node: Node): void {
    const { disk } = this.world;
    const { outputs, rspfile } = node.spec;
    this.clear(node);
    for (const output of outputs) disk.makeDir(output.endsWith("/") ? output.slice(0, -1) : folderOf(output));
    if (rspfile !== null) disk.writeAtomic(rspfile.path, rspfile.text);
  }

  /** What the action read beyond its inputs, and its log without what was said for fb alone. Takes response file and depfile away. */
  private discover(node: Node, ran: Executed, io: RecordingIo): Found & { readonly log: string } {
    const { spec } = node;
    if (spec.rspfile !== null) this.world.disk.remove(spec.rspfile.path);
    const { log } = ran;
    switch (spec.discover.by) {
      case "depfile": {
        const text = this.takeDepfile(spec.discover.path) ?? "";
        return { ...(ran.exit === 0 ? this.discovery.compiled(spec, text) : FOUND_NOTHING), log };
      }
      case "trace": {
        const linked = this.discovery.linked(spec, log);
        return { ...linked, reads: [...linked.reads, ...this.assembledLate(node)] };
      }
      case "nothing":
        return { ...FOUND_NOTHING, reads: ran.grown === null ? [] : io.reads, log };
    }
  }

  /** Hashes the outputs and keeps the result: for others in the cache, for this project's next run in its state. */
  private async record(
    node: Node,
    sk: StaticKey,
    found: { readonly reads: readonly Read[]; readonly log: string },
    grown: Uint8Array | null,
    ms: number,
  ): Promise<Result<Finished>> {
    const { spec } = node;
    const { reads, log } = found;
    const out = outFolder(spec.env, spec.profile);
    const shared = this.readSets.shared(reads.map((r) => this.canonical(r, out)));
    const undeclared = this.undeclared(node, this.readSets.made(shared, out));
    if (undeclared !== null) return fail(undeclared);
    const outputs = await this.outputsOf(spec);
    if (!outputs.ok) return outputs;
    const key = fullKey(this.world.hashing, sk, this.readSets.sum(shared, out));
    const result = this.resultOf(spec, outputs.value, log, shared, grown, ms);
    if (this.mayShare(spec, reads)) this.world.cache.record(sk, key, result);
    this.remember(node, sk, key, result);
    return ok({ exitCode: 0, result });
  }

  /**
   * With LTO the assembler runs when the program is linked: what `.incbin` and `.include` name is read then, and no object changes with it. So a link
   * reads what its compiles found for such texts.
   */
  private assembledLate(node: Node): Read[] {
    const out = outFolder(node.spec.env, node.spec.profile);
    const late = new Map<string, Read>();
    const compiles = [...(this.graph.outside?.assembling(node.spec.name) ?? [])];
    const seen = new Set<number>();
    const queue: number[] = [...node.needs];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const needed = this.graph.nodes[id];
      if (needed === undefined || seen.has(id)) continue;
      seen.add(id);
      if (needed.spec.kind === "compile") compiles.push(needed.spec);
      else queue.push(...needed.needs);
    }
    for (const spec of compiles) {
      const found = (this.world.state.last(spec.name)?.result.reads ?? []).flatMap((r): Read[] =>
        r.is === "file" || r.is === "absent" ? [{ is: r.is, path: fromCanonical(r.path, out) }] : [],
      );
      const texts = [...spec.inputs, ...found]
        .filter((r) => r.is === "file")
        .flatMap((r) => this.files.textsForAssembler(r.path))
        .map((t) => `/${this.world.paths.normal(t.text)}`);
      for (const read of found) if (texts.some((t) => `/${read.path}`.endsWith(t))) late.set(`${read.is}:${read.path}`, read);
    }
    return [...late.values()];
  }

  /** canonicalRead, with one object for what many actions read. */
  private canonical(read: Read, out: string): Read<CanonPath> {
    let known = this.canonicalReads.get(out);
    if (known === undefined) {
      known = new Map();
      this.canonicalReads.set(out, known);
    }
    const there = known.get(read.path);
    if (there?.is === read.is) return there;
    const made = canonicalRead(read, out);
    known.set(read.path, made);
    return made;
  }

  private takeDepfile(path: string): string | null {
    if (this.world.disk.sign(path) === null) return null;
    const text = new TextDecoder().decode(this.world.disk.read(path));
    this.world.disk.remove(path);
    return text;
  }

  /** made: what it read of other actions. */
  private undeclared(node: Node, made: readonly Read[]) {
    for (const read of made) {
      if (read.is === "listing") continue;
      const other = this.graph.unordered(node, read.path);
      if (other === null || other === node.spec) continue;
      return failure(
        "graph.undeclared-read",
        3,
        `${node.spec.label} ${read.is === "absent" ? "looks for" : "reads"} ${read.path}, which ${other.label} makes, but does not wait for it`,
        {
          hint: `name it in the step's "in", or let the step that makes it run before`,
        },
      );
    }
    return null;
  }

  private async outputsOf(spec: ActionSpec): Promise<Result<OutputRecord[]>> {
    const { disk, blobs } = this.world;
    const out = outFolder(spec.env, spec.profile);
    const records: OutputRecord[] = [];
    const paths = new Set(spec.outputs.flatMap((o): string[] => (o.endsWith("/") ? this.files.below(o) : [o])));
    for (const path of paths) {
      this.files.forget(path);
      const digest = this.files.content(path);
      if (digest === ABSENT) {
        return fail(
          failure("run.output-missing", 1, `${spec.label} ended well, but did not write ${path}`, {
            hint: "check the command and its declared outputs",
          }),
        );
      }
      const size = Number(this.files.before(path)?.size ?? 0n);
      records.push({ path: canonical(path, out), digest, size, executable: disk.isExecutable(path) });
      if (spec.sharing === "never" || spec.sharing === "time") continue;
      const put = blobs.put(path, digest);
      if (put instanceof Promise) await put;
    }
    return ok(records);
  }

  private mayShare(spec: ActionSpec, reads: readonly Read[]): boolean {
    return spec.sharing !== "never" && spec.sharing !== "time" && this.timeIn(spec, reads) === null;
  }

  /** The file of the project that puts the time of the build into this action's result, with the macro's name; null if there is none. */
  timeIn(spec: ActionSpec, reads: readonly Read[]): { readonly path: string; readonly macro: string } | null {
    if (spec.argv.some((a) => a.includes(UNIX_TIME))) return { path: "platformio.ini", macro: UNIX_TIME };
    if (spec.kind !== "compile") return null;
    for (const { is, path } of [...spec.inputs, ...reads]) {
      if (is !== "file" || path.startsWith("/") || path.startsWith(".fb/pkg/")) continue;
      const time = this.files.includes(path)?.find((t) => t.how === "time");
      if (time !== undefined) return { path, macro: time.text };
    }
    return null;
  }

  private resultOf(
    spec: ActionSpec,
    outputs: readonly OutputRecord[],
    log: string,
    reads: readonly Read<CanonPath>[],
    grown: Uint8Array | null,
    ms: number,
  ): ActionResult {
    const canonLog = canonicalText(log, outFolder(spec.env, spec.profile));
    return { outputs, log: canonLog, reads, grown, ms: Math.round(ms), origin: this.world.paths.project };
  }

  /** Keeps the result for the next run, with what `why` will compare. */
  private remember(node: Node, sk: StaticKey, key: Key, result: ActionResult): void {
    const { spec } = node;
    const seen = this.reasons.sink();
    walkStatic(spec, this.world.paths.project, (r) => this.files.digest(r), seen);
    const reads = this.readSets.json(this.readSets.shared(result.reads), outFolder(spec.env, spec.profile));
    const evidence = evidenceJson(seen.evidence(spec.inputs.length), reads);
    this.world.state.setLast(spec.name, { staticKey: sk, key, result, evidence });
  }
}

function noInput(spec: ActionSpec, path: string): Failure {
  const hint =
    "make it, mend a link that leads nowhere, or correct the option of platformio.ini that names it (`fb config` shows them); a source can be left out (build_src_filter)";
  return failure("run.no-input", 1, `${spec.label} needs ${path}, and there is no such file`, { file: path, hint });
}
