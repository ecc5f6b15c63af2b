/** Ports of every kind, opened: a pty by the real binding, sockets, RFC 2217. */
import { chmodSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PortAddress } from "../../../cli/device/address.ts";
import { type Connection, openConnection, plainSettings, type SerialSettings } from "../../../cli/device/connection.ts";
import { escaped, type TelnetCommand, TelnetReader } from "../../../cli/device/telnet.ts";
import type { Failure } from "../../../engine/types.ts";
import { hasSocat, Ptys, TcpDevice } from "./far.ts";
import { Rfc2217Server } from "./rfc2217-server.ts";

/** A connection, and what it has said. */
class Heard {
  bytes = Buffer.alloc(0);
  readonly closed: Promise<Failure | null>;
  private over: (why: Failure | null) => void = () => {};
  private wake: () => void = () => {};
  connection: Connection | null = null;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.over = resolve;
    });
  }

  static async open(address: PortAddress, settings: SerialSettings = plainSettings(115200)): Promise<Heard> {
    const heard = new Heard();
    const opened = await openConnection(address, settings, {
      data: (bytes) => {
        heard.bytes = Buffer.concat([heard.bytes, bytes]);
        heard.wake();
      },
      closed: (why) => heard.over(why),
    });
    if (!opened.ok) throw new Error(opened.failure.message);
    heard.connection = opened.value;
    return heard;
  }

  async until(length: number): Promise<Buffer> {
    while (this.bytes.length < length)
      await new Promise<void>((resolve, reject) => {
        const hang = setTimeout(() => reject(new Error(`${this.bytes.length} of ${length} bytes came`)), 30_000);
        this.wake = () => {
          clearTimeout(hang);
          resolve();
        };
      });
    return this.bytes;
  }
}

const ALL = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7) % 256));

test("a socket: every byte both ways; its end is told once; a second close is nothing", async () => {
  const device = await TcpDevice.open(ALL);
  const heard = await Heard.open({ is: "socket", host: "127.0.0.1", port: device.port });
  assert.equal(await heard.until(ALL.length), ALL);
  assert.equal(await heard.connection?.write(ALL), { ok: true, value: ALL.length });
  await device.when(() => device.received.length === ALL.length);
  assert.equal(device.received, ALL);
  await heard.connection?.close();
  await heard.connection?.close();
  assert.is(await heard.closed, null);
  const gone = await Heard.open({ is: "socket", host: "127.0.0.1", port: device.port });
  device.close();
  assert.is((await gone.closed)?.code, "device.vanished");
  const written = await gone.connection?.write(ALL);
  assert.not.ok(written?.ok);
});

test("RFC 2217: settings are made and answered, 255 goes through, lines are set", async () => {
  const server = await Rfc2217Server.open();
  const settings: SerialSettings = {
    ...plainSettings(16_776_960),
    parity: "even",
    stopBits: 2,
    dataBits: 7,
    rtscts: true,
    dtr: false,
    rts: null,
  };
  const heard = await Heard.open({ is: "rfc2217", host: "127.0.0.1", port: server.port }, settings);
  assert.equal(server.set, ["baud 16776960", "data 7", "parity 3", "stop 2", "control 3", "control 9", "control 11"]);
  await heard.connection?.write(ALL);
  assert.equal(await heard.until(ALL.length), ALL);
  assert.equal(Buffer.from(server.data), ALL);
  await heard.connection?.signals({ dtr: true, rts: false });
  assert.equal(server.set.slice(7), ["control 8", "control 12"]);
  await heard.connection?.close();
  assert.is(await heard.closed, null);
  server.close();
});

test("RFC 2217: a server that refuses, is silent, or sets something else: 5, and no connection left", async () => {
  const table = [
    [{ refuses: true }, /speaks no RFC 2217/],
    [{ mute: true }, /speaks no RFC 2217/],
    [{ speed: 9600 }, /did not take 115200 baud/],
  ] as const;
  for (const [how, why] of table) {
    const server = await Rfc2217Server.open(how);
    const opened = await openConnection({ is: "rfc2217", host: "127.0.0.1", port: server.port }, plainSettings(115200), {
      data() {},
      closed() {},
    });
    assert.not.ok(opened.ok);
    if (!opened.ok) assert.equal([opened.failure.exit, why.test(opened.failure.message)], [5, true], opened.failure.message);
    server.close();
  }
});

