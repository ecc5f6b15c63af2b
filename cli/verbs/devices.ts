/** `fb devices`: the ports, the boards that they can be, and who uses them. */
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { type BoardData, usbIds } from "../../rules/boards.ts";
import type { Command } from "../command.ts";
import { readAddress } from "../device/address.ts";
import { type BoardIds, boardsOf, type DevicePort, listPorts } from "../device/ports.ts";
import { complain, type Faces } from "../faces.ts";
import type { JsonObject } from "../daemon/ask.ts";
import { connectDaemon } from "../daemon/client.ts";
import { openDisk } from "../host/disk.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { padEnd, paint, sanitize } from "../show/text.ts";
import { boardShelf } from "./boards.ts";

/** One line of the contract. */
export interface DeviceLine {
  readonly id: string;
  readonly port: string;
  readonly vid: string | null;
  readonly pid: string | null;
  readonly serial: string | null;
  readonly description: string | null;
  readonly boards: readonly string[];
  readonly claims: readonly { readonly mode: string; readonly holder: string; readonly since: string }[];
}

/** How often the ports are looked at: the system has no event for them that works everywhere. */
const LOOK_MS = 500;

export async function devicesVerb(command: Extract<Command, { verb: "devices" }>, faces: Faces): Promise<number> {
  const boards = boardIds();
  if (!boards.ok) return complain(faces, [boards.failure]);
  let lines = await deviceLines(boards.value);
  faces.out.write(command.json ? `${JSON.stringify(lines)}\n` : table(lines, faces.out.color));
  if (!command.watch) return 0;
  const { stop } = watchSignals(() => {});
  while (!stop.aborted) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      stop.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (stop.aborted) break;
    const now = await deviceLines(boards.value);
    if (JSON.stringify(now) !== JSON.stringify(lines))
      faces.out.write(command.json ? `${JSON.stringify(now)}\n` : changes(lines, now, faces.out.color));
    lines = now;
  }
  return INTERRUPTED;
}

/** What boards there are for each USB id. */
function boardIds(): Result<readonly BoardIds[]> {
  const disk = openDisk(process.cwd());
  try {
    const platforms = boardShelf(disk).all();
    if (!platforms.ok) return platforms;
    return ok(platforms.value.flatMap(({ boards }) => boards.ids.flatMap((id) => usbBoard(boards.get(id)))));
  } finally {
    disk.close();
  }
}

function usbBoard(board: BoardData | undefined): BoardIds[] {
  return board === undefined ? [] : [{ id: board.id, hwids: usbIds(board.json) }];
}

/** The ports of the machine, and what else a daemon knows; claims come from the daemon, where one runs. */
async function deviceLines(boards: readonly BoardIds[]): Promise<DeviceLine[]> {
  const known = await fromDaemon();
  const ports = await listPorts();
  const own = ports.map(
    (p): DeviceLine => ({
      id: p.id,
      port: p.port,
      vid: p.vid,
      pid: p.pid,
      serial: p.serial,
      description: p.description,
      boards: boardsOf(p, boards),
      claims: claimsOf(known.find((d) => d["device_id"] === p.id)),
    }),
  );
  const others = known.filter((d) => !own.some((line) => line.id === d["device_id"]));
  return [...own, ...others.map(namedLine)];
}

async function fromDaemon(): Promise<readonly JsonObject[]> {
  const client = await connectDaemon({ start: false });
  if (!client.ok) return [];
  const answer = await client.value.request("GET", "/api/devices/list");
  const devices = answer.ok ? answer.value.body["devices"] : [];
  return Array.isArray(devices) ? (devices as readonly JsonObject[]) : [];
}

/** A port that no list has: a pty, a socket, a virtual board. */
function namedLine(device: JsonObject): DeviceLine {
  const info = device["device_info"] as Pick<DevicePort, "id" | "port" | "vid" | "pid" | "serial" | "description">;
  const address = readAddress(info.port);
  const boards = address.ok && address.value.is === "sim" ? [address.value.board] : [];
  const { id, port, vid, pid, serial, description } = info;
  return { id, port, vid, pid, serial, description, boards, claims: claimsOf(device) };
}

function claimsOf(device: JsonObject | undefined): DeviceLine["claims"] {
  if (device === undefined) return [];
  const held = device["exclusive_lease"] as JsonObject | null;
  const leases = [...(held === null ? [] : [held]), ...(device["monitor_leases"] as readonly JsonObject[])];
  return leases.map((l) => ({ mode: String(l["lease_type"]), holder: String(l["holder"]), since: String(l["since"]) }));
}

/** Columns: port, board, what it is, id, and who uses it on lines below. */
function table(lines: readonly DeviceLine[], color: boolean): string {
  if (lines.length === 0) return "no serial port is there; virtual boards are sim:uno, sim:mega\n";
  const rows = lines.map((l) => [l.port, l.boards.join(" ") || "-", l.description ?? "-", l.id]);
  const head = ["PORT", "BOARD", "WHAT", "ID"];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const text = (row: readonly string[]) =>
    row
      .map((cell, i) => padEnd(cell, widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const parts = lines.map((l, i) => [text(rows[i] ?? []), ...l.claims.map((c) => `  ${c.mode}: ${c.holder}, since ${c.since}`)]);
  return [paint(text(head), "dim", color), ...parts.flat().map((line) => sanitize(line, color))].map((line) => `${line}\n`).join("");
}

/** `+ PORT …` came, `- PORT …` went, `~ PORT …` is used by others now. */
function changes(before: readonly DeviceLine[], now: readonly DeviceLine[], color: boolean): string {
  const lines: string[] = [];
  const line = (sign: string, d: DeviceLine) => lines.push(`${sign} ${d.port}  ${d.boards.join(" ") || d.description || "-"}  ${d.id}`);
  for (const d of before) if (!now.some((n) => n.id === d.id && n.port === d.port)) line("-", d);
  for (const d of now) {
    const was = before.find((b) => b.id === d.id && b.port === d.port);
    if (was === undefined) line("+", d);
    else if (JSON.stringify(was.claims) !== JSON.stringify(d.claims)) {
      line("~", d);
      for (const c of d.claims) lines.push(`    ${c.mode}: ${c.holder}, since ${c.since}`);
      if (d.claims.length === 0) lines.push("    free");
    }
  }
  return lines.map((one) => `${sanitize(one, color)}\n`).join("");
}
