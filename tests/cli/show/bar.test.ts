import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bar } from "../../../cli/show/bar.ts";
import type { DisplayOptions } from "../../../cli/show/display.ts";
import { displayWidth, stripSgr } from "../../../cli/show/text.ts";
import { end, HandClock, Memory, madeUpRun, options, plan, play, result, type Step, start } from "./script.ts";
import { Screen } from "./screen.ts";

interface Seen {
  readonly bar: Bar;
  readonly clock: HandClock;
  readonly screen: Screen;
  readonly out: Memory;
}

/** A bar that draws on a screen model; `columns` may be changed by the test. */
function seen(change: Partial<DisplayOptions> = {}, columns = 80, rows = 24, color = false): Seen {
  const screen = new Screen(columns, rows);
  const out = new Memory(color);
  const clock = new HandClock();
  const both = {
    color,
    write(text: string) {
      out.write(text);
      screen.write(text);
    },
  };
  return { bar: new Bar(options(both, both, clock, { columns: () => columns, rows: () => rows, ...change })), clock, screen, out };
}

function wait(s: Seen, ms: number): void {
  for (let left = ms; left > 0; left -= 50) {
    s.clock.ms += 50;
    s.bar.tick();
  }
}

test("progress, what runs longest first, and nothing left of it at the end", () => {
  const s = seen({ upToDate: () => 5 });
  s.bar.emit(plan(30));
  for (const [id, label] of [
    [1, "src/main.cpp"],
    [2, "core/a.c"],
    [3, "core/b.c"],
    [4, "core/c.c"],
  ] as const) {
    s.bar.emit(start(id, label));
    wait(s, 1000);
  }
  s.bar.emit(end(2, "core/a.c"));
  s.bar.emit(end(9, "core/z.c", { status: "hit" }));
  wait(s, 150);
  assert.equal(s.screen.lines(), [
    "[==          ] 7/30  4.1s  3 running  20 waiting  1 from cache",
    "   4.1s  compile uno src/main.cpp",
    "   2.1s  compile uno core/b.c",
    "   1.1s  compile uno core/c.c",
  ]);
  s.bar.emit(result({ actions: 30, ran: 24, hits: 1, upToDate: 5 }));
  assert.equal(s.screen.lines(), ["done in 1.24 s: 30 actions, 24 ran, 1 from cache, 5 up to date"]);
  assert.equal(s.screen.unknown, []);
});

test("the area does not shrink while it is there", () => {
  const s = seen();
  s.bar.emit(plan(3));
  for (const id of [1, 2, 3]) s.bar.emit(start(id, `${id}.c`));
  wait(s, 200);
  for (const id of [1, 2, 3]) s.bar.emit(end(id, `${id}.c`));
  wait(s, 100);
  assert.equal(s.screen.visible(), ["[============] 3/3  0.2s", "", "", ""]);
});

test("a run that is over at once has no bar", () => {
  const s = seen();
  s.bar.emit(plan(3));
  s.bar.emit(start(1, "a.c"));
  wait(s, 100);
  s.bar.emit(end(1, "a.c"));
  s.bar.emit(result());
  assert.is(s.out.text, "done in 1.24 s: 3 actions, 3 ran\n");
});

test("an error stands above the bar, whole, in one write, in the compiler's colours", () => {
  const s = seen({}, 80, 24, true);
  s.bar.emit(plan(9));
  s.bar.emit(start(1, "a.c"));
  wait(s, 300);
  s.bar.emit(end(1, "a.c", { status: "failed", output: "\x1b[01;31merror:\x1b[m no\nline two\n" }));
  wait(s, 100);
  assert.equal(s.screen.visible().slice(0, 4), [
    "FAILED compile uno a.c (exit 1)",
    "error: no",
    "line two",
    "[=           ] 1/9  0.4s  1 failed  8 waiting",
  ]);
  assert.ok(s.out.writes.some((w) => w.includes("\x1b[01;31merror:\x1b[m no\nline two\n")));
});

test("never more than twenty frames a second, however many events", () => {
  const s = seen();
  s.bar.emit(plan(5000));
  for (let id = 1; id <= 5000; id++) {
    if (id % 5 === 0) s.clock.ms += 1;
    s.bar.emit(start(id, `${id}.c`));
    s.bar.emit(end(id, `${id}.c`));
    s.bar.tick();
  }
  assert.is(s.clock.ms, 1000);
  assert.ok(s.out.writes.length <= 20, String(s.out.writes.length));
  assert.ok(s.out.writes.length >= 15, String(s.out.writes.length));
});

