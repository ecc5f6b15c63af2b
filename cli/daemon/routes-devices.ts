/** Routes about devices: what there is, who holds it, and how to hold it. */
import { addressText } from "../device/address.ts";
import { notFound } from "../device/trouble.ts";
import type { Failure } from "../../engine/types.ts";
import type { OpenPlace } from "./channel.ts";
import { holderText } from "./claims.ts";
import { type Daemon, leaseJson } from "./daemon.ts";
import type { Device } from "./devices.ts";
import type { Lease, Wish } from "./leases.ts";
import { type Call, type Reply, refuse, reply, type Route } from "./route.ts";
import { LEASE } from "./routes-daemon.ts";
import { choice, flag, list, object, options, orNull, type Schema, seconds, text, whole } from "./schema.ts";

/** A lease whose client has no socket here, no process and no time to live would never end by itself. */
const DEFAULT_TTL_S = 600;

const INFO: Schema = object({
  id: text("stays when ports are numbered anew"),
  port: text("what is opened"),
  vid: orNull(text("USB vendor, four hex digits")),
  pid: orNull(text("USB product")),
  serial: orNull(text("USB serial number")),
  description: orNull(text("what it says it is")),
  manufacturer: orNull(text("who made it")),
  location: orNull(text("where it is plugged in")),
});
const STATUS = {
  device_id: text("its id"),
  is_connected: flag("whether it is there"),
  device_info: INFO,
  exclusive_lease: orNull(LEASE),
  monitor_leases: list(LEASE, "who watches it"),
  monitor_count: whole("how many"),
  is_available_for_exclusive: flag("nobody holds it alone; monitors make way"),
};
const SUCCESS = flag("whether it was done");
const ID = "an id of the list, or an address with %2F for /";

export function deviceRoutes(daemon: Daemon): Route[] {
  const route = (
    method: Route["method"],
    path: string,
    says: string,
    body: Route["body"],
    answers: Route["answers"],
    run: Route["run"],
  ): Route => ({
    method,
    path,
    says,
    open: false,
    query: {},
    body,
    answers,
    run,
  });
  const listed = { 200: object({ success: SUCCESS, devices: list(object(STATUS), "in the order of their ports") }) };
  const status = { 200: object({ success: SUCCESS, ...STATUS }) };
  const refresh = options({ refresh: flag("the list is always fresh") });
  return [
    route("GET", "/api/devices/list", "all devices", null, listed, () => devicesOf(daemon)),
    route("POST", "/api/devices/list", "all devices", refresh, listed, () => devicesOf(daemon)),
    route("GET", "/api/devices/{id}", `one device: ${ID}`, null, status, (call) => statusOf(daemon, call)),
    route("GET", "/api/devices/{id}/status", "the same", null, status, (call) => statusOf(daemon, call)),
    route("POST", "/api/devices/{id}/lease", "hold it: exclusive (monitors make way), or as a monitor", WISH, GRANT, (call) =>
      leaseIt(daemon, call),
    ),
    route(
      "POST",
      "/api/devices/{id}/release",
      "let go",
      options({ lease_id: text("of the lease") }, "lease_id"),
      { 200: object({ success: SUCCESS, lease_id: text("of the lease") }) },
      (call) => release(daemon, call),
    ),
    route("POST", "/api/devices/{id}/preempt", "take it from whoever holds it", PREEMPT, PREEMPTED, (call) => preempt(daemon, call)),
  ];
}

const WISH = options(
  {
    lease_type: choice("exclusive: one; monitor: any number", "exclusive", "monitor"),
    description: text("what for: others are told"),
    client_id: text("the client's own name: the lease ends with its last WebSocket"),
    ttl_seconds: seconds(`the lease ends then; without it, a client_id that is connected or a client_pid: ${DEFAULT_TTL_S}`),
    client_pid: whole("the lease ends with this process", 1),
    lease_id: text("of a lease that is held: its ttl_seconds begin anew"),
  },
  "lease_type",
);
const PORT = orNull(text("what a tool opens: a path, socket://HOST:PORT or rfc2217://HOST:PORT"));
const NOTE = orNull(text("for people: what is odd about the device"));
const GRANT = {
  200: object({
    success: SUCCESS,
    lease_id: text("names it"),
    device_id: text("of the device"),
    port: PORT,
    note: NOTE,
    expires: orNull(text("ISO 8601")),
  }),
  409: object({
    success: SUCCESS,
    error: text("busy"),
    message: text("for people"),
    conflict: object({ holder: text("who"), since: text("ISO 8601"), description: text("what for") }),
  }),
};
const PREEMPT = options(
  {
    reason: text("the holder is told"),
    client_id: text("the client's own name"),
    ttl_seconds: seconds("the new lease ends then"),
    client_pid: whole("the new lease ends with this process", 1),
  },
  "reason",
);
const PREEMPTED = {
  200: object({
    success: SUCCESS,
    preempted_client_id: orNull(text("who had it; null: nobody")),
    lease_id: text("the new one"),
    device_id: text("of the device"),
    port: PORT,
    note: NOTE,
  }),
};

async function devicesOf(daemon: Daemon): Promise<Reply> {
  const inUse = new Set([...daemon.claims.leases.all().map((l) => l.device), ...daemon.hub.all().map((c) => c.place.id)]);
  const devices = await daemon.devices.list(inUse);
  return reply({ success: true, devices: devices.map((d) => describe(daemon, d)) });
}

