/** `fb tool emulate`: runs an image on a virtual chip, and tells its lines. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result, ToolRun } from "../../engine/types.ts";
import { Patterns, type PatternTexts } from "../device/patterns.ts";
import type { Order } from "../device/sim/process.ts";
import { startSim } from "../device/sim/start.ts";

const OPTIONS = ["qemu", "machine", "mcu", "clock", "device", "pace", "timeout", "halt-on-error", "halt-on-success", "expect"];
const USAGE =
  "usage: fb tool emulate IMAGE --mcu MCU --clock HZ | --qemu PROGRAM --machine NAME [--device NAME] [--pace real|free] [--timeout S] [--halt-on-error RE] [--halt-on-success RE] [--expect RE]";

/** What one run says of its emulators, beside what the project says: whoever watches, the patterns and the time limit of its command line. */
export interface EmulateFlags {
  readonly patterns: PatternTexts;
  /** Simulated seconds; null: no limit. */
  readonly limit: number | null;
  /** Somebody watches: no faster than real time. */
  readonly realTime: boolean;
}

/** `:emulate` of a graph: args as of `fb tool emulate`. Fails as emulateTool does. */
export async function emulateAction(args: readonly string[], flags: EmulateFlags, around: ToolRun): Promise<Result<string>> {
  const order = readOrder(args);
  return order.ok ? emulate({ ...order.value, ...flags }, around) : order;
}

/**
 * Ends with what the patterns and the time limit decide: ok, or a failure of exit 1. The limit counts simulated seconds. --pace: free runs as fast as it goes, which is
 * the default where stdout is no terminal. Failures: 2 usage, a bad expression, before anything runs; 5 no simulator for that chip.
 */
export async function emulateTool(args: readonly string[], around: ToolRun): Promise<Result<string>> {
  const order = readOrder(args);
  return order.ok ? emulate(order.value, around) : order;
}

async function emulate({ device, qemu, ...rest }: EmulateOrder, around: ToolRun): Promise<Result<string>> {
  if (qemu !== null) {
    const { runQemu } = await import("./qemu.ts");
    return runQemu({ ...qemu, device, file: rest.file, patterns: rest.patterns, limit: rest.limit }, around);
  }
  for await (const said of startSim(["emulate", JSON.stringify(rest)], around.stop)) {
    if ("line" in said) around.line(device, said.line.text);
    else if ("failure" in said) return fail(said.failure);
    else if ("verdict" in said)
      return said.verdict.exit === 0 ? ok("") : fail(failure("monitor.pattern", 1, `${device}: ${said.verdict.why}`));
  }
  if (around.stop.aborted) return fail(failure("run.cancelled", 1, `${device} was stopped`));
  return fail(
    failure("device.sim-ended", 5, `${device}: the simulator's process ended by itself`, { hint: "its own message stands above" }),
  );
}

interface EmulateOrder extends Order {
  readonly device: string;
  /** Another program runs the image, on a machine of its own; null: fb does. */
  readonly qemu: { readonly program: string; readonly machine: string } | null;
}

function readOrder(args: readonly string[]): Result<EmulateOrder> {
  const [file = "", ...rest] = args;
  const given = new Map<string, string>();
  for (let i = 0; i < rest.length; i += 2) given.set((rest[i] ?? "").replace(/^--/, ""), rest[i + 1] ?? "");
  const odd = [...given.keys()].filter((name) => !OPTIONS.includes(name));
  const mcu = given.get("mcu") ?? "";
  const [program, machine] = [given.get("qemu"), given.get("machine")];
  const qemu = program === undefined || machine === undefined ? null : { program, machine };
  // As boards have it: 16000000L.
  const clockHz = Number.parseInt(given.get("clock") ?? "", 10);
  const limit = given.has("timeout") ? Number(given.get("timeout")) : null;
  const pace = given.get("pace") ?? (process.stdout.isTTY ? "real" : "free");
  const sound =
    rest.length % 2 === 0 &&
    odd.length === 0 &&
    (qemu !== null || (clockHz > 0 && mcu !== "")) &&
    (limit === null || limit >= 0) &&
    ["real", "free"].includes(pace);
  if (file === "" || file.startsWith("--") || !sound) return fail(failure("tool.usage", 2, USAGE));
  const text = (name: string) => given.get(name) ?? null;
  const patterns = { haltOnError: text("halt-on-error"), haltOnSuccess: text("halt-on-success"), expect: text("expect") };
  const read = Patterns.read(patterns);
  if (!read.ok) return read;
  return ok({
    file,
    mcu,
    clockHz,
    patterns,
    limit,
    realTime: pace === "real",
    qemu,
    device: given.get("device") ?? `sim:${machine ?? mcu}`,
  });
}
