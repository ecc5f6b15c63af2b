/** After a successful run: what an unchanged next run may rest on, written as the snapshot of this request. */
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Folder, SnapshotRecord } from "../cache/snapshot-format.ts";
import { resolveProgram } from "../cache/snapshot-world.ts";
import { writeSnapshot } from "../cache/snapshot-write.ts";
import { isYoung, listingText, OWN_NAMES, sameSignature } from "../engine/files.ts";
import type { RunOutcome } from "../engine/run.ts";
import type { Signature } from "../engine/types.ts";
import { buildId } from "./home.ts";
import { clock } from "./host/clock.ts";
import type { HostDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";
import type { OpenProject } from "./open-project.ts";
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
 * Writes the snapshot, unless something that the run rests on is no longer as it was, or could change without its signature changing. alias: the words of
 * the command line, where they alone say what is asked for. extra: further files that the run wrote, as compile_commands.json.
 */
export async function keepSnapshot(
  request: string,
  alias: string | null,
  told: Omit<Payload, "said">,
  open: OpenProject,
  outcome: RunOutcome,
  inputs: readonly PlanInput[],
  extra: readonly string[],
): Promise<void> {
  const { disk, project, looked } = open;
  const { files } = outcome;
  const times = extra.flatMap((path) => disk.sign(path) ?? []).flatMap((s) => [s.mtimeNs, s.ctimeNs]);
  const youngest = [files.youngest() ?? 0n, ...times].reduce((a, b) => (a > b ? a : b));
  const patience = clock.monotonicMs() + TICK_MS;
  while (disk.now() <= youngest) {
    if (clock.monotonicMs() > patience) return;
    await clock.sleep(1, NEVER);
  }
  if (!files.settle()) return;
  const now = disk.now();
  const signed = new Map<string, Signature>(files.files());
  for (const [path, was] of looked.files) {
    // Read again rather than asked for its age: these are a handful of small files.
    const signature = disk.sign(path);
    if (signature === null || !sameSignature(signature, was.signature) || hashing.sha256(disk.read(path)) !== was.digest) return;
    signed.set(path, signature);
  }
  for (const path of [...inputs.flatMap((i) => i.toolchains.flatMap((t) => t.guards)), ...extra]) {
    const signature = disk.sign(path);
    if (signature === null) return;
    if (!signed.has(path)) signed.set(path, signature);
  }
  const device = disk.sign(".")?.dev ?? 0n;
  if ([...signed.values()].some((s) => isYoung(s, now, device))) return;
  const folders: Folder[] = [];
  const specs = outcome.graph.nodes.filter((n) => outcome.results.has(n.id)).map((n) => n.spec);
  const trees = new Set(specs.flatMap((s) => [...s.inputs.map((i) => i.path), ...s.outputs]).filter((path) => path.endsWith("/")));
  const listed = new Set([
    ...files.folders(),
    ...[...trees].flatMap((tree) => foldersBelow(disk, tree.slice(0, -1))),
    ...looked.reads.filter((r) => r.is === "listing").map((r) => r.path as string),
  ]);
  for (const path of listed) {
    const signature = disk.sign(path === "" ? "." : path);
    const entries = files.list(path);
    const known = looked.listings.get(path);
    if (known !== undefined && hashing.sha256(listingText(entries)) !== known) return;
    if (signature !== null && entries !== null)
      folders.push({ path: path === "" ? "." : path, signature, entries, hidden: path === "" ? [...OWN_NAMES] : [] });
  }
  const missingFolders = [...listed].filter((path) => path !== "" && disk.sign(path) === null);
  const looksUp = { dir: project.dir, vars: process.env };
  const programs = [...new Set(inputs.flatMap((i) => [...i.programs.keys()]))];
  const names = [...new Set([...files.valueNames(), ...looked.reads.filter((r) => r.is === "value").map((r) => r.path as string)])];
  const links = [...new Set(inputs.flatMap((i) => i.packages.flatMap((p) => (p.link === null ? [] : [p.link]))))];
  const record: SnapshotRecord = {
    dir: project.dir,
    files: [...signed].map(([path, signature]) => ({ path, signature })),
    folders,
    absent: [
      ...new Set([...files.absents(), ...missingFolders, ...looked.reads.filter((r) => r.is === "absent").map((r) => r.path as string)]),
    ],
    values: Object.fromEntries(names.map((name) => [name, process.env[name]])),
    programs: Object.fromEntries(programs.map((name) => [name, resolveProgram(name, looksUp)])),
    volatile: Object.fromEntries(inputs.flatMap((i) => [...i.commands])),
    links: Object.fromEntries(links.map((link) => [link, readlinkSync(join(project.dir, link))])),
    build: buildId,
    payload: JSON.stringify(payloadOf(told)),
    now,
    device,
  };
  writeSnapshot(snapshotFile(project.dir), request, record, alias);
}

/** What the next run says if nothing changes until then. */
function payloadOf({ result, ...told }: Omit<Payload, "said">): Payload {
  const unchanged = { ...result, t: 0, ms: 0, ran: 0, hits: 0, failed: 0, upToDate: result.actions };
  const said = (color: boolean): Said => {
    const text = renderSummary(unchanged, { color, dryRun: false, previousSize: () => null, failed: [] });
    const at = text.lastIndexOf(seconds(0));
    const notes = told.notes.map((note) => renderFailure(note, { color })).join("");
    return { notes, before: text.slice(0, at), after: text.slice(at + seconds(0).length) };
  };
  return { ...told, result: unchanged, said: { plain: said(false), color: said(true) } };
}

/** A folder whose content counts as one, with every folder in it: a stray file anywhere there makes it another. */
function foldersBelow(disk: HostDisk, folder: string): string[] {
  const inner = (disk.list(folder) ?? []).filter((e) => e.is === "dir").map((e) => `${folder}/${e.name}`);
  return [folder, ...inner.flatMap((each) => foldersBelow(disk, each))];
}

const NEVER = new AbortController().signal;
