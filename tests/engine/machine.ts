/** A machine in memory: disk, cache, blobs, state and programs, so that runs need no processes and no time. */
import type { FilesHost } from "../../engine/files.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import { Paths } from "../../engine/paths.ts";
import { run } from "../../engine/run.ts";
import type { RunOutcome, RunRequest } from "../../engine/run-request.ts";
import type { World } from "../../engine/settle.ts";
import type {
  ActionResult,
  Blobs,
  CanonPath,
  Digest,
  DirEntry,
  Disk,
  Event,
  IncludeText,
  InnerTools,
  Key,
  LastRun,
  Planner,
  Read,
  Signature,
  StaticKey,
} from "../../engine/types.ts";
import type { Random } from "../random.ts";
import { MemDisk, PROJECT } from "./mem-disk.ts";
import { hashing, sha256 } from "./spec.ts";

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
      actions: () => machine.last.keys(),
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
    effects: {
      perform: async (spec, { stop }) => {
        const { exit, log } = await runProgram(machine, scenario, fate, spec, stop);
        return exit.is === "exited" && exit.code === 0 ? ok(log) : fail(failure("device.failed", 5, `${spec.label}: ${log}`));
      },
    },
    planner: scenario.planner,
    nearest: () => [],
    mask: (text) => text,
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
  causes: true,
  progress: { upToDate: 0 },
  timeline: null,
  bind: null,
  onMade: null,
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
