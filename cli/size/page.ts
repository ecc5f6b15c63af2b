/** What the treemap of `fb size --html` shows. */
import type { SizeData } from "../page/size/data.ts";
import type { Report } from "./kept.ts";
import type { Program } from "./measure.ts";
import { libraryOf, type Versus } from "./report.ts";

interface Told {
  readonly program: Program;
  readonly report: Report;
  readonly versus: Versus | null;
}

export function sizePage(project: string, told: readonly Told[]): SizeData {
  return {
    project,
    programs: told.map(({ program, report: { report, sections, broughtBy }, versus }) => ({
      env: report.env,
      path: program.elf,
      flash: report.flash,
      ram: report.ram,
      sections,
      symbols: report.symbols.map((s) => ({ ...s, library: libraryOf(s.object) })),
      broughtBy,
      versus,
    })),
  };
}
