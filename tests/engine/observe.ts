/** What holds of the events of every run. */
import * as assert from "uvu/assert";
import type { ActionId, Event } from "../../engine/types.ts";
import type { Observed } from "./machine.ts";

export type Ended = Event & { readonly type: "end" };

export function ends(events: readonly Event[]): readonly Ended[] {
  return events.filter((e): e is Ended => e.type === "end");
}

/** Every action ends once at most and after its start, starts are ended, lanes are held by one action at a time, and the counts are those of the events. */
export function checkEvents({ outcome, events }: Observed, cancelled: boolean): void {
  const ended = new Set<ActionId>();
  const lanes = new Map<string, ActionId>();
  const running = new Map<ActionId, string>();
  for (const e of events) {
    if (e.type === "start") {
      assert.not(lanes.has(e.lane), `${e.lane} is held by two actions`);
      lanes.set(e.lane, e.id);
      running.set(e.id, e.lane);
    }
    if (e.type === "end") {
      assert.not(ended.has(e.id), `${e.label} ended twice`);
      ended.add(e.id);
      lanes.delete(running.get(e.id) ?? "");
      running.delete(e.id);
    }
  }
  assert.is(running.size, 0, "every start has an end");
  const { counts } = outcome;
  const of = (status: string) => ends(events).filter((e) => e.status === status).length;
  assert.equal([counts.ran, counts.hits, counts.failed], [of("ran"), of("hit") + of("remote-hit"), of("failed")], "counts");
  const sum = counts.ran + counts.hits + counts.upToDate + counts.failed;
  const clean = !cancelled && outcome.failures.every((f) => f.severity === "warning");
  assert.ok(clean ? sum === counts.actions : sum <= counts.actions, `${sum} of ${counts.actions} actions`);
  const plans = events.filter((e) => e.type === "plan");
  if (!cancelled)
    assert.is(
      plans.findIndex((e) => e.final),
      plans.length - 1,
      "the last plan event, and no other, is final",
    );
}
