/** The daemon's WebSockets. */
import type { Daemon } from "./daemon.ts";
import type { SocketRoute } from "./server.ts";

export function socketRoutes(daemon: Daemon): readonly SocketRoute[] {
  return [
    {
      path: "/ws/serial-monitor",
      says: "a serial session: attach, write, signals, detach, ping; attached, data, preempted, lost, reconnected, write_ack, ended, error, pong",
      open: (socket) => void daemon.serial(socket),
    },
    {
      path: "/ws/monitor/{session_id}",
      says: "a serial session that is open, by the session_id of `attached`: as /ws/serial-monitor, attached from the start. Query: client_id, raw=true, from_index",
      open(socket, params, query) {
        const channel = daemon.hub.byId(params["session_id"] ?? "");
        if (channel === null || channel.ended) {
          socket.send(
            JSON.stringify({
              type: "error",
              error: "session",
              message: "there is no such session: it is over",
              hint: "attach by /ws/serial-monitor",
              exit: 5,
            }),
          );
          return socket.close(1008, "there is no such session");
        }
        const client = (query["client_id"] ?? "").slice(0, 200) || `session-${channel.id.slice(0, 8)}`;
        const from = /^\d{1,15}$/.test(query["from_index"] ?? "") ? Number(query["from_index"]) : null;
        daemon.serial(socket).join(channel, client, query["raw"] === "true", from, null);
      },
    },
    {
      path: "/ws/client",
      says: "a client that is here under the client_id of the query: its leases end when this socket closes. It is told `hello`, and `lease_lost` {lease_id, reason}",
      open(socket, _, query) {
        const name = (query["client_id"] ?? "").slice(0, 200);
        if (name === "") return socket.close(1008, "?client_id= is missing");
        daemon.client(socket, name);
      },
    },
    {
      path: "/ws/status",
      says: "`status` now and whenever something changes: what the daemon is, leases, sessions, operations",
      open: (socket) => daemon.status.add(socket, { type: "status", ...daemon.snapshot() }),
    },
    { path: "/ws/logs", says: "`log` {line}, each line of the log as it is written", open: (socket) => daemon.logs.add(socket) },
  ];
}
