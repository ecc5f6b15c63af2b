/**
 * Which port an env means, in the order of PlatformIO's finder: the one that is named; the first that fits a pattern; the board by the USB ids of its board file (waited
 * for, as a board that was just reset is away for a moment); a board that any board file knows; a USB port; the only port there is.
 * Otherwise than there, two that fit equally well are an error: writing to the wrong board, or listening to it, is worse than asking.
 */
import { dirname, join } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { clock } from "../host/clock.ts";
import { namesIn } from "../host/look.ts";
import { globPattern } from "../../rules/python-glob.ts";
import { type Address, addressText, isPattern, type PortAddress } from "./address.ts";
import { type DevicePort, hasHwid, type Hwids, listPorts } from "./ports.ts";
import { candidates } from "./trouble.ts";

export interface Wanted {
  /** What was named, by -p or an option of the ini; null: to be found. */
  readonly named: Address | null;
  /** Of the env's board. */
  readonly hwids: Hwids;
  /** Of all boards that are known. */
  readonly known: Hwids;
}

/** port: of the list, where it is one of this machine's. */
export interface Chosen {
  readonly address: PortAddress | Extract<Address, { readonly is: "sim" }>;
  readonly port: DevicePort | null;
  readonly how: "named" | "found";
}

/** PlatformIO's finder: so long, so often. */
const PATIENCE_MS = 2000;
const LOOK_MS = 250;

/** For `-p`: every board of the env that is plugged in. */
export const ALL = "all";

/** Ports at which these boards are; of a board that USB does not tell, those on USB. whose: "of env uno ", for people. Failure (exit 5): none. */
export function boardsAt(ports: readonly DevicePort[], hwids: Hwids, whose: string): Result<readonly DevicePort[]> {
  const fitting = ports.filter((port) => (hwids.length > 0 ? hasHwid(port, hwids) : port.vid !== null));
  if (fitting.length > 0) return ok(fitting);
  const there = ports.length === 0 ? "no serial port is there" : `the ports that are there: ${ports.map((p) => p.port).join(", ")}`;
  return fail(failure("device.not-found", 5, `-p ${ALL}: no board ${whose}is plugged in`, { hint: there }));
}

/** The machine's ports, whoever lists them. */
export type Lister = () => Promise<readonly DevicePort[]>;

/** Failure (exit 5): no port, or none that is more likely than the others; the candidates are named. A port that is named is not looked for. */
export async function choosePort(wanted: Wanted, stop: AbortSignal, list: Lister = listPorts): Promise<Result<Chosen>> {
  const { named } = wanted;
  if (named === null) return found(wanted, stop, list);
  if (named.is === "glob") return byPattern(named.pattern, stop, list);
  if (named.is === "id") return byId(named.id, list);
  const ports = named.is === "serial" ? await list() : [];
  return ok({ address: named, port: ports.find((p) => named.is === "serial" && p.port === named.path) ?? null, how: "named" });
}

async function byPattern(pattern: string, stop: AbortSignal, list: Lister): Promise<Result<Chosen>> {
  const fits = globPattern(pattern);
  const choice = await waited(stop, async (): Promise<Chosen | null> => {
    const port = (await list()).find((p) => fits.test(p.port));
    if (port !== undefined) return chosen(port);
    const path = links(dirname(pattern)).find((name) => fits.test(name));
    return path === undefined ? null : { address: { is: "serial", path }, port: null, how: "found" };
  });
  return choice === null ? none(`no port fits ${pattern}`) : ok(choice);
}

/** What no list of ports has: the links of /dev/serial/by-id, ptys. */
function links(folder: string): readonly string[] {
  if (!folder.startsWith("/") || isPattern(folder)) return [];
  return [...namesIn(folder)].sort().map((name) => join(folder, name));
}

async function byId(id: string, list: Lister): Promise<Result<Chosen>> {
  const port = (await list()).find((p) => p.id === id);
  if (port !== undefined) return ok({ ...chosen(port), how: "named" });
  // What no list has: a pty, a link.
  if (id.startsWith("dev-"))
    return ok({ address: { is: "serial", path: `/dev/${id.slice(4).replaceAll("-", "/")}` }, port: null, how: "named" });
  return none(`no port has the id ${id}`);
}

async function found({ hwids, known }: Wanted, stop: AbortSignal, list: Lister): Promise<Result<Chosen>> {
  if (hwids.length > 0) {
    const of = await waited(stop, async () => {
      const ports = (await list()).filter((p) => hasHwid(p, hwids));
      return ports.length > 0 ? ports : null;
    });
    if (of !== null) return oneOf(of, "the board's USB ids");
  }
  const ports = await list();
  const boards = ports.filter((p) => hasHwid(p, known));
  if (boards.length > 0) return oneOf(boards, "known boards");
  const usb = ports.filter((p) => p.vid !== null);
  if (usb.length > 0) return oneOf(usb, "USB");
  return oneOf(ports, "nothing but being a port");
}

/** Of several ports of one device that which is its UART, else the last (PlatformIO's _reveal_device_port). */
async function oneOf(ports: readonly DevicePort[], by: string): Promise<Result<Chosen>> {
  const [first] = ports;
  if (first === undefined) return none("no port was found");
  const one = ports.every((p) => p.location === first.location && p.vid === first.vid && p.vid !== null);
  const port = one ? (ports.find((p) => p.description?.includes("UART")) ?? ports.at(-1) ?? first) : first;
  if (one || ports.length === 1) return ok(chosen(port));
  const names = ports.map((p) => (p.description === null ? p.port : `${p.port} (${p.description})`)).join(", ");
  return fail(
    failure("device.several", 5, `${ports.length} ports fit equally well (by ${by}): ${names}`, {
      hint: `name one: -p ${first.port}, or upload_port and monitor_port in platformio.ini`,
    }),
  );
}

function chosen(port: DevicePort): Chosen {
  return { address: { is: "serial", path: port.port }, port, how: "found" };
}

async function none(what: string): Promise<Result<Chosen>> {
  return fail(failure("device.not-found", 5, what, { hint: await candidates() }));
}

/** Asked again and again until there is an answer, the time is over or somebody stops it. */
async function waited<T>(stop: AbortSignal, look: () => Promise<T | null>): Promise<T | null> {
  const until = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== null || stop.aborted || clock.monotonicMs() >= until) return seen;
    await clock.sleep(LOOK_MS, stop);
  }
}

/** The text of what was chosen. */
export function chosenText({ address, how }: Chosen): string {
  return how === "named" ? addressText(address) : `${addressText(address)} (found by itself)`;
}