/** What the contract says of a device. */
function describe(daemon: Daemon, device: Device): object {
  const { id, address, port } = device;
  const channel = daemon.hub.of(id);
  const held = daemon.claims.leases.exclusiveOf(id);
  const monitors = daemon.claims.leases.monitorsOf(id);
  const of = port ?? {
    vid: null,
    pid: null,
    serial: null,
    description: address.is === "sim" ? "virtual board" : null,
    manufacturer: null,
    location: null,
  };
  const { vid, pid, serial, description, manufacturer, location } = of;
  return {
    device_id: id,
    is_connected: channel?.state === "open" || daemon.devices.present(device),
    device_info: { id, port: addressText(address), vid, pid, serial, description, manufacturer, location },
    exclusive_lease: held === null ? null : leaseJson(held),
    monitor_leases: monitors.map(leaseJson),
    monitor_count: monitors.length,
    is_available_for_exclusive: held === null,
  };
}

async function statusOf(daemon: Daemon, call: Call): Promise<Reply> {
  const device = await daemon.devices.find(call.params["id"] ?? "");
  return device.ok ? reply({ success: true, ...describe(daemon, device.value) }) : refused(device.failure);
}

async function leaseIt(daemon: Daemon, call: Call): Promise<Reply> {
  const { body } = call;
  const renewed = body["lease_id"];
  if (typeof renewed === "string") return renew(daemon, renewed, body["ttl_seconds"]);
  const found = await daemon.devices.find(call.params["id"] ?? "");
  if (!found.ok) return refused(found.failure);
  const { address } = found.value;
  if (address.is === "serial" && !daemon.devices.present(found.value)) return refused(await notFound(address.path));
  const place = await daemon.devices.place(found.value).open();
  if (!place.ok) return refused(place.failure);
  if (call.gone.aborted) return nobody();
  const wish = wishOf(daemon, found.value, call);
  const taken = await daemon.claims.take({ ...wish, mode: body["lease_type"] === "monitor" ? "monitor" : "exclusive" });
  if ("conflict" in taken) {
    const { description, since } = taken.conflict;
    const conflict = { holder: holderText(taken.conflict), since: new Date(since).toISOString(), description };
    return refuse(409, "busy", `${found.value.id} is held by ${conflict.holder} since ${conflict.since}`, { conflict });
  }
  return granted(daemon, call, place.value, taken.granted, {});
}

async function preempt(daemon: Daemon, call: Call): Promise<Reply> {
  const found = await daemon.devices.find(call.params["id"] ?? "");
  if (!found.ok) return refused(found.failure);
  const place = await daemon.devices.place(found.value).open();
  if (!place.ok) return refused(place.failure);
  if (call.gone.aborted) return nobody();
  const held = daemon.claims.leases.exclusiveOf(found.value.id);
  const reason = String(call.body["reason"]);
  const taken = await daemon.claims.take({ ...wishOf(daemon, found.value, call), description: reason, takeover: reason });
  if ("conflict" in taken) throw new Error("a takeover was refused");
  return granted(daemon, call, place.value, taken.granted, { preempted_client_id: held?.client ?? null });
}

/** The lease with what a tool opens; ended again where its client has gone while monitors made way. */
function granted(daemon: Daemon, call: Call, { address, note }: OpenPlace, { id, device, expires }: Lease, more: object): Reply {
  if (call.gone.aborted) daemon.claims.release(id);
  if (daemon.claims.leases.get(id) === null)
    return refuse(409, "lease-lost", `the lease on ${device} was over before its monitors had made way`);
  const until = expires === null ? null : new Date(expires).toISOString();
  return reply({ success: true, ...more, lease_id: id, device_id: device, port: addressText(address), note, expires: until });
}

function wishOf(daemon: Daemon, device: Device, { body }: Call): Wish {
  const client = typeof body["client_id"] === "string" && body["client_id"] !== "" ? body["client_id"] : "unknown";
  const pid = typeof body["client_pid"] === "number" ? body["client_pid"] : null;
  const bound = daemon.presence.has(client) || pid !== null;
  const ttl = typeof body["ttl_seconds"] === "number" ? body["ttl_seconds"] : bound ? null : DEFAULT_TTL_S;
  const description = typeof body["description"] === "string" && body["description"] !== "" ? body["description"] : "a client";
  return {
    device: device.id,
    mode: "exclusive",
    client,
    description,
    ttl: ttl === null ? null : ttl * 1000,
    pid,
    takeover: null,
    patient: false,
  };
}

function renew(daemon: Daemon, id: string, ttl: unknown): Reply {
  const renewed = daemon.claims.renew(id, (typeof ttl === "number" ? ttl : DEFAULT_TTL_S) * 1000);
  const lease = daemon.claims.leases.get(id);
  if (!renewed || lease === null) return refuse(404, "lease", `there is no lease ${id}`);
  const expires = lease.expires === null ? null : new Date(lease.expires).toISOString();
  return reply({ success: true, lease_id: id, device_id: lease.device, port: null, note: null, expires });
}

async function release(daemon: Daemon, call: Call): Promise<Reply> {
  const id = String(call.body["lease_id"]);
  const lease = daemon.claims.leases.get(id);
  const named = call.params["id"] ?? "";
  // By its id also when it is not there any more.
  const device = lease?.device === named ? named : await daemon.devices.find(named).then((d) => (d.ok ? d.value.id : null));
  if (lease === null || device !== lease.device)
    return refuse(404, "lease", `there is no lease ${id} of this device: it is over, or never was`);
  daemon.claims.release(id);
  return reply({ success: true, lease_id: id });
}

/** Its client went while the device was made ready: nothing is held for it, not for a moment. */
function nobody(): Reply {
  return refuse(409, "gone", "nobody waits for this lease");
}

/** A text that names no port is the client's mistake; a device that is not there may come. */
function refused(f: Failure): Reply {
  return refuse(f.exit === 2 ? 400 : 404, f.code, f.message, { hint: f.hint });
}
