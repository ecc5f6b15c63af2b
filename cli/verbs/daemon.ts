/** `fb daemon`: is it here, what does it hold, start and end it, what it has done. */
import { readFileSync } from "node:fs";
import { failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { Command } from "../command.ts";
import type { JsonObject } from "../daemon/ask.ts";
import { connectDaemon, type DaemonClient } from "../daemon/client.ts";
import { alive, ended, startDaemon } from "../daemon/find.ts";
import { lastLines } from "../daemon/log.ts";
import { type DaemonPlace, type DaemonState, daemonPlace, dropState, readState } from "../daemon/place.ts";
import { openSocket } from "../daemon/socket.ts";
import { complain, type Faces } from "../faces.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { count, sanitize } from "../show/text.ts";
import { seconds } from "../show/time.ts";

type DaemonCommand = Extract<Command, { verb: "daemon" }>;

/** What it takes to end in good order: sessions and builds are ended, clients told. */
const STOP_MS = 10_000;
const LINES = 50;

export async function daemonVerb(command: DaemonCommand, faces: Faces): Promise<number> {
  const found = daemonPlace(process.env);
  if (!found.ok) return complain(faces, [found.failure]);
  const place = found.value;
  switch (command.action) {
    case "status":
      return status(command, faces);
    case "start":
      return start(command, faces);
    case "stop":
      return say(command, faces, await stop(command.force));
    case "restart": {
      const stopped = await stop(command.force);
      return stopped.ok ? start(command, faces) : complain(faces, [stopped.failure]);
    }
    case "kill":
      return say(command, faces, await kill(place));
    case "list":
      return list(command, place, faces);
    case "locks":
      return locks(command, faces);
    case "clear-locks":
      return clearLocks(command, faces);
    case "logs":
      return logs(command, place, faces);
    default:
      return command.action satisfies never;
  }
}

/** Null: none runs. */
async function running(): Promise<Result<DaemonClient | null>> {
  const client = await connectDaemon({ start: false });
  if (client.ok) return client;
  return client.failure.code === "daemon.none" ? ok(null) : client;
}

async function status(command: DaemonCommand, faces: Faces): Promise<number> {
  const client = await running();
  if (!client.ok) return complain(faces, [client.failure]);
  if (client.value === null) {
    faces.out.write(command.json ? '{"running":false}\n' : "no daemon runs: it starts when something needs it\n");
    return 0;
  }
  const info = await client.value.request("GET", "/api/daemon/status");
  const held = await client.value.request("GET", "/api/locks/status");
  if (!info.ok) return complain(faces, [info.failure]);
  if (!held.ok) return complain(faces, [held.failure]);
  const { body } = info.value;
  if (command.json) {
    faces.out.write(`${JSON.stringify({ running: true, ...body })}\n`);
    return 0;
  }
  const since = seconds(Number(body["uptime_seconds"]) * 1000);
  const clients = count(Number(body["client_count"]), "client");
  faces.out.write(`fb's daemon ${body["version"]} runs since ${since}: process ${body["pid"]}, 127.0.0.1:${body["port"]}, ${clients}\n`);
  faces.out.write(lockLines(held.value.body, faces.out.color));
  return 0;
}

async function start(command: DaemonCommand, faces: Faces): Promise<number> {
  const started = await startDaemon(process.env);
  if (!started.ok) return complain(faces, [started.failure]);
  const { pid, port } = started.value.state;
  if (command.json) faces.out.write(`${JSON.stringify({ running: true, pid, port })}\n`);
  else faces.out.write(`fb's daemon runs: process ${pid}, 127.0.0.1:${port}\n`);
  return complain(faces, started.value.notes);
}

function say(command: DaemonCommand, faces: Faces, done: Result<string>): number {
  if (!done.ok) return complain(faces, [done.failure]);
  faces.out.write(command.json ? `${JSON.stringify({ running: false, message: done.value })}\n` : `${done.value}\n`);
  return 0;
}

async function stop(force: boolean): Promise<Result<string>> {
  const client = await running();
  if (!client.ok) return client;
  if (client.value === null) return ok("no daemon runs");
  const { pid } = client.value.state;
  const answer = await client.value.request("POST", `/api/daemon/shutdown${force ? "?force=true" : ""}`);
  if (!answer.ok) return answer;
  if (answer.value.status !== 200) {
    const hint = "--force ends it nevertheless; `fb daemon locks` says who holds what";
    return { ok: false, failure: failure("daemon.busy", 5, `the daemon goes on: ${answer.value.body["message"]}`, { hint }) };
  }
  if (await ended(pid, STOP_MS)) return ok(`the daemon (process ${pid}) has ended`);
  return { ok: false, failure: failure("daemon.stuck", 4, `the daemon (process ${pid}) does not end`, { hint: "`fb daemon kill`" }) };
}

/** Its process is ended whatever it does; only if it is a daemon: the number of one that died may be another's by now. */
async function kill(place: DaemonPlace): Promise<Result<string>> {
  const state = readState(place);
  if (state === null || !alive(state.pid) || !(await isDaemon(state, place))) {
    if (state !== null) dropState(place, state.pid);
    return ok("no daemon runs");
  }
  process.kill(state.pid, "SIGKILL");
  await ended(state.pid, STOP_MS);
  dropState(place, state.pid);
  return ok(`the daemon (process ${state.pid}) was killed`);
}

async function isDaemon({ pid }: DaemonState, place: DaemonPlace): Promise<boolean> {
  if (process.platform === "linux") {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(place.folder);
    } catch {
      return false;
    }
  }
  const client = await running();
  return client.ok && client.value?.state.pid === pid;
}

