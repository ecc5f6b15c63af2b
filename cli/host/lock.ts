/**
 * The project lock: a listening socket whose name comes from the project's real path.
 *
 * The kernel frees it with the last process that holds it: no stale file, no pid to misjudge. Who finds it taken connects, reads one line of JSON that names
 * the holder, and keeps the connection: its end is the signal to try again, so nobody polls. Taking it costs
 * 0.7 ms the first time when node:child_process is loaded already (2.3 otherwise: listening loads node:cluster, which needs it), 0.15 after that.
 *
 * Linux: an abstract socket, "\0fb-UID-" and 40 hex digits of sha256(real path). It lives in the network namespace: two containers that share a folder but not the
 * network do not see each other. Any user may take an abstract name; the uid in it keeps users from meeting by accident, not by intent (cost: waiting).
 * Elsewhere: a socket file in TMPDIR/fb-UID, which a kill leaves behind; a file that refuses connections is removed under a folder made with mkdir, which one
 * process at a time can make. Windows: a named pipe. Only Linux's form and the file form (on Linux) are tested.
 *
 * The guardian inherits the socket (see guardian.ts): when fb was killed, connections are accepted by nobody until the guardian exits and the kernel resets them.
 */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { makeFolders } from "../../cache/folders.ts";

/** Who has the lock. */
export interface Holder {
  readonly pid: number;
  /** As typed: [":firmware@uno"]. */
  readonly request: readonly string[];
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface Lock {
  readonly holder: Holder;
  /**
   * The socket's descriptor, for a process that is to hold the lock beyond this one's death; `drop` is called when the lock is released and must make that
   * process let go. Null when it has been released.
   */
  share(drop: () => void): number | null;
  /** Frees the lock; the second call does nothing. */
  release(): void;
}

export interface LockRequest {
  readonly request: readonly string[];
  /** Called once for each holder that is waited for; null: one that does not answer, most likely a killed fb whose actions are being ended. */
  readonly onWait: (holder: Holder | null) => void;
  /** Ends the waiting. */
  readonly stop: AbortSignal;
  /** Where the lock lives; null lets the platform decide. */
  readonly form: "abstract" | "file" | "pipe" | null;
}

/** Milliseconds after which a holder that has not answered is called silent; it is waited for all the same. */
const SILENT_MS = 300;
/** Milliseconds after which a removal that another process began is taken for abandoned. */
const ABANDONED_MS = 5000;

class SocketLock implements Lock {
  readonly holder: Holder;
  readonly #server: net.Server;
  readonly #waiters: Set<net.Socket>;
  readonly #drops: (() => void)[] = [];
  #held = true;

  constructor(server: net.Server, waiters: Set<net.Socket>, holder: Holder) {
    this.#server = server;
    this.#waiters = waiters;
    this.holder = holder;
  }

