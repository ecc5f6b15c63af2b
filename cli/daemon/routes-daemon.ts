/** Routes about the daemon itself: its health, its end, its locks, its own description. */
import type { Daemon } from "./daemon.ts";
import { leaseJson } from "./daemon.ts";
import { healthOf } from "./facts.ts";
import { type Reply, reply, type Route, refuse } from "./route.ts";
import { flag, list, object, orNull, type Schema, seconds, text, whole } from "./schema.ts";

export const LEASE: Schema = object({
  lease_id: text("names it"),
  device_id: text("of the device"),
  lease_type: { type: "string", enum: ["exclusive", "monitor"] },
  client_id: text("the client's own name"),
  holder: text("who holds it, for people"),
  description: text("what for"),
  since: text("ISO 8601"),
  expires: orNull(text("ISO 8601; null: it ends with its client, or by release")),
});
const OPERATION: Schema = object({
  id: text("its request_id"),
  kind: text("build, deploy, install-deps or monitor"),
  what: text("project or port"),
  since: text("ISO 8601"),
});
const SUCCESS = flag("whether it was done");
const HEALTH = object({
  status: text("healthy"),
  uptime_seconds: seconds("since its start"),
  version: text("of fb"),
  pid: whole("its process"),
});
const INFO = {
  pid: whole("its process"),
  started_at: text("ISO 8601"),
  uptime_seconds: seconds("since then"),
  version: text("of fb"),
  build: text("a digest of the fb that it is"),
  port: whole("where it listens"),
  host: text("127.0.0.1"),
  dev_mode: flag("FB_DEV_MODE"),
  client_count: whole("clients with an open WebSocket"),
  operation_in_progress: flag("ending it now would break something"),
};

export function daemonRoutes(daemon: Daemon, openapi: () => object): Route[] {
  const get = (path: string, says: string, answer: Schema, run: () => object, open = false): Route => ({
    method: "GET",
    path,
    says,
    open,
    query: {},
    body: null,
    answers: { 200: answer },
    run: () => reply(run()),
  });
  const health = () => healthOf(daemon.facts);
  const info = () => daemon.info();
  const locks = {
    path: "/api/locks/status",
    says: "who holds what",
    open: false,
    query: {},
    body: null,
    answers: { 200: LOCKS },
    run: () => reply(locksOf(daemon)),
  };
  return [
    get("/health", "whether it lives", HEALTH, health, true),
    get("/", "the same", HEALTH, health, true),
    get("/api/daemon/status", "what it is", object(INFO), info),
    get("/api/daemon/info", "the same", object(INFO), info),
    get("/openapi.json", "this description", { type: "object", properties: {}, required: [] }, openapi),
    {
      method: "POST",
      path: "/api/daemon/shutdown",
      says: "end it; 409 while something runs that would break",
      open: false,
      query: { force: "true: end what runs, too", idle: "true: only if nobody is here" },
      body: null,
      answers: { 200: object({ success: SUCCESS, message: text("for people") }) },
      run: ({ query }) => shutdown(daemon, query),
    },
    { method: "GET", ...locks },
    { method: "POST", ...locks },
    {
      method: "POST",
      path: "/api/locks/clear",
      says: "end leases whose client is no more; others are released or taken",
      open: false,
      query: {},
      body: null,
      answers: { 200: object({ success: SUCCESS, cleared_count: whole("so many"), message: text("for people") }) },
      run: () => {
        const cleared = daemon.claims.clear();
        return reply({ success: true, cleared_count: cleared, message: `${cleared} stale leases ended` });
      },
    },
  ];
}

const LOCKS = object({
  success: SUCCESS,
  port_locks: list(LEASE, "leases of devices"),
  project_locks: list(OPERATION, "what this daemon does in projects"),
  stale_locks: list(LEASE, "leases that should be over; locks/clear ends them"),
});

function locksOf(daemon: Daemon): object {
  const now = Date.now();
  const leases = daemon.claims.leases.all();
  const projects = daemon.operations.all().filter((o) => o.kind !== "monitor");
  return {
    success: true,
    port_locks: leases.map(leaseJson),
    project_locks: projects.map((o) => ({ ...o, since: new Date(o.since).toISOString() })),
    stale_locks: leases.filter((l) => l.expires !== null && l.expires < now).map(leaseJson),
  };
}

function shutdown(daemon: Daemon, query: Readonly<Record<string, string>>): Reply {
  const { operation } = daemon;
  if (query["idle"] === "true" && daemon.needed) return refuse(409, "busy", operation ?? "clients are connected");
  if (operation !== null && query["force"] !== "true") return refuse(409, "busy", `${operation}: ?force=true ends it, too`);
  // After this answer is out.
  setImmediate(() => daemon.shutdown("it was asked to"));
  return reply({ success: true, message: "the daemon ends" });
}
