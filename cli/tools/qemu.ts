/** An image run by QEMU: what its serial ports say is cut into lines; patterns and a time limit end it. Its time is the time of day. */
import { spawn } from "node:child_process";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result, ToolRun } from "../../engine/types.ts";
import { Patterns, type PatternTexts, type Verdict } from "../device/patterns.ts";
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

/** QEMU joins so many serial ports to one. */
const PORTS = 4;

/** Ok, or a failure: of exit 1 what the patterns and the limit decide, of exit 5 no such program, or an end that nobody asked for. */
export async function runQemu(order: QemuOrder, around: ToolRun): Promise<Result<string>> {
  const patterns = Patterns.read(order.patterns);
  if (!patterns.ok) return patterns;
  const { program, machine, device, file, limit } = order;
  const serial = Array.from({ length: PORTS }, () => ["-serial", "chardev:uart"]).flat();
  const args = ["-M", machine, "-display", "none", "-monitor", "none", "-chardev", "stdio,id=uart,mux=on,signal=off", ...serial];
  const child = spawn(program, [...args, "-kernel", file], { stdio: ["ignore", "pipe", "pipe"] });
  let verdict: Verdict | null = null;
  let complaint = "";
  const decide = (decided: Verdict | null) => {
    verdict ??= decided;
    if (verdict !== null) child.kill("SIGKILL");
  };
  const decoder = new TextDecoder();
  const cutter = new LineCutter(false, (bytes) => {
    if (verdict !== null) return;
    const text = decoder.decode(bytes);
    around.line(device, text);
    decide(patterns.value.line(text));
  });
  const stop = () => child.kill("SIGKILL");
  const late = limit === null ? null : setTimeout(() => decide(patterns.value.timeUp(decoder.decode(cutter.rest))), limit * 1000);
  around.stop.addEventListener("abort", stop);
  if (around.stop.aborted) stop();
  child.stdout.on("data", (bytes: Uint8Array) => cutter.push(bytes));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const started = await new Promise<boolean>((resolve) => {
    child.on("error", () => resolve(false));
    child.on("close", () => resolve(true));
  });
  if (late !== null) clearTimeout(late);
  around.stop.removeEventListener("abort", stop);
  if (!started) {
    const hint = `Debian, Ubuntu: sudo apt install ${program}`;
    return fail(failure("device.no-qemu", 5, `${device}: ${program} is not here, which emulates the machine ${machine}`, { hint }));
  }
  if (around.stop.aborted) return fail(failure("run.cancelled", 1, `${device} was stopped`));
  const ended = verdict as Verdict | null;
  if (ended !== null) return ended.exit === 0 ? ok("") : fail(failure("monitor.pattern", 1, `${device}: ${ended.why}`));
  const said = complaint.trim().split("\n").at(-1) ?? "";
  return fail(failure("device.sim-ended", 5, `${device}: ${program} ended by itself`, { hint: said === "" ? "it said nothing" : said }));
}
