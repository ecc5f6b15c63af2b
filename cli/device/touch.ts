/** The 1200-baud touch: a board with native USB goes into its bootloader when its port is opened at 1200 baud and closed, and comes back as another port. */
import { existsSync } from "node:fs";
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { clock } from "../host/clock.ts";
import type { Lister } from "./choose.ts";
import { openConnection, plainSettings } from "./connection.ts";
import { type DevicePort, listPorts } from "./ports.ts";

/** PlatformIO's figures: after the touch; how long and how often a new port is looked for; what a port gets that only just came. */
const AFTER_MS = 400;
const PATIENCE_MS = 5000;
const LOOK_MS = 250;
const BUSY_MS = 1000;

/** Failures (exit 5) of opening it. A port that goes while it is touched has done what it should. */
export async function touch(path: string, stop: AbortSignal): Promise<Result<null>> {
  const opened = await openConnection({ is: "serial", path }, { ...plainSettings(1200), dtr: false }, { data() {}, closed() {} });
  if (!opened.ok) return opened;
  await opened.value.close();
  await clock.sleep(AFTER_MS, stop);
  return ok(null);
}

/**
 * The port that has come since `before` was listed, or that which went and came back under its name; after 5 s without one the port that was touched, which the board may
 * have kept. Never fails: what cannot be opened then says so itself.
 */
export async function awaitNewPort(
  before: readonly DevicePort[],
  touched: string,
  stop: AbortSignal,
  list: Lister = listPorts,
): Promise<string> {
  const until = clock.monotonicMs() + PATIENCE_MS;
  let known = new Set(before.map(({ port }) => port));
  while (!stop.aborted && clock.monotonicMs() < until) {
    const now = (await list()).map(({ port }) => port);
    const fresh = now.find((port) => !known.has(port));
    if (fresh !== undefined) {
      await readable(fresh, stop);
      return fresh;
    }
    // What has gone is new when it comes back.
    known = new Set(now);
    await clock.sleep(LOOK_MS, stop);
  }
  return touched;
}

/** udev may still be giving it to its group. */
async function readable(path: string, stop: AbortSignal): Promise<void> {
  const opened = await openConnection({ is: "serial", path }, plainSettings(9600), { data() {}, closed() {} });
  if (opened.ok) await opened.value.close();
  else if (existsSync(path)) await clock.sleep(BUSY_MS, stop);
}
