/** Builds that other verbs need, of which little or nothing is shown: a project planned and nothing else run, or brought up to date. */
import type { Event } from "../engine/types.ts";
import { parseCommand } from "./args.ts";
import type { RunCommand } from "./command.ts";
import { type BuildHost, type Built, build } from "./build.ts";
import { type Faces, tellWait } from "./faces.ts";
import { watchSignals } from "./host/signals.ts";
import { renderFailure } from "./show/text.ts";

/** The project in a folder, its plans run dry. What there is to say of it goes to standard error, warnings too if they are wanted. */
export async function planProject(
  folder: string,
  what: Pick<RunCommand, "dir" | "envs" | "profile" | "offline">,
  faces: Faces,
  { warnings, onPlanned }: { readonly warnings: boolean } & Pick<BuildHost, "onPlanned">,
): Promise<Built> {
  const said = new Set<string>();
  const emit = (e: Event) => {
    if (e.type !== "diagnostic" || (e.severity === "warning" && !warnings)) return;
    const text = renderFailure(e, { color: faces.err.color });
    if (!said.has(text)) faces.err.write(text);
    said.add(text);
  };
  const parsed = parseCommand(["run", ":compdb"]);
  if (!parsed.ok || parsed.value.verb !== "run") throw new Error("`fb run :compdb` is no run");
  return buildQuietly(folder, { ...parsed.value, ...what, dryRun: true }, emit, faces, onPlanned);
}

/** A build of which nothing is shown but what `emit` says. */
export async function buildQuietly(
  folder: string,
  command: RunCommand,
  emit: (event: Event) => void,
  faces: Faces,
  onPlanned: BuildHost["onPlanned"] = null,
): Promise<Built> {
  const signals = watchSignals(() => {});
  try {
    return await build(folder, command, {
      sink: { emit },
      stop: signals.stop,
      onWait: (holder) => tellWait(faces, holder),
      progress: { upToDate: 0 },
      onPreviousSizes: () => {},
      onRunner: () => {},
      words: null,
      times: null,
      deps: null,
      onPlanned,
      monitors: null,
      hold: null,
    });
  } finally {
    signals.close();
  }
}
