/** What a run waited for: from its end back through whatever ended last before each piece could begin. */
import type { ActionId } from "../../engine/types.ts";
import type { Span } from "./run-times.ts";

/** Clocks are read one after the other: what ended so little later still came before. Milliseconds. */
const BLUR = 0.001;

/** The spans on the way, in the order of time. What lies between them nobody spent: a process that had to be noticed, a timer. */
export function criticalSpans(spans: readonly Span[]): Span[] {
  const ofAction = new Map<ActionId, Span[]>();
  const ofLane = new Map<string, Span[]>();
  // By their begin, as within a lane by their end.
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.action !== null) put(ofAction, span.action.id, span);
    put(ofLane, span.lane, span);
  }
  const fb = [...ofLane].flatMap(([lane, list]) => (lane.startsWith("fb") ? [list] : []));
  const found: Span[] = [];
  const seen = new Set<Span>();
  let at = latest(
    [...ofLane.values()].flatMap((list) => list.slice(-1)),
    Number.POSITIVE_INFINITY,
    seen,
  );
  while (at !== undefined) {
    seen.add(at);
    found.push(at);
    const { from, lane, action } = at;
    const near = [...fb, ofLane.get(lane) ?? []].flatMap((list) => before(list, from));
    const own = action === null ? [] : [action.id, ...action.needs].flatMap((id) => ofAction.get(id) ?? []);
    const slots = action === null ? [...ofLane.values()].flatMap((list) => before(list, from)) : [];
    at = latest([...near, ...own, ...slots], from, seen);
  }
  return found.reverse();
}

function put<K>(map: Map<K, Span[]>, key: K, span: Span): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [span]);
  else there.push(span);
}

/** Of a lane the last span that ended by then; none if there is none. */
function before(lane: readonly Span[], end: number): Span[] {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lane[middle] as Span).to <= end + BLUR) low = middle + 1;
    else high = middle;
  }
  return lane.slice(Math.max(0, low - 1), low);
}

function latest(spans: readonly Span[], end: number, seen: ReadonlySet<Span>): Span | undefined {
  let found: Span | undefined;
  for (const span of spans) if (span.to <= end + BLUR && !seen.has(span) && (found === undefined || span.to > found.to)) found = span;
  return found;
}
