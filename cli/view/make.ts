/** Makes the view of a project: all its envs planned, and what their actions read when they last ran. Kept for the next command where nothing of it can change unseen. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeSnapshot } from "../../cache/snapshot-write.ts";
import type { LocalState } from "../../cache/state.ts";
import { writeView } from "../../cache/view-file.ts";
import { fromCanonical, outFolder } from "../../engine/paths.ts";
import type { ProjectPath } from "../../engine/types.ts";
import { View, type ViewColumns } from "../../engine/view.ts";
import { type Seen, viewOf } from "../../engine/view-build.ts";
import type { Faces } from "../faces.ts";
import type { Profile } from "../flags.ts";
import { buildId } from "../home.ts";
import { groundOf, valueNames } from "../keep.ts";
import { planProject } from "../quiet-build.ts";
import type { Planned } from "../whole.ts";
import { type LoadedView, loadView, VIEW_SNAPSHOT, viewName, type ViewPayload, viewRequest } from "./load.ts";

/** Below the project's folder: what actions read when they last ran. */
const STATE_FILE = ".fb/state/db";

export interface MadeView {
  /** Null where no env could be planned. */
  readonly made: LoadedView | null;
  /** What the first thing that is wrong says of the exit code, as of an env that could not be planned; 0: the view is whole. */
  readonly exitCode: number;
}

/** What is wrong has been said on standard error. folder: from projectFolder(). */
async function makeView(folder: string, profile: Profile | null, faces: Faces): Promise<MadeView> {
  const made: LoadedView[] = [];
  const onPlanned = async (planned: Planned, state: LocalState): Promise<void> => {
    if (planned.inputs.length === 0) return;
    const columns = viewOf(seenIn(planned, state));
    const values = valueNames(planned.outcome, planned.open.looked);
    made.push({ view: new View(columns), values });
    const failed = planned.outcome.failures.some((f) => f.severity === "error") || planned.inputs.length < planned.open.project.envs.size;
    if (!failed && !planned.outcome.disturbed && !planned.outcome.cancelled) await keep(planned, state, profile, columns, values);
  };
  // A look at the graph asks no network.
  const what = { dir: null, envs: [], profile, offline: true };
  const { result } = await planProject(folder, what, faces, { warnings: false, onPlanned });
  return { made: made[0] ?? null, exitCode: result.exitCode };
}

/** The view that stands, else a new one. */
export async function viewOfProject(folder: string, profile: Profile | null, faces: Faces): Promise<MadeView> {
  const stands = loadView(folder, profile);
  return stands === null ? makeView(folder, profile, faces) : { made: stands, exitCode: 0 };
}

function seenIn({ open, outcome, inputs, extra }: Planned, state: LocalState): Seen {
  const { dir } = open.project;
  const relative = (path: string): string => (path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path);
  const read = [...open.looked.files.keys(), ...extra].map(relative);
  const packages = inputs.flatMap(({ plan, packages: refs }) =>
    refs.map(({ name, version, as }) => {
      const tool = [...plan.platform.tools.values()].find((each) => each.package === name);
      // What a system toolchain is only the compiler tells.
      return { name, version: version === "" && tool !== undefined ? (plan.tools.get(tool.name)?.version ?? "") : version, prefix: as };
    }),
  );
  const lastOf = (name: string, out: string) => {
    const last = state.last(name);
    if (last === undefined) return null;
    const files = last.result.reads.flatMap((r): string[] => (r.is === "file" ? [fromCanonical(r.path, out)] : []));
    return { files, ms: last.result.ms };
  };
  const builtBy = inputs.map(({ plan: { env, profile } }) => {
    const plans = outcome.graph.nodes.filter(({ spec }) => spec.kind === "plan" && spec.env === env);
    const files = plans.flatMap(({ spec }) => lastOf(spec.name, outFolder(env, profile))?.files ?? []);
    return [env, [...new Set([...read, ...files])].sort()] as const;
  });
  return {
    graph: outcome.graph,
    targets: outcome.targets,
    packages,
    builtBy: new Map(builtBy),
    last: ({ name, env, profile }) => lastOf(name, outFolder(env, profile)),
  };
}

async function keep(
  { open, outcome, inputs, extra }: Planned,
  state: LocalState,
  profile: Profile | null,
  columns: ViewColumns,
  values: readonly string[],
): Promise<void> {
  if (buildId === "sources") return;
  await state.flush();
  const { dir } = open.project;
  const hasState = existsSync(join(dir, STATE_FILE));
  if (!hasState) outcome.files.digest({ is: "absent", path: STATE_FILE as ProjectPath });
  const ground = await groundOf(open, outcome, inputs, hasState ? [...extra, STATE_FILE] : extra);
  if (ground === null) return;
  const view = writeView(join(dir, ".fb/state"), viewName(profile), columns);
  if (view === null) return;
  const payload: ViewPayload = { view, values };
  writeSnapshot(join(dir, VIEW_SNAPSHOT), viewRequest(profile), { ...ground.record, kept: null, payload: JSON.stringify(payload) });
}
