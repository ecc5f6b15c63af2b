/** Runs what an action says: a plan, a tool inside fb, or a process. */
import { fail, failure, ok } from "./failure.ts";
import { packPlanned } from "./grown.ts";
import type { ActionSpec, InnerTools, PlanIo, Planner, Ran, Result, Runner, ToolRun } from "./types.ts";

/** In an argument it stands for the time at which the action runs, in seconds; a key has the name only. */
export const UNIX_TIME = "${UNIX_TIME}";

export interface Executed {
  readonly exit: number;
  readonly log: string;
  /** Kind plan: what was planned, see grown.ts. */
  readonly grown: Uint8Array | null;
}

export interface Executors {
  readonly runner: Runner;
  readonly planner: Planner;
  readonly tools: InnerTools;
  readonly disk: { now(): bigint };
}

/** A failure: not started, cancelled, or a plan or tool that said no. A process that ended by itself is none, whatever its exit code. */
export async function execute(world: Executors, spec: ActionSpec, io: PlanIo, around: ToolRun): Promise<Result<Executed>> {
  if (spec.kind === "plan") {
    const planned = await world.planner.plan(spec, io);
    return planned.ok ? ok({ exit: 0, log: "", grown: packPlanned(planned.value) }) : planned;
  }
  if (spec.argv[0] === "fb" && spec.argv[1] === "tool") {
    const ran = await world.tools.run(spec.argv.slice(2), around);
    return ran.ok ? ok({ exit: 0, log: ran.value, grown: null }) : ran;
  }
  const [program = "", ...rest] = withTime(spec.argv, world.disk);
  const argv = [program, ...spec.unkeyed.argv, ...rest];
  return ended(await world.runner.run({ argv, vars: { ...spec.vars, ...spec.unkeyed.vars } }, around.stop), spec);
}

function withTime(argv: readonly string[], disk: Executors["disk"]): readonly string[] {
  if (!argv.some((a) => a.includes(UNIX_TIME))) return argv;
  const now = String(disk.now() / 1_000_000_000n);
  return argv.map((a) => a.replaceAll(UNIX_TIME, now));
}

function ended({ exit, log }: Ran, spec: ActionSpec): Result<Executed> {
  switch (exit.is) {
    case "exited":
      return ok({ exit: exit.code, log, grown: null });
    case "signalled": {
      const line = log === "" || log.endsWith("\n") ? "" : "\n";
      const who =
        exit.signal === "SIGKILL" ? ", by someone or by the system for want of memory (dmesg tells; fewer jobs, -j, need less)" : "";
      return ok({ exit: 128, log: `${log}${line}${spec.argv[0]} was ended by ${exit.signal}${who}\n`, grown: null });
    }
    case "not-started":
      return fail(
        failure("run.not-started", 4, `${spec.label}: ${spec.argv[0]} could not be started: ${exit.why}`, {
          hint: "fb doctor checks the tools",
        }),
      );
    case "cancelled":
      return fail(failure("run.cancelled", 1, `${spec.label} was cancelled`));
  }
}
