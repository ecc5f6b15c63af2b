/** An image run by QEMU: what its serial ports say is cut into lines; patterns and a time limit end it. Its time is the time of day. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result, ToolRun } from "../../engine/types.ts";
import { Patterns, type PatternTexts, type Verdict } from "../device/patterns.ts";
import { lackOf, machineNamed } from "../device/sim/qemu/machines.ts";
import { PORTS, Qemu } from "../device/sim/qemu/qemu.ts";
import { LineCutter } from "../monitor/lines.ts";

export interface QemuOrder {
  readonly file: string;
  /** `qemu-system-arm`, looked for on PATH. */
  readonly program: string;
  /** As `-M` names it. */
  readonly machine: string;
  /** For messages and lines. */
  readonly device: string;
  readonly patterns: PatternTexts;
  /** Seconds; null: no limit. */
  readonly limit: number | null;
}

/** Ok, or a failure: of exit 1 what the patterns and the limit decide, of exit 5 no such program or machine, or an end that nobody asked for. */
export async function runQemu(order: QemuOrder, around: ToolRun): Promise<Result<string>> {
  const patterns = Patterns.read(order.patterns);
  if (!patterns.ok) return patterns;
  const { program, device, file, limit } = order;
  const cancelled = () => fail<string>(failure("run.cancelled", 1, `${device} was stopped`));
  const known = machineNamed(order.machine);
  const machine = { ...(known ?? { name: order.machine, takes: "elf", args: [], registers: [], usarts: null, since: "" }), program };
  const lack = await lackOf(machine);
  if (lack !== null) return fail({ ...lack, message: lack.message.replace(`sim:${machine.name}`, device) });
  if (around.stop.aborted) return cancelled();
  const qemu = new Qemu(machine, file);
  let verdict: Verdict | null = null;
  const decide = (decided: Verdict | null) => {
    verdict ??= decided;
    if (verdict !== null) qemu.kill();
  };
  // Lines of two ports are not mixed.
  const cutters = Array.from({ length: PORTS }, () => {
    const decoder = new TextDecoder();
    const line = (bytes: Uint8Array) => {
      if (verdict !== null) return;
      const text = decoder.decode(bytes);
      around.line(device, text);
      decide(patterns.value.line(text));
    };
    return new LineCutter(false, line);
  });
  qemu.onSerial = (port, bytes) => cutters[port]?.push(bytes);
  const stop = () => qemu.kill();
  const rest = () => cutters.map((cutter) => new TextDecoder().decode(cutter.rest)).join("");
  const late = limit === null ? null : setTimeout(() => decide(patterns.value.timeUp(rest())), limit * 1000);
  around.stop.addEventListener("abort", stop);
  const said = await qemu.ended;
  if (late !== null) clearTimeout(late);
  around.stop.removeEventListener("abort", stop);
  if (around.stop.aborted) return cancelled();
  const ended = verdict as Verdict | null;
  if (ended !== null) return ended.exit === 0 ? ok("") : fail(failure("monitor.pattern", 1, `${device}: ${ended.why}`));
  return fail(failure("device.sim-ended", 5, `${device}: ${program} ended by itself`, { hint: said || "it said nothing" }));
}
