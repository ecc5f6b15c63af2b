/** After a successful run: what an unchanged next run may rest on, written as the snapshot of this request. */
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { Digests, type GraphFacts, writeDigests, writeGraph } from "../cache/graph-file.ts";
import type { Folder, KeptIds, SnapshotRecord } from "../cache/snapshot-format.ts";
import { resolveProgram, variableOf } from "../cache/snapshot-world.ts";
import { writeSnapshot } from "../cache/snapshot-write.ts";
import type { LocalState } from "../cache/state.ts";
import { isAsProbed } from "../cache/toolchain.ts";
import { type Files, isYoung, listingText, OWN_NAMES, sameSignature } from "../engine/files.ts";
import { keepGraph } from "../engine/kept-graph.ts";
import type { RunOutcome } from "../engine/run-request.ts";
import { foldersOf } from "../engine/tree.ts";
import type { Signature } from "../engine/types.ts";
import { buildInfoFile } from "./build-info.ts";
import { buildId } from "./home.ts";
import { clock } from "./host/clock.ts";
import type { HostDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";
import type { Looked, OpenProject } from "./open-project.ts";
import type { Payload, Said } from "./payload.ts";
import type { PlanInput } from "./plan-input.ts";
import { renderSummary } from "./show/summary.ts";
import { renderFailure } from "./show/text.ts";
import { seconds } from "./show/time.ts";

export function snapshotFile(folder: string): string {
  return join(folder, ".fb/state/snapshot");
}

/** The disk's clock ticks every few milliseconds; a disk that takes longer than this gets no snapshot after so quick a run. */
const TICK_MS = 40;

/**
 * Waits until no file of a run is young any more. False if one stays so, or is no longer what the run saw: nothing is to be kept then. extra: further files that
 * the run wrote.
 */
export async function hasSettled(disk: HostDisk, files: Files, extra: readonly string[]): Promise<boolean> {
  const times = extra.flatMap((path) => disk.sign(path) ?? []).flatMap((s) => [s.mtimeNs, s.ctimeNs]);
  const youngest = [files.youngest() ?? 0n, ...times].reduce((a, b) => (a > b ? a : b));
  const patience = clock.monotonicMs() + TICK_MS;
  while (disk.now() <= youngest) {
    if (clock.monotonicMs() > patience) return false;
    await clock.sleep(1, NEVER);
  }
  return files.settle();
}

/**
 * Writes the snapshot, unless something that the run rests on is no longer as it was, or could change without its signature changing; and the graph, for a run
 * that finds few changes. request: its name, and alias, the words of the command line, where they alone say what is asked for. extra: further files that the run
 * wrote, as compile_commands.json. The last are facts for the graph.
 */
export async function keepSnapshot(
  { request, alias }: { readonly request: string; readonly alias: string | null },
  told: Omit<Payload, "said">,
  open: OpenProject,
  outcome: RunOutcome,
  inputs: readonly PlanInput[],
  extra: readonly string[],
  state: LocalState,
  { roots, infos }: Pick<GraphFacts, "roots" | "infos">,
): Promise<void> {
  const ground = await groundOf(open, outcome, inputs, extra);
  if (ground === null) return;
  // A run of few changes writes these itself.
  const own = new Set(inputs.map((i) => buildInfoFile(i.plan.env, i.plan.profile)));
  const facts: GraphFacts = {
    request,
    builds: inputs.map((i) => ({ env: i.plan.env, profile: i.plan.profile })),
    roots,
    infos,
    fixed: ground.fixed.filter((path) => !own.has(path)),
    tools: ground.tools,
  };
  const record: SnapshotRecord = {
    ...ground.record,
    kept: await keepGraphOf(
      outcome,
      facts,
      ground.record.files.map((f) => f.path),
      state,
    ),
    payload: JSON.stringify(payloadOf(told)),
  };
  writeSnapshot(snapshotFile(open.project.dir), request, record, alias);
}

/** Names of the values that a run read: its actions, and who read the project. */
export function valueNames({ files }: RunOutcome, { reads }: Looked): string[] {
  return [...new Set([...files.valueNames(), ...reads.filter((r) => r.is === "value").map((r) => r.path as string)])];
}

/** What a run rests on, as a snapshot has it. */
export interface Ground {
  readonly record: Omit<SnapshotRecord, "kept" | "payload">;
  /** Files that more than actions rest on, and of these what tells toolchains apart. */
  readonly fixed: readonly string[];
  readonly tools: readonly string[];
}

/** Null where something that the run rests on is no longer as it was, or could change without its signature changing. */
export async function groundOf(
  { disk, project, looked }: OpenProject,
  outcome: RunOutcome,
  inputs: readonly PlanInput[],
  extra: readonly string[],
): Promise<Ground | null> {
  const { files } = outcome;
  if (!(await hasSettled(disk, files, extra))) return null;
  const now = disk.now();
  const signed = new Map<string, Signature>(files.files());
  for (const [path, was] of looked.files) {
    // Read again rather than asked for its age: these are a handful of small files.
    const signature = disk.sign(path);
    if (signature === null || !sameSignature(signature, was.signature) || hashing.sha256(disk.read(path)) !== was.digest) return null;
    signed.set(path, signature);
  }
  const tools = [...new Set(inputs.flatMap((i) => i.toolchains.flatMap((t) => t.guards.map((g) => g.path))))];
  const specs = outcome.graph.nodes.filter((n) => outcome.results.has(n.id)).map((n) => n.spec);
  const trees = new Set(specs.flatMap((s) => [...s.inputs.map((i) => i.path), ...s.outputs]).filter((path) => path.endsWith("/")));
  const listed = new Set([
    ...files.folders(),
    // A stray file anywhere in a folder that counts as one makes it another.
    ...[...trees].flatMap((tree) => [...foldersOf(disk, tree.slice(0, -1))].map((folder) => folder.path)),
    ...looked.reads.filter((r) => r.is === "listing").map((r) => r.path as string),
  ]);
  // Where a file lies in a folder's place there is nothing to list, until it becomes one.
  const noFolders = [...listed].filter((path) => path !== "" && !disk.isDir(path) && disk.sign(path) !== null);
  const guards = [...tools, ...extra, ...noFolders];
  for (const path of guards) {
    const signature = disk.sign(path);
    if (signature === null) return null;
    if (!signed.has(path)) signed.set(path, signature);
  }
  // After they were signed here, so that a compiler that was exchanged before is seen, and one that is exchanged later differs from its signature.
  if (!inputs.every((i) => i.toolchains.every((t) => isAsProbed(t, disk)))) return null;
  const device = disk.sign(".")?.dev ?? 0n;
  if ([...signed.values()].some((s) => isYoung(s, now, device))) return null;
  const folders: Folder[] = [];
  for (const path of listed) {
    const signature = disk.sign(path === "" ? "." : path);
    const entries = files.list(path);
    const known = looked.listings.get(path);
    if (known !== undefined && hashing.sha256(listingText(entries)) !== known) return null;
    if (signature !== null && entries !== null)
      folders.push({ path: path === "" ? "." : path, signature, entries, hidden: path === "" ? [...OWN_NAMES] : [] });
  }
  const missingFolders = [...listed].filter((path) => path !== "" && disk.sign(path) === null);
  const looksUp = { dir: project.dir, vars: process.env };
  const programs = [...new Set(inputs.flatMap((i) => [...i.programs.keys()]))];
  const names = valueNames(outcome, looked);
  const links = [...new Set(inputs.flatMap((i) => i.packages.flatMap((p) => (p.link === null ? [] : [p.link]))))];
  const record = {
    dir: project.dir,
    files: [...signed].map(([path, signature]) => ({ path, signature })),
    folders,
    absent: [...new Set([...files.absents(), ...looked.reads.filter((r) => r.is === "absent").map((r) => r.path as string)])],
    missingFolders,
    values: Object.fromEntries(names.map((name) => [name, process.env[variableOf(name)]])),
    programs: Object.fromEntries(programs.map((name) => [name, resolveProgram(name, looksUp)])),
    volatile: Object.fromEntries(inputs.flatMap((i) => [...i.commands])),
    links: Object.fromEntries(links.map((link) => [link, readlinkSync(join(project.dir, link))])),
    build: buildId,
    now,
    device,
  };
  return { record, fixed: [...looked.files.keys(), ...guards], tools };
}

/** Writes the graph, and the digests of the snapshot's files; null where a run of few changes could not rely on them. */
async function keepGraphOf(outcome: RunOutcome, facts: GraphFacts, paths: readonly string[], state: LocalState): Promise<KeptIds | null> {
  const { graph, results, files } = outcome;
  // Such an action runs whenever it is asked for.
  if (graph.nodes.some((n) => n.spec.sharing === "never" && results.has(n.id))) return null;
  await state.flush();
  const mark = state.mark();
  if (mark === null) return null;
  const written = writeGraph(state.folder, facts, keepGraph(graph, results, files));
  const places = new Map(paths.map((path, place) => [path, place]));
  const found = [...files.digests()].flatMap(([is, path, digest]) => {
    const place = places.get(path);
    return place === undefined ? [] : [[place, is, digest] as const];
  });
  const digests = writeDigests(state.folder, { state: mark }, Digests.from(found));
  return written === null || digests === null ? null : { graph: written, digests };
}

/** What the next run says if nothing changes until then. */
export function payloadOf({ result, ...told }: Omit<Payload, "said">): Payload {
  const unchanged = { ...result, t: 0, ms: 0, ran: 0, hits: 0, failed: 0, upToDate: result.actions };
  const said = (color: boolean): Said => {
    const text = renderSummary(unchanged, { color, dryRun: false, previousSize: () => null, failed: [] });
    const at = text.lastIndexOf(seconds(0));
    const notes = told.notes.map((note) => renderFailure(note, { color })).join("");
    return { notes, before: text.slice(0, at), after: text.slice(at + seconds(0).length) };
  };
  return { ...told, result: unchanged, said: { plain: said(false), color: said(true) } };
}

const NEVER = new AbortController().signal;
