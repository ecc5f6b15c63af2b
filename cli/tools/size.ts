/** `fb tool size`: sums the sections of an ELF file that take flash and RAM, and refuses a program that does not fit. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Disk, Result, Usage } from "../../engine/types.ts";
import { readSections } from "../../rules/elf.ts";

/** What size.json holds; total is null where the board has no limit. */
export interface SizeReport {
  readonly flash: Usage;
  readonly ram: Usage;
}

/**
 * ELF --out FILE [--flash-limit BYTES] [--ram-limit BYTES] --flash SECTION… --ram SECTION…
 * Flash over its limit is a failure (exit 1) and nothing is written; RAM over its limit is a warning, as PlatformIO has it (a limit of 0 is none).
 */
export function sizeTool(disk: Disk, args: readonly string[]): Result<string> {
  const { elf, out, flash: flashSections, ram: ramSections, flashLimit, ramLimit } = toolOptions(args);
  if (elf === undefined || out === undefined) {
    return fail(
      failure("tool.usage", 2, "usage: fb tool size ELF --out FILE --flash SECTION… --ram SECTION… [--flash-limit N] [--ram-limit N]"),
    );
  }
  const sections = readSections(elf, disk.read(elf));
  if (!sections.ok) return sections;
  const sum = (names: readonly string[]) => sections.value.filter((s) => names.includes(s.name)).reduce((n, s) => n + s.size, 0);
  const report: SizeReport = {
    flash: { used: sum(flashSections), total: flashLimit },
    ram: { used: sum(ramSections), total: ramLimit },
  };
  const { flash, ram } = report;
  if (flash.total !== null && flash.used > flash.total) {
    const over = `${flash.used - flash.total} bytes too many`;
    const hint = "profile release with LTO is the smallest; `fb size` shows what takes the room";
    return fail(
      failure(
        "size.flash-overflow",
        1,
        `the program does not fit: it takes ${flash.used} bytes of flash, the board has ${flash.total} (${over})`,
        { file: elf, hint },
      ),
    );
  }
  disk.writeAtomic(out, `${JSON.stringify(report)}\n`);
  if (ram.total === null || ram.used <= ram.total) return ok("");
  return ok(
    `WARNING: RAM OVERFLOW: static data takes ${ram.used} bytes, the board has ${ram.total}: the program will most likely not run\n`,
  );
}

/** What its arguments say; a limit of 0 is none. Also of the words of a whole action: what stands before the first option but the ELF's name is passed over. */
export function toolOptions(args: readonly string[]): {
  readonly elf: string | undefined;
  readonly out: string | undefined;
  readonly flash: readonly string[];
  readonly ram: readonly string[];
  readonly flashLimit: number | null;
  readonly ramLimit: number | null;
} {
  const options = new Map<string, string[]>([["", []]]);
  let name = "";
  for (const arg of args) {
    if (arg.startsWith("--")) options.set((name = arg.slice(2)), []);
    else options.get(name)?.push(arg);
  }
  const limit = (option: string) => Number(options.get(option)?.[0] ?? 0) || null;
  const [elf, out] = [options.get("")?.at(-1), options.get("out")?.[0]];
  const [flash, ram] = [options.get("flash") ?? [], options.get("ram") ?? []];
  return { elf, out, flash, ram, flashLimit: limit("flash-limit"), ramLimit: limit("ram-limit") };
}
