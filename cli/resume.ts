/**
 * A build that found a few files changed, and nothing else: it takes up the graph that the last good run kept, looks at the actions which these files reach, and
 * amends the snapshot. Nothing is read of the ini, no toolchain is asked, no plan is loaded. Whatever does not fit ends in null: then everything is decided anew.
 */
import { DIGEST_KINDS, type Digests, type GraphFacts, readDigests, readGraph, writeDigests } from "../cache/graph-file.ts";
import { amendSnapshot } from "../cache/snapshot-amend.ts";
import { isSame, isStill } from "../cache/snapshot.ts";
import type { LocalState } from "../cache/state.ts";
import { type Carried, Files, isYoung } from "../engine/files.ts";
import { KeptGraph } from "../engine/kept-graph.ts";
import { canonicalRead, outFolder, type Root } from "../engine/paths.ts";
import type { Resume, RunOutcome, RunRequest } from "../engine/run-request.ts";
import type { World } from "../engine/settle.ts";
import type { ActionSpec, CanonPath, Digest, Read, RunResult, Signature } from "../engine/types.ts";
import { type BuildInfo, removeBuildInfo, withArtifacts, writeBuildInfo } from "./build-info.ts";
import type { Found } from "./found.ts";
import type { HostDisk } from "./host/disk.ts";
import { hasSettled, payloadOf, snapshotFile } from "./keep.ts";
import type { Payload } from "./payload.ts";
import { artifactsOf, type Made, sizeOf } from "./results.ts";

/** Files of the record that did not change, by path. */
class Unchanged implements Carried {
  readonly places: ReadonlyMap<string, number>;
  private readonly found: Found;
  private readonly digests: Digests;
  private readonly changed: ReadonlySet<number>;

  constructor(found: Found, digests: Digests) {
    this.found = found;
    this.digests = digests;
    this.changed = new Set(found.files);
    const places = new Map<string, number>();
    for (let i = 0; i < found.paths.length; i++) places.set(found.paths[i] as string, i);
    this.places = places;
  }

  file(path: string): { readonly digest: Digest; readonly before: BigUint64Array } | undefined {
    const place = this.places.get(path);
    const digest = place === undefined || this.changed.has(place) ? undefined : this.digests.get(place, "file");
    if (place === undefined || digest === undefined) return undefined;
    return { digest, before: this.found.record.signatures.subarray(place * 5, place * 5 + 5) };
  }
}

export class Resumed {
  readonly world: World;
  private readonly resume: Resume;
  /** What the last good run told. */
  readonly payload: Payload;
  private readonly found: Found;
  private readonly facts: GraphFacts;
  private readonly digests: Digests;
  private readonly unchanged: Unchanged;

  private constructor(
    found: Found,
    facts: GraphFacts,
    digests: Digests,
    unchanged: Unchanged,
    world: World,
    payload: Payload,
    resume: Resume,
  ) {
    this.found = found;
    this.facts = facts;
    this.digests = digests;
    this.unchanged = unchanged;
    this.world = world;
    this.payload = payload;
    this.resume = resume;
  }

  /** Under the project's lock. request: of this command. worldOf: the world, with the roots that paths are named from and what is known of files. */
  static from(
    found: Found,
    request: string,
    state: LocalState,
    worldOf: (roots: readonly Root[], carried: Carried, valuesRead: Iterable<string>) => World,
  ): Resumed | null {
    const { kept } = found.record.facts;
    if (found.request !== request || kept === null || !isStill(snapshotFile(found.dir), found)) return null;
    const graphFile = readGraph(state.folder, kept.graph);
    const digestFile = readDigests(state.folder, kept.digests);
    if (graphFile === null || digestFile === null || graphFile.facts.request !== request) return null;
    const { facts, columns } = graphFile;
    const { digests } = digestFile;
    const fixed = new Set(facts.fixed);
    const changed = found.files.map((place) => found.paths[place] as string);
    if (!state.reaches(digestFile.facts.state) || changed.some((path) => fixed.has(path))) return null;
    if (facts.builds.some(({ env, profile }) => state.unfinished(outFolder(env, profile)) !== null)) return null;
    const unchanged = new Unchanged(found, digests);
    const world = worldOf(facts.roots, unchanged, Object.keys(found.record.facts.values));
    const files = new Files(world);
    const graph = new KeptGraph(columns);
    const places = graph.affected(new Set(changed), state.readers(otherwise(found, digests, files, facts.builds)));
    const specs = places.map((place) => graph.spec(place));
    if (specs.some((spec) => spec.kind === "plan")) return null;
    const payload = JSON.parse(found.record.facts.payload) as Payload;
    const upToDate = payload.result.actions - specs.length;
    const resume: Resume = { specs, outside: graph.outside(places), upToDate, builds: facts.builds, files };
    return new Resumed(found, facts, digests, unchanged, world, payload, resume);
  }

