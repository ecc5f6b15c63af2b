import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDisplay } from "../../../cli/show/display.ts";
import { openOut, terminalFacts } from "../../../cli/show/out.ts";
import { HandClock, Memory, options, plan, result } from "./script.ts";

/** A terminal?, variables, redraws, color. */
const facts: readonly (readonly [boolean, Record<string, string>, boolean, boolean])[] = [
  [true, {}, true, true],
  [true, { TERM: "xterm-256color" }, true, true],
  [false, {}, false, false],
  [true, { NO_COLOR: "1" }, true, false],
  [true, { NO_COLOR: "" }, true, true],
  [true, { TERM: "dumb" }, false, false],
  [true, { CI: "true" }, false, true],
  [true, { CI: "false" }, true, true],
  [true, { CI: "" }, true, true],
  [false, { FORCE_COLOR: "1" }, false, true],
  [false, { FORCE_COLOR: "0" }, false, false],
  [false, { CLICOLOR_FORCE: "1" }, false, true],
  [true, { NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
];
for (const [terminal, vars, redraws, color] of facts)
  test(`${terminal ? "terminal" : "pipe"} ${JSON.stringify(vars)}`, () => assert.equal(terminalFacts(terminal, vars), { redraws, color }));

test("a stream whose reader has gone: told once, nothing written any more", () => {
  const listeners: ((error: Error & { readonly code?: string }) => void)[] = [];
  const written: string[] = [];
  const stream = {
    write: (text: string) => written.push(text),
    on: (_: "error", listener: (typeof listeners)[number]) => listeners.push(listener),
  };
  let closed = 0;
  const out = openOut(stream, false, () => closed++);
  out.write("a");
  const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  for (const listener of listeners) listener(gone);
  for (const listener of listeners) listener(gone);
  out.write("b");
  assert.equal(written, ["a"]);
  assert.is(closed, 1);
  assert.throws(() => listeners[0]?.(Object.assign(new Error("no space"), { code: "ENOSPC" })), /no space/);
});

test("a real closed pipe ends quietly", () => {
  const module = fileURLToPath(new URL("../../../cli/show/out.ts", import.meta.url));
  const program = `import { openOut } from ${JSON.stringify(module)};
    let open = true;
    const out = openOut(process.stdout, false, () => { open = false; });
    const more = () => { out.write("line\\n".repeat(1000)); if (open) setImmediate(more); };
    more();`;
  const run = spawnSync("/bin/sh", ["-c", '"$0" --input-type=module -e "$1" | head -1', process.execPath, program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.is(run.stdout, "line\n");
  assert.is(run.stderr, "");
});

test("the display that fits: a bar or lines; its timer ends with it", () => {
  for (const redraws of [true, false]) {
    const out = new Memory();
    const clock = new HandClock();
    const display = openDisplay({ ...options(out, out, clock), redraws });
    display.emit(plan(3));
    clock.ms = 1000;
    display.tick();
    assert.is(out.text.includes("["), redraws);
    display.emit(result());
    display.close();
    assert.ok(out.text.endsWith("done in 1.24 s: 3 actions, 3 ran\n"));
  }
});

test.run();
