/** `fb export`: a project's actions as files of other tools. Plans, and runs nothing else. */
import type { Graph } from "../../engine/graph.ts";
import type { RunOutcome } from "../../engine/run-request.ts";
import type { Result } from "../../engine/types.ts";
import { ok } from "../../engine/failure.ts";
import type { Command } from "../command.ts";
import type { Built } from "../build.ts";
import { COMPDB_FILE, compileCommands } from "../compdb.ts";
import { dotGraph } from "../dot.ts";
import { complain, type Faces } from "../faces.ts";
import { DiskError, openDisk } from "../host/disk.ts";
import { NINJA_FILE, ninjaFile } from "../ninja.ts";
import { projectFolder } from "../project-folder.ts";
import { planProject } from "../quiet-build.ts";
import { writeIfNew } from "../write-if-new.ts";
import { count, quoteForShell } from "../show/text.ts";

type ExportCommand = Extract<Command, { verb: "export" }>;

/** compdb and ninja write into the project's folder; dot goes to standard output. An env that cannot be planned leaves the files as they are. */
export async function exportVerb(command: ExportCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(command.dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const { dir, envs, profile } = command;
  const built = await planProject(folder.value, { dir, envs, profile, offline: false }, faces, { warnings: true, onPlanned: null });
  const { outcome, result } = built;
  if (outcome === null || result.exitCode !== 0) return result.exitCode;
  try {
    return write(folder.value, command, built, outcome, faces);
  } catch (error) {
    if (error instanceof DiskError) return complain(faces, [error.failure]);
    throw error;
  }
}

function write(folder: string, command: ExportCommand, built: Built, outcome: RunOutcome, faces: Faces): number {
  const { graph, targets } = outcome;
  if (command.format === "dot") {
    faces.out.write(dotGraph(graph, targets));
    return 0;
  }
  const text = command.format === "ninja" ? ninja(command, graph, targets) : ok(compdb(folder, built, graph));
  if (!text.ok) return complain(faces, [text.failure]);
  const name = command.format === "ninja" ? NINJA_FILE : COMPDB_FILE;
  const written = writeIfNew(openDisk(folder), name, text.value);
  const made = graph.nodes.filter((n) => (command.format === "ninja" ? n.spec.kind !== "plan" : n.spec.kind === "compile")).length;
  const what = command.format === "ninja" ? count(made, "action") : count(made, "compile");
  faces.out.write(`${written ? "wrote" : "unchanged"} ${name}: ${what} of ${built.envs.join(", ")}\n`);
  return 0;
}

function compdb(folder: string, built: Built, graph: Graph): string {
  const disk = openDisk(folder);
  const project = { folder, envs: built.envs, realpath: (path: string) => disk.realpath(path) };
  return compileCommands(
    project,
    graph.nodes.map((n) => n.spec),
  );
}

function ninja(command: ExportCommand, graph: Graph, targets: RunOutcome["targets"]): Result<string> {
  const firmware = [...targets].map(([env, named]) => [env, named.get("firmware") ?? []] as const);
  const madeBy = quoteForShell([
    "fb",
    "export",
    "ninja",
    ...command.envs.flatMap((e) => ["-e", e]),
    ...(command.profile === null ? [] : [`--${command.profile}`]),
  ]);
  return ninjaFile({ fb: [process.execPath, ...process.execArgv, process.argv[1] ?? ""], firmware: new Map(firmware), madeBy }, graph);
}
