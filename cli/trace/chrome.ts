/** A run as a trace in Chrome's format (Trace Event Format, JSON object form), which Perfetto and chrome://tracing open. Times there are microseconds. */
import { actionLabel } from "../../engine/label.ts";
import { criticalSpans } from "./critical.ts";
import type { Span, Timed } from "./run-times.ts";

const PID = 1;

interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M" | "b" | "e" | "s" | "f";
  readonly pid: number;
  readonly tid: number;
  readonly [more: string]: unknown;
}

/** spans: in lanes; actions: all that the run looked at. */
export function chromeTrace(project: string, spans: readonly Span[], actions: readonly Timed[]): string {
  const lanes = [...new Set(spans.map((s) => s.lane))].sort(byRank);
  const tid = new Map(lanes.map((lane, i) => [lane, i + 1]));
  const critical = criticalSpans(spans);
  const isCritical = new Set(critical);
  const events: TraceEvent[] = [
    { name: "process_name", ph: "M", pid: PID, tid: 0, args: { name: `fb ${project}` } },
    ...lanes.flatMap((lane): TraceEvent[] => [
      { name: "thread_name", ph: "M", pid: PID, tid: tid.get(lane) ?? 0, args: { name: lane } },
      { name: "thread_sort_index", ph: "M", pid: PID, tid: tid.get(lane) ?? 0, args: { sort_index: tid.get(lane) ?? 0 } },
    ]),
    ...spans.map(
      (s): TraceEvent => ({
        name: s.name,
        cat: s.what,
        ph: "X",
        pid: PID,
        tid: tid.get(s.lane) ?? 0,
        ts: micro(s.from),
        dur: micro(s.to) - micro(s.from),
        args: { ...(s.action === null ? {} : about(s.action)), critical: isCritical.has(s) },
      }),
    ),
    ...actions.flatMap(queued),
    ...critical.slice(1).flatMap((s, i): TraceEvent[] => {
      const from = critical[i] as Span;
      const arrow = { name: "critical path", cat: "critical", pid: PID, id: i + 1 };
      return [
        { ...arrow, ph: "s", tid: tid.get(from.lane) ?? 0, ts: Math.max(micro(from.from), micro(from.to) - 1) },
        { ...arrow, ph: "f", bp: "e", tid: tid.get(s.lane) ?? 0, ts: micro(s.from) },
      ];
    }),
  ];
  return `{"displayTimeUnit":"ms","traceEvents":[\n${events.map((e) => JSON.stringify(e)).join(",\n")}\n]}\n`;
}

function micro(ms: number): number {
  return Math.round(ms * 1000);
}

/** What an action's spans say of it; times in milliseconds. */
function about(action: Timed): object {
  const { ready, deciding, decided, started, ended, settled } = action.times;
  const ms = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? null : Math.round((to - from) * 1000) / 1000;
  return {
    label: actionLabel(action.spec),
    status: action.status ?? (action.spec.kind === "plan" ? "planned" : "up-to-date"),
    env: action.spec.env,
    needs: action.needs,
    id: action.id,
    queue: started === undefined ? ms(ready, deciding) : (ms(ready, deciding) ?? 0) + (ms(decided, started) ?? 0),
    hash: ms(deciding, decided),
    spawn: ms(started, ended),
    restore: started === undefined ? ms(decided, settled) : null,
    record: ms(ended, settled),
  };
}

/** How long an action waited for its turn, in a track of its own: many wait at once. */
function queued(action: Timed): TraceEvent[] {
  const { decided, started } = action.times;
  if (decided === undefined || started === undefined || started - decided < 0.05) return [];
  const wait = { name: `queue ${action.spec.label}`, cat: "queue", pid: PID, tid: 0, id: `queue-${action.id}` };
  return [
    { ...wait, ph: "b", ts: micro(decided) },
    { ...wait, ph: "e", ts: micro(started) },
  ];
}

/** fb first, then slots by number, then what fetches. */
function byRank(a: string, b: string): number {
  const rank = (lane: string) => (lane.startsWith("fb") ? 0 : lane.startsWith("slot") ? 1 : 2);
  return rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true });
}
