/** Standard output and error, as the verbs use them: streams that survive a closed pipe, colours where they are wanted, failures rendered once. */
import type { Failure } from "../engine/types.ts";
import type { Holder } from "./host/lock.ts";
import { openOut, type Out, terminalFacts } from "./show/out.ts";
import { renderFailure } from "./show/text.ts";

export interface Faces {
  readonly out: Out;
  readonly err: Out;
  /** Lines may be redrawn on both. */
  readonly redraws: boolean;
}

/** closed: called when the reader of a stream has gone. */
export function openFaces(closed: () => void): Faces {
  const out = terminalFacts(process.stdout.isTTY === true, process.env);
  const err = terminalFacts(process.stderr.isTTY === true, process.env);
  return {
    out: openOut(process.stdout, out.color, closed),
    err: openOut(process.stderr, err.color, closed),
    redraws: out.redraws && err.redraws,
  };
}

/** Says what this command waits for; null: an fb that does not answer. */
export function tellWait(faces: Faces, holder: Holder | null): void {
  const what = holder === null ? "" : ` (process ${holder.pid}: ${holder.request.join(" ")})`;
  faces.err.write(`waiting for another fb in this project${what}\n`);
}

/** Writes failures to standard error; the exit code of the first error, 0 when there is none. */
export function complain(faces: Faces, failures: readonly Failure[]): number {
  for (const f of failures) faces.err.write(renderFailure(f, { color: faces.err.color }));
  return failures.find((f) => f.severity === "error")?.exit ?? 0;
}
