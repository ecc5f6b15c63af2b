import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageEvents } from "../../../cli/show/package-events.ts";
import type { Event, Kind } from "../../../engine/types.ts";
import { end, HandClock, start } from "./script.ts";

const LABEL = "toolchain x 7.3.0";

/** What is passed on, in short, as a clock goes on that stands between steps; numbers are waits in ms. */
function passed(steps: readonly (Event | number)[]): string[] {
  const clock = new HandClock();
  const seen: string[] = [];
  const sink = packageEvents(
    {
      emit: (e) =>
        seen.push(
          e.type === "fetch"
            ? `${e.package}|${e.version} ${e.state} ${e.bytes}/${e.total} ${e.from}`
            : `${e.type} ${"kind" in e ? e.kind : ""}`,
        ),
    },
    clock.now,
  );
  for (const step of steps) {
    if (typeof step === "number") clock.ms += step;
    else sink.emit(step);
  }
  return seen;
}

const begin = (id: number, kind: Kind) => start(id, LABEL, "", kind);
const ended = (id: number, kind: Kind, status: "ran" | "failed" | "cancelled" = "ran") => end(id, LABEL, { env: "", kind, status });
const progress = (id: number, done: number, total: number | null, at: string | null = null): Event => ({
  t: 0,
  type: "progress",
  id: id as never,
  done,
  total,
  at,
});
const queued = (id: number, kind: Kind): Event => ({ t: 0, type: "queued", id: id as never, kind, env: "", label: LABEL });

test("a package from its wait to its end", () => {
  assert.equal(
    passed([
      queued(1, "fetch"),
      begin(1, "fetch"),
      progress(1, 0, 900, "https://a"),
      200,
      progress(1, 900, 900),
      ended(1, "fetch"),
      queued(2, "extract"),
      begin(2, "extract"),
      200,
      progress(2, 900, 900),
      ended(2, "extract"),
      begin(3, "install"),
      ended(3, "install"),
    ]),
    [
      "toolchain x|7.3.0 waiting 0/null null",
      "start fetch",
      "toolchain x|7.3.0 downloading 0/null null",
      "toolchain x|7.3.0 downloading 0/900 https://a",
      "toolchain x|7.3.0 downloading 900/900 https://a",
      "end fetch",
      "toolchain x|7.3.0 waiting 900/900 https://a",
      "start extract",
      "toolchain x|7.3.0 unpacking 0/900 https://a",
      "toolchain x|7.3.0 unpacking 900/900 https://a",
      "end extract",
      "start install",
      "toolchain x|7.3.0 installing 900/900 https://a",
      "end install",
      "toolchain x|7.3.0 done 900/900 https://a",
    ],
  );
});

test("at most ten a second, the last of a state always", () => {
  const steps: (Event | number)[] = [begin(1, "fetch")];
  for (let i = 1; i <= 1000; i++) steps.push(1, progress(1, i, 1000));
  const seen = passed([...steps, ended(1, "fetch")]).filter((line) => line.includes("downloading"));
  assert.ok(seen.length >= 10 && seen.length <= 12, `${seen.length}`);
  assert.is(seen.at(-1), "toolchain x|7.3.0 downloading 1000/1000 null");
});

test("another source begins anew, and is told at once", () => {
  const seen = passed([begin(1, "fetch"), progress(1, 0, 9, "https://a"), progress(1, 5, 9, "https://a"), progress(1, 0, 8, "pypi:b@1")]);
  assert.is(seen.at(-1), "toolchain x|7.3.0 downloading 0/8 pypi:b@1");
});

test("a failure is told, an interruption is the run's", () => {
  assert.equal(passed([begin(1, "fetch"), ended(1, "fetch", "failed")]).slice(-2), ["end fetch", "toolchain x|7.3.0 failed 0/null null"]);
  assert.equal(passed([begin(1, "fetch"), ended(1, "fetch", "cancelled")]).slice(-1), ["end fetch"]);
});

test("other actions are not touched", () => {
  assert.equal(passed([start(1, "a.c"), progress(1, 1, 2), end(1, "a.c")]), ["start compile", "progress ", "end compile"]);
});

test.run();
