/** A device as the daemon's list tells of it (routes-devices.ts), read by its clients. */
import type { DevicePort } from "../device/ports.ts";
import type { JsonObject } from "./ask.ts";

export type ListedPort = Pick<DevicePort, "id" | "port" | "vid" | "pid" | "serial" | "description">;

export interface ListedClaim {
  readonly mode: "exclusive" | "monitor";
  /** For people. */
  readonly holder: string;
  /** ISO 8601. */
  readonly since: string;
}

/** What is told of a port. */
export function listed({ id, port, vid, pid, serial, description }: ListedPort): ListedPort {
  return { id, port, vid, pid, serial, description };
}

export function portOf(device: JsonObject): ListedPort {
  return listed(device["device_info"] as ListedPort);
}

/** Who has it, who watches it. */
export function claimsOf(device: JsonObject): readonly ListedClaim[] {
  const held = device["exclusive_lease"] as JsonObject | null;
  const leases = [...(held === null ? [] : [held]), ...(device["monitor_leases"] as readonly JsonObject[])];
  return leases.map((l) => ({
    mode: l["lease_type"] === "monitor" ? "monitor" : "exclusive",
    holder: String(l["holder"]),
    since: String(l["since"]),
  }));
}
