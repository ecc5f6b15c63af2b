/** Images given to virtual boards, at the ports that they have in the place of a drive, a probe or a bootloader. `fb tool virtual`: to one that is QEMU. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { TAKEN } from "../device/sim/image-upload.ts";
import { imageMessage } from "../device/sim/qemu/image.ts";
import { machineNamed, MACHINES } from "../device/sim/qemu/machines.ts";
import type { InnerSurroundings, InnerUpload } from "./inner.ts";

const NET = /^([\w.-]+|\[[\da-f:]+\]):(\d+)$/i;
/** One that is something else than it was taken for says nothing. */
const ANSWER_MS = 20_000;

/** Whether a port is a virtual board's: HOST:PORT. */
export function isNet(port: string): boolean {
  return NET.test(port);
}

/** `--port HOST:PORT --image FILE --machine NAME`. Failures (exit 5): `flash.no-machine`, `flash.refused`. */
export const virtual: InnerUpload = async (args, around) => {
  const [a, port = "", b, image = "", c, machine] = args;
  if (args.length !== 6 || a !== "--port" || b !== "--image" || c !== "--machine" || machine === undefined)
    return fail(failure("tool.usage", 2, "usage: fb tool virtual --port HOST:PORT --image FILE --machine NAME"));
  const all = MACHINES.map((name) => `sim:${name} (${machineNamed(name)?.chip})`).join(", ");
  if (machineNamed(machine) === null)
    return fail(failure("flash.no-machine", 5, `no machine of QEMU has the chip that ${image} is for`, { hint: `there are ${all}` }));
  if (!isNet(port)) return fail(failure("flash.port", 5, `${port} is no virtual board`, { hint: `-p sim:${machine}` }));
  const bytes = readFileSync(join(around.folder, image));
  return sendImage(port, imageMessage({ machine, bytes }), image, around, bytes.length, `-p sim:${machine}`);
};

/** message: as the board takes it; size: bytes that it says it has taken; hint: what to try where it does not. Failure (exit 5): `flash.refused`. */
export async function sendImage(
  port: string,
  message: Uint8Array,
  image: string,
  { stop, onProgress }: InnerSurroundings,
  size = message.length,
  hint = "an image for another board?",
): Promise<Result<string>> {
  const [, host = "", number = ""] = NET.exec(port) ?? [];
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]);
  const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port: Number(number), signal });
  let said = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    said += text;
  });
  const closed = new Promise<void>((resolve) => socket.on("error", () => resolve()).on("close", () => resolve()));
  socket.end(message);
  await closed;
  onProgress("writing", 100);
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  if (last === `${TAKEN}: ${size} bytes`) return ok(`${last}\n`);
  return fail(failure("flash.refused", 5, `the virtual board at ${port} did not take ${image}: ${last || "it went"}`, { hint }));
}
