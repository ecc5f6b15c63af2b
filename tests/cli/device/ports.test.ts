/** Ports from a folder that looks like Linux's /sys, their ids, and which of them an env means. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boardIds } from "../../../cli/device/board-ids.ts";
import { boardsAt, choosePort, type Wanted } from "../../../cli/device/choose.ts";
import { boardsOf, type DevicePort, type FoundPort, idOf, withIds } from "../../../cli/device/ports.ts";
import { sysfsPorts } from "../../../cli/device/sysfs.ts";
import { awaitNewPort } from "../../../cli/device/touch.ts";
import { readAddress } from "../../../cli/device/address.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "fb-sys-")));
test.after(() => rmSync(root, { recursive: true, force: true }));
const never = new AbortController().signal;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${text}\n`);
}

function tty(name: string, device: string | null, type: string | null = null): void {
  put(`dev/${name}`, "");
  mkdirSync(join(root, "sys/class/tty", name), { recursive: true });
  if (type !== null) put(`sys/class/tty/${name}/type`, type);
  if (device === null) return;
  mkdirSync(join(root, "sys", device), { recursive: true });
  symlinkSync(join(root, "sys", device), join(root, "sys/class/tty", name, "device"));
}

test("sysfs: USB boards with all that is known of them, real UARTs, nothing that is only a name", () => {
  const usb = "devices/pci0/usb1/1-1/1-1.2";
  for (const [file, text] of Object.entries({
    idVendor: "2341",
    idProduct: "0043",
    serial: "7583",
    product: "Uno",
    manufacturer: "Arduino",
  }))
    put(`sys/${usb}/${file}`, text);
  put(`sys/${usb}/1-1.2:1.0/bInterfaceNumber`, "00");
  tty("ttyACM0", `${usb}/1-1.2:1.0`);
  put("sys/devices/pci0/usb1/1-3/idVendor", "1A86");
  put("sys/devices/pci0/usb1/1-3/idProduct", "7523");
  put("sys/devices/pci0/usb1/1-3/1-3:1.0/bInterfaceNumber", "00");
  tty("ttyUSB0", "devices/pci0/usb1/1-3/1-3:1.0/ttyUSB0");
  tty("ttyS0", "devices/pnp0/serial", "4");
  tty("ttyS1", "devices/platform/serial8250", "0");
  tty("tty7", null);
  const found = sysfsPorts(join(root, "sys"), join(root, "dev"));
  const ports = withIds(found).map((p) => ({ ...p, port: p.port.slice(root.length) }));
  const none = { vid: null, pid: null, serial: null, description: null, manufacturer: null, location: null };
  assert.equal(ports, [
    {
      id: "usb-2341-0043-7583",
      port: "/dev/ttyACM0",
      vid: "2341",
      pid: "0043",
      serial: "7583",
      description: "Uno",
      manufacturer: "Arduino",
      location: "1-1.2",
    },
    { id: idOf({ is: "serial", path: join(root, "dev/ttyS0") }, []), port: "/dev/ttyS0", ...none },
    { ...none, id: "usb-1a86-7523-at-1-3", port: "/dev/ttyUSB0", vid: "1a86", pid: "7523", location: "1-3" },
  ]);
  assert.equal(sysfsPorts(join(root, "nothing"), "/dev"), []);
});

function port(name: string, more: Partial<FoundPort> = {}): FoundPort {
  return {
    port: `/dev/${name}`,
    vid: null,
    pid: null,
    serial: null,
    description: null,
    manufacturer: null,
    location: null,
    interface: null,
    ...more,
  };
}

const UNO = { vid: "2341", pid: "0043", serial: "A", location: "1-1" };

test("ids: stable, safe, and different for twins", () => {
  const ids = (...found: FoundPort[]) => withIds(found).map((p) => p.id);
  assert.equal(ids(port("ttyACM3", UNO)), ids(port("ttyACM0", UNO)));
  assert.equal(ids(port("ttyUSB10", { ...UNO, serial: "x/y z" }), port("ttyUSB2", { ...UNO, serial: "B" })), [
    "usb-2341-0043-B",
    "usb-2341-0043-x_y_z",
  ]);
  // Two clones with one serial number; two ports of one device; two without any serial number.
  assert.equal(ids(port("a", { ...UNO, location: "1-1" }), port("b", { ...UNO, location: "1-2" })), [
    "usb-2341-0043-A-at-1-1",
    "usb-2341-0043-A-at-1-2",
  ]);
  assert.equal(ids(port("a", { ...UNO, interface: "00" }), port("b", { ...UNO, interface: "02" })), [
    "usb-2341-0043-A-if00",
    "usb-2341-0043-A-if02",
  ]);
  assert.equal(ids(port("a", { ...UNO, serial: null, location: "1-1" }), port("b", { ...UNO, serial: null, location: "1-2" })), [
    "usb-2341-0043-at-1-1",
    "usb-2341-0043-at-1-2",
  ]);
});

test("a port's boards, by their USB ids", () => {
  const [uno] = withIds([port("ttyACM0", UNO)]);
  assert.ok(uno !== undefined && boardsOf(uno, boardIds()).includes("uno"));
  assert.not.ok(uno !== undefined && boardsOf(uno, boardIds()).includes("leonardo"));
});

const HWIDS = [["0x2341", "0x0043"]] as const;
const KNOWN = [["0x1A86", "0x7523"]] as const;
async function chosen(found: readonly FoundPort[], wanted: Partial<Wanted>): Promise<string> {
  const all = { named: null, hwids: [], known: [], ...wanted };
  const choice = await choosePort(all, AbortSignal.abort(), async () => withIds(found));
  if (!choice.ok) return `${choice.failure.exit} ${choice.failure.message}`;
  return choice.value.address.is === "serial" ? choice.value.address.path : choice.value.address.is;
}
function named(text: string): Pick<Wanted, "named"> {
  const read = readAddress(text);
  if (!read.ok) throw new Error(read.failure.message);
  return { named: read.value };
}

test("PlatformIO's order: named, pattern, the board's ids, known boards, USB, the only one", async () => {
  const uno = port("ttyACM0", UNO);
  const ch340 = port("ttyUSB0", { vid: "1a86", pid: "7523", location: "1-4" });
  const other = port("ttyUSB5", { vid: "0403", pid: "6001", location: "1-5" });
  const uart = port("ttyS0");
  const all = [uno, ch340, other, uart];
  assert.is(await chosen(all, named("/dev/x")), "/dev/x");
  assert.is(await chosen(all, named("socket://h:1")), "socket");
  assert.is(await chosen(all, named("/dev/ttyUSB*")), "/dev/ttyUSB0");
  assert.is(await chosen(all, named("*[5]")), "/dev/ttyUSB5");
  assert.is(await chosen(all, named("usb-2341-0043-A")), "/dev/ttyACM0");
  assert.match(await chosen(all, named("usb-2341-0043-B")), /^5 no port has the id/);
  assert.match(await chosen(all, named("/dev/ttyXX*")), /^5 no port fits/);
  assert.is(await chosen(all, { hwids: HWIDS }), "/dev/ttyACM0");
  assert.is(await chosen(all, { hwids: [["0x9999", "0x0001"]], known: KNOWN }), "/dev/ttyUSB0");
  assert.is(await chosen([other, uart], { hwids: HWIDS, known: KNOWN }), "/dev/ttyUSB5");
  assert.is(await chosen([uart], {}), "/dev/ttyS0");
  assert.match(await chosen([], { hwids: HWIDS }), /^5 no port was found/);
  // PlatformIO takes the last one: the wrong board as likely as not.
  assert.match(
    await chosen([uno, port("ttyACM1", { ...UNO, serial: "B", location: "1-2" })], { hwids: HWIDS }),
    /^5 2 ports fit equally well/,
  );
  // Several ports of one device: its UART, else the last.
  const [first, second] = [port("ttyACM0", { ...UNO, interface: "00" }), port("ttyACM1", { ...UNO, interface: "02" })];
  assert.is(await chosen([first, second], { hwids: HWIDS }), "/dev/ttyACM1");
  assert.is(await chosen([{ ...first, description: "JTAG UART" }, second], { hwids: HWIDS }), "/dev/ttyACM0");
});

test("all: every board by its USB ids; of boards that have none what is on USB; 5 where there are none", () => {
  const ports = withIds([
    port("ttyS0"),
    port("ttyACM0", UNO),
    port("ttyACM1", { ...UNO, serial: "B" }),
    port("ttyUSB0", { vid: "1a86", pid: "7523" }),
  ]);
  const all = (hwids: typeof HWIDS | []) => {
    const found = boardsAt(ports, hwids, "of env uno ");
    return found.ok ? found.value.map((p) => p.port) : found.failure;
  };
  assert.equal(all(HWIDS), ["/dev/ttyACM0", "/dev/ttyACM1"]);
  assert.equal(all([]), ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyUSB0"]);
  const none = boardsAt(
    ports.filter((p) => p.vid === null),
    HWIDS,
    "of env uno ",
  );
  assert.is(none.ok ? 0 : none.failure.exit, 5);
  assert.match(
    none.ok ? "" : `${none.failure.message} ${none.failure.hint}`,
    /no board of env uno is plugged in the ports that are there: /,
  );
});

test("a board that is away for a moment is waited for", async () => {
  let looks = 0;
  const list = async () => (++looks < 3 ? [] : withIds([port("ttyACM0", UNO)]));
  const choice = await choosePort({ named: null, hwids: HWIDS, known: [] }, never, list);
  assert.ok(choice.ok && choice.value.port?.id === "usb-2341-0043-A");
});

test("the port after a touch: a new one, or the same that went and came back", async () => {
  const before = withIds([port("ttyACM0", UNO), port("ttyS0")]);
  const boot = withIds([port("ttyACM1", { ...UNO, pid: "0036" }), port("ttyS0")]);
  const from = (...seen: (readonly DevicePort[])[]) => {
    let i = 0;
    return async () => seen[Math.min(i++, seen.length - 1)] ?? [];
  };
  assert.is(await awaitNewPort(before, "/dev/ttyACM0", never, from(before, before, boot)), "/dev/ttyACM1");
  assert.is(await awaitNewPort(before, "/dev/ttyACM0", never, from(before, withIds([port("ttyS0")]), before)), "/dev/ttyACM0");
  assert.is(await awaitNewPort(before, "/dev/ttyACM0", AbortSignal.abort(), from(before)), "/dev/ttyACM0");
});

test.run();
