/** What a command line asks for. */
import type { Profile } from "./flags.ts";
import type { MonitorFlags } from "./monitor/settings.ts";
import type { Output } from "./query/output.ts";

/** `[DIR]:NAME[@ENV]`, or a path of the project, which may end in `^` (what is made from it). dir null: the command's own. */
export type Target =
  | { readonly is: "name"; readonly dir: string | null; readonly name: string; readonly env: string | null }
  | { readonly is: "path"; readonly path: string; readonly env: string | null };

/** What to do with what a board prints. Regular expressions are checked here, and match without regard to case. */
export interface Serial {
  readonly haltOnError: string | null;
  readonly haltOnSuccess: string | null;
  readonly expect: string | null;
  /** Seconds, for the emulator. */
  readonly qemuTimeout: number | null;
}

export interface RunCommand {
  readonly verb: "run";
  /** -C; null is the current folder. */
  readonly dir: string | null;
  readonly targets: readonly Target[];
  /** -e, in the order given; empty: the project's default. */
  readonly envs: readonly string[];
  /** null: the ini's. */
  readonly profile: Profile | null;
  /** null: the cores. */
  readonly jobs: number | null;
  readonly keepGoing: boolean;
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly why: boolean;
  readonly json: boolean;
  readonly timing: boolean;
  readonly trace: string | null;
  readonly noCache: boolean;
  readonly fresh: boolean;
  readonly force: boolean;
  readonly offline: boolean;
  readonly locked: boolean;
  readonly packages: "fetch" | "system" | "auto" | null;
  /** Every -p: a flash takes several, also several in one, between commas; none: it is found. */
  readonly ports: readonly string[];
  /** Seconds. */
  readonly timeout: number | null;
  readonly watch: boolean;
  /** fbuild's --qemu: the emulator instead of a board. */
  readonly qemu: boolean;
  /** Outputs to remove before the targets are built. */
  readonly clean: "nothing" | "outputs" | "all";
  readonly serial: Serial;
  /** Of the targets :monitor. */
  readonly monitor: MonitorFlags;
}

export const DEVICE_ACTIONS = ["list", "status", "lease", "release", "take"] as const;
export type DeviceAction = (typeof DEVICE_ACTIONS)[number];
export const DAEMON_ACTIONS = ["status", "start", "stop", "restart", "kill", "list", "locks", "clear-locks", "logs"] as const;
export type DaemonAction = (typeof DAEMON_ACTIONS)[number];

export type Command =
  | RunCommand
  | {
      readonly verb: "monitor";
      readonly dir: string | null;
      readonly project: string | null;
      readonly envs: readonly string[];
      readonly json: boolean;
      readonly serial: Serial;
      readonly timeout: number | null;
      readonly monitor: MonitorFlags;
    }
  | {
      readonly verb: "clean";
      readonly dir: string | null;
      readonly project: string | null;
      readonly envs: readonly string[];
      readonly all: boolean;
    }
  | {
      readonly verb: "config";
      readonly dir: string | null;
      readonly project: string | null;
      readonly json: boolean;
      readonly lint: boolean;
    }
  | {
      readonly verb: "deps";
      readonly run: RunCommand;
      readonly tree: boolean;
      /** What is chosen anew: all for an empty list; null for nothing. */
      readonly upgrade: readonly string[] | null;
      readonly json: boolean;
    }
  | {
      readonly verb: "explain";
      /** What is asked about, as what a run would be asked for. */
      readonly run: RunCommand;
      /** As it was typed; null: the firmware. */
      readonly word: string | null;
      /** --vs */
      readonly versus: string | null;
      /** --run; null: the last. */
      readonly number: number | null;
    }
  | { readonly verb: "boards"; readonly dir: string | null; readonly query: string | null; readonly json: boolean }
  | { readonly verb: "init"; readonly dir: string | null; readonly project: string | null; readonly boards: readonly string[] }
  | { readonly verb: "doctor"; readonly dir: string | null; readonly project: string | null; readonly json: boolean }
  | {
      readonly verb: "export";
      readonly format: "compdb" | "ninja" | "dot";
      readonly dir: string | null;
      readonly envs: readonly string[];
      readonly profile: Profile | null;
    }
  | {
      readonly verb: "query";
      readonly expr: string;
      readonly output: Output;
      readonly dir: string | null;
      readonly profile: Profile | null;
    }
  | {
      readonly verb: "graph";
      /** null: all of it. */
      readonly expr: string | null;
      readonly format: "dot" | "mermaid" | "html";
      /** Of html; null: `.fb/graph.html`. */
      readonly file: string | null;
      readonly dir: string | null;
      readonly profile: Profile | null;
    }
  | {
      readonly verb: "size";
      /** What is linked first: the program of each env that is asked about. */
      readonly run: RunCommand;
      /** -n: so many symbols; null where nobody said. */
      readonly top: number | null;
      /** --vs; null: the last build. */
      readonly versus: string | null;
      readonly html: boolean;
      /** Of html; null: `.fb/size.html`. */
      readonly file: string | null;
      readonly json: boolean;
    }
  | { readonly verb: "cache"; readonly action: "stats" | "gc" | "verify" | "clear"; readonly file: null; readonly json: boolean }
  | {
      readonly verb: "cache";
      readonly action: "export";
      readonly file: string;
      readonly dir: string | null;
      readonly all: boolean;
      readonly json: boolean;
    }
  | { readonly verb: "cache"; readonly action: "import"; readonly file: string; readonly json: boolean }
  | { readonly verb: "devices"; readonly watch: boolean; readonly dir: string | null; readonly json: boolean }
  | {
      readonly verb: "device";
      readonly action: DeviceAction;
      /** The project whose flashes status tells. */
      readonly dir: string | null;
      /** An address or an id; null: list. */
      readonly device: string | null;
      /** release: of several leases this one; null: the exclusive one. */
      readonly lease: string | null;
      readonly mode: "exclusive" | "monitor";
      readonly description: string | null;
      readonly reason: string | null;
      /** Seconds; null: until Ctrl-C. */
      readonly ttl: number | null;
      readonly json: boolean;
    }
  | {
      readonly verb: "daemon";
      readonly action: DaemonAction;
      readonly force: boolean;
      readonly lines: number | null;
      readonly follow: boolean;
      readonly json: boolean;
    }
  | { readonly verb: "tool"; readonly name: string; readonly argv: readonly string[] }
  | { readonly verb: "help"; readonly topic: string | null }
  | { readonly verb: "version" }
  | { readonly verb: "completion"; readonly shell: "bash" | "zsh" | "fish" };