test("clocks go on when nothing happens", () => {
  const s = seen();
  s.bar.emit(plan(1));
  s.bar.emit(start(1, "firmware.elf", "uno", "link"));
  wait(s, 62_100);
  assert.equal(s.screen.visible(), ["[            ] 0/1  1m02s  1 running", "  1m02s  link uno firmware.elf"]);
});

test("narrow and wide terminals: every line within the columns, wide characters counted", () => {
  for (const columns of [1, 8, 20, 40, 80, 200]) {
    const s = seen({}, columns);
    s.bar.emit(plan(300));
    s.bar.emit(start(1, "src/ein/sehr/langer/pfad/der/nicht/in/die/zeile/passt/und/noch/weiter/geht/main.cpp"));
    s.bar.emit(start(2, "日本語/日本語/日本語/日本語/日本語/日本語/日本語/日本語.cpp"));
    wait(s, 500);
    const frame = s.out.writes.at(-1) ?? "";
    for (const line of stripSgr(frame).split("\n")) assert.ok(displayWidth(line) < Math.max(2, columns), `${columns}: ${line}`);
    if (columns === 40) assert.ok(frame.includes("…icht/in/die/zeile/passt/und/noch") || frame.includes("main.cpp"), frame);
  }
});

test("a low terminal gets fewer lines", () => {
  const s = seen({}, 80, 3);
  s.bar.emit(plan(9));
  for (const id of [1, 2, 3]) s.bar.emit(start(id, `${id}.c`));
  wait(s, 200);
  assert.is(s.screen.visible().length, 2);
});

test("a resize: quiet until the width stands still, and no message is touched", () => {
  let columns = 80;
  const s = seen({ columns: () => columns });
  s.bar.emit(plan(9));
  s.bar.emit(start(1, "a.c"));
  wait(s, 300);
  s.bar.emit(end(1, "a.c", { output: "warning: keep me\n" }));
  wait(s, 100);
  const before = s.out.writes.length;
  for (let i = 0; i < 20; i++) {
    columns--;
    wait(s, 50);
  }
  assert.is(s.out.writes.length, before);
  wait(s, 300);
  assert.ok(s.out.writes.length > before);
  s.bar.emit(result());
  assert.equal(s.screen.lines(), ["compile uno a.c:", "warning: keep me", "done in 1.24 s: 3 actions, 3 ran"]);
});

test("a monitor has the screen to itself", () => {
  const s = seen();
  s.bar.emit(plan(2));
  s.bar.emit(start(1, "/dev/ttyUSB0", "uno", "flash"));
  s.bar.emit({ t: 0, type: "progress", id: 1 as never, done: 30, total: 60, at: null });
  wait(s, 300);
  assert.is(s.screen.visible()[1], "   0.2s  flash uno /dev/ttyUSB0  50%");
  s.bar.emit(end(1, "/dev/ttyUSB0", { kind: "flash" }));
  s.bar.emit(start(2, "/dev/ttyUSB0", "uno", "monitor"));
  wait(s, 200);
  s.bar.emit({ t: 0, type: "serial", device: "/dev/ttyUSB0", line: "hello" });
  wait(s, 100);
  assert.equal(s.screen.lines(), ["hello"]);
});

test("closing without a result leaves what was said, and no bar", () => {
  const s = seen();
  s.bar.emit(plan(2));
  s.bar.emit(start(1, "a.c"));
  wait(s, 300);
  s.bar.emit(end(1, "a.c", { output: "note\n" }));
  s.bar.close();
  s.bar.close();
  assert.equal(s.screen.lines(), ["compile uno a.c:", "note"]);
});

test("law: whatever the order and the size of the screen, each message stands there whole and once, and nothing else", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const columns = [80, 120, 200][seed % 3] ?? 80;
    const s = seen({}, columns, [3, 24, 60][seed % 5 === 0 ? 0 : (seed % 2) + 1] ?? 24, seed % 2 === 0);
    const steps: Step[] = madeUpRun(seed, 80, 8, 200);
    play(s.bar, s.clock, steps);
    const wanted: string[] = [];
    for (const { event } of steps)
      if (event.type === "end" && event.output !== "") wanted.push(...stripSgr(event.output).trimEnd().split("\n"));
    const lines = s.screen.lines();
    const messages = lines.filter((l) => !/^(FAILED |compile |failed after|done in| {2}failed: | {10}compile| {10}and )/.test(l));
    assert.equal(messages, wanted, `seed ${seed}`);
    assert.equal(s.screen.unknown, [], `seed ${seed}`);
    const headers = lines.filter((l) => /^(FAILED compile .*\(exit 1\)|compile .*:)$/.test(l));
    assert.is(headers.length, steps.filter((x) => x.event.type === "end" && x.event.output !== "").length, `seed ${seed}`);
  }
});

test.run();