  /** What the run is asked for. */
  get what(): Pick<RunRequest, "plans" | "goals" | "bind" | "resume"> {
    return { plans: [], goals: [], bind: null, resume: this.resume };
  }

  get builds(): Resume["builds"] {
    return this.resume.builds;
  }

  /** It looks at none. */
  readonly tools = {};

  /** Whether the compilers are still those of the last good run. */
  compilersStand(disk: HostDisk): boolean {
    return this.facts.tools.every((path) => {
      const place = this.unchanged.places.get(path);
      return place !== undefined && isSame(disk.sign(path), this.found.record.signatures, place * 5);
    });
  }

  /** Of all envs: as this run left it where it looked, else as the last good run told. */
  made(outcome: RunOutcome, disk: HostDisk): Made {
    const { artifacts, size } = this.payload.result;
    return {
      artifacts: artifacts.flatMap((was) => {
        const maker = outcome.graph.producer(was.path);
        return maker === undefined ? [was] : artifactsOf(outcome, was.env, outcome.graph.node(maker).spec.profile, [was.path]);
      }),
      size: this.builds.flatMap(({ env }) => {
        const looked = outcome.graph.nodes.some((n) => n.spec.env === env && n.spec.kind === "size");
        return looked ? sizeOf(outcome, env, disk) : size.filter((s) => s.env === env);
      }),
    };
  }

  /** Writes build_info.json of the envs that have images, and takes it away where a failed run has taken them; the paths written. */
  writeInfos(artifacts: RunResult["artifacts"], disk: HostDisk): string[] {
    return (this.facts.infos as readonly BuildInfo[]).flatMap((info) => {
      if (artifacts.some((a) => a.env === info.env)) return [writeBuildInfo(disk, withArtifacts(info, artifacts))];
      const images = info.artifacts.map((a) => a.path);
      removeBuildInfo(disk, info.env, info.profile, images);
      return [];
    });
  }

  /** Amends the snapshot after a run that went well. alias: the words of the command line; extra: files that fb wrote beside the actions' outputs. */
  async keep(
    told: Omit<Payload, "said">,
    alias: string | null,
    outcome: RunOutcome,
    disk: HostDisk,
    state: LocalState,
    extra: readonly string[],
  ): Promise<void> {
    const { found, digests, unchanged } = this;
    const { kept } = found.record.facts;
    const { files } = outcome;
    if (!(await hasSettled(disk, files, extra))) return;
    const now = disk.now();
    const device = disk.sign(".")?.dev ?? 0n;
    const changed = new Map<number, Signature | null>();
    const added = new Map<string, Signature>();
    const note = (path: string, signature: Signature) => {
      const place = unchanged.places.get(path);
      if (place === undefined) added.set(path, signature);
      else if (!isSame(signature, found.record.signatures, place * 5)) changed.set(place, signature);
    };
    for (const [path, signature] of files.files()) note(path, signature);
    for (const path of extra) {
      const signature = disk.sign(path);
      if (signature === null) return;
      note(path, signature);
    }
    for (const path of files.absents()) {
      const place = unchanged.places.get(path);
      if (place !== undefined) changed.set(place, null);
    }
    for (const place of found.files)
      if (!changed.has(place) && files.before(found.paths[place] as string) === null) changed.set(place, null);
    if ([...changed.values(), ...added.values()].some((s) => s !== null && isYoung(s, now, device))) return;
    await state.flush();
    const mark = state.mark();
    const gone = new Set([...changed].flatMap(([place, s]) => (s === null ? [place] : [])));
    const places = new Map([...added.keys()].map((path, i) => [path, found.paths.length + i]));
    const more = [...files.digests()].flatMap(([is, path, digest]) => {
      const place = places.get(path) ?? unchanged.places.get(path);
      return place === undefined || (place < found.paths.length && !changed.has(place)) ? [] : [[place, is, digest] as const];
    });
    const id = mark === null ? null : writeDigests(state.folder, { state: mark }, digests.amended(new Set(changed.keys()), gone, more));
    amendSnapshot(snapshotFile(found.dir), found, {
      dir: found.dir,
      payload: JSON.stringify(payloadOf(told)),
      kept: id === null || kept === null ? null : { ...kept, digests: id },
      alias,
      changed,
      added: [...added].map(([path, signature]) => ({ path, signature })),
      absent: [...files.absents()],
      now,
      device,
    });
  }
}

/** What the changed files no longer are of what they were, as records name it. */
function otherwise(
  found: Found,
  digests: Digests,
  files: Files,
  builds: readonly { readonly env: string; readonly profile: string }[],
): Read<CanonPath>[] {
  const folders = builds.map(({ env, profile }) => outFolder(env, profile));
  return found.files.flatMap((place) => {
    const path = found.paths[place] as ActionSpec["outputs"][number];
    return DIGEST_KINDS.flatMap((is) => {
      const was = digests.get(place, is);
      if (was !== undefined && files.digest({ is, path }) === was) return [];
      return folders.map((out) => canonicalRead({ is, path }, out));
    });
  });
}
