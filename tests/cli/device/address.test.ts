/** How ports are named. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Address, addressId, addressText, readAddress } from "../../../cli/device/address.ts";

const READ: readonly (readonly [string, Address])[] = [
  ["/dev/ttyACM0", { is: "serial", path: "/dev/ttyACM0" }],
  ["COM3", { is: "serial", path: "COM3" }],
  ["com12", { is: "serial", path: "COM12" }],
  ["/dev/ttyUSB*", { is: "glob", pattern: "/dev/ttyUSB*" }],
  ["/dev/tty[AB]?", { is: "glob", pattern: "/dev/tty[AB]?" }],
  ["socket://pi:4000", { is: "socket", host: "pi", port: 4000 }],
  ["SOCKET://pi:4000/", { is: "socket", host: "pi", port: 4000 }],
  ["socket://[::1]:23", { is: "socket", host: "::1", port: 23 }],
  ["rfc2217://10.0.0.1:2217?ign_set_control&timeout=3", { is: "rfc2217", host: "10.0.0.1", port: 2217 }],
  ["sim:uno", { is: "sim", board: "uno", unit: 1 }],
  ["sim:mega/12", { is: "sim", board: "mega", unit: 12 }],
  ["sim:b-l475e-iot01a/3", { is: "sim", board: "b-l475e-iot01a", unit: 3 }],
  ["sim-b-l475e-iot01a-1", { is: "sim", board: "b-l475e-iot01a", unit: 1 }],
  ["sim-uno-2", { is: "sim", board: "uno", unit: 2 }],
  ["usb-2341-0043-7583", { is: "id", id: "usb-2341-0043-7583" }],
  ["dev-ttyS0", { is: "id", id: "dev-ttyS0" }],
];

for (const [text, address] of READ)
  test(`${text} is read`, () => {
    const read = readAddress(text);
    assert.ok(read.ok, read.ok ? "" : read.failure.message);
    if (read.ok) assert.equal(read.value, address);
  });

for (const [, address] of READ)
  test(`${addressText(address)} is read back from its text, its id from a URL`, () => {
    const again = readAddress(addressText(address));
    assert.ok(again.ok);
    if (again.ok) assert.equal(again.value, address);
    const id = addressId(address);
    assert.is(encodeURIComponent(id), id);
    const byId = readAddress(id);
    assert.ok(byId.ok);
    // Of a path the id is one of the list's; of a pattern there is none that could be read back.
    if (byId.ok && ["socket", "rfc2217", "sim"].includes(address.is)) assert.equal(byId.value, address);
  });

for (const text of [
  "",
  " ",
  "foo://x:1",
  "socket://x",
  "socket://x:0",
  "socket://x:65536",
  "socket://::1:23",
  "socket://x:1?speed=3",
  "rfc2217://:1",
  "sim:",
  "sim:uno/0",
  "sim:uno/x",
  "sim:../x",
  "sim:-M",
  "a\0b",
])
  test(`${JSON.stringify(text)} names no port: 2, with the forms there are`, () => {
    const read = readAddress(text);
    assert.not.ok(read.ok);
    if (!read.ok) assert.equal([read.failure.exit, /socket:\/\/HOST:PORT/.test(read.failure.hint)], [2, true]);
  });

test.run();
