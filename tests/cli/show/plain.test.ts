import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DisplayOptions } from "../../../cli/show/display.ts";
import { Plain } from "../../../cli/show/plain.ts";
import { stripSgr } from "../../../cli/show/text.ts";
import type { CanonPath, Event } from "../../../engine/types.ts";
import { artifact, end, HandClock, Memory, madeUpRun, message, options, plan, play, result, type Step, start } from "./script.ts";

/** What a run prints: out and err in the order of writing, err's lines behind "! ". */
function printed(steps: readonly (Event | number)[], change: Partial<DisplayOptions> = {}): string {
  let text = "";
  const out = { color: false, write: (t: string) => (text += t) };
  const err = { color: false, write: (t: string) => (text += t.replace(/^(?=.)/gm, "! ")) };
  const clock = new HandClock();
  const display = new Plain(options(out, err, clock, change));
  const all: Step[] = [];
  let wait = 0;
  for (const step of steps) {
    if (typeof step === "number") wait = step;
    else {
      all.push({ wait, event: step });
      wait = 0;
    }
  }
  play(display, clock, all);
  for (; wait > 0; wait -= 250) {
    clock.ms += 250;
    display.tick();
  }
  display.close();
  return text;
}

const size = [{ env: "uno", flash: { used: 1030, total: 32256 }, ram: { used: 9, total: 2048 } }];

test("a build from nothing: a line for each action, the size, the result", () => {
  const steps = [
    plan(12),
    start(1, "src/main.cpp"),
    start(2, "core/a.c"),
    end(2, "core/a.c"),
    end(1, "src/main.cpp"),
    end(3, "core/b.c", { status: "hit" }),
    start(4, "firmware.elf", "uno", "link"),
    end(4, "firmware.elf", { kind: "link" }),
    result({ actions: 12, ran: 3, hits: 1, upToDate: 8, artifacts: [artifact("uno")], size }),
  ];
  assert.is(
    printed(steps, { previousSize: () => ({ flash: 1018, ram: 9 }) }),
    `[ 1/12] compile uno core/a.c
[ 2/12] compile uno src/main.cpp
[ 4/12] link uno firmware.elf
uno  .fb/build/uno/release/firmware.hex
  RAM:   [          ]   0.4% (used 9 bytes from 2048 bytes)
  Flash: [          ]   3.2% (used 1030 bytes from 32256 bytes, +12)
done in 1.24 s: 12 actions, 3 ran, 1 from cache, 8 up to date
`,
  );
});

test("a compile error: its header, the message, once; with -v the command", () => {
  const output = "src/main.cpp: In function 'void loop()':\nsrc/main.cpp:3:1: error: expected ';'\n";
  const steps = [
    plan(3),
    start(1, "src/main.cpp", "uno", "compile", ["avr-g++", '-DN="a b"', "-c", "src/main.cpp"]),
    end(1, "src/main.cpp", { status: "failed", output }),
    result({ status: "failed", exitCode: 1, ran: 0, failed: 1 }),
  ];
  const told = (command: string) =>
    `! FAILED compile uno src/main.cpp (exit 1)\n${command}! src/main.cpp: In function 'void loop()':\n! src/main.cpp:3:1: error: expected ';'\nfailed after 1.24 s: 3 actions, 1 failed, 2 not done\n`;
  assert.is(printed(steps.map((e) => (e.type === "start" ? start(1, "src/main.cpp") : e))), told(""));
  assert.is(printed(steps, { verbose: true }), told(`! avr-g++ '-DN="a b"' -c src/main.cpp\n`));
});

test("an action that failed without a word is named", () => {
  const steps = [
    plan(1),
    start(1, "x", "uno", "step"),
    end(1, "x", { kind: "step", status: "failed", exitCode: null }),
    result({ status: "failed", actions: 1, ran: 0, failed: 1 }),
  ];
  assert.is(printed(steps), "! FAILED step uno x\nfailed after 1.24 s: 1 action, 1 failed\n");
});

