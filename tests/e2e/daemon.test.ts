/** The daemon through the binary: how it starts, is found, and ends. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask, askLines } from "../../cli/daemon/ask.ts";
import { alive, ended } from "../../cli/daemon/find.ts";
import { openSocket } from "../../cli/daemon/socket.ts";
import { AVR, BLINK, FB, type Ran, TestProject } from "./harness.ts";

const projects: TestProject[] = [];
test.after(() => {
  for (const p of projects) p.fb(["daemon", "kill"]);
});

/** A folder with a cache, and so a daemon, of its own, at a port that nobody else wants. */
function place(): TestProject {
  const p = new TestProject({});
  projects.push(p);
  return p;
}

const ANY_PORT = { FB_DAEMON_PORT: "0" };

function fb(p: TestProject, line: string, vars: Readonly<Record<string, string>> = {}): Ran {
  return p.fb(line.split(" "), { vars: { ...ANY_PORT, ...vars } });
}

interface State {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly token: string;
}

function state(p: TestProject): State {
  return JSON.parse(readFileSync(join(p.cache, "daemon/state.json"), "utf8")) as State;
}

test("start, status, logs, stop; a state file for the user alone; no daemon without need", async () => {
  const p = place();
  assert.equal(JSON.parse(fb(p, "daemon status --json").stdout), { running: false });
  assert.is(fb(p, "daemon stop").code, 0);
  const started = JSON.parse(fb(p, "daemon start --json").stdout);
  const { pid, port, token } = state(p);
  assert.equal(started, { running: true, pid, port });
  assert.is(statSync(join(p.cache, "daemon/state.json")).mode & 0o777, 0o600);
  assert.is(statSync(join(p.cache, "daemon/daemon.log")).mode & 0o777, 0o600);
  assert.is(statSync(join(p.cache, "daemon")).mode & 0o777, 0o700);
  const info = JSON.parse(fb(p, "daemon status --json").stdout);
  assert.equal([info.running, info.pid, info.port, info.client_count, info.operation_in_progress], [true, pid, port, 0, false]);
  assert.match(fb(p, "show daemon").stdout, new RegExp(`process ${pid}, 127\\.0\\.0\\.1:${port}`));
  assert.equal(JSON.parse(fb(p, "daemon list --json").stdout)[0].pid, pid);
  const health = await ask(
    { host: "127.0.0.1", port, token: null },
    { method: "GET", path: "/health", body: null, limitMs: 5000, stop: null },
  );
  assert.ok(health.ok && health.value.body["status"] === "healthy" && health.value.body["pid"] === pid);
  assert.not.ok(readFileSync(join(p.cache, "daemon/daemon.log"), "utf8").includes(token), "the token is in no log");
  assert.is(fb(p, "daemon start").code, 0);
  assert.is(state(p).pid, pid, "the second start finds the first");
  assert.is(fb(p, "daemon stop").code, 0);
  assert.not.ok(alive(pid));
  assert.not.ok(existsSync(join(p.cache, "daemon/state.json")));
  assert.match(fb(p, "daemon logs").stdout, /listens at[^]*ends: it was asked to[^]*ended/);
});

test("ten first starts at once give one daemon", async () => {
  const p = place();
  const runs = Array.from(
    { length: 10 },
    () =>
      new Promise<{ code: number | null; out: string }>((resolve) => {
        const child = spawn(FB, ["daemon", "start", "--json"], {
          cwd: p.folder,
          env: p.vars({ vars: ANY_PORT }),
          stdio: ["ignore", "pipe", "inherit"],
        });
        let out = "";
        child.stdout.on("data", (d) => (out += d));
        child.on("close", (code) => resolve({ code, out }));
      }),
  );
  const all = await Promise.all(runs);
  const { pid, port } = state(p);
  for (const one of all) assert.equal([one.code, JSON.parse(one.out)], [0, { running: true, pid, port }]);
  assert.is(readFileSync(join(p.cache, "daemon/daemon.log"), "utf8").match(/listens at/g)?.length, 1);
});

test("kill ends it without its help; a state file that it left is no daemon, nor is a stranger with its number", async () => {
  const p = place();
  fb(p, "daemon start");
  const { pid } = state(p);
  process.kill(pid, "SIGSTOP");
  assert.is(fb(p, "daemon kill").code, 0);
  assert.ok(await ended(pid, 5000));
  fb(p, "daemon start");
  const second = state(p);
  process.kill(second.pid, "SIGKILL");
  assert.ok(await ended(second.pid, 5000));
  assert.equal(JSON.parse(fb(p, "daemon status --json").stdout), { running: false });
  // This test's own process has the number now, as far as fb can tell.
  writeFileSync(join(p.cache, "daemon/state.json"), JSON.stringify({ ...second, pid: process.pid }));
  assert.is(fb(p, "daemon kill").stdout, "no daemon runs\n");
  fb(p, "daemon start");
  assert.ok(alive(state(p).pid));
});

