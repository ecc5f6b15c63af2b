/** Waiting for a port that is gone: at once when its name is there again. */
import { existsSync } from "node:fs";
import { clock } from "../host/clock.ts";
import type { PortAddress } from "./address.ts";

/** A look at one name is 2 µs. */
const LOOK_MS = 50;

/** Settles after so many milliseconds, sooner when a serial port's name that was not there is, or when it is stopped. */
export async function reappearance(address: PortAddress, ms: number, stop: AbortSignal): Promise<void> {
  const until = clock.monotonicMs() + Math.max(0, ms);
  // Of COM ports there is no file; a socket has no name in the file system.
  const path = address.is === "serial" && address.path.startsWith("/") ? address.path : null;
  let absent = path !== null && !existsSync(path);
  for (;;) {
    const left = until - clock.monotonicMs();
    if (left <= 0 || stop.aborted) return;
    await clock.sleep(path === null ? left : Math.min(LOOK_MS, left), stop);
    if (path === null) continue;
    const there = existsSync(path);
    if (there && absent) return;
    absent = !there;
  }
}
