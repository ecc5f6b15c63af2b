/** `fb graph`: the graph, or what a query finds of it, as a picture. */
import { basename, join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { pageData } from "../graph-page.ts";
import { projectFolder } from "../project-folder.ts";
import { pageTemplate, pageText, writePage } from "../page-text.ts";
import { askView, malformed } from "../query/ask.ts";
import { answerText } from "../query/output.ts";
import { masker } from "../secrets.ts";
import { count } from "../show/text.ts";
import { lastRun } from "../view/last-run.ts";
import { viewOfProject } from "../view/make.ts";

type GraphCommand = Extract<Command, { verb: "graph" }>;

/** Where the page goes if nothing else is said, below the project's folder. */
const PAGE = ".fb/graph.html";

/** Where an env cannot be planned the others are drawn, and the exit code is that env's. */
export async function graphVerb({ expr, format, file, dir, profile }: GraphCommand, faces: Faces): Promise<number> {
  const query = expr ?? "//...";
  const reads = malformed(query);
  if (!reads.ok) return complain(faces, [reads.failure]);
  const folder = projectFolder(dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const { made, exitCode } = await viewOfProject(folder.value, profile, faces);
  if (made === null) return exitCode;
  const found = askView(made.view, query);
  if (!found.ok) return complain(faces, [found.failure]);
  if (format !== "html") {
    faces.out.write(answerText(made.view, found.value, format));
    return exitCode;
  }
  const about = { project: basename(folder.value), query: expr };
  const text = pageText(
    pageTemplate("graph"),
    pageData(made.view, found.value, about, lastRun(folder.value), masker(made.values, process.env)),
  );
  const path = file === null ? join(folder.value, PAGE) : resolve(file);
  const wrote = writePage(path, text, count(found.value.length, "node"), faces);
  return wrote === 0 ? exitCode : wrote;
}