test("a port that another program has: it is named, another is taken, and clients find it", async () => {
  const p = place();
  const taken = createServer();
  const port = await new Promise<number>((resolve) => taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port)));
  const started = fb(p, "daemon start", { FB_DAEMON_PORT: String(port) });
  taken.close();
  assert.is(started.code, 0, started.stderr);
  const own = state(p).port;
  assert.is.not(own, port);
  const log = fb(p, "daemon logs").stdout;
  assert.ok(log.includes(`port ${port} is taken by process ${process.pid}`), log);
  assert.is(JSON.parse(fb(p, "daemon status --json").stdout).port, own);
});

test("fbuild: client and daemon disagree on the port when HOME differs; the port taken: a guess. Here each finds its own, at once", () => {
  const p = place();
  const homes = ["a", "b"].map((name) => ({ HOME: p.path(name), FB_CACHE_DIR: undefined, XDG_CACHE_HOME: undefined, FB_DAEMON_PORT: "0" }));
  const [a, b] = homes as [(typeof homes)[0], (typeof homes)[0]];
  const start = (vars: Readonly<Record<string, string | undefined>>) =>
    JSON.parse(p.fb(["daemon", "start", "--json"], { vars }).stdout) as State;
  const first = start(a);
  const second = start({ ...b, FB_DAEMON_PORT: String(first.port) });
  assert.is.not(first.port, second.port);
  // The variable is of the start alone: clients ask the state file.
  for (const [vars, of] of [
    [a, first],
    [b, second],
  ] as const)
    assert.equal(start({ ...vars, FB_DAEMON_PORT: "9" }), of);
  assert.match(p.fb(["daemon", "logs"], { vars: b }).stdout, new RegExp(`port ${first.port} is taken by process ${first.pid} \\(`));
  const again = JSON.parse(p.fb(["daemon", "restart", "--json"], { vars: a }).stdout) as State;
  assert.ok(again.pid !== first.pid && !alive(first.pid));
  for (const vars of [a, b]) assert.is(p.fb(["daemon", "stop"], { vars }).code, 0);
});

test("a build needs no daemon and starts none", () => {
  const p = new TestProject({ "platformio.ini": "[env:here]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" });
  p.run();
  p.run();
  assert.not.ok(existsSync(join(p.cache, "daemon")));
});

test("without anybody it ends by itself", async () => {
  const p = place();
  fb(p, "daemon start", { FB_DAEMON_IDLE: "0.1" });
  const { pid } = state(p);
  assert.ok(await ended(pid, 30_000));
  assert.match(fb(p, "daemon logs").stdout, /ends: nobody needs it/);
});

test("an idle daemon of another fb is replaced, a busy one is used and said", async () => {
  const p = place();
  fb(p, "daemon start");
  const first = state(p);
  const other = JSON.parse(readFileSync(join(p.cache, "daemon/state.json"), "utf8"));
  writeFileSync(join(p.cache, "daemon/state.json"), JSON.stringify({ ...other, build: "older" }));
  const holder = p.start(["device", "lease", "socket://127.0.0.1:9", "--json"], { vars: ANY_PORT });
  await holder.untilSaidOut(/lease_id/);
  const second = state(p);
  assert.is.not(second.pid, first.pid, "it was idle");
  assert.not.ok(alive(first.pid));
  writeFileSync(join(p.cache, "daemon/state.json"), JSON.stringify({ ...second, build: "older" }));
  const again = fb(p, "daemon start");
  assert.is(again.code, 0);
  assert.match(again.stderr, /warning: the daemon \(process \d+\) is of another version[^]*is held: fb device lease \(process \d+\)/);
  assert.is(state(p).pid, second.pid);
  const refused = fb(p, "daemon stop");
  assert.is(refused.code, 5);
  assert.match(refused.stderr, /fb device lease \(process \d+\)[^]*--force/);
  assert.is(fb(p, "daemon stop --force").code, 0);
  const end = await holder.ended;
  assert.is(end.code, 5);
  assert.match(end.stderr, /no longer held: the daemon ended/);
});

const DEVICE = "socket://127.0.0.1:9";
const ID = "socket-127.0.0.1-9";

