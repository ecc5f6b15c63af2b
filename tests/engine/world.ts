/** A machine in memory: disk with a clock that only tests move, cache, blobs, state and programs, so that runs need no processes and no time. */
import { createHash } from "node:crypto";
import type { FilesHost } from "../../engine/files.ts";
import { failure } from "../../engine/failure.ts";
import { collapse, join, Paths } from "../../engine/paths.ts";
import { type RunOutcome, type RunRequest, run } from "../../engine/run.ts";
import type { World } from "../../engine/settle.ts";
import type {
  ActionResult,
  ActionSpec,
  Blobs,
  CanonPath,
  Digest,
  DirEntry,
  Disk,
  Event,
  Failure,
  Hashing,
  IncludeText,
  InnerTools,
  Key,
  LastRun,
  Planner,
  Read,
  Signature,
  StaticKey,
} from "../../engine/types.ts";

export const PROJECT = "/p";

export function sha256(data: Uint8Array | string): Digest {
  return createHash("sha256").update(data).digest("hex") as Digest;
}

export const hashing: Hashing = {
  sha256,
  hasher() {
    const hash = createHash("sha256");
    return { update: (data) => void hash.update(data), digest: () => hash.digest("hex") as Digest };
  },
};

/** Numbers that follow from a seed (mulberry32). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error("nothing to pick from");
    return list[this.below(list.length)] as T;
  }
}

interface Stamp {
  ino: bigint;
  mtime: bigint;
  ctime: bigint;
}
type FileNode = Stamp & { is: "file"; text: string; executable: boolean };
type DirNode = Stamp & { is: "dir"; children: Map<string, Inode> };
type LinkNode = Stamp & { is: "link"; to: string };
type Inode = FileNode | DirNode | LinkNode;

/** What the real disk throws: an error that carries the failure to show. */
export class MemDiskError extends Error {
  readonly failure: Failure;
  constructor(path: string, what: string) {
    super(`${path}: ${what}`);
    this.failure = failure("disk.failed", 4, this.message);
  }
}

/** Files by path; times come from `clock`, which stands still until tick(). Writing in place keeps the inode, replacing makes a new one. */
export class MemDisk implements Disk {
  clock = 1_000_000_000_000n;
  private readonly inodes: { last: bigint };
  private readonly root: DirNode;

  constructor() {
    this.inodes = { last: 1n };
    this.root = this.dir();
    this.makeDir(PROJECT);
  }

  tick(ns = 4_000_000n): void {
    this.clock += ns;
  }

  sign(path: string): Signature | null {
    const node = this.find(path);
    if (node === null) return null;
    const size = node.is === "file" ? BigInt(node.text.length) : 4096n;
    return { dev: 1n, ino: node.ino, size, mtimeNs: node.mtime, ctimeNs: node.ctime };
  }

  read(path: string): Uint8Array {
    const node = this.find(path);
    if (node?.is !== "file") throw new MemDiskError(path, "no such file");
    return new TextEncoder().encode(node.text);
  }

  text(path: string): string {
    return new TextDecoder().decode(this.read(path));
  }

  list(path: string): readonly DirEntry[] | null {
    const node = this.find(path);
    if (node?.is !== "dir") return null;
    const entries: DirEntry[] = [];
    for (const name of [...node.children.keys()].sort()) {
      const is = this.find(join(path, name))?.is;
      if (is === "file" || is === "dir") entries.push({ name, is });
    }
    return entries;
  }

  links(path: string): ReadonlySet<string> {
    const node = this.find(path);
    return new Set(node?.is !== "dir" ? [] : [...node.children].filter(([, child]) => child.is === "link").map(([name]) => name));
  }

  isDir(path: string): boolean {
    return this.find(path)?.is === "dir";
  }

  isFile(path: string): boolean {
    return this.find(path)?.is === "file";
  }

  isExecutable(path: string): boolean {
    const node = this.find(path);
    return node?.is === "file" && node.executable;
  }

