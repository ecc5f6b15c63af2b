/**
 * The daemon's process, started detached by find.ts with its folder as the only argument. When it listens it says so in one line on stdout, which is then closed: what
 * it has to say after that goes to its log. It ends by a request, by SIGTERM or SIGINT, or when nobody has needed it for half an hour.
 *
 * FB_DAEMON_PORT: where it listens (8765; with FB_DEV_MODE=1 8865; 0: any that is free). A port that another program has is said, and a free one taken: clients know it from the state file.
 * FB_DAEMON_IDLE: seconds without anybody after which it ends (1800).
 */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { coresAtHand, SimBoards } from "../device/sim/boards.ts";
import { buildId, version } from "../home.ts";
import { portHolder } from "./port-holder.ts";
import { Daemon } from "./daemon.ts";
import { openLog } from "./log.ts";
import { openapi } from "./openapi.ts";
import { daemonPlace, dropState, readState, writeState } from "./place.ts";
import { alive } from "./find.ts";
import { allRoutes } from "./routes.ts";
import { openDoor, type OpenDoor } from "./server.ts";
import { socketRoutes } from "./socket-routes.ts";

const PORT = 8765;
const DEV_PORT = 8865;
const IDLE_S = 1800;
/** How often it is looked whether it is still needed, and still the one that its folder names. */
const LOOK_MS = 1000;

async function main(): Promise<void> {
  const folder = process.argv[2] ?? "";
  // The folder says whose daemon this is; it lies in its cache.
  const place = daemonPlace({ ...process.env, FB_CACHE_DIR: basename(folder) === "daemon" ? dirname(folder) : folder });
  if (!place.ok) throw new Error(place.failure.message);
  const log = openLog(place.value.log);
  const token = randomBytes(32).toString("base64url");
  const devMode = process.env["FB_DEV_MODE"] === "1";
  const startedAt = Date.now();
  let finish: (why: string) => void = () => {};
  const finished = new Promise<string>((resolve) => (finish = resolve));
  const facts = { pid: process.pid, port: 0, host: "127.0.0.1", version, build: buildId, devMode, startedAt };
  const sims = new SimBoards(() => coresAtHand(dirname(place.value.folder), null));
  const daemon = new Daemon(facts, log, sims, (why) => finish(why));
  const routes = allRoutes(daemon, () => openapi(routes, sockets, version));
  const sockets = socketRoutes(daemon);
  const named = process.env["FB_DAEMON_PORT"] ?? "";
  const wanted = /^\d{1,5}$/.test(named) ? Number(named) : devMode ? DEV_PORT : PORT;
  const door = await openSomewhere(wanted, (port) =>
    openDoor({
      port,
      token,
      routes,
      sockets,
      wrong: (what, error) => log.line(`a bug in fb: ${what}: ${error instanceof Error ? error.stack : error}`),
    }),
  );
  if (door.note !== null) log.line(door.note);
  facts.port = door.open.port;
  writeState(place.value, { pid: process.pid, host: facts.host, port: facts.port, token, version, build: buildId, startedAt });
  log.line(`fb ${version} (${buildId}) listens at 127.0.0.1:${facts.port}, process ${process.pid}`);
  process.stdout.write("listening\n");
  // Who started it waits for this end.
  closeSync(1);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => finish(signal));
  const idleMs = (Number(process.env["FB_DAEMON_IDLE"] ?? "") || IDLE_S) * 1000;
  const look = setInterval(() => {
    const state = readState(place.value);
    if (state?.pid === process.pid) return daemon.endIfIdle(idleMs);
    if (state !== null && alive(state.pid)) return finish("another daemon has its place");
    // Somebody removed its file, or the whole cache.
    if (!existsSync(place.value.folder)) return finish("its folder is gone");
    writeState(place.value, { pid: process.pid, host: facts.host, port: facts.port, token, version, build: buildId, startedAt });
  }, LOOK_MS);
  const why = await finished;
  clearInterval(look);
  log.line(`ends: ${why}`);
  dropState(place.value, process.pid);
  const closed = door.open.close();
  await daemon.close();
  await closed;
  log.line("ended");
  process.exit(0);
}

/** The wanted port, or a free one with a note that says who has it. */
async function openSomewhere(
  wanted: number,
  open: (port: number) => Promise<OpenDoor>,
): Promise<{ readonly open: OpenDoor; readonly note: string | null }> {
  try {
    return { open: await open(wanted), note: null };
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    const why = code === "EACCES" ? "is not for this user" : `is taken by ${portHolder(wanted) ?? "a program that is not to be seen"}`;
    return { open: await open(0), note: `port ${wanted} ${why}: a free one is used` };
  }
}

main().catch((error: unknown) => {
  // To the log, and to who started it.
  process.stderr.write(`${new Date().toISOString()} ${error instanceof Error ? error.stack : error}\n`);
  try {
    process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
  } catch {
    // It has closed it already.
  }
  process.exit(1);
});