test("fb device lease holds until Ctrl-C, its time, or the next who takes it; refused: 5, with the holder", async () => {
  const p = place();
  const lease = (...words: string[]) => p.start(["device", ...words], { vars: ANY_PORT });
  const first = lease("lease", DEVICE, "--description", "soldering");
  await first.untilSaidOut(/is held until Ctrl-C/);
  const refused = fb(p, `device lease ${DEVICE}`);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, new RegExp(`${ID} is held by soldering \\(process ${first.child.pid}\\) since`));
  const status = fb(p, `device status ${DEVICE}`);
  assert.match(status.stdout, /exclusive: soldering \(process \d+\), since/);
  const lines = JSON.parse(fb(p, "devices --json").stdout) as {
    id: string;
    port: string;
    claims: { mode: string; holder: string; since: string }[];
  }[];
  const line = lines.find((l) => l.id === ID);
  assert.equal(Object.keys(line ?? {}), ["id", "port", "vid", "pid", "serial", "description", "boards", "claims"]);
  assert.equal(
    [line?.port, line?.claims.map((c) => [c.mode, c.holder])],
    [DEVICE, [["exclusive", `soldering (process ${first.child.pid})`]]],
  );
  assert.match(fb(p, "daemon locks").stdout, new RegExp(`^${ID}: exclusive, soldering`));
  first.child.kill("SIGINT");
  assert.is((await first.ended).code, 130);
  assert.match(fb(p, `device status ${DEVICE}`).stdout, /\n {2}free\n$/);
  const timed = fb(p, `device lease ${DEVICE} --ttl 0.2`);
  assert.is(timed.code, 0, timed.stderr);
  const second = lease("lease", DEVICE, "--json");
  await second.untilSaidOut(/lease_id/);
  const taker = lease("take", DEVICE, "--reason", "demo time");
  await taker.untilSaidOut(/is held/);
  const lost = await second.ended;
  assert.is(lost.code, 5);
  assert.match(lost.stderr, /took the device: demo time/);
  assert.is(fb(p, `device release ${ID}`).code, 0);
  const released = await taker.ended;
  assert.is(released.code, 5);
  assert.match(released.stderr, /it was released/);
  assert.is(fb(p, `device release ${ID}`).code, 5);
  const watcher = lease("lease", DEVICE, "--monitor");
  await watcher.untilSaidOut(/is held/);
  assert.match(fb(p, `device status ${DEVICE}`).stdout, /monitor: fb device lease/);
  watcher.child.kill("SIGKILL");
  await watcher.ended;
  assert.is(fb(p, "device lease ftp://x").code, 2);
  const nothing = fb(p, "device lease /dev/there-is-none");
  assert.is(nothing.code, 5);
  assert.match(nothing.stderr, /there is no port \/dev\/there-is-none/);
});

test("fb devices --watch tells what others do with a device; Ctrl-C ends it", async () => {
  const p = place();
  fb(p, "daemon start");
  const watch = p.start(["devices", "--watch"], { vars: ANY_PORT });
  await watch.untilSaidOut(/\n/);
  const lease = p.start(["device", "lease", DEVICE], { vars: ANY_PORT });
  await watch.untilSaidOut(new RegExp(`\\+ ${DEVICE}`));
  lease.child.kill("SIGINT");
  await watch.untilSaidOut(new RegExp(`- ${DEVICE}`));
  watch.child.kill("SIGINT");
  assert.is((await watch.ended).code, 130);
});

test("POST /api/build: the engine's events, the last the result; ends with its client", async () => {
  const p = new TestProject({ "platformio.ini": `[env:uno]\n${AVR}`, "src/main.cpp": BLINK });
  projects.push(p);
  fb(p, "daemon start");
  const request = { method: "POST", path: "/api/build", limitMs: null, stop: null } as const;
  const events: Record<string, unknown>[] = [];
  for await (const e of askLines(state(p), { ...request, body: { project_dir: p.folder, stream: true, request_id: "r1" } })) events.push(e);
  assert.is(events[0]?.["type"], "hello");
  const last = events.at(-1);
  assert.equal([last?.["type"], last?.["exitCode"], last?.["success"], last?.["request_id"]], ["result", 0, true, "r1"]);
  assert.is(last?.["output_file"], p.path(".fb/build/uno/release/firmware.hex"));
  assert.ok(events.some((e) => e["type"] === "end" && e["kind"] === "link"));
  const plain = await ask(state(p), {
    ...request,
    body: { project_dir: p.folder, environment: "uno", targets: ["size"], profile: "release" },
  });
  assert.ok(plain.ok);
  assert.equal([plain.value.body["success"], plain.value.body["exit_code"]], [true, 0], JSON.stringify(plain.value.body));
  p.write("src/main.cpp", "int main( {");
  const failed = await ask(state(p), { ...request, body: { project_dir: p.folder } });
  assert.ok(failed.ok);
  assert.equal([failed.value.body["success"], failed.value.body["exit_code"]], [false, 1]);
  assert.match(String(failed.value.body["message"]), /^compile src\/main\.cpp failed\n[^]*error: /);
  p.write("platformio.ini", `[env:uno]\n${AVR}build_flags = !sleep 1000\n`);
  const stop = new AbortController();
  const watching = (async () => {
    for await (const e of askLines(state(p), { ...request, stop: stop.signal, body: { project_dir: p.folder, stream: true } })) void e;
  })().catch(() => "gone");
  const socket = await openSocket(JSON.parse(readFileSync(join(p.cache, "daemon/state.json"), "utf8")), "/ws/status", (m) => {
    const running = (m as { operations: unknown[] }).operations.length;
    if (running > 0 && !stop.signal.aborted) stop.abort();
    if (running === 0 && stop.signal.aborted) ended1();
  });
  let ended1: () => void = () => {};
  const over = new Promise<void>((resolve) => (ended1 = resolve));
  assert.ok(socket.ok);
  await over;
  assert.is(await watching, "gone");
  if (socket.ok) socket.value.terminate();
});