  /** In place, as an editor that truncates: the inode stays. mtime: set back by the writer; ctime can not be. */
  write(path: string, text: string, options: { mtime?: bigint; executable?: boolean } = {}): void {
    const { parent, name } = this.place(path);
    const there = parent.children.get(name);
    if (there?.is === "dir") throw new MemDiskError(path, "is a folder");
    if (there?.is === "link") return this.write(this.absolute(there.to), text, options);
    const file: FileNode = there ?? { ...this.stamp(), is: "file", text, executable: false };
    if (there === undefined) this.enter(parent, name, file);
    file.text = text;
    file.executable = options.executable ?? file.executable;
    file.ctime = this.clock;
    file.mtime = options.mtime ?? this.clock;
  }

  writeAtomic(path: string, data: Uint8Array | string): void {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    const { parent, name } = this.place(path);
    if (parent.children.get(name)?.is === "dir") throw new MemDiskError(path, "is a folder");
    this.enter(parent, name, { ...this.stamp(), is: "file", text, executable: false });
  }

  link(path: string, to: string): void {
    const { parent, name } = this.place(path);
    this.enter(parent, name, { ...this.stamp(), is: "link", to });
  }

  touch(path: string): void {
    const node = this.find(path);
    if (node === null) return;
    node.mtime = this.clock;
    node.ctime = this.clock;
  }

  rename(from: string, to: string): void {
    const source = this.place(from);
    const node = source.parent.children.get(source.name);
    if (node === undefined) throw new MemDiskError(from, "no such file");
    source.parent.children.delete(source.name);
    source.parent.mtime = this.clock;
    node.ctime = this.clock;
    const target = this.place(to);
    this.enter(target.parent, target.name, node);
  }

  remove(path: string): void {
    const at = this.absolute(path.endsWith("/") ? path.slice(0, -1) : path);
    const parent = this.find(at.slice(0, at.lastIndexOf("/")) || "/");
    const name = at.slice(at.lastIndexOf("/") + 1);
    if (parent?.is === "dir" && parent.children.delete(name)) parent.mtime = this.clock;
  }

  removeEmptyDir(path: string): boolean {
    const node = this.find(path);
    if (node?.is !== "dir" || node.children.size > 0) return false;
    this.remove(path);
    return true;
  }

  makeDir(path: string): void {
    let node = this.root;
    for (const part of this.absolute(path).split("/").filter(Boolean)) {
      let child = node.children.get(part);
      if (child?.is === "link") child = this.find(child.to) ?? undefined;
      if (child === undefined) {
        child = this.dir();
        this.enter(node, part, child);
      }
      if (child.is !== "dir") throw new MemDiskError(path, "a file stands in the way");
      node = child;
    }
  }

  realpath(path: string): string | null {
    return this.walk(this.absolute(path), 0)?.real ?? null;
  }

  now(): bigint {
    return this.clock;
  }

  /** Every file below a folder with its text, sorted. */
  tree(folder: string): Map<string, string> {
    const found = new Map<string, string>();
    for (const { name, is } of this.list(folder) ?? []) {
      const path = join(folder, name);
      if (is === "file") found.set(path, this.text(path) + (this.isExecutable(path) ? " (executable)" : ""));
      else for (const [p, t] of this.tree(path)) found.set(p, t);
    }
    return found;
  }

  private dir(): DirNode {
    return { ...this.stamp(), is: "dir", children: new Map() };
  }

  private stamp(): Stamp {
    return { ino: this.inodes.last++, mtime: this.clock, ctime: this.clock };
  }

  private enter(parent: DirNode, name: string, node: Inode): void {
    parent.children.set(name, node);
    parent.mtime = this.clock;
    parent.ctime = this.clock;
  }

  private absolute(path: string): string {
    return path.startsWith("/") ? path : `${PROJECT}/${path}`;
  }

