/** The packages of an env as far as this machine has them: nothing is fetched, nothing is written. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { EnvProject, Project } from "../../rules/project.ts";
import type { HostDisk } from "../host/disk.ts";
import { type EnvPackages, findPackages, packageNeeds } from "../packages.ts";
import { emptyPlan } from "../plans.ts";
import { Acquisition } from "./acquisition.ts";
import { LockFile } from "./lock-file.ts";

/** It looks for what builds need. */
const NO_TARGETS: ReadonlySet<string> = new Set();

export interface Survey {
  /** null while some are still to be fetched. */
  readonly packages: EnvPackages | null;
  /** Names and versions of those that the next build would fetch. */
  readonly toFetch: readonly string[];
}

/** cache: its folder. Failures: of the lock, and of packages that nothing can bring. */
export function surveyPackages(project: Project, env: EnvProject, disk: HostDisk, cache: string): Result<Survey> {
  const lock = LockFile.open(project.dir, null);
  if (!lock.ok) return lock;
  const acquisition = new Acquisition({
    project: () => project,
    reread: () => ok(project),
    disk,
    cache,
    lock: lock.value,
    locked: false,
    mode: project.settings.provider,
    dryRun: true,
    targets: NO_TARGETS,
    renewed: false,
    ask: () => Promise.resolve(nobody()),
    index: () => Promise.resolve(nobody()),
    note: () => {},
    plan: () => Promise.resolve(ok(emptyPlan(env.name, "release"))),
  });
  const { packages } = acquisition;
  if (env.unknownBoard !== null) return fail(env.unknownBoard);
  if (acquisition.awaitsPlatform(env)) return ok({ packages: null, toFetch: [`platform ${env.platformSpec.spec.text}`] });
  const { tools, framework } = packageNeeds(project, env, NO_TARGETS);
  const toFetch: string[] = [];
  for (const need of [...tools.map(([, each]) => each), ...(framework === null ? [] : [framework])]) {
    const at = packages.locate(env, need);
    if (!at.ok) return at;
    if (at.value.is === "offered") toFetch.push(`${at.value.offer.name} ${at.value.offer.version}`);
  }
  if (toFetch.length > 0) return ok({ packages: null, toFetch });
  const found = findPackages(project, env, NO_TARGETS, disk, packages);
  return found.ok ? ok({ packages: found.value, toFetch }) : found;
}

function nobody<T>(): Result<T> {
  return fail(failure("registry.offline", 4, "a survey asks nobody", { hint: "run `fb deps`" }));
}
