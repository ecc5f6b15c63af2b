/** `fb watch`: what `fb run` would build, built again on every save. */
import { keepOpened } from "../../cache/lmdb.ts";
import type { RunCommand } from "../command.ts";
import type { Faces } from "../faces.ts";
import { clock } from "../host/clock.ts";
import { jsonLine } from "../show/json.ts";
import { hasMonitors, LineBreaks, WatchMonitors, withoutMonitors } from "../watch/monitors.ts";
import { WatchedProject } from "../watch/project.ts";
import { Screen } from "../watch/screen.ts";
import { Session } from "../watch/session.ts";
import { runsOf } from "./run.ts";

/** The exit code: of the last run, where somebody quits; 130 after a signal. */
export async function watchVerb(command: RunCommand, faces: Faces): Promise<number> {
  const runs = runsOf(command, faces);
  if (typeof runs === "number") return runs;
  keepOpened();
  const watched = runs.filter(([, asked]) => hasMonitors(asked));
  const terminal = new LineBreaks(faces.out);
  const began = clock.monotonicMs();
  // A monitor has the terminal for itself: builds say their lines between the device's.
  const shown: Faces = watched.length === 0 ? faces : { out: terminal.around(faces.out), err: terminal.around(faces.err), redraws: false };
  let session: Session | null = null;
  const monitorsOf = ([folder, asked]: (typeof runs)[number]): WatchMonitors | null => {
    if (!hasMonitors(asked)) return null;
    return new WatchMonitors(folder, asked, terminal, {
      faces: shown,
      emit: asked.json ? (e) => faces.out.write(`${jsonLine(e)}\n`) : null,
      press: (key) => session?.press(key),
      over: (code) => session?.end(code),
      now: () => Math.round(clock.monotonicMs() - began),
    });
  };
  const all = runs.map((run) => ({ run, monitors: monitorsOf(run) }));
  const projects = all.map(({ run: [folder, asked], monitors }) => new WatchedProject(folder, withoutMonitors(asked), shown, monitors));
  const redraws = shown.redraws && !command.json;
  session = new Session(projects, {
    faces: shown,
    screen: new Screen(command.json ? shown.err : shown.out, redraws, () => process.stdout.columns || 80),
    takesKeys: redraws,
    explain: async (project) => {
      const { explainVerb } = await import("./explain.ts");
      const run = { ...project.usual, dir: project.folder, json: false };
      await explainVerb({ verb: "explain", run, word: null, versus: null, number: null }, shown);
    },
  });
  // Nobody is left to build for.
  process.stdout.on("error", () => session?.end());
  const code = await session.go();
  await Promise.all(all.map(({ monitors }) => monitors?.close()));
  return code;
}