  private place(path: string): { parent: DirNode; name: string } {
    const at = collapse(this.absolute(path));
    const dir = at.slice(0, at.lastIndexOf("/")) || "/";
    this.makeDir(dir);
    const parent = this.find(dir);
    if (parent?.is !== "dir") throw new MemDiskError(path, "a file stands in the way");
    return { parent, name: at.slice(at.lastIndexOf("/") + 1) };
  }

  private find(path: string): FileNode | DirNode | null {
    return this.walk(this.absolute(path), 0)?.node ?? null;
  }

  private walk(absolute: string, depth: number): { node: FileNode | DirNode; real: string } | null {
    if (depth > 8) return null;
    let at: { node: FileNode | DirNode; real: string } = { node: this.root, real: "/" };
    const folders = [at];
    for (const part of absolute.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (folders.length > 1) folders.pop();
        at = folders[folders.length - 1] as typeof at;
        continue;
      }
      const child = at.node.is === "dir" ? at.node.children.get(part) : undefined;
      if (child === undefined) return null;
      if (child.is === "link") {
        const to = this.walk(child.to.startsWith("/") ? child.to : join(at.real, child.to), depth + 1);
        if (to === null) return null;
        at = to;
      } else at = { node: child, real: join(at.real, part) };
      folders.push(at);
    }
    return at;
  }
}

/** What a program of the machine does: it yields where other things may happen, and answers with its exit code and log. */
export type Program = (argv: readonly string[], disk: ProgramDisk, vars: Readonly<Record<string, string>>) => Generator<void, ProgramExit>;
/** A program during which nothing else happens. */
export function atOnce(act: (argv: readonly string[], disk: ProgramDisk) => ProgramExit): Program {
  return function* (argv, disk) {
    yield;
    return act(argv, disk);
  };
}

export interface ProgramExit {
  readonly code: number;
  readonly log: string;
}
export interface ProgramDisk {
  /** null: there is no such file. */
  read(path: string): string | null;
  list(path: string): readonly DirEntry[] | null;
  write(path: string, text: string, executable?: boolean): void;
}

/** A process's end: after it nothing that it does reaches the machine. act() is asked before every change. */
export interface Fate {
  act(): boolean;
}
const IMMORTAL: Fate = { act: () => true };

interface Stored {
  readonly result: ActionResult;
  readonly sk: StaticKey;
}

/** What outlives a run, and the changes of the last one in order, so that a kill can lose the newest. */
export class Machine {
  readonly disk = new MemDisk();
  readonly memo = new Map<string, Digest>();
  readonly memoValues = new Map<string, string>();
  readonly results = new Map<Key, Stored>();
  readonly reads = new Map<StaticKey, (readonly Read<CanonPath>[])[]>();
  readonly blobs = new Map<Digest, string>();
  readonly last = new Map<string, LastRun>();
  readonly outputs = new Map<string, readonly string[]>();
  readonly unfinished = new Map<string, bigint>();
  readonly values = new Map<string, string>();
  private undo: (() => void)[] = [];

  /** What a killed process had not yet written is gone: the newest n changes of state and cache. */
  lose(n: number): void {
    for (let i = 0; i < n; i++) this.undo.pop()?.();
    this.undo = [];
  }

  forgetUndo(): void {
    this.undo = [];
  }

  get pending(): number {
    return this.undo.length;
  }

  set<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const before = map.get(key);
    if (value === undefined) map.delete(key);
    else map.set(key, value);
    this.undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }
}

export interface Scenario {
  readonly programs: Readonly<Record<string, Program>>;
  readonly planner: Planner;
  readonly tools?: InnerTools;
  includesOf(content: Uint8Array): readonly IncludeText[];
  /** How programs interleave; without it each runs to its end once started. */
  readonly random?: Random;
  readonly fate?: Fate;
  /** Called between the steps of programs: where a test changes files under a running action. */
  readonly between?: () => void;
  /** Cache answers come as promises, as from a remote. */
  readonly slowCache?: boolean;
}

function signatureText(path: string, s: Signature): string {
  return `${path} ${s.dev} ${s.ino} ${s.size} ${s.mtimeNs} ${s.ctimeNs}`;
}

