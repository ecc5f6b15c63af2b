/** The daemon through the binary: how it starts, is found, and ends. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask } from "../../cli/daemon/ask.ts";
import { alive, ended } from "../../cli/daemon/find.ts";
import { FB, type Ran, TestProject } from "./harness.ts";

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

test.run();
