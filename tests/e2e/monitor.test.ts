/** `fb monitor` and `:monitor` through the binary: the contract's table of patterns and exit codes, what goes wrong with ports, what is shown and sent. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openConnection, plainSettings } from "../../cli/device/connection.ts";
import type { Event } from "../../engine/types.ts";
import { hasSocat, Ptys, TcpDevice } from "../cli/device/far.ts";
import { FB, type Ran, Running, result, TestProject } from "./harness.ts";

const project = new TestProject({});
const vars = { FB_DAEMON_PORT: "0" };
test.before(() => {
  assert.is(project.fb(["daemon", "start"], { vars }).code, 0);
});
test.after(() => {
  project.fb(["daemon", "kill"], { vars });
});

/** fb that has a pipe for its keyboard. */
function fb(args: readonly string[], typed: string | null = null): Running {
  const child = spawn(FB, args, {
    cwd: project.folder,
    env: project.vars({ vars }),
    stdio: [typed === null ? "ignore" : "pipe", "pipe", "pipe"],
  });
  if (typed !== null) child.stdin?.write(typed);
  return new Running(child, args);
}

function monitor(port: string, line: string): Running {
  return fb(["monitor", "-p", port, ...(line === "" ? [] : line.split(" "))]);
}

type Serial = Extract<Event, { type: "serial" }>;
function serial(ran: Ran): Serial[] {
  return ran.events.filter((e) => e.type === "serial");
}

/** What the device says, the flags, the exit code, what stderr says of it. The time limit is long enough for a busy machine where something has to come. */
const TABLE: readonly (readonly [name: string, says: string, flags: string, code: number, why: RegExp])[] = [
  ["halt-on-error matched", "boot\nPanic now\n", "--halt-on-error panic", 1, /--halt-on-error panic matched: Panic now/],
  ["halt-on-error wins over what was expected before", "ready\nfail\n", "--expect ready --halt-on-error fail", 1, /matched: fail/],
  ["halt-on-success matched", "boot\nTEST passed\n", "--halt-on-success passed -t 20", 0, /^-- /],
  ["halt-on-success, expected seen", "Ready\ndone\n", "--halt-on-success done --expect ready", 0, /^-- /],
  ["halt-on-success, expected on the same line", "ready and done\n", "--halt-on-success done --expect ready", 0, /^-- /],
  ["halt-on-success, expected not seen", "boot\ndone\n", "--halt-on-success done --expect ready", 1, /--expect ready matched no line/],
  ["time, expected seen", "ready\n", "--expect READY -t 2", 0, /^-- /],
  ["time, expected not seen", "boot\n", "--expect ready -t 1", 1, /--expect ready matched no line/],
  ["time, halt-on-success unmet", "boot\n", "--halt-on-success done -t 1", 1, /--halt-on-success matched no line/],
  ["time, halt-on-error unmet", "boot\n", "--halt-on-error panic -t 1", 1, /--halt-on-error matched no line/],
  ["time, expected seen, halts unmet", "ready\n", "--expect ready --halt-on-error x --halt-on-success y -t 2", 0, /^-- /],
  ["time, no pattern", "boot\n", "-t 1", 0, /^-- /],
  ["a line at a time", "one\ntwo\n", "--expect one\\stwo -t 1", 1, /matched no line/],
  ["a line that is not ended, at the limit", "no end: ready", "--expect ready -t 2", 0, /^-- /],
  ["a line that is not ended, after a silence", "login: ", "--halt-on-success login:.$ -t 20", 0, /^-- /],
  ["\\r\\n is the line's end", "abc\r\n", "--halt-on-success ^abc$ -t 20", 0, /^-- /],
];

test("the contract's table", async () => {
  const rows = [...TABLE];
  const worker = async () => {
    for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
      const [name, says, flags, code, why] = row;
      const device = await TcpDevice.open(says);
      const ran = await monitor(device.address, flags).ended;
      assert.is(ran.code, code, `${name}: ${ran.stderr}${ran.stdout}`);
      assert.match(ran.stderr, why, name);
      await device.when(() => device.socket === null);
    }
  };
  await Promise.all([worker(), worker(), worker()]);
});

test("with --json: one object a line, the result last", async () => {
  const device = await TcpDevice.open(Buffer.from("plain\nbad \xff\xfe byte\nprompt> ", "latin1"));
  const ran = await monitor(device.address, "-t 2 --json").ended;
  assert.is(ran.code, 0);
  const lines = serial(ran);
  assert.equal(
    lines.map(({ line, partial }) => [line, partial]),
    [
      ["plain", false],
      ["bad \ufffd\ufffd byte", false],
      ["prompt> ", true],
      ["prompt> ", true],
    ],
  );
  assert.is(Buffer.from(lines[1]?.bytes ?? "", "base64").toString("latin1"), "bad \xff\xfe byte");
  assert.not.ok(lines[0]?.bytes);
  for (const { device: name, t } of lines) assert.equal([name, Number.isInteger(t)], [device.address, true]);
  assert.equal([result(ran).status, result(ran).exitCode], ["ok", 0]);
  assert.is(ran.stdout.trim().split("\n").length, ran.events.length);
});