/** The engine's view of a machine for one run. */
export function worldOf(machine: Machine, scenario: Scenario): World & FilesHost {
  const fate = scenario.fate ?? IMMORTAL;
  const disk = mortalDisk(machine.disk, fate);
  const perhaps = <T>(value: T): T | Promise<T> => (scenario.slowCache === true ? Promise.resolve(value) : value);
  let ms = 0;
  // The engine asks for the time in every turn of its loop, so that a run which goes in circles is an error, too.
  const monotonicMs = () => {
    ms += 0.01;
    if (ms > 20_000) throw new Error("livelock: the run takes more than two million steps");
    return ms;
  };
  return {
    disk,
    hashing,
    memo: {
      digest: (path, s) => machine.memo.get(signatureText(path, s)),
      remember: (path, s, d) => void (fate.act() && machine.memo.set(signatureText(path, s), d)),
      value: (key) => machine.memoValues.get(key),
      setValue: (key, json) => void (fate.act() && machine.memoValues.set(key, json)),
    },
    value: (name) => machine.values.get(name),
    includesOf: (content) => scenario.includesOf(content),
    directivesOf: () => "",
    clock: { monotonicMs, sleep: async () => {} },
    runner: { run: (command, stop) => runProgram(machine, scenario, fate, command, stop), close: async () => {} },
    cache: {
      reads: (k) => perhaps(machine.reads.get(k) ?? []),
      get: (k) => perhaps(machine.results.get(k)?.result),
      record(sk, key, result) {
        if (!fate.act()) return;
        machine.set(machine.results, key, { sk, result });
        const text = JSON.stringify(result.reads);
        const others = (machine.reads.get(sk) ?? []).filter((r) => JSON.stringify(r) !== text);
        machine.set(machine.reads, sk, [result.reads, ...others].slice(0, 8));
      },
      drop: (k) => void (fate.act() && machine.set(machine.results, k, undefined)),
      flush: async () => {},
    },
    blobs: blobsOf(machine, disk, fate),
    state: {
      last: (action) => machine.last.get(action),
      setLast: (action, lastRun) => void (fate.act() && machine.set(machine.last, action, lastRun)),
      forget: (action) => void (fate.act() && machine.set(machine.last, action, undefined)),
      duration: (action) => machine.last.get(action)?.result.ms,
      unfinished: (folder) => machine.unfinished.get(folder) ?? null,
      setUnfinished(folder, since) {
        if (!fate.act()) return;
        if (since === null) machine.unfinished.delete(folder);
        else machine.unfinished.set(folder, since);
      },
      outputs: (folder) => machine.outputs.get(folder) ?? [],
      async setOutputs(folder, paths) {
        await null;
        // Durable once settled, so a kill does not lose it.
        if (fate.act()) machine.outputs.set(folder, [...paths]);
      },
      flush: async () => {},
    },
    planner: scenario.planner,
    nearest: () => [],
    tools: scenario.tools ?? { run: () => ({ ok: false, failure: failure("tool.unknown", 2, "no tools here") }) },
    paths: new Paths(PROJECT, { realpath: (p) => machine.disk.realpath(p) }),
  };
}

function blobsOf(machine: Machine, disk: Disk, fate: Fate): Blobs {
  return {
    put(file, d) {
      if (fate.act()) machine.blobs.set(d, machine.disk.text(file));
    },
    restore(d, size, to, executable) {
      const text = machine.blobs.get(d);
      if (text === undefined) return "gone";
      if (sha256(text) !== d || text.length !== size) return "corrupt";
      disk.writeAtomic(to, text);
      if (executable && fate.act()) machine.disk.write(to, text, { executable });
      return "done";
    },
  };
}

