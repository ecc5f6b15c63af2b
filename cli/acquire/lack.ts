/** What an env whose `platform =` is a name alone lacks, so that PlatformIO's platform package is fetched for it as if a version were written; and what counts where none comes. */
import { findPackage, type PackageNeed, type PackageProvider } from "../../cache/providers/package.ts";
import { fail, failure, ok, warning } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { publishedRanges } from "../../rules/platform-package.ts";
import type { EnvProject } from "../../rules/project.ts";
import type { EnvNeeds } from "../packages.ts";
import { type PackageMode, specOf } from "./acquirer.ts";
import type { LockFile } from "./lock-file.ts";
import { type Offer, OUT_OF_REACH } from "./offer.ts";
import type { PackageTables } from "./tables.ts";

/** An env as what is here makes it, and what has to be fetched before it is more. */
export interface Missing {
  readonly env: EnvProject;
  readonly offers: readonly Offer[];
}

interface LackHost {
  readonly lock: LockFile;
  readonly mode: PackageMode;
  readonly tables: PackageTables;
  readonly system: PackageProvider;
  needs(): EnvNeeds;
}

/**
 * Its board, where fb itself has not that one (`board.unknown`), or the first package of a build that no folder, table or machine has (`package.missing`,
 * `package.host`). Null where nothing is missing, or where a platform package would not help. Asks nobody.
 */
export function lackOf(env: EnvProject, host: LackHost): Failure | null {
  const { platformSpec, platformPackage, platform, unknownBoard } = env;
  if (platformSpec.source !== null || platformPackage !== null || publishedRanges(platform.rules).length === 0) return null;
  if (unknownBoard !== null || host.mode === "system") return unknownBoard;
  const { tools, framework } = host.needs();
  const needed = tools.flatMap(([tool, need]) => (tool.optional ? [] : [need]));
  for (const need of [...needed, ...(framework === null ? [] : [framework])]) {
    const lacking = nowhere(env, need, host);
    if (lacking !== null) return lacking;
  }
  return null;
}

function nowhere(env: EnvProject, need: PackageNeed, { lock, mode, tables, system }: LackHost): Failure | null {
  // What the ini names is brought, or is wrong by itself.
  if (need.want !== null) return null;
  const found = findPackage({ ...need, fetchedBy: "" }, mode === "fetch" ? [] : [system]);
  if (found.ok) return null;
  const wants = lock.entriesOf("tool", env.name).flatMap((entry) => (entry.name === need.name ? entry.wants : []));
  const isLocked = wants.some((want) => want.env === env.name && want.spec === specOf(env, need).text);
  const offer = isLocked ? null : tables.offer(env.platform.rules, need);
  if (isLocked || offer?.ok === true) return null;
  return offer === null ? found.failure : offer.failure;
}

/** What is missing, where the platform package that would bring it can not be had. */
export function inVain(lacks: Failure, why: Failure): Failure {
  if (lacks.code === "board.unknown") return { ...lacks, message: `${lacks.message}; ${why.message}` };
  if (!OUT_OF_REACH.has(why.code)) return why;
  const others = "or bring it from another machine (`fb cache export` there, `fb cache import` here)";
  return { ...lacks, message: `${lacks.message}; ${why.message}`, hint: `connect to the network; or ${lacks.hint}; ${others}` };
}

/** Where nothing is to be fetched fb's own boards count, if they have the env's. */
export function withoutPlatform(env: EnvProject, note: (warning: Failure) => void): Result<Missing> {
  const { spec, name } = env.platformSpec;
  const origin = env.options.get("platform")?.origin;
  const hint = "leave --packages system away, or the same in fb.toml, and it is fetched";
  const board = env.options.get("board")?.value;
  if (env.board === null && board !== undefined)
    return fail(
      failure("board.unknown", 3, `[env:${env.name}]: fb itself has no board "${String(board)}" of platform ${name}`, { ...origin, hint }),
    );
  note(
    warning(
      "platform.not-fetched",
      `platform ${spec.text} of [env:${env.name}] is not fetched: fb's own boards count, and what the machine has`,
      { ...origin, hint },
    ),
  );
  return ok({ env, offers: [] });
}
