/** The uploader's process: progress and ends; and what is told of each fault. Real processes, with what avrdude 6.3 and 7.1 say. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { faultOf, flashFailure } from "../../../cli/flash/faults.ts";
import { runUploader, type UploaderEnd } from "../../../cli/flash/uploader.ts";
import { readRuleFile } from "../../../rules/rulefile.ts";

const FILE = new URL("../../../platforms/avr/platform.toml", import.meta.url).pathname;
const rules = readRuleFile(FILE, readFileSync(FILE, "utf8"), (path) => readFileSync(path, "utf8"));
if (!rules.ok) throw new Error(rules.failure.message);
const found = rules.value.uploaders.get("avrdude");
if (found === undefined) throw new Error("no avrdude");
const avrdude = found;

interface Ran {
  readonly end: UploaderEnd;
  readonly progress: readonly string[];
}

async function sh(script: string, { idle = 20, stop = new AbortController().signal } = {}): Promise<Ran> {
  const progress: string[] = [];
  const end = await runUploader({
    ...{ argv: ["/bin/sh", "-c", script], cwd: "/", vars: {}, uploader: avrdude, idle, stop },
    onProgress: (phase, percent) => progress.push(`${phase} ${percent}`),
  });
  return { end, progress };
}

const BAR = "#".repeat(50);

test("how far it is, by avrdude's bars", async () => {
  const { end, progress } = await sh(
    `printf 'avrdude: reading input file\\nReading | ${BAR} | 100%% 0.01s\\nWriting | ##########'; sleep 0.2; printf '########## | 100%%\\nverifying flash\\nReading | ${BAR} | 100%%\\n'`,
  );
  assert.equal([end.why, end.code], ["exited", 0]);
  assert.equal(progress, ["reading 100", "writing 20", "writing 40", "verifying 100"]);
});

test("silence ends it, and what it started", async () => {
  const { end } = await sh("echo begun; sleep 600 & sleep 600", { idle: 0.3 });
  assert.equal([end.why, end.output], ["silent", "begun\n"]);
});

test("three unanswered questions end it", async () => {
  const { end } = await sh(
    "for i in 1 2 3 4 5 6 7 8 9; do echo 'avrdude error: programmer is not responding'; sleep 0.05; done; sleep 600",
  );
  assert.is(end.why, "gave-up");
});

test("stopped: at once, though it does not want to end", async () => {
  const stop = new AbortController();
  const running = sh("trap '' TERM; echo begun; while :; do sleep 0.05; done", { stop: stop.signal });
  const began = performance.now();
  setTimeout(() => stop.abort(), 100);
  const { end } = await running;
  assert.is(end.why, "stopped");
  assert.ok(performance.now() - began < 10_000, "a hang");
});

test("a program that is not there", async () => {
  const argv = ["/no/such/uploader"];
  const end = await runUploader({
    argv,
    cwd: "/",
    vars: {},
    uploader: avrdude,
    idle: 5,
    stop: new AbortController().signal,
    onProgress: () => {},
  });
  assert.is(end.why, "not-started");
});

/** What avrdude says, of which fault, and what the message must say. */
const SAID: readonly (readonly [output: string, fault: string, says: RegExp])[] = [
  [
    "avrdude: verification error, first mismatch at byte 0x0000\n         0x0c != 0x00\navrdude: verification error; content mismatch\n",
    "verify",
    /content mismatch/,
  ],
  ["avrdude error: verification mismatch\n", "verify", /verification mismatch/],
  [
    "avrdude: device signature = 0x1e950f (probably m328p)\navrdude error: expected signature for ATmega168 is 1E 94 06\n        double check chip\n",
    "signature",
    /another chip.*expected signature for ATmega168/,
  ],
  [
    "avrdude: stk500_recv(): programmer is not responding\navrdude: stk500_getsync() attempt 10 of 10: not in sync: resp=0x98\n",
    "sync",
    /does not answer, tried 2 times.*not in sync/,
  ],
  ["avrdude warning: attempt 1 of 10: not in sync: resp=0x00\navrdude error: programmer is not responding\n", "sync", /not responding/],
  ['avrdude: ser_open(): can\'t open device "/dev/ttyX": No such file or directory\n', "refused", /could not be opened.*can't open device/],
  [
    "avrdude OS error: cannot connect: Connection refused\navrdude error: unable to open programmer arduino on port net:a:1\n",
    "refused",
    /Connection refused/,
  ],
  ["avrdude: Writing | ###\navrdude OS error: ser_send(): write error: Input/output error\n", "lost", /write error/],
  ["avrdude: something else failed\n\navrdude done.  Thank you.\n", "other", /exit code 1 \(avrdude: something else failed\)/],
];

for (const [output, fault, says] of SAID)
  test(`${fault}: ${output.split("\n")[0]}`, () => {
    const end: UploaderEnd = { why: "exited", code: 1, output };
    assert.is(faultOf(end, avrdude, true), fault);
    assert.is(faultOf(end, avrdude, false), "lost");
    const at = { program: "avrdude", port: "/dev/ttyX", board: "uno", mcu: "atmega328p", idle: 30, tries: 2 };
    const told = flashFailure(faultOf(end, avrdude, true), end, avrdude, at);
    assert.is(told.exit, 5);
    assert.match(told.message, says);
    assert.match(told.message, /\/dev\/ttyX/);
    assert.is.not(told.hint, "");
  });

test("a programmer without a port is looked for elsewhere; what to try where nobody answers is the platform's to say", () => {
  const end: UploaderEnd = { why: "exited", code: 1, output: "No DFU capable USB device available\n" };
  const at = { program: "dfu-util", port: null, board: "b", mcu: "m", idle: 30, tries: 2 };
  assert.match(flashFailure("refused", end, avrdude, at).hint, /plugged in.*udev/);
  assert.is(flashFailure("sync", end, { ...avrdude, advice: "set BOOT0" }, at).hint, "set BOOT0");
});

test.run();
