/** A serial port behind RFC 2217: telnet whose option 44 sets speed, frame, flow control and lines of the port at the other side. */
import type { Result } from "../../engine/types.ts";
import type { PortAddress } from "./address.ts";
import type { Connection, ConnectionFaces, SerialSettings } from "./connection.ts";
import { connectTcp } from "./socket.ts";
import { Rfc2217Connection } from "./rfc2217-connection.ts";

/** openConnection for rfc2217://. Failures (exit 5) as of a socket; the server speaks no RFC 2217, or refuses a setting. */
export async function openRfc2217(
  address: Extract<PortAddress, { readonly is: "rfc2217" }>,
  settings: SerialSettings,
  on: ConnectionFaces,
  stop: AbortSignal | null,
): Promise<Result<Connection>> {
  const connected = await connectTcp(address, stop);
  return connected.ok ? Rfc2217Connection.negotiate(address, connected.value, settings, on, stop) : connected;
}
