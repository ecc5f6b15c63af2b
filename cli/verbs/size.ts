/** `fb size`: what takes the flash and the RAM of a program, by library, object and symbol, and what that was before or is elsewhere. */
import { readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { LocalBlobs } from "../../cache/blobs.ts";
import { cacheFolder } from "../../cache/folders.ts";
import { LocalState } from "../../cache/state.ts";
import { errorCode } from "../../cache/trouble.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Event, Result } from "../../engine/types.ts";
import type { Command, RunCommand } from "../command.ts";
import type { Built } from "../build.ts";
import { complain, type Faces } from "../faces.ts";
import { hashing } from "../host/hash.ts";
import { buildQuietly } from "../quiet-build.ts";
import { projectFolder } from "../project-folder.ts";
import { renderFailure, sanitize } from "../show/text.ts";
import { sizeText } from "../show/size-report.ts";
import { pageTemplate, pageText, writePage } from "../page-text.ts";
import { type Report, reportOf } from "../size/kept.ts";
import { type Program, programsOf } from "../size/measure.ts";
import { compare, type ProgramReport, type Versus } from "../size/report.ts";
import { sizePage } from "../size/page.ts";

type SizeCommand = Extract<Command, { verb: "size" }>;

const TOP = 20;
/** Where the page goes if nothing else is said, below the project's folder. */
const PAGE = ".fb/size.html";

/** A program, what it takes, and what that is compared to. */
interface Told {
  readonly program: Program;
  readonly report: Report;
  readonly versus: Versus | null;
}

/** Several envs are told of one after the other, with --json in one array. */
export async function sizeVerb(command: SizeCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(command.run.dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const saved = command.versus !== null && isFile(command.versus) ? savedReports(command.versus) : ok(null);
  if (!saved.ok) return complain(faces, [saved.failure]);
  const built = await link(folder.value, command.run, faces);
  if (built.result.exitCode !== 0 || built.outcome === null) return built.result.exitCode;
  const reports = reportsOf(folder.value, built);
  if (!reports.ok) return complain(faces, [reports.failure]);
  let other: { readonly reports: readonly ProgramReport[]; readonly to: string } | null = null;
  if (saved.value !== null) other = { reports: saved.value, to: command.versus ?? "" };
  else if (command.versus !== null) {
    const there = await link(
      folder.value,
      { ...command.run, targets: [{ is: "name", dir: null, name: "elf", env: command.versus }], envs: [] },
      faces,
    );
    if (there.result.exitCode !== 0) return there.result.exitCode;
    const theirs = reportsOf(folder.value, there);
    if (!theirs.ok) return complain(faces, [theirs.failure]);
    other = { reports: theirs.value.map(({ report }) => report.report), to: command.versus };
  }
  const told = reports.value.map(({ program, report }): Told => {
    const before = other === null ? report.before?.report : (other.reports.find((r) => r.env === report.report.env) ?? other.reports[0]);
    const versus = before === undefined ? null : compare(report.report, before, other?.to ?? "the last build");
    return { program, report, versus };
  });
  return tell(told, command, folder.value, faces);
}

function tell(told: readonly Told[], command: SizeCommand, folder: string, faces: Faces): number {
  if (command.json) {
    const values = told.map(({ report: { report }, versus }) => {
      const symbols = command.top === null ? report.symbols : report.symbols.slice(0, command.top);
      return { ...report, symbols, vs: versus === null ? null : { ...versus, symbols: versus.symbols.slice(0, command.top ?? undefined) } };
    });
    faces.out.write(`${JSON.stringify(values.length === 1 ? values[0] : values)}\n`);
    return 0;
  }
  if (command.html) {
    const path = command.file === null ? join(folder, PAGE) : resolve(command.file);
    const text = pageText(pageTemplate("size"), sizePage(basename(folder), told));
    return writePage(path, text, told.map(({ program }) => program.link.env).join(", "), faces);
  }
  const text = told.map(({ program, report, versus }) => sizeText(report.report, versus, program.elf, command.top ?? TOP, faces.out.color));
  faces.out.write(text.join("\n"));
  return 0;
}

/** The programs that the run linked, or found as they should be, measured. */
function reportsOf(folder: string, built: Built): Result<readonly { readonly program: Program; readonly report: Report }[]> {
  const state = LocalState.open(join(folder, ".fb"));
  if (!state.ok) return state;
  const cache = cacheFolder(process.env);
  const blobs = cache.ok ? new LocalBlobs(join(cache.value, "blobs"), () => {}) : null;
  const blob = (digest: string) => {
    try {
      const bytes = blobs === null ? null : readFileSync(blobs.path(digest));
      return bytes !== null && hashing.sha256(bytes) === digest ? bytes : null;
    } catch {
      return null;
    }
  };
  const found: { readonly program: Program; readonly report: Report }[] = [];
  for (const program of built.outcome === null ? [] : programsOf(folder, built.outcome.graph, built.envs)) {
    const report = reportOf(program, state.value, blob);
    if (!report.ok) return report;
    found.push({ program, report: report.value });
  }
  return ok(found);
}

/** Links what is not up to date. A program that is too large for its board is linked as well: it is what one asks about. */
function link(folder: string, command: RunCommand, faces: Faces): Promise<Built> {
  const { color } = faces.err;
  const emit = (e: Event) => {
    if (e.type === "diagnostic" && e.severity === "error") faces.err.write(renderFailure(e, { color }));
    if (e.type === "end" && e.status === "failed") faces.err.write(sanitize(e.output, color));
  };
  return buildQuietly(folder, command, emit, faces);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** What `fb size --json` wrote: one report, or an array of them. */
function savedReports(file: string): Result<readonly ProgramReport[]> {
  const hint = "--vs takes an env, or a file that `fb size --json > FILE` made";
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as unknown;
    const reports = Array.isArray(value) ? value : [value];
    if (reports.length > 0 && reports.every(isReport)) return ok(reports);
    return fail(failure("size.report", 2, `${file} is no report of \`fb size --json\``, { hint }));
  } catch (error) {
    const why = error instanceof SyntaxError ? "is no JSON" : `cannot be read: ${errorCode(error)}`;
    return fail(failure("size.report", 2, `${file} ${why}`, { hint }));
  }
}

function isReport(value: unknown): value is ProgramReport {
  const { env, flash, ram, libraries, symbols } = (value ?? {}) as Partial<ProgramReport>;
  const used = [flash?.used, ram?.used];
  return typeof env === "string" && used.every((n) => typeof n === "number") && Array.isArray(libraries) && Array.isArray(symbols);
}