test("several failures are listed again at the end", () => {
  const fails = [1, 2].flatMap((id) => [start(id, `${id}.c`), end(id, `${id}.c`, { status: "failed", output: `no ${id}` })]);
  const text = printed([plan(2), ...fails, result({ status: "failed", actions: 2, ran: 0, failed: 2 })]);
  assert.ok(text.endsWith("2 failed\n  failed: compile uno 1.c\n          compile uno 2.c\n"), text);
});

test("warnings: whole, with their action; of a cached result too; equal ones of two envs once", () => {
  const output = "a.h:1:2: warning: odd\n";
  const steps = [
    plan(4, true, ["uno", "mega"]),
    start(1, "a.cpp"),
    start(2, "a.cpp", "mega"),
    end(1, "a.cpp", { output }),
    end(2, "a.cpp", { env: "mega", output }),
    end(3, "b.cpp", { status: "hit", output: "b.cpp:1: warning: old" }),
    end(4, "a.cpp", { env: "nano", status: "failed", output }),
    result({ actions: 4, ran: 2, hits: 1, failed: 1 }),
  ];
  assert.is(
    printed(steps),
    `[1/4] compile uno a.cpp
! a.h:1:2: warning: odd
[2/4] compile mega a.cpp
! compile uno b.cpp:
! b.cpp:1: warning: old
! FAILED compile nano a.cpp (exit 1): the same message as for uno
done in 1.24 s: 4 actions, 2 ran, 1 from cache, 1 failed
`,
  );
});

test("-v shows commands and what came from the cache; --why reasons", () => {
  const why = [
    {
      cause: "input-changed",
      file: "include/pins.h" as CanonPath,
      old: "sha256:1",
      new: "sha256:2",
      via: ["src/a.cpp" as CanonPath, "include/app.h" as CanonPath],
    },
    { cause: "forced" },
  ] as const;
  const steps = [
    plan(3),
    start(1, "a.cpp", "uno", "compile", ["cc", "-c", "a.cpp"]),
    end(1, "a.cpp", { why }),
    end(2, "b.cpp", { status: "hit", why: [{ cause: "first-build" }] }),
    result({ ran: 1, hits: 1, upToDate: 1 }),
  ];
  const done = "done in 1.24 s: 3 actions, 1 ran, 1 from cache, 1 up to date\n";
  assert.is(printed(steps, { verbose: true }), `[1/3] compile uno a.cpp\ncc -c a.cpp\n[2/3] cached compile uno b.cpp\n${done}`);
  assert.is(
    printed(steps, { why: true }),
    `[1/3] compile uno a.cpp  (include/pins.h changed, read through src/a.cpp → include/app.h (and 1 more))\n[2/3] cached compile uno b.cpp  (never built here)\n${done}`,
  );
});

test("a dry run says what would be", () => {
  const steps = [
    plan(3),
    end(1, "a.cpp", { exitCode: null }),
    end(2, "b.cpp", { status: "hit" }),
    result({ ran: 1, hits: 1, upToDate: 1, size, artifacts: [artifact("uno")] }),
  ];
  assert.is(
    printed(steps, { dryRun: true }),
    "[1/3] would run compile uno a.cpp\n[2/3] would take from cache compile uno b.cpp\nlooked for 1.24 s: 3 actions, 1 would run, 1 would come from cache, 1 up to date\n",
  );
});

test("diagnostics once each, on stderr", () => {
  const problem = {
    t: 1,
    type: "diagnostic",
    severity: "warning",
    code: "ini.unknown-option",
    message: 'unknown option "bord"',
    file: "platformio.ini",
    line: 4,
    column: 1,
    hint: 'did you mean "board"?',
  } as const;
  assert.is(
    printed([problem, problem, result()]),
    '! platformio.ini:4:1: warning: unknown option "bord"\n!   hint: did you mean "board"?\ndone in 1.24 s: 3 actions, 3 ran\n',
  );
});

test("a line within the first second, then one every ten seconds of silence, naming what takes long", () => {
  const text = printed([plan(30), 100, start(1, "big.cpp"), 100, start(2, "small.cpp"), 25_000, result()], { upToDate: () => 4 });
  assert.is(
    text,
    `after 0.65 s: 4 of 30 done, 2 running, longest: compile uno big.cpp (0.55 s)
after 10.7 s: 4 of 30 done, 2 running, longest: compile uno big.cpp (10.6 s)
after 20.6 s: 4 of 30 done, 2 running, longest: compile uno big.cpp (20.6 s)
done in 1.24 s: 3 actions, 3 ran
`,
  );
  assert.is(printed([1000]), "after 0.75 s: reading the project\n");
  assert.is(printed([plan(2), 1000]), "after 0.75 s: 0 of 2 done, looking at what changed\n");
});

