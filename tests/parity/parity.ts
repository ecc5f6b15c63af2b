/**
 * `npm run parity`: makes new cases, asks PlatformIO and fb, and prints what differs; exits 1 if anything does. How to run it: README.md.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { iniKind } from "./ini.ts";
import { checkLine, type Kind, seeded } from "./kind.ts";
import { librariesKind } from "./libraries.ts";
import { type Files, Peer, writeFileTo } from "./peer.ts";
import { projectsKind } from "./projects.ts";
import { inputHash, type Line, writeRecorded } from "./recorded.ts";
import { registryKind } from "./registry.ts";
import { sketchesKind } from "./sketches.ts";
import { specsKind } from "./specs.ts";

/** Differences that are shown in full; of more there is the id. */
const SHOWN = 5;

const { values, positionals } = parseArgs({ options: { record: { type: "boolean", default: false } }, allowPositionals: true });
const seed = Number(process.env["FB_SEED"] ?? Math.floor(Math.random() * 1e6));
const count = process.env["FB_CASES"];

/** A new folder with the case, left for whoever looks into the difference. */
function keep(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "fb-differs-"));
  for (const [path, text] of Object.entries(files)) writeFileTo(join(folder, path), text);
  return folder;
}

/** How many of the kind's cases differ. */
async function live<C extends object, A>(kind: Kind<C, A>, peer: Peer, ids: readonly string[], record: boolean): Promise<number> {
  const cases = ids.flatMap((id) => {
    const input = kind.make(id);
    return input === null ? [] : [{ id, input }];
  });
  const lines: Line<A>[] = [];
  let differing = 0;
  let unanswered = 0;
  let at = 0;
  for (const answer of kind.ask(peer, cases)) {
    const { id, input } = cases[at++] ?? { id: "", input: null };
    if (input === null || answer === null) {
      unanswered++;
      continue;
    }
    const line = { id, input: inputHash(input), answer };
    lines.push(line);
    const difference = await checkLine(kind, line);
    if (difference === "") continue;
    differing++;
    if (differing > SHOWN) console.log(`${kind.name} ${id} too`);
    else console.log(`\n${kind.name} ${id}: ${difference}\n  the case: ${keep(kind.files(input))}\n`);
  }
  if (record && lines.length > 0) writeRecorded(kind.name, lines);
  const none = unanswered === 0 ? "" : `, ${unanswered} that PlatformIO has no answer to`;
  console.log(`${kind.name}: ${lines.length} cases, ${differing} differ${none}${record ? "; recorded" : ""}`);
  return differing;
}

async function main(): Promise<number> {
  const kinds: Record<string, (peer: Peer) => Promise<number>> = {};
  function add<C extends object, A>(kind: Kind<C, A>): void {
    kinds[kind.name] = (peer) => live(kind, peer, values.record ? kind.kept : seeded(seed, Number(count ?? kind.usual)), values.record);
  }
  add(iniKind);
  add(projectsKind);
  add(librariesKind);
  add(sketchesKind);
  add(specsKind);
  add(registryKind);
  const unknown = positionals.find((name) => kinds[name] === undefined);
  if (unknown !== undefined || !Number.isInteger(seed) || (count !== undefined && !/^[1-9]\d*$/.test(count))) {
    console.log(`usage: [FB_SEED=N] [FB_CASES=N] npm run parity -- [--record] [${Object.keys(kinds).join("|")}]...`);
    return 2;
  }
  const peer = Peer.find();
  if (typeof peer === "string") {
    console.log(`no PlatformIO to compare with: ${peer}`);
    return 2;
  }
  console.log(`${peer.version()}; FB_SEED=${seed}`);
  try {
    let differing = 0;
    for (const name of positionals.length > 0 ? positionals : Object.keys(kinds)) differing += (await kinds[name]?.(peer)) ?? 0;
    return differing > 0 ? 1 : 0;
  } finally {
    peer.close();
  }
}

process.exitCode = await main();
