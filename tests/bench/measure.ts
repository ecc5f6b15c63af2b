/**
 * Whole processes measured: wall time, and the processor time of the process with all that it started and waited for.
 *
 * Contenders take turns (A B A B …), each after a warm-up, so that what else the machine does meets them alike; what is said of two contenders is the median over
 * the pairs, not a quotient of medians. bash takes the times, because it waits with wait4(2), which counts the processor time of grandchildren; Node cannot.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";

/** Milliseconds. */
export interface Time {
  readonly wall: number;
  /** User and system. */
  readonly cpu: number;
}

export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly vars?: Readonly<Record<string, string>>;
}

export interface Contender extends Command {
  readonly name: string;
  /** Before every run, not measured; `turn` counts from 0, warm-up included. */
  readonly prepare?: (turn: number) => void;
}

/** One contender's runs, in order; those with the same index in two contenders are a pair. */
export interface Measured {
  readonly name: string;
  readonly times: readonly Time[];
}

const SCRIPT = `
TIMEFORMAT='%U %S'
exec 3>&2
a=$EPOCHREALTIME
{ time "$@" >"$FB_BENCH_LOG" 2>&1 ; } 2>&3
code=$?
echo "$a $EPOCHREALTIME $code"
`;

/** Runs a command once, its output thrown away. A command that fails is an error that shows the output: there is nothing to measure then. */
export function time({ argv, cwd, vars }: Command, scratch: string): Time {
  const log = join(scratch, "log");
  const env = { ...process.env, NO_COLOR: "1", ...vars, FB_BENCH_LOG: log, LC_ALL: "C.UTF-8" };
  const ran = spawnSync("bash", ["-c", SCRIPT, "bash", ...argv], { cwd, env, encoding: "utf8", maxBuffer: 64 << 20 });
  const [began = 0, ended = 0, code = 1] = ran.stdout.split(" ").map(Number);
  if (code !== 0)
    throw new Error(
      `${argv.join(" ")} in ${cwd} ended with ${code}\n${existsSync(log) ? readFileSync(log, "utf8").slice(-4000) : ran.stderr}`,
    );
  const cpu = ran.stderr.trim().split(" ").slice(-2).map(Number);
  return { wall: (ended - began) * 1000, cpu: cpu.reduce((a, b) => a + b, 0) * 1000 };
}

/** Each contender `runs` times, in turns, after `warm` turns that do not count. */
export function inTurns(contenders: readonly Contender[], runs: number, scratch: string, warm = 1): readonly Measured[] {
  const times = contenders.map((): Time[] => []);
  for (let turn = 0; turn < warm + runs; turn++) {
    for (const [i, contender] of contenders.entries()) {
      contender.prepare?.(turn);
      const took = time(contender, scratch);
      if (turn >= warm) times[i]?.push(took);
    }
  }
  return contenders.map(({ name }, i) => ({ name, times: times[i] ?? [] }));
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? Number.NaN) : ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}

export function least(numbers: readonly number[]): number {
  return Math.min(...numbers);
}

/** The median over pairs of what `of` makes of one figure of both. */
export function overPairs(a: Measured, b: Measured, figure: keyof Time, of: (a: number, b: number) => number): number {
  return median(a.times.map((t, i) => of(t[figure], b.times[i]?.[figure] ?? Number.NaN)));
}

const PEAK =
  "process.on('exit', () => require('node:fs').writeFileSync(process.env.FB_BENCH_PEAK, String(process.resourceUsage().maxRSS)));\n";

/** The most memory that a Node process of its own had at one time, in MB; its children are not counted. */
export function peakMemory(command: Command, scratch: string, write: (file: string, text: string) => void): number {
  const hook = join(scratch, "peak.cjs");
  const answer = join(scratch, "peak");
  rmSync(answer, { force: true });
  write(hook, PEAK);
  time({ ...command, vars: { ...command.vars, NODE_OPTIONS: `--require ${hook}`, FB_BENCH_PEAK: answer } }, scratch);
  return Number(readFileSync(answer, "utf8")) / 1024;
}

/** What else the machine does: figures taken under load are no figures. */
export function load(): { readonly text: string; readonly busy: boolean } {
  const cores = availableParallelism();
  const [one = 0] = loadavg();
  return { text: `load ${one.toFixed(1)} on ${cores} cores`, busy: one > cores };
}
