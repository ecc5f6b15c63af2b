/** What a run made, as its result tells: images and their sizes. */
import { exitCode } from "../engine/failure.ts";
import { fromCanonical, outFolder } from "../engine/paths.ts";
import type { Report } from "../engine/report.ts";
import type { RunOutcome } from "../engine/run-request.ts";
import type { ProjectPath, RunResult } from "../engine/types.ts";
import type { HostDisk } from "./host/disk.ts";
import type { SizeReport } from "./tools/size.ts";

/** What a run has made until now, of all its envs. */
export type Made = Pick<RunResult, "artifacts" | "size">;

/** The result as it would be if the run ended now. */
export function resultOf({ failures, ms }: Report, cancelled: boolean, counts: RunOutcome["counts"] | null, made: Made): RunResult {
  const code = cancelled ? 130 : exitCode(failures);
  return {
    type: "result",
    status: cancelled ? "cancelled" : code === 0 ? "ok" : "failed",
    exitCode: code,
    ...(counts ?? { actions: 0, ran: 0, hits: 0, upToDate: 0, failed: 0 }),
    ms,
    ...made,
  };
}

/** The images of every goal that the run has settled, in the order of these envs. */
export function imagesOf(outcome: RunOutcome, envs: readonly string[]): RunResult["artifacts"] {
  const found = [...outcome.resolved].flatMap(([goal, paths]) => {
    // Of what is done with an image, the image.
    const made = paths.flatMap((path) => outcome.graph.named(path)?.spec.inputs.map((input) => input.path) ?? [path]);
    const images = made.filter((path) => !path.endsWith("/size.json"));
    return artifactsOf(outcome, goal.env, goal.profile, images);
  });
  return [...new Map(found.map((a) => [a.path, a])).values()].sort((a, b) => envs.indexOf(a.env) - envs.indexOf(b.env));
}

/** Those of these paths of one env that the run has settled. */
export function artifactsOf(outcome: RunOutcome, env: string, profile: string, paths: readonly ProjectPath[]): RunResult["artifacts"] {
  return paths.flatMap((path) => {
    const maker = outcome.graph.producer(path);
    const made = maker === undefined ? undefined : outcome.results.get(maker);
    const record = made?.outputs.find((o) => fromCanonical(o.path, outFolder(env, profile)) === path);
    return record === undefined ? [] : [{ env, path, sha256: record.digest, bytes: record.size }];
  });
}

/** What the size action of an env found, where the run has settled it. */
export function sizeOf(outcome: RunOutcome, env: string, disk: HostDisk): RunResult["size"] {
  const node = outcome.graph.nodes.find((n) => n.spec.env === env && n.spec.kind === "size" && outcome.results.has(n.id));
  const path = node?.spec.outputs[0];
  if (path === undefined || disk.sign(path) === null) return [];
  const report = JSON.parse(new TextDecoder().decode(disk.read(path))) as SizeReport;
  return [{ env, ...report }];
}
