/** The machines of QEMU that are virtual boards: `sim:NAME` is what `-M NAME` is. A machine that is not here runs an ELF file and has what QEMU gives it. */
import { execFile } from "node:child_process";
import { failure } from "../../../../engine/failure.ts";
import type { Failure } from "../../../../engine/types.ts";
import { type Register, STM32F100, STM32F2_F4, STM32L4 } from "./registers.ts";
import { F100_USARTS, F2_F4_USARTS, type UsartFacts } from "./usarts.ts";

export interface Machine {
  /** As `-M` names it. */
  readonly name: string;
  readonly program: string;
  /** Machines with the same chip run the same images. */
  readonly chip: string;
  /** `-kernel` loads an ELF file; else a flash chip's content, and where the bootloader is in it. */
  readonly takes: "elf" | { readonly bootAt: number };
  readonly args: readonly string[];
  /** What has it, where not every QEMU does. */
  readonly since: string;
  /** What QEMU's machine lacks, and its programs wait for. */
  readonly registers: readonly Register[];
  /** Those whose interrupts for what was sent QEMU may lack; null: none. */
  readonly usarts: UsartFacts | null;
}

const ARM = { program: "qemu-system-arm", takes: "elf", args: [] } as const;
const OF_ESPRESSIF = "Espressif's QEMU";
const ESP = { registers: [], usarts: null, since: OF_ESPRESSIF } as const;
/** Programs that run slower than their chips are reset by these watchdogs (esp-toolchain-docs: qemu/esp32, "Disabling the watchdogs"). */
const noWatchdog = (chip: string) => ["-global", `driver=timer.${chip}.timg,property=wdt_disable,value=true`];

const ALL: readonly Machine[] = [
  { ...ARM, name: "netduinoplus2", chip: "STM32F405", since: "QEMU 6.0", registers: STM32F2_F4, usarts: F2_F4_USARTS },
  { ...ARM, name: "olimex-stm32-h405", chip: "STM32F405", since: "QEMU 8.0", registers: STM32F2_F4, usarts: F2_F4_USARTS },
  { ...ARM, name: "netduino2", chip: "STM32F205", since: "", registers: STM32F2_F4, usarts: F2_F4_USARTS },
  { ...ARM, name: "stm32vldiscovery", chip: "STM32F100", since: "QEMU 6.1", registers: STM32F100, usarts: F100_USARTS },
  { ...ARM, name: "b-l475e-iot01a", chip: "STM32L475", since: "QEMU 9.1", registers: STM32L4, usarts: null },
  { ...ESP, name: "esp32", program: "qemu-system-xtensa", chip: "ESP32", takes: { bootAt: 0x1000 }, args: noWatchdog("esp32") },
  // Its timers are those of the C3.
  { ...ESP, name: "esp32s3", program: "qemu-system-xtensa", chip: "ESP32-S3", takes: { bootAt: 0 }, args: noWatchdog("esp32c3") },
  // Its instructions take 8 ns (qemu/esp32c3: it does not run freely).
  {
    ...ESP,
    name: "esp32c3",
    program: "qemu-system-riscv32",
    chip: "ESP32-C3",
    takes: { bootAt: 0 },
    args: ["-icount", "3", ...noWatchdog("esp32c3")],
  },
];
const BY_NAME = new Map(ALL.map((machine) => [machine.name, machine]));
export const MACHINES: readonly string[] = [...BY_NAME.keys()];

export function machineNamed(name: string): Machine | null {
  return BY_NAME.get(name) ?? null;
}

/** Null: the program is here and has the machine. Failures (exit 5): `device.no-qemu`, `device.no-machine`. */
export function lackOf({ program, name, since }: Pick<Machine, "program" | "name" | "since">): Promise<Failure | null> {
  return new Promise((resolve) => {
    execFile(program, ["-M", "help"], (error, stdout) => {
      if (error !== null && (error.code === "ENOENT" || error.code === "EACCES")) {
        const message = `sim:${name}: ${program} is not here, which is that machine`;
        return resolve(failure("device.no-qemu", 5, message, { hint: since === OF_ESPRESSIF ? fork(program) : packageOf(program) }));
      }
      if (stdout.split("\n").some((line) => line.split(" ")[0] === name)) return resolve(null);
      execFile(program, ["--version"], (_, said) => {
        const version = /version (\S+)/.exec(said)?.[1] ?? "of an unknown version";
        const message = `sim:${name}: the ${program} that is here (${version}) has no machine ${name}`;
        const newer = since === "" ? `\`${program} -M help\` lists those that it has` : `${since} has it`;
        resolve(failure("device.no-machine", 5, message, { hint: since === OF_ESPRESSIF ? fork(program) : newer }));
      });
    });
  });
}

function packageOf(program: string): string {
  return `Debian, Ubuntu: sudo apt install ${program}`;
}

function fork(program: string): string {
  return `only ${OF_ESPRESSIF} has it: github.com/espressif/qemu/releases (or idf_tools.py install ${program.replace("system-", "")}); put its bin folder first on PATH`;
}
