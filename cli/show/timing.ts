/** What `--timing` prints: where the wall time of a run went, and what more cores or a warm cache would change. */
import type { ActionId } from "../../engine/types.ts";
import { criticalSpans } from "../trace/critical.ts";
import type { Span, Timed } from "../trace/run-times.ts";
import { count, paint } from "./text.ts";
import { seconds } from "./time.ts";

/** wall: of the whole process until now; jobs: actions at once. Times in milliseconds. */
export function timingText(wall: number, jobs: number, spans: readonly Span[], actions: readonly Timed[], color: boolean): string {
  const critical = criticalSpans(spans);
  const named = new Map<string, number>();
  for (const span of critical) add(named, groupOf(span), span.to - span.from);
  const told = [...named.values()].reduce((a, b) => a + b, 0);
  if (wall - told > 0.5) named.set("waiting between these", wall - told);
  // Hundredths of a second are what is shown.
  const small = [...named].filter(([, ms]) => ms < 5);
  for (const [name] of small) named.delete(name);
  const rest = small.reduce((sum, [, ms]) => sum + ms, 0);
  if (rest >= 5) named.set("other things", rest);
  const rows = [...named]
    .sort((a, b) => b[1] - a[1])
    .map(([name, ms]) => [seconds(ms), `${Math.round((100 * ms) / wall)} %`, name] as const);
  const long = critical.filter((s) => s.what === "run").sort((a, b) => b.to - b.from - (a.to - a.from));
  const lines = [
    paint(`where ${seconds(wall)} went (the way on which every piece waited for the one before):`, "bold", color),
    ...rows.map(([time, part, name]) => `  ${time.padStart(8)}  ${part.padStart(5)}  ${name}`),
    ...(long.length > 1
      ? [
          `  longest on it: ${long
            .slice(0, 3)
            .map((s) => `${s.name} ${seconds(s.to - s.from)}`)
            .join(", ")}`,
        ]
      : []),
    ...whatIf(wall, jobs, spans, actions),
  ];
  return `${lines.join("\n")}\n`;
}

function groupOf(span: Span): string {
  if (span.action === null) return span.name;
  const { kind } = span.action.spec;
  switch (span.what) {
    case "hash":
      return "fb: hashing inputs, looking up results";
    case "restore":
      return "fb: copying results from the cache";
    case "record":
      return "fb: hashing and keeping results";
    default:
      return kind;
  }
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

/** Estimates, by doing it again on paper with the measured times. */
function whatIf(wall: number, jobs: number, spans: readonly Span[], actions: readonly Timed[]): string[] {
  const ran = actions.filter((a) => a.times.started !== undefined && a.spec.kind !== "plan");
  if (ran.length === 0) return [];
  const work = new Map(ran.map((a) => [a.id, (a.times.ended ?? a.times.settled ?? 0) - (a.times.started ?? 0)]));
  const now = makespan(ran, work, jobs);
  const more = makespan(ran, work, jobs + 1);
  const lines: string[] = [];
  const saved = now - more;
  if (saved > 0.02 * wall) lines.push(`  with ${count(jobs + 1, "core")} instead of ${jobs}: about ${seconds(wall - saved)}`);
  else lines.push(`  one more core than ${jobs} would change nothing: each action waits for the one before it`);
  const own = spans.filter((s) => s.what === "fb").reduce((sum, s) => sum + s.to - s.from, 0);
  // To restore costs about what it costs to look up and to record.
  const looking = spans.filter((s) => s.what === "hash" || s.what === "record").reduce((sum, s) => sum + s.to - s.from, 0);
  lines.push(`  with all of it in the cache: about ${seconds(Math.min(wall, own + looking))}`);
  return lines;
}

/** How long so many workers take, who always begin the action with the most work behind it. */
function makespan(actions: readonly Timed[], work: ReadonlyMap<ActionId, number>, workers: number): number {
  const users = new Map<ActionId, ActionId[]>();
  const open = new Map<ActionId, number>();
  for (const { id, needs } of actions) {
    const real = needs.filter((need) => work.has(need));
    open.set(id, real.length);
    for (const need of real) users.set(need, [...(users.get(need) ?? []), id]);
  }
  const behind = tails(actions, work, users);
  const ready = actions.filter((a) => open.get(a.id) === 0).map((a) => a.id);
  const running: { readonly id: ActionId; readonly end: number }[] = [];
  let now = 0;
  while (ready.length > 0 || running.length > 0) {
    ready.sort((a, b) => (behind.get(a) ?? 0) - (behind.get(b) ?? 0));
    while (running.length < workers && ready.length > 0) {
      const id = ready.pop() as ActionId;
      running.push({ id, end: now + (work.get(id) ?? 0) });
    }
    running.sort((a, b) => b.end - a.end);
    const done = running.pop();
    if (done === undefined) break;
    now = done.end;
    for (const user of users.get(done.id) ?? []) {
      const left = (open.get(user) ?? 0) - 1;
      open.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  return now;
}

/** The work of each action and of the longest way behind it. Ids of a graph grow from what is needed to what needs it only within a plan, so it is sought. */
function tails(
  actions: readonly Timed[],
  work: ReadonlyMap<ActionId, number>,
  users: ReadonlyMap<ActionId, readonly ActionId[]>,
): Map<ActionId, number> {
  const found = new Map<ActionId, number>();
  for (const { id: start } of actions) {
    const stack = [start];
    while (stack.length > 0) {
      const id = stack[stack.length - 1] as ActionId;
      const next = (users.get(id) ?? []).filter((user) => !found.has(user));
      if (next.length > 0) {
        stack.push(...next);
        continue;
      }
      stack.pop();
      found.set(id, (work.get(id) ?? 0) + Math.max(0, ...(users.get(id) ?? []).map((user) => found.get(user) ?? 0)));
    }
  }
  return found;
}
