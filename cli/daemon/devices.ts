/** Devices as the daemon names them: by ids that stay, of ports that the machine lists and of those that somebody named (a pty, a socket, a virtual board). */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { type Address, addressText, readAddress } from "../device/address.ts";
import { type DevicePort, idOf, listPorts, locator } from "../device/ports.ts";
import type { SimBoards } from "../device/sim/boards.ts";
import { candidates } from "../device/trouble.ts";
import type { OpenPlace, Place } from "./channel.ts";

export interface Device {
  readonly id: string;
  readonly address: Exclude<Address, { is: "glob" } | { is: "id" }>;
  /** As the machine lists it; null: it does not. */
  readonly port: DevicePort | null;
}

export class Devices {
  readonly #sims: SimBoards;
  /** Those that somebody named, by id: the list has no word of them. */
  readonly #named = new Map<string, Device>();

  constructor(sims: SimBoards) {
    this.#sims = sims;
  }

  /** The ports of the machine, the virtual boards that run, and the devices of these ids that were named before. */
  async list(inUse: ReadonlySet<string>): Promise<readonly Device[]> {
    const listed = (await listPorts()).map(listedDevice);
    const has = new Set(listed.map((d) => d.id));
    for (const id of this.#named.keys()) if (!inUse.has(id) && !id.startsWith("sim-")) this.#named.delete(id);
    const sims = this.#sims.list().map(
      ({ board, unit }): Device => ({
        id: `sim-${board}-${unit}`,
        address: { is: "sim", board, unit },
        port: null,
      }),
    );
    for (const sim of sims) has.add(sim.id);
    return [...listed, ...sims, ...[...this.#named.values()].filter((d) => !has.has(d.id) && inUse.has(d.id))];
  }

  /** What a text names: an address or an id. Failure: exit 2 where it names no port, 5 where none has this id or more than one fits. */
  async find(text: string): Promise<Result<Device>> {
    const named = this.#named.get(text);
    const ports = await listPorts();
    const listed = ports.find((p) => p.id === text || p.port === text);
    if (listed !== undefined) return ok(listedDevice(listed));
    if (named !== undefined) return ok(named);
    const address = readAddress(text);
    if (!address.ok) return address;
    const exact = await exactly(address.value);
    if (!exact.ok) return exact;
    const id = idOf(exact.value, ports);
    const device = { id, address: exact.value, port: ports.find((p) => p.id === id) ?? null };
    this.#named.set(id, device);
    return ok(device);
  }

  /** Whether it is there, without opening it. */
  present(device: Device): boolean {
    switch (device.address.is) {
      case "serial":
        return existsSync(device.address.path);
      case "socket":
      case "rfc2217":
        return true;
      case "sim":
        return true;
      default:
        return device.address satisfies never;
    }
  }

  place(device: Device): Place {
    const { address, id } = device;
    const where = locator(id);
    const open = async (): Promise<Result<OpenPlace>> => {
      if (address.is !== "sim") return ok({ address: (await where(address)) ?? address, note: null });
      const sim = await this.#sims.portOf(address.board, address.unit);
      if (!sim.ok) return sim;
      const { host, port, note } = sim.value;
      return ok({ address: { is: "socket", host, port }, note });
    };
    const locate = async () => {
      if (address.is !== "sim") return where(address);
      const opened = await open();
      return opened.ok ? opened.value.address : null;
    };
    return { id, name: addressText(address), open, locate };
  }
}

function listedDevice(port: DevicePort): Device {
  return { id: port.id, address: { is: "serial", path: port.port }, port };
}

/** One port, not a pattern, and not a path that means something else in each folder. */
async function exactly(address: Address): Promise<Result<Device["address"]>> {
  if (address.is === "glob")
    return fail(
      failure("device.pattern", 2, `${address.pattern} is a pattern, not one port`, { hint: "name a port or an id of `fb devices`" }),
    );
  if (address.is === "serial") {
    if (process.platform === "win32" || isAbsolute(address.path)) return ok(address);
    return fail(failure("device.id", 5, `no device is called ${address.path}`, { hint: await candidates() }));
  }
  if (address.is !== "id") return ok(address);
  // "dev-pts-3" is made of /dev/pts/3: of a port that no list has.
  const path = address.id.startsWith("dev-") ? `/${address.id.replaceAll("-", "/")}` : "";
  if (path !== "" && existsSync(path)) return ok({ is: "serial", path });
  return fail(failure("device.id", 5, `no device has the id ${address.id}`, { hint: await candidates() }));
}
