/** Leases of a real daemon: however a client ends, its device is free again. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { JsonObject } from "../../../cli/daemon/ask.ts";
import { Board, call, client, daemon, Peer, vars } from "./harness.ts";

const children: ChildProcess[] = [];
test.after(() => {
  for (const child of children) child.kill("SIGKILL");
});

const status = async (id: string) => (await call("GET", `/api/devices/${encodeURIComponent(id)}/status`)).body;
const held = async (id: string) => ((await status(id))["exclusive_lease"] as JsonObject | null)?.["holder"] ?? null;

/** Waits until the leases are so; `watch` (of /ws/status) says when to look. */
async function until(watch: Peer, is: (leases: readonly JsonObject[]) => boolean): Promise<void> {
  for (;;) {
    const heard = watch.heard.length;
    if (is((await call("GET", "/api/locks/status")).body["port_locks"] as readonly JsonObject[])) return;
    await watch.when(() => watch.heard.length > heard);
  }
}

/** A process of its own that holds a device; settled when it does. */
async function holder(port: string, more = ""): Promise<ChildProcess> {
  const at = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  const script = `import { connectDaemon } from ${at("../../../cli/daemon/client.ts")};
    const daemon = await connectDaemon({ start: false });
    const lease = await daemon.value.lease(${JSON.stringify(port)}, { mode: "exclusive", description: "flash uno" ${more} });
    console.log(JSON.stringify(lease.ok ? { id: lease.value.id } : lease.failure));
    lease.value?.lost.then((reason) => { console.log(JSON.stringify({ reason })); process.exit(); });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env: vars, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    assert.ok(line.includes('"id"'), line);
    break;
  }
  return child;
}

test("a client that is killed with -9 holds nothing any more, and monitors go on", async () => {
  const board = await Board.open();
  await daemon();
  const watch = await Peer.open("/ws/status");
  const monitor = await Peer.monitor(board.port);
  const child = await holder(board.port);
  await monitor.untilType("preempted");
  const id = String(monitor.of("attached")[0]?.["device_id"]);
  assert.is(await held(id), `flash uno (process ${child.pid})`);
  const second = await call("POST", `/api/devices/${id}/lease`, { lease_type: "exclusive", description: "me too" });
  assert.is(second.status, 409);
  const conflict = second.body["conflict"] as JsonObject;
  assert.equal([conflict["holder"], conflict["description"]], [`flash uno (process ${child.pid})`, "flash uno"]);
  assert.match(String(second.body["message"]), /is held by flash uno \(process \d+\) since \d{4}-/);
  child.kill("SIGKILL");
  await until(watch, (leases) => !leases.some((l) => l["lease_type"] === "exclusive"));
  await monitor.untilType("reconnected");
  assert.is(await held(id), null);
  monitor.socket.terminate();
  await until(watch, (leases) => leases.length === 0);
});

test("a lease whose time is over before monitors have made way is refused, not held for ever", async () => {
  const board = await Board.open();
  const monitor = await Peer.monitor(board.port);
  await board.when(() => board.socket !== null);
  // A device that takes nothing: its port needs a moment to close.
  board.socket?.pause();
  for (let i = 0; i < 15; i++) monitor.say({ type: "write", data: Buffer.alloc(500_000).toString("base64") });
  const asked = await client();
  const leased = await asked.lease(board.port, { mode: "exclusive", description: "short", ttlSeconds: 0.02 });
  assert.is(leased.ok ? await leased.value.lost : "", "");
  assert.match(leased.ok ? "" : leased.failure.message, /was over before/);
  await monitor.untilType("reconnected");
  monitor.socket.terminate();
  await asked.close();
});

test("a monitor that is killed lets the port go", async () => {
  const board = await Board.open();
  const monitor = await Peer.monitor(board.port);
  await board.when(() => board.socket !== null);
  monitor.socket.terminate();
  await board.when(() => board.socket === null);
  const id = String(monitor.of("attached")[0]?.["device_id"]);
  assert.equal((await status(id))["monitor_leases"], []);
});

test("leases over HTTP alone: they end with their time, with a process, by release; never by nothing", async () => {
  const board = await Board.open();
  const id = encodeURIComponent(board.port);
  const watch = await Peer.open("/ws/status");
  const take = async (more: object) => (await call("POST", `/api/devices/${id}/lease`, { lease_type: "exclusive", ...more })).body;
  const short = await take({ ttl_seconds: 0.2 });
  assert.ok(short["success"] === true && short["port"] === board.port && typeof short["expires"] === "string");
  await until(watch, (leases) => !leases.some((l) => l["lease_id"] === short["lease_id"]));
  const sleeper = spawn("sleep", ["1000"]);
  children.push(sleeper);
  const bound = await take({ client_pid: sleeper.pid, description: "sleep" });
  assert.is(bound["expires"], null);
  sleeper.kill("SIGKILL");
  await until(watch, (leases) => !leases.some((l) => l["lease_id"] === bound["lease_id"]));
  const plain = await take({});
  const left = Date.parse(String(plain["expires"])) - Date.now();
  assert.ok(left > 590_000 && left <= 600_000, "nobody is known who could die: ten minutes");
  const renewed = await take({ lease_id: plain["lease_id"], ttl_seconds: 5 });
  assert.ok(Date.parse(String(renewed["expires"])) - Date.now() <= 5000);
  assert.is((await call("POST", `/api/devices/${id}/release`, { lease_id: "other" })).status, 404);
  assert.is((await call("POST", `/api/devices/other/release`, { lease_id: plain["lease_id"] })).status, 404);
  assert.is((await call("POST", `/api/devices/${id}/release`, { lease_id: plain["lease_id"] })).status, 200);
  assert.is((await call("POST", `/api/devices/${id}/release`, { lease_id: plain["lease_id"] })).status, 404);
  assert.is(await held(board.port), null);
  assert.is((await take({ lease_id: plain["lease_id"] }))["success"], false);
});

test("a takeover: the holder is told why, its process ends, and the device is the taker's", async () => {
  const board = await Board.open();
  const child = await holder(board.port);
  const told = (async () => {
    if (child.stdout === null) throw new Error("no stdout");
    for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as JsonObject;
    return {};
  })();
  const taken = await call("POST", `/api/devices/${encodeURIComponent(board.port)}/preempt`, {
    reason: "the demo is now",
    client_id: "boss",
    ttl_seconds: 60,
  });
  assert.is(taken.status, 200);
  assert.match(String(taken.body["preempted_client_id"]), new RegExp(`^fb-${child.pid}-`));
  assert.match(String((await told)["reason"]), /boss took the device: the demo is now/);
  assert.is(await held(board.port), "the demo is now (boss)");
  const again = await call("POST", `/api/devices/${encodeURIComponent(board.port)}/preempt`, { reason: "once more" });
  assert.is(again.body["preempted_client_id"], "boss");
  await call("POST", `/api/devices/${encodeURIComponent(board.port)}/release`, { lease_id: again.body["lease_id"] });
  assert.is(await held(board.port), null);
});

test("many clients that come, hold, die and let go at once: every device is free at the end", async () => {
  const boards = await Promise.all([Board.open(), Board.open(), Board.open()]);
  const watch = await Peer.open("/ws/status");
  const clients = await Promise.all(Array.from({ length: 12 }, () => client()));
  await Promise.all(
    clients.map(async (fb, i) => {
      for (let n = 0; n < 5; n++) {
        const board = boards[(i + n) % boards.length];
        if (board === undefined) continue;
        const take = (i + n) % 4 === 0 ? { takeover: "mine" } : {};
        const lease = await fb.lease(board.port, {
          mode: (i + n) % 3 === 0 ? "monitor" : "exclusive",
          description: `client ${i}`,
          ...take,
        });
        if (lease.ok && (i + n) % 2 === 0) await lease.value.release();
        if (!lease.ok) assert.match(lease.failure.message, /is held by client \d+ \(process \d+\)|is held by mine/);
      }
      if (i % 2 === 0) await fb.close();
    }),
  );
  await Promise.all(clients.map((fb) => fb.close()));
  await until(watch, (leases) => leases.length === 0);
  for (const board of boards) assert.is(await held(board.port), null);
});

test("locks/status tells who holds what; locks/clear ends nothing that lives", async () => {
  const board = await Board.open();
  const fb = await client();
  const lease = await fb.lease(board.port, { mode: "exclusive", description: "held" });
  assert.ok(lease.ok);
  const locks = (await call("POST", "/api/locks/status")).body;
  const ports = locks["port_locks"] as readonly JsonObject[];
  assert.equal(
    ports.map((l) => [l["lease_type"], l["description"], l["client_id"]]),
    [["exclusive", "held", fb.name]],
  );
  assert.equal([locks["project_locks"], locks["stale_locks"]], [[], []]);
  assert.is((await call("POST", "/api/locks/clear")).body["cleared_count"], 0);
  assert.is(await held(board.port), `held (process ${process.pid})`);
  await fb.close();
});

test.run();