async function list(command: DaemonCommand, place: DaemonPlace, faces: Faces): Promise<number> {
  const client = await running();
  if (!client.ok) return complain(faces, [client.failure]);
  const { value } = client;
  const all = value === null ? [] : [{ pid: value.state.pid, port: value.state.port, version: value.state.version, folder: place.folder }];
  if (command.json) faces.out.write(`${JSON.stringify(all)}\n`);
  else
    faces.out.write(
      all.length === 0 ? "no daemon runs\n" : all.map((d) => `${d.pid}  127.0.0.1:${d.port}  fb ${d.version}  ${d.folder}\n`).join(""),
    );
  return 0;
}

async function locks(command: DaemonCommand, faces: Faces): Promise<number> {
  const client = await running();
  if (!client.ok) return complain(faces, [client.failure]);
  if (client.value === null) {
    const none = { success: true, port_locks: [], project_locks: [], stale_locks: [] };
    faces.out.write(command.json ? `${JSON.stringify(none)}\n` : "nobody holds anything: no daemon runs\n");
    return 0;
  }
  const answer = await client.value.request("GET", "/api/locks/status");
  if (!answer.ok) return complain(faces, [answer.failure]);
  const { body } = answer.value;
  const lines = lockLines(body, faces.out.color);
  faces.out.write(command.json ? `${JSON.stringify(body)}\n` : lines === "" ? "nobody holds anything\n" : lines);
  return 0;
}

/** `DEVICE: exclusive, HOLDER, since WHEN`. */
function lockLines(body: JsonObject, color: boolean): string {
  const rows = (name: string) => (Array.isArray(body[name]) ? (body[name] as readonly JsonObject[]) : []);
  const ports = rows("port_locks").map((l) => `${l["device_id"]}: ${l["lease_type"]}, ${l["holder"]}, since ${l["since"]}\n`);
  const projects = rows("project_locks").map((l) => `${l["what"]}: ${l["kind"]}, since ${l["since"]}\n`);
  return [...ports, ...projects].map((line) => sanitize(line, color)).join("");
}

async function clearLocks(command: DaemonCommand, faces: Faces): Promise<number> {
  const client = await running();
  if (!client.ok) return complain(faces, [client.failure]);
  const none = { ok: true, value: { status: 200, body: { success: true, cleared_count: 0, message: "no daemon runs" } } } as const;
  const answer = client.value === null ? none : await client.value.request("POST", "/api/locks/clear");
  if (!answer.ok) return complain(faces, [answer.failure]);
  const { body } = answer.value;
  faces.out.write(command.json ? `${JSON.stringify(body)}\n` : `${body["message"]}\n`);
  return 0;
}

async function logs(command: DaemonCommand, place: DaemonPlace, faces: Faces): Promise<number> {
  const line = (text: string) =>
    faces.out.write(command.json ? `${JSON.stringify({ line: text })}\n` : `${sanitize(text, faces.out.color)}\n`);
  const said = lastLines(place.log, command.lines ?? LINES);
  if (!command.follow) {
    if (command.json) faces.out.write(`${JSON.stringify(said)}\n`);
    else for (const one of said) line(one);
    return 0;
  }
  const client = await connectDaemon({ start: false });
  for (const one of said) line(one);
  if (!client.ok) return complain(faces, [client.failure]);
  const signals = watchSignals(() => {});
  const socket = await openSocket(client.value.state, "/ws/logs", (message) => {
    const { line: text } = message as JsonObject;
    if (typeof text === "string") line(text);
  });
  if (!socket.ok) return complain(faces, [socket.failure]);
  return new Promise((resolve) => {
    socket.value.on("close", () => resolve(signals.stop.aborted ? INTERRUPTED : 0));
    const quit = () => socket.value.terminate();
    signals.stop.addEventListener("abort", quit);
    if (signals.stop.aborted) quit();
  });
}
