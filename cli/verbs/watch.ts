/** `fb watch`: what `fb run` would build, built again on every save. */
import { keepOpened } from "../../cache/lmdb.ts";
import type { RunCommand } from "../command.ts";
import type { Faces } from "../faces.ts";
import { WatchedProject } from "../watch/project.ts";
import { Screen } from "../watch/screen.ts";
import { Session } from "../watch/session.ts";
import { runsOf } from "./run.ts";

/** The exit code: of the last run, where somebody quits; 130 after a signal. */
export async function watchVerb(command: RunCommand, faces: Faces): Promise<number> {
  const runs = runsOf(command, faces);
  if (typeof runs === "number") return runs;
  keepOpened();
  const projects = runs.map(([folder, asked]) => new WatchedProject(folder, asked, faces));
  const redraws = faces.redraws && !command.json;
  const session = new Session(projects, {
    faces,
    screen: new Screen(command.json ? faces.err : faces.out, redraws, () => process.stdout.columns || 80),
    takesKeys: redraws,
    explain: async (project) => {
      const { explainVerb } = await import("./explain.ts");
      const run = { ...project.usual, dir: project.folder, json: false };
      await explainVerb({ verb: "explain", run, word: null, versus: null, number: null }, faces);
    },
  });
  // Nobody is left to build for.
  process.stdout.on("error", () => session.end());
  return session.go();
}
