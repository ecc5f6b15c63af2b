/** `fb device`: who has a board, and having it for oneself for a while. */
import { resolve } from "node:path";
import { failure } from "../../engine/failure.ts";
import type { Command } from "../command.ts";
import type { JsonObject } from "../daemon/ask.ts";
import { connectDaemon, type DaemonClient, type Lease, portName } from "../daemon/client.ts";
import { addressText } from "../device/address.ts";
import { complain, type Faces } from "../faces.ts";
import { readLedger } from "../flash/ledger.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { sanitize } from "../show/text.ts";
import { devicesVerb } from "./devices.ts";

type DeviceCommand = Extract<Command, { verb: "device" }>;

export async function deviceVerb(command: DeviceCommand, faces: Faces): Promise<number> {
  if (command.action === "list") return devicesVerb({ verb: "devices", watch: false, dir: null, json: command.json }, faces);
  const named = portName(command.device ?? "");
  if (!named.ok) return complain(faces, [named.failure]);
  const device = named.value;
  const client = await connectDaemon({ start: true });
  if (!client.ok) return complain(faces, [client.failure]);
  complain(faces, client.value.notes);
  switch (command.action) {
    case "status":
      return status(command, client.value, device, faces);
    case "release":
      return release(command, client.value, device, faces);
    case "lease":
    case "take":
      return hold(command, client.value, device, faces);
    default:
      return command.action satisfies never;
  }
}

/** What the daemon knows of a device; a number: its failure was said. */
async function known(client: DaemonClient, device: string, faces: Faces): Promise<JsonObject | number> {
  const answer = await client.request("GET", `/api/devices/${encodeURIComponent(device)}/status`);
  if (!answer.ok) return complain(faces, [answer.failure]);
  const { status: code, body } = answer.value;
  if (code === 200) return body;
  const hint = typeof body["hint"] === "string" ? body["hint"] : "";
  return complain(faces, [failure(String(body["error"]), code === 400 ? 2 : 5, String(body["message"]), { hint })]);
}

async function status(command: DeviceCommand, client: DaemonClient, device: string, faces: Faces): Promise<number> {
  const body = await known(client, device, faces);
  if (typeof body === "number") return body;
  const flashed = readLedger(resolve(command.dir ?? ".")).get(String(body["device_id"])) ?? null;
  if (command.json) {
    faces.out.write(`${JSON.stringify({ ...body, flashed })}\n`);
    return 0;
  }
  const info = body["device_info"] as JsonObject;
  const monitors = body["monitor_leases"] as readonly JsonObject[];
  const held = body["exclusive_lease"] as JsonObject | null;
  const what = info["description"] === null ? "" : `, ${info["description"]}`;
  const lines = [`${info["port"]}${what}: ${body["device_id"]}, ${body["is_connected"] === true ? "connected" : "not there"}`];
  if (held !== null) lines.push(`  exclusive: ${held["holder"]}, since ${held["since"]} (lease ${held["lease_id"]})`);
  for (const lease of monitors) lines.push(`  monitor: ${lease["holder"]}, since ${lease["since"]}`);
  if (held === null && monitors.length === 0) lines.push("  free");
  if (flashed !== null)
    lines.push(
      `  flashed from this project: ${flashed.target} of ${flashed.env} (${flashed.profile}), ${flashed.at}, ${flashed.sha256.slice(0, 12)}`,
    );
  faces.out.write(lines.map((line) => `${sanitize(line, faces.out.color)}\n`).join(""));
  return 0;
}

/** Without a lease's name: the one that holds the device alone. */
async function release(command: DeviceCommand, client: DaemonClient, device: string, faces: Faces): Promise<number> {
  const body = await known(client, device, faces);
  if (typeof body === "number") return body;
  const held = body["exclusive_lease"] as JsonObject | null;
  const lease = command.lease ?? (held === null ? null : String(held["lease_id"]));
  if (lease === null) {
    const hint = "`fb device status` tells who watches it";
    return complain(faces, [failure("device.free", 5, `nobody holds ${body["device_id"]} alone`, { hint })]);
  }
  const answer = await client.request("POST", `/api/devices/${encodeURIComponent(device)}/release`, { lease_id: lease });
  if (!answer.ok) return complain(faces, [answer.failure]);
  if (answer.value.status !== 200) return complain(faces, [failure("device.lease", 5, String(answer.value.body["message"]))]);
  if (command.json) faces.out.write(`${JSON.stringify(answer.value.body)}\n`);
  else faces.out.write(`${body["device_id"]}: released\n`);
  return 0;
}

/** Until Ctrl-C, its time, or somebody else takes it. */
async function hold(command: DeviceCommand, client: DaemonClient, device: string, faces: Faces): Promise<number> {
  const signals = watchSignals(() => {});
  const leased = await client.lease(device, {
    mode: command.action === "take" ? "exclusive" : command.mode,
    description: command.description ?? `fb device ${command.action}`,
    ...(command.ttl === null ? {} : { ttlSeconds: command.ttl }),
    ...(command.action === "take" ? { takeover: command.reason ?? command.description ?? "fb device take" } : {}),
  });
  if (!leased.ok) {
    await client.close();
    return complain(faces, [leased.failure]);
  }
  const lease = leased.value;
  tell(command, lease, faces);
  const interrupted = new Promise<null>((resolve) => {
    signals.stop.addEventListener("abort", () => resolve(null));
    if (signals.stop.aborted) resolve(null);
  });
  const reason = await Promise.race([lease.lost, interrupted]);
  if (reason === null) {
    await lease.release();
    await client.close();
    return INTERRUPTED;
  }
  await client.close();
  if (reason === "its time was over") return 0;
  return complain(faces, [failure("device.lost", 5, `${lease.device} is no longer held: ${reason}`)]);
}

function tell(command: DeviceCommand, lease: Lease, faces: Faces): void {
  const port = addressText(lease.port);
  if (command.json) {
    faces.out.write(`${JSON.stringify({ lease_id: lease.id, device_id: lease.device, port, ttl_seconds: command.ttl })}\n`);
    return;
  }
  const until = command.ttl === null ? "until Ctrl-C" : `for ${command.ttl} s, or until Ctrl-C`;
  faces.out.write(`${lease.device} (${port}) is held ${until}\n`);
}
