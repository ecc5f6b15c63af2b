/** What a run says of its actions, and counts of them. Of plans nothing is said. */
import { warning } from "./failure.ts";
import type { Node } from "./graph.ts";
import { fromCanonicalText, outFolder } from "./paths.ts";
import type { Report } from "./report.ts";
import type { ActionResult, Cause, Status } from "./types.ts";
import { asTold } from "./why.ts";

export interface Counts {
  readonly ran: number;
  readonly hits: number;
  readonly upToDate: number;
  readonly failed: number;
}

export class ActionEvents {
  private readonly report: Report;
  private readonly commands: boolean;
  private readonly progress: { upToDate: number };
  private readonly counted = { ran: 0, hits: 0, upToDate: 0, failed: 0 };
  private readonly timeNoted = new Set<string>();

  /** commands: starts name them; progress: counted up, for actions found in place have no events; upToDate: of which it is known from the start. */
  constructor(report: Report, commands: boolean, progress: { upToDate: number }, upToDate: number) {
    this.report = report;
    this.commands = commands;
    this.progress = progress;
    this.progress.upToDate = this.counted.upToDate = upToDate;
  }

  get counts(): Counts {
    return this.counted;
  }

  /** Found in place. */
  kept({ spec }: Node): void {
    if (spec.kind !== "plan") this.progress.upToDate = ++this.counted.upToDate;
  }

  /** Ready, and waiting for its claims. */
  queued({ id, spec }: Node): void {
    this.report.emit({ type: "queued", id, kind: spec.kind, env: spec.env, label: spec.label });
  }

  started({ id, spec }: Node, lane: number): void {
    const start = { type: "start", id, kind: spec.kind, env: spec.env, label: spec.label, lane: `slot ${lane + 1}` } as const;
    this.report.emit(this.commands ? { ...start, argv: spec.argv } : start);
  }

  /** at: what it is busy with, null where there is only one thing. */
  went({ id }: Node, done: number, total: number | null, at: string | null): void {
    this.report.emit({ type: "progress", id, done, total, at });
  }

  /** result: null where there is none, as after a cancel or in a dry run; exitCode: null where no process said one. */
  ended({ id, spec }: Node, status: Status, result: ActionResult | null, exitCode: number | null, why: readonly Cause[]): void {
    if (spec.kind === "plan") return;
    if (status === "ran") this.counted.ran++;
    if (status === "failed") this.counted.failed++;
    if (status === "hit" || status === "remote-hit") this.counted.hits++;
    const out = outFolder(spec.env, spec.profile);
    this.report.emit({
      type: "end",
      id,
      kind: spec.kind,
      env: spec.env,
      label: spec.label,
      outputs: spec.outputs,
      status,
      ms: status === "hit" ? 0 : (result?.ms ?? 0),
      exitCode,
      output: fromCanonicalText(result?.log ?? "", out),
      why: why.map((cause) => asTold(cause, out)),
    });
  }

  /** A source whose result holds the time: said once. */
  holdsTime({ path, macro }: { readonly path: string; readonly macro: string }): void {
    if (this.timeNoted.has(path)) return;
    this.timeNoted.add(path);
    const message = `${path} uses ${macro}: what is compiled from it holds the time of the compile and is not shared with other builds`;
    this.report.add(
      warning("sharing.time", message, { file: path, hint: "a version from a [[step]] or ${sysenv.…} changes only when it should" }),
    );
  }
}
