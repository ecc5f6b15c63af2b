/** `fb query`: nodes of the graph by what they have to do with each other. Where a view stands cli/look.ts answers before this is loaded. */
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { projectFolder } from "../project-folder.ts";
import { askView, malformed } from "../query/ask.ts";
import { answerText } from "../query/output.ts";
import { viewOfProject } from "../view/make.ts";

type QueryCommand = Extract<Command, { verb: "query" }>;

/** Where an env cannot be planned the others answer, and the exit code is that env's. */
export async function queryVerb({ expr, output, dir, profile }: QueryCommand, faces: Faces): Promise<number> {
  const reads = malformed(expr);
  if (!reads.ok) return complain(faces, [reads.failure]);
  const folder = projectFolder(dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const { made, exitCode } = await viewOfProject(folder.value, profile, faces);
  if (made === null) return exitCode;
  const found = askView(made.view, expr);
  if (!found.ok) return complain(faces, [found.failure]);
  faces.out.write(answerText(made.view, found.value, output));
  return exitCode;
}
