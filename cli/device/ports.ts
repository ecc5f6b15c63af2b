/**
 * The serial ports of this machine, each with an id that stays when the system numbers the ports anew.
 * On Linux from sysfs (sysfs.ts): serialport's list asks udevadm, which containers lack, and knows neither description nor location. Elsewhere by serialport.
 */
import { realOf } from "../host/look.ts";
import { type Address, addressId, type PortAddress, safe } from "./address.ts";
import { sysfsPorts } from "./sysfs.ts";

/** vid, pid: four lower-case hex digits. location: where it is plugged in, as 1-1.2. Null where nobody knows. */
export interface DevicePort {
  /** Safe in a URL; `usb-2341-0043-SERIAL`, without a serial number `usb-2341-0043-at-LOCATION`, else `dev-ttyS0`. */
  readonly id: string;
  /** What is opened: /dev/ttyACM0, COM3. */
  readonly port: string;
  readonly vid: string | null;
  readonly pid: string | null;
  readonly serial: string | null;
  readonly description: string | null;
  readonly manufacturer: string | null;
  readonly location: string | null;
}

/** A port as the system tells of it. interface: the number of the USB interface, where a device has several ports. */
export interface FoundPort extends Omit<DevicePort, "id"> {
  readonly interface: string | null;
}

/** In the order of their names, ttyUSB2 before ttyUSB10. Ports that are only names (ttyS1 to ttyS31 without hardware) are not among them. */
export async function listPorts(): Promise<readonly DevicePort[]> {
  const found = process.platform === "linux" ? sysfsPorts("/sys", "/dev") : await serialportList();
  return withIds(found);
}

async function serialportList(): Promise<readonly FoundPort[]> {
  const { SerialPort } = await import("serialport");
  const hex = (text: string | undefined) => (text === undefined ? null : text.toLowerCase().padStart(4, "0"));
  return (await SerialPort.list()).map((port) => ({
    port: port.path,
    vid: hex(port.vendorId),
    pid: hex(port.productId),
    serial: port.serialNumber ?? null,
    description: "friendlyName" in port && typeof port.friendlyName === "string" ? port.friendlyName : null,
    manufacturer: port.manufacturer ?? null,
    location: port.locationId ?? null,
    interface: null,
  }));
}

/** Ports sorted by name, with their ids: two devices that say the same serial number are told apart by where they are plugged in, two ports of one device by the interface. */
export function withIds(found: readonly FoundPort[]): readonly DevicePort[] {
  const first = (p: FoundPort) =>
    p.vid === null || p.pid === null
      ? addressId({ is: "serial", path: p.port })
      : `usb-${p.vid}-${p.pid}-${p.serial === null || p.serial === "" ? `at-${safe(p.location ?? p.port)}` : safe(p.serial)}`;
  const sorted = [...found].sort((a, b) => natural(a.port, b.port));
  const twins = (p: FoundPort) => sorted.filter((other) => other !== p && first(other) === first(p));
  return sorted.map((p) => {
    const { interface: number, ...port } = p;
    const same = twins(p);
    const elsewhere = same.some((other) => other.location !== p.location) && !first(p).includes("-at-");
    const beside = same.some((other) => other.location === p.location);
    return {
      id: `${first(p)}${elsewhere ? `-at-${safe(p.location ?? p.port)}` : ""}${beside ? `-if${number ?? safe(p.port)}` : ""}`,
      ...port,
    };
  });
}

function natural(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** The id of a port that is named by address: its port's where it is in the list (also by a link to it), else made of the address. */
export function idOf(address: Address, ports: readonly DevicePort[]): string {
  if (address.is !== "serial") return addressId(address);
  const real = realOf(address.path) ?? address.path;
  return ports.find((p) => p.port === address.path || p.port === real)?.id ?? addressId({ is: "serial", path: real });
}

/** Where a device is now: at its address while that is there, else at the port that has its id; null: nowhere. What is not serial stays where it is. */
export function locator(id: string): (address: PortAddress) => Promise<PortAddress | null> {
  return async (address) => {
    if (address.is !== "serial") return address;
    const ports = await listPorts();
    const found = ports.find((p) => p.id === id);
    if (found !== undefined && found.port !== (realOf(address.path) ?? address.path)) return { is: "serial", path: found.port };
    // A name of another device by now, or one that no list knows: a pty.
    if (id.startsWith("usb-") && found === undefined) return null;
    return address;
  };
}

/** What boards say of the USB devices that they are: pairs of vendor and product, in the spelling of the board files (`0x2341`). */
export type Hwids = readonly (readonly [string, string])[];

export interface BoardIds {
  readonly id: string;
  readonly hwids: Hwids;
}

/** The boards that a port can be. */
export function boardsOf(port: DevicePort, boards: readonly BoardIds[]): readonly string[] {
  return boards.filter(({ hwids }) => hasHwid(port, hwids)).map(({ id }) => id);
}

export function hasHwid(port: DevicePort, hwids: Hwids): boolean {
  return hwids.some(([vid, pid]) => port.vid === digits(vid) && port.pid === digits(pid));
}

function digits(text: string): string {
  return text.toLowerCase().replace(/^0x/, "").padStart(4, "0");
}
