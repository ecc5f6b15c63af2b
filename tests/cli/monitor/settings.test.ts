/** What a monitor does, by the ini and by flags. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MonitorFlags, monitorSettings, NO_FLAGS } from "../../../cli/monitor/settings.ts";
import type { EnvProject, OptionValue } from "../../../rules/project.ts";

function env(options: Readonly<Record<string, OptionValue["value"]>>): EnvProject {
  const origin = { file: "platformio.ini", line: 7, column: 1 };
  const values = Object.entries(options).map(([name, value]) => [name, { value, time: false, origin }] as const);
  return { options: new Map(values) } as unknown as EnvProject;
}

function settings(options: Readonly<Record<string, OptionValue["value"]>> | null, flags: Partial<MonitorFlags> = {}) {
  const read = monitorSettings({ ...NO_FLAGS, ...flags }, options === null ? null : env(options));
  if (!read.ok) throw new Error(`${read.failure.exit} ${read.failure.line} ${read.failure.message}`);
  return read.value;
}

test("PlatformIO's defaults in a project, fbuild's speed without one", () => {
  const { serial, ...rest } = settings({});
  assert.equal(serial, { baud: 9600, dataBits: 8, parity: "none", stopBits: 1, rtscts: false, xonxoff: false, dtr: null, rts: null });
  const { encoding, ...others } = rest;
  assert.is(encoding.name, "UTF-8");
  assert.equal(others, {
    named: null,
    filters: null,
    decode: false,
    eol: "CRLF",
    raw: false,
    echo: false,
    reconnect: true,
    timestamps: true,
    warnings: [],
  });
  assert.is(settings(null).serial.baud, 115200);
});

test("each option of the ini, and the flag that wins over it", () => {
  const ini = settings({
    monitor_port: "/dev/ttyX",
    monitor_speed: 57600,
    monitor_parity: "E",
    monitor_filters: ["log2file", "esp32_exception_decoder"],
    monitor_rts: 0,
    monitor_dtr: 1,
    monitor_eol: "LF",
    monitor_echo: true,
    monitor_encoding: "Latin-1",
  });
  assert.equal(ini.named, { is: "serial", path: "/dev/ttyX" });
  assert.equal([ini.serial.baud, ini.serial.parity, ini.serial.rts, ini.serial.dtr], [57600, "even", false, true]);
  assert.equal([ini.filters, ini.decode, ini.eol, ini.echo, ini.encoding.name], [["log2file"], true, "LF", true, "Latin-1"]);
  const flags = settings(
    {
      monitor_port: "/dev/ttyX",
      monitor_speed: 57600,
      monitor_parity: "E",
      monitor_filters: ["log2file"],
      monitor_dtr: 1,
      monitor_eol: "LF",
    },
    {
      port: "COM1",
      baud: 300,
      parity: "O",
      filters: ["time"],
      dtr: false,
      eol: "CR",
      encoding: "UTF-8",
      raw: false,
      timestamps: true,
      rtscts: true,
    },
  );
  assert.equal(flags.named, { is: "serial", path: "COM1" });
  assert.equal([flags.serial.baud, flags.serial.parity, flags.serial.dtr, flags.serial.rtscts], [300, "odd", false, true]);
  assert.equal([flags.filters, flags.eol, flags.timestamps], [["time"], "CR", false]);
});

test("no stamps where they would be in the way", () => {
  assert.is(settings({ monitor_raw: true }).timestamps, false);
  assert.is(settings({ monitor_filters: ["hexlify"] }).timestamps, false);
  assert.is(settings({ monitor_filters: ["hexlify"] }).encoding.name, "Latin-1");
  assert.is(settings({}, { timestamps: false }).timestamps, false);
  assert.is(settings({ monitor_filters: ["default"] }).timestamps, true);
});

test("what is wrong: 2 of a flag, 3 of the ini with its line; an unknown filter of the ini is left out with a warning", () => {
  for (const [flags, options, told] of [
    [{ port: "foo://x" }, {}, /^2 0 .*names no port/],
    [{}, { monitor_port: "foo://x" }, /^3 7 .*names no port/],
    [{ parity: "Q" }, {}, /^2 0 --parity is N, E, O, S, M/],
    [{ eol: "XX" }, {}, /^2 0 --eol is/],
    [{ encoding: "nope" }, {}, /^2 0/],
    [{}, { monitor_encoding: "nope" }, /^3 7/],
    [{ filters: ["tmie"] }, {}, /^2 0 there is no filter "tmie"/],
  ] as const)
    assert.throws(() => settings(options, flags), told);
  const { filters, warnings } = settings({ monitor_filters: ["mine", "time"] });
  assert.equal([filters, warnings.map((w) => [w.severity, w.line])], [["time"], [["warning", 7]]]);
});

test.run();
