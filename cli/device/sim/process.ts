/**
 * The process of one virtual board: it takes a processor of its own, and several run at once. It ends with its stdin, so never later than who started it.
 *
 * `serve NAME CORE [PORT]`: a board behind a TCP port of 127.0.0.1 (a free one). One line of JSON on stdout: {"port":N}, or {"failure":…} and exit 5.
 */
import type { Failure } from "../../../engine/types.ts";
import { openBoard } from "./open.ts";
import { servePort } from "./port.ts";

/** What `serve` says first. */
export type Served = { readonly port: number } | { readonly failure: Failure };

async function serve(name: string, core: string, port: number): Promise<void> {
  const opened = openBoard(name, core);
  if (!opened.ok) return refuse(opened.failure);
  const served = await servePort(opened.value.board, port);
  say({ port: served.port });
}

function refuse(failure: Failure): void {
  say({ failure });
  process.exitCode = 5;
  process.stdin.destroy();
}

function say(line: Served): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [what, name = "", core = "", port = "0"] = process.argv.slice(2);
process.stdin.on("end", () => process.exit()).resume();
if (what === "serve") await serve(name, core, Number(port));
else throw new Error(`a virtual board's process does not know ${what}`);
