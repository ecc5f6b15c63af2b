/** `fb graph`: the graph, or what a query finds of it, as a picture. */
import { failure } from "../../engine/failure.ts";
import type { Command } from "../args.ts";
import { complain, type Faces } from "../faces.ts";
import { projectFolder } from "../open-project.ts";
import { askView, malformed } from "../query/ask.ts";
import { answerText } from "../query/output.ts";
import { loadView } from "../view/load.ts";
import { makeView } from "../view/make.ts";

type GraphCommand = Extract<Command, { verb: "graph" }>;

export async function graphVerb({ expr, format, dir, profile }: GraphCommand, faces: Faces): Promise<number> {
  if (format === "html")
    return complain(faces, [failure("run.later", 2, "the page of the graph is not in this version yet", { hint: "--dot or --mermaid" })]);
  const query = expr ?? "//...";
  const reads = malformed(query);
  if (!reads.ok) return complain(faces, [reads.failure]);
  const folder = projectFolder(dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const stands = loadView(folder.value, profile);
  const { view, exitCode } = stands === null ? await makeView(folder.value, profile, faces) : { view: stands, exitCode: 0 };
  if (view === null) return exitCode;
  const found = askView(view, query);
  if (!found.ok) return complain(faces, [found.failure]);
  faces.out.write(answerText(view, found.value, format));
  return exitCode;
}