function mortalDisk(disk: MemDisk, fate: Fate): Disk {
  return {
    sign: (p) => disk.sign(p),
    read: (p) => disk.read(p),
    list: (p) => disk.list(p),
    links: (p) => disk.links(p),
    isDir: (p) => disk.isDir(p),
    isExecutable: (p) => disk.isExecutable(p),
    realpath: (p) => disk.realpath(p),
    now: () => disk.now(),
    writeAtomic: (p, data) => void (fate.act() && disk.writeAtomic(p, data)),
    remove: (p) => void (fate.act() && disk.remove(p)),
    removeEmptyDir: (p) => fate.act() && disk.removeEmptyDir(p),
    makeDir: (p) => void (fate.act() && disk.makeDir(p)),
  };
}

async function runProgram(
  machine: Machine,
  scenario: Scenario,
  fate: Fate,
  command: { readonly argv: readonly string[]; readonly vars: Readonly<Record<string, string>> },
  stop: AbortSignal,
) {
  const [name = "", ...argv] = command.argv;
  const program = scenario.programs[name];
  if (program === undefined) return { exit: { is: "not-started" as const, why: "no such program" }, log: "", slot: 1 };
  const steps = program(
    argv,
    {
      read: (p) => (machine.disk.isFile(p) ? machine.disk.text(p) : null),
      list: (p) => machine.disk.list(p),
      write: (p, text, executable = false) => void (fate.act() && machine.disk.write(p, text, { executable })),
    },
    command.vars,
  );
  for (;;) {
    await null;
    for (let hops = scenario.random?.below(6) ?? 0; hops > 0; hops--) await null;
    if (stop.aborted) return { exit: { is: "cancelled" as const }, log: "", slot: 1 };
    const step = steps.next();
    scenario.between?.();
    if (step.done === true) return { exit: { is: "exited" as const, code: step.value.code }, log: step.value.log, slot: 1 };
  }
}

export interface Observed {
  readonly outcome: RunOutcome;
  readonly events: readonly Event[];
  readonly world: World;
}

export const REQUEST: Omit<RunRequest, "plans" | "goals"> = {
  jobs: 2,
  keepGoing: false,
  records: "use",
  dryRun: false,
  commands: false,
  progress: { upToDate: 0 },
  resume: null,
};

/** One run on a machine; a run that never ends is an error (nothing here waits for time, so a turn of the loop is enough for any run). */
export async function runOn(
  machine: Machine,
  scenario: Scenario,
  request: Partial<RunRequest> & Pick<RunRequest, "plans" | "goals">,
  stop: AbortSignal = new AbortController().signal,
): Promise<Observed> {
  const events: Event[] = [];
  const world = worldOf(machine, scenario);
  const full: RunRequest = { ...REQUEST, progress: { upToDate: 0 }, ...request };
  const hung = Symbol("hung");
  let turn: ReturnType<typeof setImmediate> | null = null;
  const bound = new Promise<typeof hung>((resolve) => {
    turn = setImmediate(() => setImmediate(() => resolve(hung)));
  });
  const outcome = await Promise.race([run(world, full, { emit: (e) => events.push(e) }, stop), bound]);
  if (turn !== null) clearImmediate(turn);
  if (outcome === hung) throw new Error("deadlock: the run waits for nothing that could still happen");
  return { outcome, events, world };
}

const NO_DIGEST = sha256("");

/** A complete action from the fields that a test cares for. */
export function spec(fields: Partial<ActionSpec> & Pick<ActionSpec, "name">): ActionSpec {
  return {
    kind: "compile",
    label: fields.name,
    env: "a",
    profile: "release",
    sharing: "all",
    argv: [],
    vars: {},
    unkeyed: { argv: [], vars: {} },
    rspfile: null,
    inputs: [],
    orderOnly: [],
    outputs: [],
    tool: NO_DIGEST,
    rule: NO_DIGEST,
    discover: { by: "nothing" },
    claims: [{ on: "cpu", units: 1 }],
    ...fields,
  };
}

export function files(...paths: readonly string[]): Read[] {
  return paths.map((path) => ({ is: "file", path: path as Read["path"] }));
}

export function paths(...list: readonly string[]): ActionSpec["outputs"] {
  return list as readonly string[] as ActionSpec["outputs"];
}
