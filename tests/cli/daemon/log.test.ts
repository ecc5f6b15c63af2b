import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lastLines, openLog } from "../../../cli/daemon/log.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-log-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("lines with their time, heard as they come; two files at most, and the last lines span both", () => {
  const file = join(folder, "daemon.log");
  const log = openLog(file, 1000);
  const heard: string[] = [];
  const end = log.listen((line) => heard.push(line));
  for (let i = 0; i < 100; i++) log.line(`number ${i}`);
  end();
  log.line("number 100");
  assert.equal(readdirSync(folder).sort(), ["daemon.log", "daemon.log.1"]);
  for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= 1000);
  assert.equal(
    lastLines(file, 20).map((l) => l.slice(25)),
    Array.from({ length: 20 }, (_, i) => `number ${81 + i}`),
  );
  assert.is(heard.length, 100);
  assert.match(heard[0] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z number 0$/);
  assert.equal(lastLines(file, 0), []);
  assert.is(openLog(file, 1e9).line("again"), undefined);
  assert.match(lastLines(file, 1)[0] ?? "", /again$/);
});

test("what a client says is one line of the log, and can not move a terminal's cursor", () => {
  const file = join(folder, "sane.log");
  openLog(file).line(`a\nb\x1b[2J${"x".repeat(5000)}`);
  const [line, ...more] = lastLines(file, 9);
  assert.equal(more, []);
  assert.match(line ?? "", /a\\nb\\u001b\[2Jx+…$/);
});

test.run();
