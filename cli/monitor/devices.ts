/** Monitors of envs: each env's port chosen and opened, all watched at once, their ends made one. */
import { exitCode } from "../../engine/failure.ts";
import { outFolder } from "../../engine/paths.ts";
import type { Event, Failure } from "../../engine/types.ts";
import type { EnvProject } from "../../rules/project.ts";
import { boardIds } from "../device/board-ids.ts";
import { choosePort } from "../device/choose.ts";
import type { PatternTexts } from "../device/patterns.ts";
import { INTERRUPTED } from "../host/signals.ts";
import type { Keyboard } from "./console.ts";
import { frameFinder } from "./decode.ts";
import { type MonitorEnd, type MonitorFaces, type MonitorOptions, runMonitor } from "./monitor.ts";
import { type MonitorFlags, type MonitorSettings, monitorSettings } from "./settings.ts";
import { openSource } from "./source.ts";

/** What is to be watched. env: null where there is no project. */
export interface Watched {
  readonly env: EnvProject | null;
  readonly folder: string;
  readonly profile: string;
}

export interface MonitorOrder {
  readonly flags: MonitorFlags;
  readonly patterns: PatternTexts;
  /** Seconds. */
  readonly limit: number | null;
}

/** What monitors have of the process around them. */
export interface MonitorHost {
  readonly out: MonitorFaces["out"];
  say(line: string): void;
  warn(warning: Failure): void;
  readonly emit: ((e: Event) => void) | null;
  readonly keyboard: Keyboard | null;
  readonly keys: MonitorFaces["keys"];
  now(): number;
}

/** What is wrong with flags, options and expressions is said before a port is opened. Of several ends the exit code is the contract's: 130, then 3, 4, 1, 5. */
export async function monitorEnvs(
  watched: readonly Watched[],
  order: MonitorOrder,
  stop: AbortSignal,
  host: MonitorHost,
): Promise<{ readonly exit: number; readonly failures: readonly Failure[] }> {
  const jobs: { readonly one: Watched; readonly settings: MonitorSettings }[] = [];
  for (const one of watched) {
    const settings = monitorSettings(order.flags, one.env);
    if (!settings.ok) return { exit: settings.failure.exit, failures: [settings.failure] };
    for (const warning of settings.value.warnings) host.warn(warning);
    jobs.push({ one, settings: settings.value });
  }
  const several = jobs.length > 1;
  const ends = await Promise.all(
    jobs.map(({ one, settings }) => {
      const options: MonitorOptions = {
        settings,
        patterns: order.patterns,
        limit: order.limit,
        prefix: several ? `${one.env?.name ?? ""}| ` : "",
        folder: one.folder,
        frames: settings.decode && one.env !== null ? frameFinder(one.folder, outFolder(one.env.name, one.profile)) : null,
        open: async (faces, how, ending) => {
          const hwids = one.env?.board?.hwids ?? [];
          const known = boardIds().flatMap((board) => board.hwids);
          const chosen = await choosePort({ named: settings.named, hwids, known }, ending);
          if (!chosen.ok) return chosen;
          return openSource(chosen.value.address, settings.serial, how, faces, ending);
        },
      };
      // Of several, which one would be typed to?
      return runMonitor(options, stop, { ...host, keyboard: several ? null : host.keyboard });
    }),
  );
  return joined(ends);
}

function joined(ends: readonly MonitorEnd[]): { readonly exit: number; readonly failures: readonly Failure[] } {
  const failures = ends.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  if (ends.some(({ exit }) => exit === INTERRUPTED)) return { exit: INTERRUPTED, failures };
  return { exit: exitCode(failures) || Math.max(0, ...ends.map(({ exit }) => exit)), failures };
}

/** For who has only a port. */
export function alone(folder: string): Watched {
  return { env: null, folder, profile: "release" };
}