test("virtual boards live in the daemon: leased, they are a port of this machine", async () => {
  const p = place();
  const lease = p.start(["device", "lease", "sim:uno", "--json"], { vars: ANY_PORT });
  await lease.untilSaidOut(/lease_id/);
  const list = JSON.parse(fb(p, "devices --json").stdout) as { id: string; port: string; boards: string[] }[];
  assert.equal(
    list.filter((d) => d.id === "sim-uno-1").map((d) => [d.port, d.boards]),
    [["sim:uno", ["uno"]]],
  );
  lease.child.kill("SIGINT");
  const { stdout } = await lease.ended;
  assert.match(String(JSON.parse(stdout).port), /^socket:\/\/127\.0\.0\.1:\d+$/);
  const none = fb(p, "device lease sim:nothing");
  assert.is(none.code, 5, none.stderr);
  assert.equal(JSON.parse(fb(p, "daemon locks --json").stdout).port_locks, []);
});

const NUMBERS = `#include <Arduino.h>
unsigned long n;
void setup() { Serial.begin(115200); Serial.println("start"); }
void loop() { Serial.print("number "); Serial.println(n++); delay(5); if (n == 20) Serial.println("twenty"); }
`;

if (spawnSync("avrdude", ["-?"]).error === undefined)
  test("two monitors and a deploy on one device: both are preempted, the flash succeeds, both go on; no line lost or doubled", async () => {
    const p = new TestProject({ "platformio.ini": `[env:uno]\n${AVR}monitor_speed = 115200\n`, "src/main.cpp": NUMBERS });
    projects.push(p);
    fb(p, "daemon start");
    const post = { method: "POST", path: "/api/deploy", limitMs: null, stop: null } as const;
    const body = {
      project_dir: p.folder,
      port: "sim:uno",
      monitor_after: true,
      monitor_timeout: 60,
      monitor_halt_on_success: "twenty",
      monitor_expect: "number 7$",
    };
    const deployed = await ask(state(p), { ...post, body });
    assert.ok(deployed.ok);
    assert.equal([deployed.value.body["exit_code"], deployed.value.body["success"]], [0, true], JSON.stringify(deployed.value.body));
    const monitors = [0, 1].map(() => p.start(["monitor", "-p", "sim:uno", "--json"], { vars: ANY_PORT }));
    for (const monitor of monitors) await monitor.until((e) => e.type === "serial" && e.line === "number 30");
    const flash = fb(p, "deploy -p sim:uno --json");
    assert.is(flash.code, 0, flash.stderr);
    const { flashed } = JSON.parse(fb(p, "device status sim:uno --json").stdout);
    assert.equal([flashed.env, flashed.target, flashed.sha256], ["uno", "flash", p.digest(".fb/build/uno/release/firmware.hex")]);
    assert.match(fb(p, "device status sim-uno-1").stdout, /flashed from this project: flash of uno \(release\)/);
    for (const monitor of monitors) {
      await monitor.untilSaidOut(/"state":"reconnected"[^]*"line":"number 30"/);
      monitor.child.kill("SIGINT");
      const ran = await monitor.ended;
      assert.is(ran.code, 130, ran.stderr);
      assert.match(ran.stderr, /preempted by process \d+: flash uno[^]*reconnected/);
      // The reset may cut a line off: that is told as one that has not ended.
      const lines = ran.events.flatMap((e) => (e.type === "serial" && !e.partial ? [e.line] : []));
      const again = lines.lastIndexOf("start");
      const halves = [lines.slice(0, again), lines.slice(again + 1)].map((half) =>
        half.filter((l) => /^number \d+$/.test(l)).map((l) => Number(l.slice(7))),
      );
      for (const [i, half] of halves.entries()) {
        const first = half[0] ?? -1;
        assert.equal(
          half,
          half.map((_, at) => first + at),
          "no number is missing, none comes twice",
        );
        assert.ok(half.length > 25, `part ${i}: ${half.length}`);
      }
      assert.is(halves[1]?.[0], 0, "what the board says after its reset is not missed");
    }
  });

test.run();
