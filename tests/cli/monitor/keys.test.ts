/** The keys of a monitor, typed at a keyboard, with a device behind TCP and one behind RFC 2217. */
import { PassThrough } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PortAddress } from "../../../cli/device/address.ts";
import { plainSettings } from "../../../cli/device/connection.ts";
import { runMonitor } from "../../../cli/monitor/monitor.ts";
import { monitorSettings, NO_FLAGS } from "../../../cli/monitor/settings.ts";
import { openPort } from "../../../cli/monitor/source.ts";
import { TcpDevice } from "../device/far.ts";
import { Rfc2217Server } from "../device/rfc2217-server.ts";

const CTRL_C = "\x03";
const CTRL_B = "\x02";
const CTRL_T = "\x14";

/** A monitor at a terminal. */
class Typist {
  readonly said: string[] = [];
  readonly speeds: number[] = [];
  readonly ended;
  readonly #keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode() {} });
  #woken: (() => void)[] = [];

  constructor(address: PortAddress) {
    const settings = monitorSettings({ ...NO_FLAGS, timestamps: false }, null);
    if (!settings.ok) throw new Error(settings.failure.message);
    const options = {
      ...{ settings: settings.value, patterns: { haltOnError: null, haltOnSuccess: null, expect: null }, limit: null },
      ...{ prefix: "", folder: "/", frames: null },
      open: (...[faces, how, stop]: Parameters<Parameters<typeof runMonitor>[0]["open"]>) => {
        const baud = how.baud ?? settings.value.serial.baud;
        this.speeds.push(baud);
        return openPort(address, plainSettings(baud), how, faces, stop);
      },
    };
    const say = (line: string) => {
      this.said.push(line);
      for (const wake of this.#woken.splice(0)) wake();
    };
    const out = { color: false, terminal: true, write: () => {} };
    const faces = { out, say, emit: null, keyboard: this.#keyboard, keys: new Map(), now: () => 0 };
    this.ended = runMonitor(options, new AbortController().signal, faces);
  }

  /** Types, and waits for the answer. */
  async type(keys: string, answer: RegExp): Promise<void> {
    const from = this.said.length;
    this.#keyboard.write(keys);
    await this.until(() => this.said.slice(from).some((line) => answer.test(line)), String(answer));
  }

  send(keys: string): void {
    this.#keyboard.write(keys);
  }

  async until(is: () => boolean, what: string): Promise<void> {
    while (!is())
      await new Promise<void>((resolve, reject) => {
        const hang = setTimeout(() => reject(new Error(`${what} is waited for in vain after ${JSON.stringify(this.said)}`)), 20_000);
        this.#woken.push(() => {
          clearTimeout(hang);
          resolve();
        });
      });
  }
}

test("what Enter sends, the encoding, a file that is none: the menu changes them while the monitor goes on", async () => {
  const device = await TcpDevice.open();
  const typist = new Typist({ is: "socket", host: "127.0.0.1", port: device.port });
  await typist.until(() => typist.said.length > 0, "its greeting");
  typist.send("one\r");
  await device.receives("one\r\n");
  await typist.type(`${CTRL_T}l`, /Enter sends CR$/);
  typist.send("two\r");
  await device.receives("one\r\ntwo\r");
  await typist.type(`${CTRL_T}\x0c`, /Enter sends LF$/);
  typist.send("three\r");
  await device.receives("two\rthree\n");
  await typist.type(`${CTRL_T}alatin1\r`, /encoding is Latin-1/);
  typist.send("\u00e9\r");
  await device.when(() => device.received.includes(Buffer.from([0xe9, 10])));
  await typist.type(`${CTRL_T}anone such\r`, /it stays Latin-1/);
  await typist.type(`${CTRL_T}u/no such file\r`, /can not be read/);
  await typist.type(`${CTRL_T}u/no${CTRL_C}`, /^-- none$/);
  await typist.type(`${CTRL_T}i`, /115200 baud, parity none, DTR on, RTS on, Latin-1, Enter sends LF/);
  typist.send(`${CTRL_T}q`);
  assert.is((await typist.ended).exit, 0);
});

test("another baud rate and a break, at a port that has them", async () => {
  const server = await Rfc2217Server.open();
  const typist = new Typist({ is: "rfc2217", host: "127.0.0.1", port: server.port });
  await typist.until(() => typist.said.length > 0, "its greeting");
  await typist.type(`${CTRL_T}${CTRL_B}`, /a break was sent/);
  assert.equal(
    server.set.filter((one) => /^control [56]$/.test(one)),
    ["control 5", "control 6"],
  );
  await typist.type(`${CTRL_T}b57600\r`, /57600 baud/);
  await typist.type(`${CTRL_T}bfast\r`, /"fast" is no baud rate; it stays 57600/);
  assert.equal(typist.speeds, [115_200, 57_600]);
  assert.equal(
    server.set.filter((one) => one.startsWith("baud")),
    ["baud 115200", "baud 57600"],
  );
  typist.send(CTRL_C);
  assert.is((await typist.ended).exit, 130);
  server.close();
});

test.run();
