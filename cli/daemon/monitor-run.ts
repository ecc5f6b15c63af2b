/** A monitor without a client's WebSocket: watches a port until its patterns or its time decide. */
import { randomUUID } from "node:crypto";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { plainSettings } from "../device/connection.ts";
import type { Patterns, Verdict } from "../device/patterns.ts";
import type { Channel } from "./channel.ts";
import type { Daemon } from "./daemon.ts";
import type { ServerMessage } from "./messages.ts";
import { Watcher } from "./watcher.ts";

/** The last lines are told. */
const LINES = 1000;

export interface Watched extends Verdict {
  readonly lines: readonly string[];
}

/** limit: seconds; null: none. gone: ends it. Failure: the port (exit 5; 2 where the text names none). */
export async function monitorByPatterns(
  daemon: Daemon,
  port: string,
  baud: number,
  patterns: Patterns,
  limit: number | null,
  gone: AbortSignal,
): Promise<Result<Watched>> {
  const device = await daemon.devices.find(port);
  if (!device.ok) return device;
  const client = `monitor-${randomUUID().slice(0, 8)}`;
  const leave = daemon.presence.enter(client);
  const { promise, resolve } = Promise.withResolvers<Result<Verdict>>();
  const stop = () => resolve(fail(failure("daemon.stopped", 5, "the monitor was ended")));
  const running = daemon.operations.begin("monitor", device.value.id, null, stop);
  gone.addEventListener("abort", stop);
  const lines: string[] = [];
  const hear = (message: ServerMessage) => {
    if (message.type === "ended") return resolve(fail(endedBy(message.message, message.hint)));
    if (message.type !== "data" || !("lines" in message)) return;
    for (const line of message.lines) {
      lines.push(line);
      const verdict = patterns.line(line);
      if (verdict !== null) return resolve(ok(verdict));
    }
    lines.splice(0, lines.length - LINES);
  };
  const sink = {
    bufferedAmount: 0,
    send: (text: string) => hear(JSON.parse(text) as ServerMessage),
    cut: (why: string) => resolve(fail(endedBy(why, ""))),
  };
  let watcher: Watcher | null = null;
  const wish = {
    device: device.value.id,
    mode: "monitor",
    client,
    description: "POST /api/monitor",
    ttl: null,
    pid: null,
    takeover: null,
    patient: true,
  } as const;
  await daemon.claims.take(wish);
  const enter = (channel: Channel) => {
    watcher = new Watcher(client, false, null, channel, sink);
    channel.watchers.add(watcher);
  };
  const opened = await daemon.hub.open(daemon.devices.place(device.value), plainSettings(baud), true, enter);
  const timer =
    limit === null || !opened.ok ? null : setTimeout(() => resolve(ok(patterns.timeUp(opened.value.partialLine))), limit * 1000);
  const verdict = opened.ok ? await promise : opened;
  if (timer !== null) clearTimeout(timer);
  gone.removeEventListener("abort", stop);
  if (opened.ok && watcher !== null) {
    opened.value.watchers.delete(watcher);
    await daemon.hub.left(opened.value);
  }
  leave();
  running.end();
  return verdict.ok ? ok({ ...verdict.value, lines }) : verdict;
}

function endedBy(message: string, hint: string): Failure {
  return failure("device.ended", 5, message, { hint });
}
