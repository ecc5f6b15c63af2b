/** `fb devices`: the ports, the boards that they can be, and who uses them. */
import type { Command } from "../command.ts";
import { readAddress } from "../device/address.ts";
import { boardIds } from "../device/board-ids.ts";
import { boardsOf, listPorts } from "../device/ports.ts";
import { MACHINES } from "../device/sim/qemu/machines.ts";
import type { Faces } from "../faces.ts";
import type { JsonObject } from "../daemon/ask.ts";
import { connectDaemon } from "../daemon/client.ts";
import { claimsOf, listed, type ListedClaim, type ListedPort, portOf } from "../daemon/listed.ts";
import { clock } from "../host/clock.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { padEnd, paint, sanitize } from "../show/text.ts";

/** One line of the contract. */
interface DeviceLine extends ListedPort {
  readonly boards: readonly string[];
  readonly claims: readonly ListedClaim[];
}

/** How often the ports are looked at: the system has no event for them that works everywhere. */
const LOOK_MS = 500;

export async function devicesVerb(command: Extract<Command, { verb: "devices" }>, faces: Faces): Promise<number> {
  let lines = await deviceLines();
  faces.out.write(command.json ? `${JSON.stringify(lines)}\n` : table(lines, faces.out.color));
  if (!command.watch) return 0;
  const { stop } = watchSignals(() => {});
  while (!stop.aborted) {
    await clock.sleep(LOOK_MS, stop);
    if (stop.aborted) break;
    const now = await deviceLines();
    if (JSON.stringify(now) !== JSON.stringify(lines))
      faces.out.write(command.json ? `${JSON.stringify(now)}\n` : changes(lines, now, faces.out.color));
    lines = now;
  }
  return INTERRUPTED;
}

/** The ports of the machine, and what else a daemon knows; claims come from the daemon, where one runs. */
async function deviceLines(): Promise<DeviceLine[]> {
  const known = await fromDaemon();
  const ports = await listPorts();
  const own = ports.map((port): DeviceLine => {
    const device = known.find((d) => d["device_id"] === port.id);
    return { ...listed(port), boards: boardsOf(port, boardIds()), claims: device === undefined ? [] : claimsOf(device) };
  });
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
  const line = portOf(device);
  const address = readAddress(line.port);
  const boards = address.ok && address.value.is === "sim" ? [address.value.board] : [];
  return { ...line, boards, claims: claimsOf(device) };
}

/** Columns: port, board, what it is, id, and who uses it on lines below. */
function table(lines: readonly DeviceLine[], color: boolean): string {
  if (lines.length === 0)
    return `no serial port is there; virtual boards: ${["uno", "nano", "mega", "pico", ...MACHINES].map((name) => `sim:${name}`).join(" ")}\n`;
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
