import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bar } from "../../../cli/show/bar.ts";
import { PackageRows, packageRow } from "../../../cli/show/package-rows.ts";
import { Pulls } from "../../../cli/show/pulls.ts";
import { displayWidth } from "../../../cli/show/text.ts";
import type { Event } from "../../../engine/types.ts";
import { end, HandClock, options, plan, result, start } from "./script.ts";
import { Screen } from "./screen.ts";

type FetchEvent = Extract<Event, { type: "fetch" }>;

function pull(name: string, state: FetchEvent["state"], bytes = 0, total: number | null = 57_200_000, version = "7.3.0"): FetchEvent {
  return { t: 0, type: "fetch", package: name, version, bytes, total, state, from: "https://example.com/x.zip" };
}

function seen(columns = 80, rows = 24) {
  const screen = new Screen(columns, rows);
  const clock = new HandClock();
  const out = { color: false, write: (text: string) => screen.write(text) };
  const bar = new Bar(options(out, out, clock, { columns: () => columns, rows: () => rows }));
  const wait = (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.ms += 50;
      bar.tick();
    }
  };
  return { bar, screen, wait };
}

/** listr2 is loaded by the first package. */
const loaded = () => import("../../../cli/show/package-rows.ts").then(() => new Promise((next) => setImmediate(next)));

/** Without the spinner. */
const still = (lines: readonly string[]) => lines.map((line) => line.replace(/^[^\w\s[] /u, "* "));

test("a row for each package, a footer, a line above once it is here, and then the bar again", async () => {
  const s = seen();
  s.bar.emit(plan(6, false));
  s.bar.emit(start(1, "toolchain-x 7.3.0", "", "fetch"));
  s.bar.emit(pull("toolchain-x", "downloading"));
  s.bar.emit(pull("core", "downloading", 0, null));
  s.bar.emit(pull("Servo", "waiting", 0, null, "1.2.2"));
  await loaded();
  s.bar.emit(pull("toolchain-x", "downloading", 5_720_000));
  s.wait(1000);
  s.bar.emit(pull("toolchain-x", "downloading", 28_600_000));
  s.wait(100);
  assert.equal(still(s.screen.visible()), [
    "* toolchain-x 7.3.0  downloading [=====     ]  50%  22.9 MB/s  1.1s",
    "* core 7.3.0         downloading                               1.1s",
    "* Servo 1.2.2        waiting",
    "3 packages, 2 active, 0 done  1.1s",
  ]);
  s.bar.emit(pull("core", "unpacking", 90_000, 180_000));
  s.bar.emit(pull("toolchain-x", "done", 57_200_000));
  s.bar.emit(end(1, "toolchain-x 7.3.0", { env: "", kind: "fetch" }));
  s.wait(100);
  assert.equal(still(s.screen.visible()), [
    "fetched toolchain-x 7.3.0: 57.2 MB in 1.10 s",
    "* core 7.3.0   unpacking   [=====     ]  50%             1.1s",
    "* Servo 1.2.2  waiting",
    "3 packages, 1 active, 1 done  1.1s",
  ]);
  s.bar.emit(pull("core", "done", 180_000, 180_000));
  s.bar.emit(pull("Servo", "done", 9000, 9000, "1.2.2"));
  s.bar.emit(plan(40));
  s.bar.emit(start(9, "a.c"));
  s.wait(100);
  assert.equal(s.screen.visible().slice(-2), ["[            ] 1/40  1.2s  1 running  38 waiting", "   0.0s  compile uno a.c"]);
  s.bar.emit(result());
  assert.equal(s.screen.lines(), [
    "fetched toolchain-x 7.3.0: 57.2 MB in 1.10 s",
    "unpacked core 7.3.0: 180 kB in 1.20 s",
    "unpacked Servo 1.2.2: 9 kB in 0.00 s",
    "done in 1.24 s: 3 actions, 3 ran",
  ]);
  assert.equal(s.screen.unknown, []);
});

test("what other envs compile meanwhile stands below, and messages above", async () => {
  const s = seen();
  s.bar.emit(plan(9, false));
  s.bar.emit(pull("toolchain-x", "downloading", 1));
  s.bar.emit(start(1, "a.c"));
  await loaded();
  s.bar.emit(end(2, "b.c", { output: "b.c:1: warning: w\n" }));
  s.wait(300);
  assert.equal(still(s.screen.visible()), [
    "compile uno b.c:",
    "b.c:1: warning: w",
    "* toolchain-x 7.3.0  downloading [          ]   0%             0.2s",
    "1 package, 1 active, 0 done  0.2s",
    "[            ] 1 done  0.2s  1 running  7 waiting  still planning",
    "   0.2s  compile uno a.c",
  ]);
});

test("forty packages on a small screen: never more rows than it has, those at work first", async () => {
  const s = seen(80, 12);
  for (let i = 0; i < 40; i++) s.bar.emit(pull(`lib${i}`, i % 10 === 7 ? "unpacking" : "waiting", 1));
  await loaded();
  s.wait(300);
  const lines = s.screen.visible();
  assert.ok(lines.length <= 12);
  assert.is(lines.filter((line) => line.includes("unpacking")).length, 4);
  assert.match(lines.at(-1) ?? "", /^40 packages, 4 active, 0 done/);
});

test("law: a row fits, whatever its width and its name, and shows name and state", () => {
  const clock = new HandClock();
  for (const name of ["a", "toolchain-atmelavr", "Adafruit GFX Library", "日本語ライブラリ", "x".repeat(300)])
    for (let room = 8; room <= 160; room++) {
      const pulls = new Pulls();
      pulls.take(pull(name, "downloading", 1), clock.now());
      pulls.take(pull(name, "downloading", 57_000_000), clock.now() + 1000);
      const [only] = pulls.inOrder();
      if (only === undefined) throw new Error("no pull");
      const row = packageRow(only, 90_000, room, displayWidth(only.name));
      assert.ok(displayWidth(row) <= room, `${room}: ${row}`);
      assert.ok(row.startsWith(name.slice(0, 1)), row);
      if (room >= 60) assert.match(row, /downloading .*99%/);
    }
});

test("colours only where they may be, and no signal handler of listr2's", () => {
  const before = process.listenerCount("SIGINT");
  const pulls = new Pulls();
  pulls.take(pull("a", "downloading"), 0);
  pulls.take(pull("b", "waiting"), 0);
  const bare = new PackageRows(false).render(pulls, 0, 80, 10).join("\n");
  assert.not.match(bare, "\x1b");
  assert.match(new PackageRows(true).render(pulls, 0, 80, 10).join("\n"), "\x1b[36m");
  assert.is(process.listenerCount("SIGINT"), before);
});

test.run();