test("what is shown: stamps, or the bytes as they came", async () => {
  const bytes = Buffer.from([...Array(256).keys()]);
  const device = await TcpDevice.open("one\ntwo\n");
  const stamped = await monitor(device.address, "-t 1").ended;
  assert.match(stamped.stdout, /^\d\d\.\d\d one\n\d\d\.\d\d two\n$/);
  const plain = await monitor((await TcpDevice.open("one\nno end")).address, "-t 1 --no-timestamp").ended;
  assert.is(plain.stdout, "one\nno end\n");
  for (const flags of [["--raw"], ["--no-timestamp"]]) {
    const all = await TcpDevice.open(Buffer.concat([bytes, Buffer.from("\n")]));
    const child = spawn(FB, ["monitor", "-p", all.address, "-t", "1", ...flags], { cwd: project.folder, env: project.vars({ vars }) });
    const got: Buffer[] = [];
    child.stdout.on("data", (d: Buffer) => got.push(d));
    await new Promise((resolve) => child.on("close", resolve));
    assert.equal(Buffer.concat(got), Buffer.concat([bytes, Buffer.from("\n")]), flags.join());
  }
});

test("what is typed goes to the device, Enter as monitor_eol says", async () => {
  for (const [flags, sent] of [
    [[], "hello\r\n"],
    [["--eol", "lf"], "hello\n"],
    [["--eol", "CR"], "hello\r"],
  ] as const) {
    const device = await TcpDevice.open("> ");
    const running = fb(["monitor", "-p", device.address, "--halt-on-success", "^bye", ...flags], "hello\n");
    await device.receives(sent);
    assert.is(device.received.toString(), sent);
    device.say("\nbye\n");
    assert.is((await running.ended).code, 0);
  }
});

test("usage is refused before anything is opened: 2", async () => {
  const device = await TcpDevice.open();
  for (const flags of [
    "--expect (",
    "--halt-on-error [",
    "--halt-on-success *",
    "--filter nope",
    "--encoding nope",
    "--parity X",
    "--eol x",
    "-b 1.5",
    "--dtr 2",
  ]) {
    const ran = await monitor(device.address, flags).ended;
    assert.is(ran.code, 2, `${flags}: ${ran.stderr}`);
  }
  for (const port of ["foo://x:1", "socket://host", "sim:", "rfc2217://:1", "socket://h:99999"]) {
    const ran = await monitor(port, "-t 1").ended;
    assert.is(ran.code, 2, port);
    assert.match(ran.stderr, /names no port/);
  }
  assert.is(device.opened, 0);
});

test("ports that do not open: 5, and what to do", async () => {
  const closed = await TcpDevice.open();
  closed.close();
  const table: [string, RegExp][] = [
    ["/dev/ttyFB77", /there is no port \/dev\/ttyFB77[^]*hint: .*(port|board)/],
    ["/dev/ttyFB*", /no port fits \/dev\/ttyFB\*/],
    ["usb-1234-5678-x", /no port has the id/],
    ["/etc/passwd", /is not a serial port/],
    ["/dev/null", /is not a serial port/],
    [`socket://127.0.0.1:${closed.port}`, /nobody listens there/],
    [`rfc2217://127.0.0.1:${closed.port}`, /nobody listens there/],
    ["sim:nope", /nope/],
  ];
  for (const [port, why] of table) {
    const ran = await monitor(port, "-t 60").ended;
    assert.is(ran.code, 5, `${port}: ${ran.stderr}`);
    assert.match(ran.stderr, why);
    if (!port.startsWith("socket")) continue;
    const json = await monitor(port, "-t 60 --json").ended;
    assert.equal([json.code, result(json).exitCode, result(json).status], [5, 5, "failed"], port);
    assert.ok(json.events.some((e) => e.type === "diagnostic"));
  }
});

test("Ctrl-C: 130, at once, and the port is free", async () => {
  const device = await TcpDevice.open("hello\n");
  const running = monitor(device.address, "");
  await running.untilSaidOut(/hello/);
  const asked = performance.now();
  running.child.kill("SIGINT");
  const ran = await running.ended;
  assert.is(ran.code, 130);
  // The contract's half second, with room for a busy machine.
  assert.ok(performance.now() - asked < 3000);
  await device.when(() => device.socket === null);
});

