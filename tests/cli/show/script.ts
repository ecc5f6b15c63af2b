/** Scripted and made-up runs for the displays: events, a clock that is set by hand, and streams that remember. */
import type { ActionId, Cause, Digest, Event, Kind, ProjectPath, RunResult, Status } from "../../../engine/types.ts";
import type { Display, DisplayOptions } from "../../../cli/show/display.ts";
import type { Out } from "../../../cli/show/out.ts";
import { Random } from "../../random.ts";

export class Memory implements Out {
  readonly color: boolean;
  readonly writes: string[] = [];
  constructor(color = false) {
    this.color = color;
  }
  write(text: string): void {
    if (text !== "") this.writes.push(text);
  }
  get text(): string {
    return this.writes.join("");
  }
}

export class HandClock {
  ms = 0;
  readonly now = () => this.ms;
}

export function options(out: Out, err: Out, clock: HandClock, change: Partial<DisplayOptions> = {}): DisplayOptions {
  return {
    out,
    err,
    columns: () => 80,
    rows: () => 24,
    verbose: false,
    why: false,
    dryRun: false,
    now: clock.now,
    previousSize: () => null,
    upToDate: () => 0,
    ...change,
  };
}

export function plan(actions: number, final = true, envs: readonly string[] = ["uno"]): Event {
  return { t: 0, type: "plan", envs, profile: "release", actions, files: actions * 3, final };
}

export function start(id: number, label: string, env = "uno", kind: Kind = "compile", argv?: readonly string[]): Event {
  const event = { t: 0, type: "start", id: id as ActionId, kind, env, label, lane: "slot 1" } as const;
  return argv === undefined ? event : { ...event, argv };
}

export interface Ended {
  readonly env?: string;
  readonly kind?: Kind;
  readonly status?: Status;
  readonly exitCode?: number | null;
  readonly output?: string;
  readonly why?: readonly Cause[];
}

export function end(id: number, label: string, how: Ended = {}): Event {
  const status = how.status ?? "ran";
  return {
    t: 0,
    type: "end",
    id: id as ActionId,
    kind: how.kind ?? "compile",
    env: how.env ?? "uno",
    label,
    outputs: [`.fb/build/uno/release/${label}.o` as ProjectPath],
    status,
    ms: 84,
    exitCode: how.exitCode === undefined ? (status === "failed" ? 1 : 0) : how.exitCode,
    output: how.output ?? "",
    why: how.why ?? [],
  };
}

export function result(change: Partial<RunResult> = {}): Event {
  return {
    t: 0,
    type: "result",
    status: "ok",
    exitCode: 0,
    actions: 3,
    ran: 3,
    hits: 0,
    upToDate: 0,
    failed: 0,
    ms: 1240,
    artifacts: [],
    size: [],
    ...change,
  };
}

export function artifact(env: string, bytes = 2618): RunResult["artifacts"][number] {
  return { env, path: `.fb/build/${env}/release/firmware.hex` as ProjectPath, sha256: "ab".repeat(32) as Digest, bytes };
}

/** A step of a made-up run: wait, then this event. */
export interface Step {
  readonly wait: number;
  readonly event: Event;
}

/** A run of `actions` compiles by `jobs` slots, some cached, some that warn or fail, interleaved as the seed says. The last is the result. */
export function madeUpRun(seed: number, actions: number, jobs: number, slowness = 100): Step[] {
  const random = new Random(seed);
  const steps: Step[] = [{ wait: random.below(50), event: plan(actions, true, ["uno", "mega"]) }];
  const running: number[] = [];
  const label = (id: number) =>
    `lib/${["Motor", "Displaytreiber", "日本語", "deep/er/and/deeper/still/further/down/the/tree"][id % 4]}/part_${id}.cpp`;
  const env = (id: number) => (id % 2 === 0 ? "uno" : "mega");
  let ran = 0;
  let hits = 0;
  let failed = 0;
  for (let next = 1; next <= actions || running.length > 0; ) {
    const wait = random.below(slowness);
    if (next <= actions && (running.length === 0 || (running.length < jobs && random.below(2) === 0))) {
      if (random.below(4) === 0) {
        hits++;
        steps.push({
          wait: 0,
          event: end(next, label(next), { env: env(next), status: "hit", output: random.below(9) === 0 ? message(next, "warning") : "" }),
        });
      } else {
        running.push(next);
        steps.push({ wait, event: start(next, label(next), env(next)) });
      }
      next++;
      continue;
    }
    const [id] = running.splice(random.below(running.length), 1);
    if (id === undefined) continue;
    const luck = random.below(20);
    const status = luck === 0 ? "failed" : "ran";
    if (luck === 0) failed++;
    else ran++;
    steps.push({
      wait,
      event: end(id, label(id), {
        env: env(id),
        status,
        output: luck === 0 ? message(id, "error") : luck < 4 ? message(id, "warning") : "",
      }),
    });
  }
  const status = failed > 0 ? "failed" : "ok";
  steps.push({ wait: 10, event: result({ status, exitCode: failed > 0 ? 1 : 0, actions, ran, hits, failed }) });
  return steps;
}

/** What gcc says in colours, in several lines, each of which names the action. */
export function message(id: number, severity: "warning" | "error"): string {
  const style = severity === "error" ? "01;31" : "01;35";
  return (
    `\x1b[01m\x1b[Kpart_${id}.cpp:3:7:\x1b[m\x1b[K \x1b[${style}m\x1b[K${severity}: \x1b[m\x1b[Kunused variable \x1b[01m\x1b[K‘v${id}’\x1b[m\x1b[K\n` +
    `   int \x1b[${style}m\x1b[Kv${id}\x1b[m\x1b[K = ${id};\n       \x1b[${style}m\x1b[K^~~ ${id}\x1b[m\x1b[K\n`
  );
}

export function play(display: Display, clock: HandClock, steps: readonly Step[]): void {
  for (const { wait, event } of steps) {
    for (let left = wait; left > 0; left -= 50) {
      clock.ms += Math.min(50, left);
      display.tick();
    }
    display.emit(event);
  }
}
