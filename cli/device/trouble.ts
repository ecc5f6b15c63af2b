/** What goes wrong with ports, said so that the reader knows what to do: failures of exit 5. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { fail, failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { SerialSettings } from "./connection.ts";
import { lockHolders, otherHolders, type PortHolder } from "./holder.ts";
import { listPorts } from "./ports.ts";

/** The binding says its errors in English sentences with the system's text in them. */
const DENIED = /permission denied|access denied|EACCES|EPERM|not permitted/i;
const BUSY = /resource busy|temporarily unavailable|cannot lock|EBUSY|EAGAIN/i;

/** Why serialport did not open a port. */
export async function whyNotOpened<T>(path: string, settings: SerialSettings, error: unknown): Promise<Result<T>> {
  const text = error instanceof Error ? error.message : String(error);
  if (DENIED.test(text)) return fail(denied(path));
  if (BUSY.test(text)) return busy(path, lockers(path));
  if (path.startsWith("/") && !existsSync(path)) return fail(await notFound(path));
  if (/no such (file|device)|file not found|cannot find|ENOENT|ENXIO|ENODEV/i.test(text)) return fail(await notFound(path));
  if (/baud/i.test(text))
    return fail(
      failure("device.settings", 5, `${path} does not take ${settings.baud} baud: ${text}`, { hint: "another monitor_speed, or -b BAUD" }),
    );
  return fail(failure("device.open", 5, `${path} can not be opened: ${text}`, { hint: "`fb devices` lists the ports of this machine" }));
}

function lockers(path: string): readonly PortHolder[] {
  const holders = lockHolders(path);
  return holders.length > 0 ? holders : otherHolders(path);
}

/** Failure: a port that other processes have open. */
export function busy<T>(path: string, holders: readonly PortHolder[]): Result<T> {
  const by = holders.length === 0 ? "another program" : holders.map(({ name, pid }) => `${name} (process ${pid})`).join(", ");
  const manager = holders.some(({ name }) => name.startsWith("ModemManager"));
  const hint = manager
    ? "ModemManager tries new ports for some seconds: try again, or stop it (systemctl stop ModemManager)"
    : holders.length === 0
      ? "close the other monitor, upload or terminal that uses it; of other users' programs only root learns the names"
      : "end it, or close the port there";
  return fail(failure("device.busy", 5, `${path} is in use by ${by}`, { hint }));
}

/** A port that is not there, and those that are. */
export async function notFound(path: string): Promise<Failure> {
  return failure("device.not-found", 5, `there is no port ${path}`, { hint: await candidates() });
}

/** For hints: the ports there are. */
export async function candidates(): Promise<string> {
  const ports = await listPorts();
  if (ports.length === 0) return "no serial port is there: plug the board in; some cables only carry power";
  return `the ports that are there: ${ports.map(({ port, description }) => (description === null ? port : `${port} (${description})`)).join(", ")}`;
}

/** A port that was open and is no more. */
export function vanished(path: string, error: unknown): Failure {
  // A port that hung up is EIO to who reads and a bad descriptor to who polls; that says nothing to anybody.
  const hungUp = error instanceof Error && /EIO|EBADF|bad file descriptor|ENXIO|ENODEV/i.test(error.message);
  const why = error instanceof Error && !hungUp ? `: ${error.message}` : "";
  return failure("device.vanished", 5, `${path} has gone${why}`, {
    hint: "the board was unplugged, lost its power or was reset: look at the cable",
  });
}

function denied(path: string): Failure {
  const group = groupOf(path);
  const who = process.platform === "linux" ? userInfo().username : "";
  const hint =
    group === null || group === "root"
      ? "its owner is root alone: PlatformIO's and Arduino's udev rules give boards to their users"
      : `its group is ${group}: sudo usermod -aG ${group} ${who}, then log in anew`;
  return failure("device.permission", 5, `no permission to open ${path}`, { hint });
}

function groupOf(path: string): string | null {
  try {
    const { gid, mode } = statSync(path);
    if ((mode & 0o060) !== 0o060) return null;
    const row = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((line) => line.split(":")[2] === String(gid));
    return row?.split(":")[0] ?? null;
  } catch {
    return null;
  }
}

/** What is there and can be no serial port: files, folders, /dev/null and its like (major numbers of Linux's Documentation/admin-guide/devices.txt: 1 memory, 5 the terminal's own names). Null: it may be one. */
export function notAPort(path: string): Failure | null {
  try {
    const facts = statSync(path);
    const major = (facts.rdev >> 8) & 0xfff;
    if (facts.isCharacterDevice() && !(process.platform === "linux" && (major === 1 || major === 5))) return null;
  } catch {
    return null;
  }
  return failure("device.not-a-port", 5, `${path} is not a serial port`, { hint: "`fb devices` lists the ports of this machine" });
}
