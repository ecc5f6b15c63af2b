/** A session that outlives its connections, and the ring of what came last. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PortAddress } from "../../../cli/device/address.ts";
import { plainSettings } from "../../../cli/device/connection.ts";
import { Ring } from "../../../cli/device/ring.ts";
import { PortSession, type SessionEvent, type SessionOptions } from "../../../cli/device/session.ts";
import { newSeed, Random } from "../../random.ts";
import { hasSocat, Ptys, TcpDevice } from "./far.ts";

class Watcher {
  text = "";
  index = 0;
  readonly events: string[] = [];
  private wake: () => void = () => {};

  readonly subscriber = {
    data: (bytes: Uint8Array, index: number) => {
      assert.is(index, this.index, "no byte is skipped or told twice");
      this.index = index + bytes.length;
      this.text += Buffer.from(bytes).toString("latin1");
      this.wake();
    },
    event: (event: SessionEvent) => {
      this.events.push(
        event.is === "paused" ? `paused ${event.by}: ${event.reason}` : event.is === "reconnected" ? `back from ${event.after}` : event.is,
      );
      this.wake();
    },
  };

  async until(is: () => boolean): Promise<void> {
    while (!is())
      await new Promise<void>((resolve, reject) => {
        const hang = setTimeout(() => reject(new Error(`${this.events.join()}; ${this.text.slice(-100)}`)), 30_000);
        this.wake = () => {
          clearTimeout(hang);
          resolve();
        };
      });
  }
}

const STAY: SessionOptions = { reconnect: true, patience: null, locate: async (address) => address };

async function session(address: PortAddress, options: Partial<SessionOptions> = {}): Promise<[PortSession, Watcher]> {
  const opened = await PortSession.open(address, plainSettings(115200), { ...STAY, ...options });
  if (!opened.ok) throw new Error(opened.failure.message);
  const watcher = new Watcher();
  opened.value.subscribe(watcher.subscriber, 0);
  return [opened.value, watcher];
}

function at(device: TcpDevice): PortAddress {
  return { is: "socket", host: "127.0.0.1", port: device.port };
}

test("given away and taken back: what came before is delivered, the port is free, then it is opened anew", async () => {
  const device = await TcpDevice.open("hello ");
  const [one, heard] = await session(at(device));
  await heard.until(() => heard.text === "hello ");
  await one.pause("flash uno", "fb 17");
  await device.when(() => device.socket === null);
  assert.is(one.state, "paused");
  const refused = await one.write(Buffer.from("x"));
  assert.ok(!refused.ok && refused.failure.code === "device.away");
  await one.pause("again", "fb 18");
  await one.resume();
  await heard.until(() => heard.text === "hello hello ");
  assert.equal(await one.write(Buffer.from("abc")), { ok: true, value: 3 });
  await device.receives("abc");
  assert.equal(heard.events, ["paused fb 17: flash uno", "back from paused"]);
  await one.close();
  await one.resume();
  assert.equal([one.state, heard.events.at(-1)], ["ended", "ended"]);
});

test("a device that goes is sought until it is back; writes follow each other", async () => {
  const device = await TcpDevice.open("a");
  const [one, heard] = await session(at(device));
  await heard.until(() => heard.text === "a");
  device.close();
  await heard.until(() => heard.events.includes("lost"));
  const back = await TcpDevice.open("b", device.port);
  await heard.until(() => heard.text === "ab");
  assert.equal(heard.events, ["lost", "back from lost"]);
  const texts = Array.from({ length: 50 }, (_, i) => `<${i}>`);
  await Promise.all(texts.map((text) => one.write(Buffer.from(text))));
  await back.receives("<49>");
  assert.is(back.received.toString(), texts.join(""));
  await one.close();
});

test("without reconnection the first loss is the end; so is a device that does not come back in time", async () => {
  for (const [options, events] of [
    [{ reconnect: false }, ["ended"]],
    [{ patience: 0.2 }, ["lost", "ended"]],
  ] as const) {
    const device = await TcpDevice.open("a");
    const [, heard] = await session(at(device), options);
    await heard.until(() => heard.text === "a");
    device.close();
    await heard.until(() => heard.events.includes("ended"));
    assert.equal(heard.events, events);
  }
});

test("paused while it is sought; closed while it is sought", async () => {
  const device = await TcpDevice.open("a");
  const [one, heard] = await session(at(device));
  await heard.until(() => heard.text === "a");
  device.close();
  await heard.until(() => heard.events.includes("lost"));
  await one.pause("flash", "fb");
  const back = await TcpDevice.open("b", device.port);
  assert.is(back.opened, 0);
  await one.resume();
  await heard.until(() => heard.text === "ab");
  assert.equal(heard.events, ["lost", "paused fb: flash", "back from paused"]);
  back.close();
  await heard.until(() => heard.events.at(-1) === "lost");
  await one.close();
  assert.is(heard.events.at(-1), "ended");
});

test("a late subscriber has what is kept, from the index that it asks for", async () => {
  const device = await TcpDevice.open("0123456789");
  const [one, heard] = await session(at(device));
  await heard.until(() => heard.text.length === 10);
  const late: string[] = [];
  const stop = one.subscribe({ data: (bytes, index) => late.push(`${index}:${Buffer.from(bytes).toString()}`), event() {} }, 7);
  device.say("ab");
  await heard.until(() => heard.text.length === 12);
  stop();
  device.say("cd");
  await heard.until(() => heard.text.length === 14);
  assert.equal(late.join("|").replace("|11:b", "b"), "7:789|10:ab");
  assert.is(one.index, 14);
  await one.close();
});

if (hasSocat)
  test("a pty that comes back under another name is found by whoever knows where it is", async () => {
    const [first, second] = [await Ptys.open(), await Ptys.open()];
    let where: PortAddress = { is: "serial", path: first.device };
    const [one, heard] = await session(where, { locate: async () => where });
    first.say("one ");
    await heard.until(() => heard.text === "one ");
    where = { is: "serial", path: second.device };
    await first.vanish();
    await heard.until(() => heard.events.includes("back from lost"));
    second.say("two");
    await heard.until(() => heard.text === "one two");
    await one.close();
  });

test("the ring: any pieces, any place, against all that came", () => {
  const numbers = new Random(newSeed());
  const random = (below: number) => numbers.below(below);
  for (let world = 0; world < 200; world++) {
    const capacity = 1 + random(50);
    const ring = new Ring(capacity);
    let all: number[] = [];
    for (let step = 0; step < 30; step++) {
      const piece = Uint8Array.from({ length: random(capacity * 3) }, () => random(256));
      ring.push(piece);
      all = [...all, ...piece];
      const from = random(all.length + 5);
      const { bytes, index } = ring.since(from);
      assert.is(index, Math.min(all.length, Math.max(from, all.length - capacity)));
      assert.equal([...bytes], all.slice(index));
      assert.is(ring.end, all.length);
    }
  }
});

test.run();
