/** What a run made, as its result tells: images and their sizes. */
import { fromCanonical, outFolder } from "../engine/paths.ts";
import type { RunOutcome } from "../engine/run.ts";
import type { ProjectPath, RunResult } from "../engine/types.ts";
import type { HostDisk } from "./host/disk.ts";
import type { SizeReport } from "./tools/size.ts";

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
