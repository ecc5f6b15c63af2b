/**
 * A serial port behind RFC 2217, for uploaders that open TCP alone: a port of this machine, whose bytes go there and back. The board is reset through the server's DTR and
 * RTS when the uploader comes, as it would do itself at a serial port.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { PortAddress } from "../device/address.ts";
import { type Connection, openConnection, plainSettings } from "../device/connection.ts";
import { clock } from "../host/clock.ts";

export interface Bridge {
  readonly address: PortAddress;
  /** The port behind it is free afterwards. */
  close(): Promise<void>;
}

/** So long DTR and RTS are off (PlatformIO's FlushSerialBuffer). */
export const RESET_MS = 100;

/** Failures (exit 5) of opening the port behind it. */
export async function openBridge(
  address: Extract<PortAddress, { is: "rfc2217" }>,
  baud: number,
  stop: AbortSignal,
): Promise<Result<Bridge>> {
  let client: Socket | null = null;
  const opened = await openConnection(
    address,
    plainSettings(baud),
    {
      data: (bytes) => void client?.write(bytes),
      // avrdude 7.1 reads for ever at a socket that was closed in good order.
      closed: () => void client?.resetAndDestroy(),
    },
    stop,
  );
  if (!opened.ok) return opened;
  const connection = opened.value;
  const server = createServer({ noDelay: true }, (socket) => {
    if (client !== null) return void socket.resetAndDestroy();
    client = socket;
    let turn: Promise<unknown> = reset(connection, stop);
    socket.on("error", () => {});
    socket.on("close", () => {
      client = null;
    });
    socket.on("data", (bytes) => {
      turn = turn.then(() => connection.write(bytes));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return ok({
    address: { is: "socket", host: "127.0.0.1", port },
    async close() {
      server.close();
      client?.destroy();
      await connection.close();
    },
  });
}

/** DTR and RTS off and on: what most boards take for a reset. */
export async function reset(connection: Connection, stop: AbortSignal): Promise<void> {
  await connection.signals({ dtr: false, rts: false });
  await clock.sleep(RESET_MS, stop);
  await connection.signals({ dtr: true, rts: true });
}