test("a device that goes is waited for; --no-reconnect: 5", async () => {
  const device = await TcpDevice.open("first\n");
  const running = monitor(device.address, "--json --halt-on-success second -t 60");
  await running.until((e) => e.type === "serial" && e.line === "first");
  device.say("cut off");
  await running.until((e) => e.type === "serial" && e.line === "cut off");
  device.close();
  await running.until((e) => e.type === "device" && e.state === "gone");
  await TcpDevice.open("second\n", device.port);
  const ran = await running.ended;
  assert.is(ran.code, 0, ran.stderr);
  assert.equal(
    ran.events.flatMap((e) => (e.type === "device" ? [e.state] : e.type === "serial" ? [`${e.line}${e.partial ? "…" : ""}`] : [])),
    ["first", "cut off…", "cut off…", "gone", "reconnected", "second"],
  );
  const other = await TcpDevice.open("once\n");
  const once = monitor(other.address, "--no-reconnect");
  await once.untilSaidOut(/once/);
  other.close();
  const ended = await once.ended;
  assert.is(ended.code, 5);
  assert.match(ended.stderr, /closed by the other side/);
});

test("a daemon that is killed: the monitor goes on by another one", async () => {
  const device = await TcpDevice.open("before\n");
  const running = monitor(device.address, "--json --halt-on-success after -t 60");
  await running.until((e) => e.type === "serial" && e.line === "before");
  process.kill(JSON.parse(readFileSync(join(project.cache, "daemon/state.json"), "utf8")).pid, "SIGKILL");
  await running.until((e) => e.type === "device" && e.state === "reconnected");
  device.say("after\n");
  const ran = await running.ended;
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /it died; waiting for it\n.*reconnected/);
});

test("monitor_* of the ini; -e chooses the env, flags win", async () => {
  const device = await TcpDevice.open("a\x01b\n");
  const ini = (more: string) => `[env:x]\nplatform = native\nmonitor_port = ${device.address}\n${more}[env:y]\nplatform = native\n`;
  const of = new TestProject({ "platformio.ini": ini("monitor_filters = time, default\nmonitor_eol = LF\n") }, { cache: project.cache });
  // The device is in this process.
  const run = (...args: string[]) => of.start(["monitor", "-t", "1", ...args], { vars }).ended;
  assert.match((await run()).stdout, /^\d\d:\d\d:\d\d\.\d\d\d > a\u2401b\n$/);
  const given = await run("-e", "x", "--filter", "direct", "--no-timestamp");
  assert.is(given.stdout, "a\x01b\n");
  of.write("platformio.ini", ini("monitor_filters = nope\n"));
  const odd = await run("--no-timestamp");
  assert.equal([odd.code, odd.stdout], [0, "a\x01b\n"]);
  assert.match(odd.stderr, /platformio.ini:4[^]*no filter "nope"/);
  of.write("platformio.ini", ini("monitor_encoding = nope\n"));
  assert.is((await run()).code, 3);
  assert.is((await run("-e", "z")).code, 2);
  assert.is((await run("nowhere")).code, 3);
});

if (hasSocat)
  test("a serial port: lines both ways, busy with its holder named, gone and back", async () => {
    const ptys = await Ptys.open();
    const running = monitor(ptys.device, "--json -t 60 --halt-on-success again");
    await running.untilError(/115200 baud 8N1/);
    ptys.say("over the wire\n");
    await running.until((e) => e.type === "serial" && e.line === "over the wire");
    // Another process wants it.
    const second = await openConnection({ is: "serial", path: ptys.device }, plainSettings(9600), { data() {}, closed() {} });
    assert.not.ok(second.ok);
    if (!second.ok) assert.match(second.failure.message, /in use by .*process \d+/);
    // It goes, and comes back under its name.
    await ptys.vanish();
    await running.until((e) => e.type === "device" && e.state === "gone");
    const back = await Ptys.open(ptys.place);
    await running.until((e) => e.type === "device" && e.state === "reconnected");
    back.say("here again\n");
    const ran = await running.ended;
    assert.is(ran.code, 0, ran.stderr);
    // Free: this process may have it, and then fb may not.
    const opened = await openConnection({ is: "serial", path: ptys.device }, plainSettings(9600), { data() {}, closed() {} });
    assert.ok(opened.ok, opened.ok ? "" : opened.failure.message);
    const busy = await monitor(ptys.device, "-t 60").ended;
    assert.is(busy.code, 5);
    assert.match(busy.stderr, new RegExp(`is in use by .*\\(process ${process.pid}\\)`));
    if (opened.ok) await opened.value.close();
  });

test.run();
