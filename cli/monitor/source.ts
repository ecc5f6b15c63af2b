/** Where a monitor's bytes come from and go to: the port itself, or the daemon that holds it. */
import { ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { addressText, type PortAddress } from "../device/address.ts";
import type { Chosen } from "../device/choose.ts";
import type { LineChange, SerialSettings } from "../device/connection.ts";
import { idOf, listPorts, locator } from "../device/ports.ts";
import { PortSession } from "../device/session.ts";

export interface Source {
  /** As it is called for people. */
  readonly device: string;
  write(bytes: Uint8Array): Promise<Result<number>>;
  signals(lines: LineChange): Promise<void>;
  /** The port is free afterwards, unless others watch it. */
  close(): Promise<void>;
}

/** All but ended may come again and again; after ended nothing comes. */
export interface SourceFaces {
  data(bytes: Uint8Array): void;
  /** The device is gone, and waited for. */
  lost(why: Failure): void;
  /** Somebody else has the port for a while. */
  preempted(by: string, reason: string): void;
  reconnected(): void;
  /** A warning. */
  note(why: Failure): void;
  ended(why: Failure): void;
}

export interface SourceOptions {
  readonly reconnect: boolean;
  /** Seconds that a device may be away; null: for ever. */
  readonly patience: number | null;
  /** Instead of the speed of the settings: the monitor was told another one. */
  readonly baud: number | null;
}

/** By the daemon, which is started if none runs: so a port can be watched by several, and given to a flash in between. Without a daemon, by this process. Failure: exit 5. */
export async function openSource(
  address: Chosen["address"],
  settings: SerialSettings,
  options: SourceOptions,
  faces: SourceFaces,
  stop: AbortSignal,
): Promise<Result<Source>> {
  const { connectDaemon } = await import("../daemon/client.ts");
  const daemon = await connectDaemon({ start: true });
  const { DaemonSource } = await import("./daemon-source.ts");
  if (daemon.ok) return DaemonSource.open(daemon.value, address, settings, options, faces);
  if (address.is === "sim") return daemon;
  faces.note({ ...daemon.failure, severity: "warning" });
  return openPort(address, settings, options, faces, stop);
}

/** The port opened by this process. Failure: exit 5. */
export async function openPort(
  address: PortAddress,
  settings: SerialSettings,
  options: SourceOptions,
  faces: SourceFaces,
  stop: AbortSignal,
): Promise<Result<Source>> {
  const id = idOf(address, address.is === "serial" ? await listPorts() : []);
  const opened = await PortSession.open(address, settings, { ...options, locate: locator(id) }, stop);
  if (!opened.ok) return opened;
  const session = opened.value;
  session.subscribe(
    {
      data: (bytes) => faces.data(bytes),
      event(event) {
        switch (event.is) {
          case "lost":
            return faces.lost(event.why);
          case "paused":
            return faces.preempted(event.by, event.reason);
          case "reconnected":
            return faces.reconnected();
          case "ended":
            if (event.why !== null) faces.ended(event.why);
            return;
        }
      },
    },
    0,
  );
  return ok({
    device: addressText(address),
    write: (bytes) => session.write(bytes),
    signals: (lines) => session.signals(lines),
    close: () => session.close(),
  });
}
