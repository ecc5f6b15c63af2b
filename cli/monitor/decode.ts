/** What is behind addresses that a crashed program prints: functions and lines of the env's program, by the toolchain's addr2line. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { BuildInfo } from "../build-info.ts";

/** The frames that a line names, for people; none where it is no trace. */
export type FrameFinder = (line: string) => Promise<readonly string[]>;

/** Lines of panics and traces: ESP32 "Backtrace: 0x400d1234:0x3ffb1f90 …", "PC      : 0x…", ESP8266 "epc1=0x…", "abort() was called at PC 0x…", ARM "LR: 0x…". */
const TRACE = /\b(backtrace|stack|epc[1-4]|pc|lr|ra|mepc|abort\(\)|panic|return address)\b/i;
const ADDRESS = /\b0x[0-9a-f]{4,8}\b/gi;
/** A trace has a few dozen frames. */
const MOST = 100;
const PATIENCE_MS = 5000;

/** Null: the env has no program yet, or its toolchain no addr2line. output: the env's output folder, with firmware.elf and build_info.json. */
export function frameFinder(folder: string, output: string): FrameFinder | null {
  const elf = join(folder, output, "firmware.elf");
  const program = addr2line(folder, join(folder, output, "build_info.json"));
  if (program === null || !existsSync(elf)) return null;
  return async (line) => {
    if (!TRACE.test(line)) return [];
    const addresses = [...new Set(line.match(ADDRESS) ?? [])].slice(0, MOST);
    if (addresses.length === 0) return [];
    return new Promise((resolve) =>
      execFile(program, ["-e", elf, "-f", "-C", "-p", "-a", "-i", ...addresses], { cwd: folder, timeout: PATIENCE_MS }, (error, said) =>
        resolve(
          error === null ? said.split("\n").filter((one) => one !== "" && !one.includes("?? ??:0") && !/^0x[0-9a-f]+: \?\?/.test(one)) : [],
        ),
      ),
    );
  };
}

/** Beside the compiler, by its prefix: avr-g++ → avr-addr2line. */
function addr2line(folder: string, buildInfo: string): string | null {
  try {
    const { tools } = JSON.parse(readFileSync(buildInfo, "utf8")) as BuildInfo;
    const compilers = Object.values(tools).flatMap(({ programs }) => Object.values(programs).filter((path) => /(gcc|g\+\+)$/.test(path)));
    for (const compiler of compilers) {
      const near = resolve(folder, dirname(compiler), basename(compiler).replace(/(gcc|g\+\+)$/, "addr2line"));
      if (existsSync(near)) return near;
    }
  } catch {
    // Not built yet.
  }
  return null;
}