test("what is printed in time needs no line of life", () => {
  assert.is(printed([plan(2), start(1, "a.c"), 500, end(1, "a.c"), 9000]), "[1/2] compile uno a.c\n");
});

test("a package: from where, how far every ten seconds, how long; a quick one has one line, what was not fetched says so", () => {
  const pull = (bytes: number, state: "downloading" | "unpacking" | "installing" | "done" | "failed", package_ = "toolchain-x"): Event => ({
    t: 0,
    type: "fetch",
    package: package_,
    version: "7.3.0",
    bytes,
    total: 38_000_000,
    state,
    from: "https://example.com/x.zip",
  });
  assert.is(
    printed([
      pull(0, "downloading"),
      500,
      pull(1_000_000, "downloading"),
      9_000,
      pull(19_000_000, "downloading"),
      12_000,
      pull(38_000_000, "unpacking"),
      100,
      pull(38_000_000, "installing"),
      pull(38_000_000, "done"),
    ]),
    `fetching toolchain-x 7.3.0 (38.0 MB) from https://example.com/x.zip
toolchain-x 7.3.0: downloading, 50% of 38.0 MB, 2.0 MB/s
toolchain-x 7.3.0: downloading, 50% of 38.0 MB, 0 B/s
fetched toolchain-x 7.3.0: 38.0 MB in 21.6 s
`,
  );
  assert.is(
    printed([pull(0, "downloading"), 100, pull(0, "unpacking"), 100, pull(38_000_000, "done")]),
    "unpacked toolchain-x 7.3.0: 38.0 MB in 0.20 s\n",
  );
  assert.is(printed([pull(5, "downloading"), pull(5, "failed")]), "fetching toolchain-x 7.3.0 (38.0 MB) from https://example.com/x.zip\n");
});

test("an interrupted run", () => {
  const steps = [
    plan(5),
    start(1, "a.c"),
    end(1, "a.c", { status: "cancelled", exitCode: null }),
    result({ status: "cancelled", exitCode: 130, actions: 5, ran: 0 }),
  ];
  assert.is(printed(steps), "interrupted after 1.24 s: 5 actions, 5 not done\n");
});

test("law: whatever the order, each message is there whole and once, and colours only where they may be", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const steps = madeUpRun(seed, 60, 8);
    for (const color of [false, true]) {
      const out = new Memory(false);
      const err = new Memory(color);
      const clock = new HandClock();
      play(new Plain(options(out, err, clock)), clock, steps);
      assert.is(stripSgr(out.text), out.text, `seed ${seed}`);
      if (!color) assert.is(stripSgr(err.text), err.text, `seed ${seed}`);
      const bare = stripSgr(err.text);
      let messages = 0;
      for (const { event } of steps) {
        if (event.type !== "end" || event.output === "") continue;
        messages++;
        assert.is(bare.split(stripSgr(event.output)).length, 2, `seed ${seed} action ${event.id}`);
        assert.ok(
          err.writes.some((w) => stripSgr(w).includes(stripSgr(event.output))),
          "in one write",
        );
      }
      if (color && messages > 0) assert.match(err.text, "\x1b[01;3");
    }
  }
});

test("escape codes other than colours never pass", () => {
  const out = new Memory(true);
  const clock = new HandClock();
  const display = new Plain(options(out, out, clock));
  play(display, clock, [
    { wait: 0, event: start(1, "a\x1b[2Jb\n.c") },
    { wait: 0, event: end(1, "a\x1b[2Jb\n.c", { output: `\x1b]0;title\x07${message(1, "warning")}\x1b[3A` }) },
  ]);
  assert.is(out.text.replace(/\x1b\[[\d;]*m/g, ""), `[1/1] compile uno ab .c\n${stripSgr(message(1, "warning"))}`);
});

test.run();