test("telnet: any bytes, cut anywhere, come out as they went in", () => {
  const commands: TelnetCommand[] = [];
  const wire = Buffer.concat([
    escaped(ALL),
    Buffer.from([255, 253, 44]),
    escaped(ALL),
    Buffer.from([255, 250, 44, 101, 255, 255, 1, 255, 240]),
    escaped(ALL),
  ]);
  for (const size of [1, 2, 3, 7, 1000, wire.length]) {
    const reader = new TelnetReader();
    const out: Uint8Array[] = [];
    commands.length = 0;
    for (let at = 0; at < wire.length; at += size) {
      const { data, commands: more } = reader.feed(wire.subarray(at, at + size));
      out.push(data);
      commands.push(...more);
    }
    assert.equal(Buffer.concat(out), Buffer.concat([ALL, ALL, ALL]), `pieces of ${size}`);
    assert.equal(commands, [
      { is: "negotiate", verb: 253, option: 44 },
      { is: "sub", option: 44, bytes: Uint8Array.of(101, 255, 1) },
    ]);
  }
});

if (hasSocat) {
  test("a pty: every byte both ways, alone, free after close, its end told", async () => {
    const ptys = await Ptys.open();
    const near = await Heard.open({ is: "serial", path: ptys.device });
    const far = await Heard.open({ is: "serial", path: ptys.far });
    await near.connection?.write(ALL);
    assert.equal(await far.until(ALL.length), ALL);
    await far.connection?.write(ALL);
    assert.equal(await near.until(ALL.length), ALL);
    const second = await openConnection({ is: "serial", path: ptys.device }, plainSettings(9600), { data() {}, closed() {} });
    assert.ok(!second.ok && second.failure.code === "device.busy" && second.failure.message.includes(`(process ${process.pid})`));
    await near.connection?.signals({ dtr: false });
    await near.connection?.close();
    assert.is(await near.closed, null);
    const again = await Heard.open({ is: "serial", path: ptys.device }, plainSettings(1_000_000));
    await ptys.vanish();
    assert.is((await again.closed)?.code, "device.vanished");
    assert.is((await far.closed)?.code, "device.vanished");
    await again.connection?.close();
  });

  test("no permission: whose group it is", async () => {
    const ptys = await Ptys.open();
    const root = process.geteuid?.() === 0;
    chmodSync(ptys.place, 0o755);
    chmodSync(ptys.device, root ? 0o660 : 0o000);
    const groups = process.getgroups?.() ?? [];
    const become = (user: number, of: readonly number[]) => {
      if (user === 0) process.seteuid?.(user);
      process.setgroups?.([...of]);
      process.setegid?.(user);
      process.seteuid?.(user);
    };
    if (root) become(65534, []);
    const opened = await openConnection({ is: "serial", path: ptys.device }, plainSettings(9600), { data() {}, closed() {} });
    if (root) become(0, groups);
    assert.not.ok(opened.ok);
    if (opened.ok) return;
    assert.equal([opened.failure.code, opened.failure.exit], ["device.permission", 5], opened.failure.message);
    assert.match(opened.failure.hint, /its group is \w+: sudo usermod -aG|root alone/);
  });

  test("a stream without a gap: nothing of it is lost", async () => {
    const ptys = await Ptys.open();
    const near = await Heard.open({ is: "serial", path: ptys.device }, plainSettings(1_000_000));
    const far = await Heard.open({ is: "serial", path: ptys.far });
    const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join("");
    await far.connection?.write(Buffer.from(lines));
    assert.is((await near.until(lines.length)).toString() === lines, true, "all lines, in order");
    await near.connection?.close();
    await far.connection?.close();
  });
}

test.run();
