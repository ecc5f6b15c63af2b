/** Serial sessions of a real daemon, by clients that know the contract's messages alone. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newSeed, Random } from "../../random.ts";
import { Board, call, client, Peer } from "./harness.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

test("attach, lines both ways, ping, detach; the port is opened once and let go", async () => {
  const board = await Board.open();
  const peer = await Peer.monitor(board.port);
  const attached = await peer.untilType("attached");
  assert.equal([attached["port"], attached["baud_rate"], attached["current_index"], attached["state"]], [board.port, 115200, 0, "open"]);
  await board.when(() => board.opened === 1);
  board.say("one\r\ntwo\nhal");
  await peer.when(() => peer.lines.length === 2);
  board.say("f\n");
  await peer.when(() => peer.lines.length === 3);
  assert.equal(peer.lines, ["one", "two", "half"]);
  assert.equal(peer.of("data").at(-1), { type: "data", lines: ["half"], current_index: 3 });
  peer.say({ type: "write", data: base64("hello\n") });
  assert.equal(await peer.untilType("write_ack"), { type: "write_ack", success: true, bytes_written: 6, message: "" });
  await board.when(() => board.received === "hello\n");
  peer.say({ type: "ping" });
  await peer.untilType("pong");
  const id = String(attached["device_id"]);
  const status = (await call("GET", `/api/devices/${id}/status`)).body;
  assert.equal([status["monitor_count"], status["is_connected"], status["is_available_for_exclusive"]], [1, true, true]);
  peer.say({ type: "detach" });
  await peer.untilType("detached");
  await board.when(() => board.socket === null);
  assert.is((await call("GET", `/api/devices/${id}`)).body["monitor_count"], 0);
  peer.say({ type: "write", data: base64("x") });
  assert.equal([(await peer.untilType("error"))["error"], board.opened], ["not-attached", 1]);
  peer.say({ type: "attach", client_id: "again", port: board.port, baud_rate: 9600 });
  await peer.untilType("attached", 2);
  await board.when(() => board.opened === 2);
});

test("64 monitors on one port: one reader, every line to each, in order", async () => {
  const board = await Board.open();
  const peers = await Promise.all(Array.from({ length: 64 }, () => Peer.monitor(board.port)));
  await board.when(() => board.opened > 0);
  const wanted: string[] = [];
  for (let i = 0; i < 2000; i++) {
    wanted.push(`number ${i}`);
    board.say(`number ${i}\n`);
  }
  for (const peer of peers) {
    await peer.when(() => peer.lines.length >= 2000);
    assert.equal(peer.lines, wanted);
    assert.is(peer.of("data").at(-1)?.["current_index"], 2000);
  }
  assert.is(board.opened, 1);
  for (const peer of peers.slice(1)) peer.socket.terminate();
  board.say("still here\n");
  await peers[0]?.when(() => peers[0]?.lines.at(-1) === "still here");
});

test("a deploy preempts two monitors: both are told, the port is free, both go on; no line lost or doubled", async () => {
  const board = await Board.open();
  const peers = await Promise.all([Peer.monitor(board.port), Peer.monitor(board.port)]);
  await board.when(() => board.socket !== null);
  for (let i = 0; i < 500; i++) board.say(`before ${i}\n`);
  for (const peer of peers) await peer.when(() => peer.lines.length >= 500);
  const fb = await client();
  const lease = await fb.lease(board.port, { mode: "exclusive", description: "flash uno" });
  assert.ok(lease.ok, lease.ok ? "" : lease.failure.message);
  await board.when(() => board.socket === null);
  for (const peer of peers) {
    const told = await peer.untilType("preempted");
    assert.equal([told["reason"], told["preempted_by"]], ["flash uno", `process ${process.pid}`]);
    peer.say({ type: "write", data: base64("lost?") });
    assert.is((await peer.untilType("write_ack"))["success"], false);
  }
  const late = await Peer.monitor(board.port);
  assert.is((await late.untilType("attached"))["state"], "preempted");
  await late.untilType("preempted");
  assert.is(board.opened, 1, "nobody opened it meanwhile");
  if (lease.ok) await lease.value.release();
  await board.when(() => board.opened === 2 && board.socket !== null);
  for (const peer of [...peers, late]) assert.is((await peer.untilType("reconnected"))["after"], "preempted");
  for (let i = 0; i < 500; i++) board.say(`after ${i}\n`);
  for (const peer of [...peers, late]) {
    await peer.when(() => peer.lines.includes("after 499"));
    const before = peer === late ? [] : Array.from({ length: 500 }, (_, i) => `before ${i}`);
    assert.equal(peer.lines, [...before, ...Array.from({ length: 500 }, (_, i) => `after ${i}`)]);
    const types = peer.heard.map((m) => m["type"]).filter((t) => t !== "data" && t !== "write_ack");
    assert.equal(types, ["attached", "preempted", "reconnected"]);
  }
  assert.is(board.received, "");
  await fb.close();
});

test("generated: leases that come and go while monitors do: each is told in order, and the port is open again at the end", async () => {
  const random = new Random(newSeed());
  const board = await Board.open();
  const keeper = await Peer.monitor(board.port);
  const clients = await Promise.all([client(), client(), client()]);
  const peers: Peer[] = [keeper];
  for (let step = 0; step < 60; step++) {
    const fb = random.pick(clients);
    const doing: Promise<unknown>[] = [];
    for (let n = 0; n < 1 + random.below(3); n++)
      doing.push(
        random.pick([
          () =>
            fb
              .lease(board.port, { mode: "exclusive", description: "a" })
              .then((l) => (l.ok && random.chance(0.8) ? l.value.release() : null)),
          () =>
            fb
              .lease(board.port, { mode: "exclusive", description: "b", takeover: "b" })
              .then((l) => (l.ok && random.chance(0.8) ? l.value.release() : null)),
          () => fb.close(),
          () => Peer.monitor(board.port).then((peer) => peers.push(peer)),
          async () => (peers.length > 1 ? peers.splice(1, 1)[0]?.socket.terminate() : null),
          async () => board.socket?.destroy(),
        ])(),
      );
    if (random.chance(0.5)) await Promise.all(doing);
    else for (const one of doing) await one;
  }
  for (const fb of clients) await fb.close();
  await board.when(() => board.socket !== null);
  board.say("the end\n");
  for (const peer of peers) {
    await peer.when(() => peer.lines.includes("the end"));
    const states = peer.heard.map((m) => String(m["type"])).filter((t) => ["preempted", "lost", "reconnected"].includes(t));
    // Who comes while the port is being opened again is told so: attached, but lost.
    const before = peer.of("attached")[0]?.["state"] === "open" ? ["reconnected", ...states] : ["preempted", ...states];
    assert.is(states.filter((t, i) => t === "reconnected" && before[i] === "reconnected").length, 0, before.join(" "));
    assert.is(states.at(-1) ?? "reconnected", "reconnected", states.join(" "));
    peer.socket.terminate();
  }
});

test("a device that goes is lost and reconnected; lines before and after are whole", async () => {
  const board = await Board.open();
  const peer = await Peer.monitor(board.port);
  await board.when(() => board.socket !== null);
  board.say("before\n");
  await peer.when(() => peer.lines.length === 1);
  board.socket?.destroy();
  await peer.untilType("lost");
  await board.when(() => board.opened === 2);
  assert.is((await peer.untilType("reconnected"))["after"], "lost");
  board.say("after\n");
  await peer.when(() => peer.lines.length === 2);
  assert.equal(peer.lines, ["before", "after"]);
});

test("a client that does not read is cut with a reason, and holds up nobody", async () => {
  const board = await Board.open();
  const [slow, good] = [await Peer.monitor(board.port), await Peer.monitor(board.port)];
  await board.when(() => board.socket !== null);
  slow.socket.pause();
  const line = "x".repeat(99);
  const count = 300_000;
  for (let sent = 0; sent < count; sent += 1000) {
    board.say(`${line}\n`.repeat(1000));
    // At the good client's pace, as one that is slower than the line is cut, too.
    await good.when(() => good.of("data").reduce((_, m) => Number(m["current_index"]), 0) >= sent);
  }
  await good.when(() => Number(good.of("data").at(-1)?.["current_index"]) === count);
  slow.socket.resume();
  const { code, why } = await slow.untilClosed();
  assert.is(code, 1013);
  assert.match(why, /too slow: \d+ lines are gone/);
  const had = slow.lines.length;
  assert.ok(had > 0 && Number(slow.of("data").at(-1)?.["current_index"]) === had, "what it had is whole");
});

test("what is wrong is said: no port, no session, other speeds, messages that do not read", async () => {
  const gone = await Peer.monitor("socket://127.0.0.1:1");
  assert.equal([(await gone.untilType("error"))["exit"], gone.of("attached").length], [5, 0]);
  assert.equal(
    ((await call("GET", "/api/locks/status")).body["port_locks"] as { device_id: string }[]).filter((l) =>
      l.device_id.includes("127.0.0.1-1"),
    ),
    [],
  );
  const board = await Board.open();
  const closed = await Peer.monitor(board.port, { open_if_needed: false });
  assert.is((await closed.untilType("error"))["error"], "device.closed");
  const peer = await Peer.monitor(board.port);
  const other = await Peer.monitor(board.port, { baud_rate: 9600 });
  assert.match(String((await other.untilType("error"))["message"]), /is open at 115200 8N1, not at 9600 8N1/);
  const joined = await Peer.monitor(board.port, { open_if_needed: false });
  assert.is(joined.of("attached")[0]?.["session_id"], peer.of("attached")[0]?.["session_id"]);
  const odd: (readonly [string, RegExp])[] = [
    ["nonsense", /JSON object/],
    ["[]", /JSON object/],
    ["{}", /no message/],
    ['{"type":"fly"}', /no message is called "fly"/],
    ['{"type":"write","data":7}', /base64/],
    ['{"type":"write","data":"ä"}', /base64/],
    ['{"type":"attach"}', /client_id/],
    ['{"type":"attach","client_id":"c"}', /port/],
    ['{"type":"attach","client_id":"c","port":"x","baud_rate":-1}', /baud_rate/],
    ['{"type":"attach","client_id":"c","port":"x","settings":{"parity":"often"}}', /parity/],
    [`{"type":"attach","client_id":"c","port":"${board.port}"}`, /attached already/],
  ];
  for (const [text, says] of odd) {
    const before = peer.of("error").length;
    peer.socket.send(text);
    assert.match(String((await peer.untilType("error", before + 1))["message"]), says, text);
  }
  peer.socket.send(Buffer.from([1, 2, 3]));
  await peer.untilType("error", odd.length + 1);
  board.say("still\n");
  await peer.when(() => peer.lines.length === 1);
  const none = await Peer.open("/ws/monitor/00000000-0000-0000-0000-000000000000");
  assert.is((await none.untilClosed()).code, 1008);
  assert.is(none.of("error")[0]?.["error"], "session");
  peer.socket.send("x".repeat(2_000_000));
  assert.is((await peer.untilClosed()).code, 1009);
});

test("a session joined by its id, from a line on that was before", async () => {
  const board = await Board.open();
  const peer = await Peer.monitor(board.port);
  await board.when(() => board.socket !== null);
  board.say("a\nb\nc\n");
  await peer.when(() => peer.lines.length === 3);
  const id = String(peer.of("attached")[0]?.["session_id"]);
  const joined = await Peer.open(`/ws/monitor/${id}?client_id=j&from_index=1`);
  await joined.when(() => joined.lines.length === 2);
  assert.equal([joined.lines, joined.of("attached")[0]?.["current_index"]], [["b", "c"], 1]);
  joined.say({ type: "write", data: base64("from j") });
  await board.when(() => board.received === "from j");
  const raw = await Peer.open(`/ws/monitor/${id}?raw=true&from_index=4`);
  assert.equal(await raw.untilType("data"), { type: "data", data: base64("c\n"), current_index: 6 });
});

test("writers take turns: each write arrives whole", async () => {
  const board = await Board.open();
  const peers = await Promise.all(Array.from({ length: 8 }, () => Peer.monitor(board.port)));
  const text = (i: number) => `<${String(i).repeat(2000)}>`;
  for (let n = 0; n < 5; n++) for (const [i, peer] of peers.entries()) peer.say({ type: "write", data: base64(text(i)) });
  for (const peer of peers) {
    const acks = await peer.untilType("write_ack", 5).then(() => peer.of("write_ack"));
    for (const ack of acks) assert.equal([ack["success"], ack["bytes_written"]], [true, 2002]);
  }
  await board.when(() => board.received.length >= 8 * 5 * 2002);
  assert.equal(board.received.match(/<(\d)\1{1999}>/g)?.join(""), board.received);
});

if (spawnSync("socat", ["-V"]).status === 0)
  test("a serial port (a pty): the same through the real binding, and free afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fb-pty-"));
    const [device, far] = [join(folder, "device"), join(folder, "far")];
    const socat = spawn("socat", ["-d", "-d", `pty,raw,echo=0,link=${device}`, `pty,raw,echo=0,link=${far}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    await new Promise<void>((resolve) => socat.stderr.on("data", (d) => (said += d).includes("starting data transfer") && resolve()));
    try {
      const peer = await Peer.monitor(device);
      const attached = await peer.untilType("attached");
      assert.match(String(attached["device_id"]), /^dev-pts-\d+$/);
      const other = spawn("sh", ["-c", `i=0; while [ $i -lt 2000 ]; do echo "number $i"; i=$((i+1)); done > ${far}`]);
      await peer.when(() => peer.lines.length >= 2000);
      assert.equal(
        peer.lines,
        Array.from({ length: 2000 }, (_, i) => `number ${i}`),
      );
      other.kill();
      const fb = await client();
      const lease = await fb.lease(String(attached["device_id"]), { mode: "exclusive", description: "flash" });
      assert.ok(lease.ok, lease.ok ? "" : lease.failure.message);
      const held = readdirSync(`/proc/${fb.state.pid}/fd`).map((fd) => readlinkSync(`/proc/${fb.state.pid}/fd/${fd}`));
      assert.equal(
        held.filter((path) => path.startsWith("/dev/pts/")),
        [],
        "the daemon does not have it open",
      );
      if (lease.ok) {
        assert.is(lease.value.port.is, "serial");
        await lease.value.release();
      }
      await peer.untilType("reconnected");
      await fb.close();
    } finally {
      socat.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
else process.stdout.write("(no socat here: the test of a pty is left out)\n");

test.run();
