/**
 * The process of one virtual board: it takes a processor of its own, and several run at once. It ends with its stdin, so never later than who started it. It says
 * Said on stdout, one JSON object a line.
 *
 * `serve NAME CORE [PORT]`: a board behind a TCP port of 127.0.0.1 (a free one), until stdin ends.
 * `emulate ORDER`: runs an image until its lines or its time end it.
 */
import { readFileSync } from "node:fs";
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Failure, Result } from "../../../engine/types.ts";
import { Patterns, type PatternTexts, type Verdict } from "../patterns.ts";
import { Emulation, type Line } from "./emulation.ts";
import { openBoard } from "./open.ts";
import { servePort } from "./port.ts";
import { lackOf, machineNamed } from "./qemu/machines.ts";
import { isPico, type VirtualBoard } from "./virtual-board.ts";

/** note: what somebody should know of the board that is served; null for nothing. */
export type Said =
  | { readonly port: number; readonly note: string | null }
  | { readonly line: Line }
  | { readonly verdict: Verdict }
  | { readonly failure: Failure };

/** What is to be emulated, as JSON. */
export interface Order {
  readonly mcu: string;
  readonly clockHz: number;
  /** An image: Intel hex, for an RP2040 UF2. */
  readonly file: string;
  readonly patterns: PatternTexts;
  /** Simulated seconds; null: no limit. */
  readonly limit: number | null;
  /** Somebody watches: no faster than real time. Else as fast as it goes. */
  readonly realTime: boolean;
}

/** Simulated seconds between turns of the event loop. */
const TURN_S = 0.02;

async function serve(name: string, core: string, port: number): Promise<Result<null>> {
  const machine = machineNamed(name);
  if (machine !== null) {
    const lack = await lackOf(machine);
    if (lack !== null) return fail(lack);
    const { serveQemu } = await import("./qemu/port.ts");
    await say([{ port: (await serveQemu(machine, port)).port, note: null }]);
    return ok(null);
  }
  const opened = isPico(name) ? ok({ board: await pico(), note: null }) : openBoard(name, core);
  if (!opened.ok) return opened;
  const served = await servePort(opened.value.board, port);
  await say([{ port: served.port, note: opened.value.note }]);
  return ok(null);
}

/** Its simulator is loaded when it is wanted. */
async function pico(): Promise<VirtualBoard> {
  const { PicoBoard } = await import("./pico/board.ts");
  return new PicoBoard();
}

async function emulate(order: Order): Promise<Result<null>> {
  const patterns = Patterns.read(order.patterns);
  if (!patterns.ok) return patterns;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(order.file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      failure("image.unreadable", 5, `the image can not be read: ${why}`, { file: order.file, hint: "fb run :firmware makes it" }),
    );
  }
  let said: Said[] = [];
  const limit = order.limit ?? Number.POSITIVE_INFINITY;
  const emulation = await Emulation.open({ ...order, bytes }, patterns.value, limit, (line) => said.push({ line }));
  if (!emulation.ok) return emulation;
  const began = performance.now();
  for (;;) {
    const verdict = emulation.value.run(TURN_S);
    if (verdict !== null) said.push({ verdict });
    await say(said);
    if (verdict !== null) break;
    said = [];
    const ahead = order.realTime ? emulation.value.seconds * 1000 - (performance.now() - began) : 0;
    await new Promise((resolve) => (ahead > 1 ? setTimeout(resolve, ahead) : setImmediate(resolve)));
  }
  process.stdin.destroy();
  return ok(null);
}

/** Waits where the reader is slower. */
async function say(lines: readonly Said[]): Promise<void> {
  if (lines.length === 0) return;
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once("drain", resolve));
}

async function main(): Promise<void> {
  const [what, name = "", core = "", port = "0"] = process.argv.slice(2);
  process.stdin.on("end", () => process.exit()).resume();
  process.stdout.on("error", () => process.exit());
  // rp2040js tells of registers that it does not have.
  console.warn = console.error = () => {};
  const order = () => JSON.parse(name) as Order;
  const unknown = fail<null>(failure("tool.usage", 2, `a virtual board's process does not know ${what}`));
  const done = what === "serve" ? await serve(name, core, Number(port)) : what === "emulate" ? await emulate(order()) : unknown;
  if (done.ok) return;
  await say([{ failure: done.failure }]);
  process.exitCode = done.failure.exit;
  process.stdin.destroy();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(70);
});