  share(drop: () => void): number | null {
    if (!this.#held) return null;
    // Node has no public way from a server to its descriptor; `_handle.fd` has been there since 0.12 and stdio lists take the number.
    const handle = (this.#server as unknown as { readonly _handle?: { readonly fd?: number } })._handle;
    if (typeof handle?.fd !== "number" || handle.fd < 0) throw new Error("this Node hides the descriptor of a listening socket");
    this.#drops.push(drop);
    return handle.fd;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    for (const drop of this.#drops) drop();
    this.#server.close();
    for (const w of this.#waiters) w.destroy();
  }
}

/** Waits for the project's lock and takes it; null when `stop` came first. `project`: its folder, which must be there. Throws what the system says when sockets cannot be had. */
export async function acquireLock(project: string, r: LockRequest): Promise<Lock | null> {
  const form = r.form ?? (process.platform === "linux" ? "abstract" : process.platform === "win32" ? "pipe" : "file");
  const address = addressOf(fs.realpathSync.native(project), form);
  let shown = "";
  const onWait = (holder: Holder | null) => {
    const text = JSON.stringify(holder);
    if (text !== shown) r.onWait(holder);
    shown = text;
  };
  while (!r.stop.aborted) {
    const holder: Holder = { pid: process.pid, request: r.request, since: Date.now() };
    const lock = await listen(address, holder);
    if (lock !== null) return lock;
    const heard = await waitForEnd(address, onWait, r.stop);
    if (heard || r.stop.aborted) continue;
    if (form === "file") await removeStale(address);
    // Refused: it was freed between the two calls, or its file is stale and another process is at it.
    await after(1);
  }
  return null;
}

function addressOf(real: string, form: "abstract" | "file" | "pipe"): string {
  const user = process.getuid?.() ?? os.userInfo().username;
  const name = crypto.hash("sha256", real, "hex").slice(0, 40);
  if (form === "abstract") return `\0fb-${user}-${name}`;
  if (form === "pipe") return `\\\\.\\pipe\\fb-${user}-${name}`;
  // 104 bytes is all that macOS takes: its TMPDIR has 49.
  const folder = path.join(os.tmpdir(), `fb-${user}`);
  makeFolders(folder, 0o700);
  return path.join(folder, name);
}

/** Null when the address is taken. */
function listen(address: string, holder: Holder): Promise<Lock | null> {
  const waiters = new Set<net.Socket>();
  const line = `${JSON.stringify(holder)}\n`;
  const server = net.createServer((socket) => {
    waiters.add(socket);
    socket.unref();
    socket.on("error", () => {});
    socket.on("close", () => waiters.delete(socket));
    socket.write(line);
    socket.resume();
  });
  return new Promise((resolve, reject) => {
    server.once("error", (e: NodeJS.ErrnoException) => (e.code === "EADDRINUSE" ? resolve(null) : reject(e)));
    // Does not keep fb alive: the lock goes with the process anyway.
    server.listen(address, () => resolve(new SocketLock(server, waiters, holder))).unref();
  });
}

/** Connects and stays until the holder lets go. False when nobody listens. */
function waitForEnd(address: string, onWait: (holder: Holder | null) => void, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    let connected = false;
    let text = "";
    const socket = net.connect(address);
    const silent = setTimeout(() => onWait(null), SILENT_MS);
    const quit = () => socket.destroy();
    stop.addEventListener("abort", quit);
    socket.setEncoding("utf8");
    socket.on("connect", () => {
      connected = true;
    });
    socket.on("data", (more: string) => {
      text += more;
      const end = text.indexOf("\n");
      if (end < 0) return;
      clearTimeout(silent);
      onWait(parseHolder(text.slice(0, end)));
      text = "";
    });
    // ECONNREFUSED, or ECONNRESET of a lock whose holder died before it accepted.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(silent);
      stop.removeEventListener("abort", quit);
      resolve(connected);
    });
  });
}

function parseHolder(line: string): Holder | null {
  try {
    const v: unknown = JSON.parse(line);
    if (typeof v !== "object" || v === null || !("pid" in v) || !("request" in v) || !("since" in v)) return null;
    if (typeof v.pid !== "number" || typeof v.since !== "number" || !Array.isArray(v.request)) return null;
    return { pid: v.pid, request: v.request.map(String), since: v.since };
  } catch {
    return null;
  }
}

/**
 * Removes a socket file that refuses connections. While the file is there nobody can listen, and only who made the folder may remove it, so what is removed
 * is the file that refused.
 */
async function removeStale(address: string): Promise<void> {
  const right = `${address}.removal`;
  try {
    fs.mkdirSync(right);
  } catch {
    const s = fs.statSync(right, { throwIfNoEntry: false });
    if (s && Date.now() - s.mtimeMs > ABANDONED_MS) fs.rmSync(right, { recursive: true, force: true });
    return;
  }
  const refuses = await new Promise<boolean>((resolve) => {
    const socket = net.connect(address, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", (e: NodeJS.ErrnoException) => resolve(e.code === "ECONNREFUSED"));
  });
  if (refuses) fs.rmSync(address, { force: true });
  fs.rmdirSync(right);
}
