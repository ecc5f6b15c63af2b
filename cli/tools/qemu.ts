/** An image run by QEMU: what its serial ports say is cut into lines; patterns and a time limit end it. Its time is the time of day. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result, ToolRun } from "../../engine/types.ts";
import { Patterns, type PatternTexts, type Verdict } from "../device/patterns.ts";
import { flashChip } from "../device/sim/qemu/flash-chip.ts";
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
  const { program, device, file } = order;
  const known = machineNamed(order.machine);
  const machine = { ...(known ?? { name: order.machine, takes: "elf", args: [], registers: [], usarts: null, since: "" }), program };
  const lack = await lackOf(machine);
  if (lack !== null) return fail({ ...lack, message: lack.message.replace(`sim:${machine.name}`, device) });
  if (around.stop.aborted) return cancelled(device);
  if (machine.takes === "elf") return watch(new Qemu(machine, file), order, patterns.value, around);
  const content = flashChip(readFileSync(file), machine.takes.bootAt);
  if (content === null)
    return fail(failure("image.flash", 5, `${device}: ${file} is for a larger flash chip than QEMU has`, { hint: "it has 2 to 16 MB" }));
  // The program writes there.
  const folder = mkdtempSync(join(tmpdir(), "fb-sim-"));
  try {
    writeFileSync(join(folder, "flash.bin"), content);
    return await watch(new Qemu(machine, join(folder, "flash.bin")), order, patterns.value, around);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cancelled(device: string): Result<string> {
  return fail(failure("run.cancelled", 1, `${device} was stopped`));
}

/** Until patterns, the limit or somebody ends it. */
async function watch(qemu: Qemu, { device, program, limit }: QemuOrder, patterns: Patterns, around: ToolRun): Promise<Result<string>> {
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
      decide(patterns.line(text));
    };
    return new LineCutter(false, line);
  });
  qemu.onSerial = (port, bytes) => cutters[port]?.push(bytes);
  const stop = () => qemu.kill();
  const rest = () => cutters.map((cutter) => new TextDecoder().decode(cutter.rest)).join("");
  const late = limit === null ? null : setTimeout(() => decide(patterns.timeUp(rest())), limit * 1000);
  around.stop.addEventListener("abort", stop);
  const said = await qemu.ended;
  if (late !== null) clearTimeout(late);
  around.stop.removeEventListener("abort", stop);
  if (around.stop.aborted) return cancelled(device);
  const ended = verdict as Verdict | null;
  if (ended !== null) return ended.exit === 0 ? ok("") : fail(failure("monitor.pattern", 1, `${device}: ${ended.why}`));
  return fail(failure("device.sim-ended", 5, `${device}: ${program} ended by itself`, { hint: said || "it said nothing" }));
}
