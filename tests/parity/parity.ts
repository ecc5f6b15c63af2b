/**
 * `npm run parity`: makes new cases, asks PlatformIO and fb, and prints what differs; exits 1 if anything does. How to run it: README.md.
 */
import { parseArgs } from "node:util";
import { iniKind } from "./ini.ts";
import { checkLine, type Kind, seeded } from "./kind.ts";
import { Peer } from "./peer.ts";
import { inputHash, type Line, writeRecorded } from "./recorded.ts";

/** Differences that are shown in full; of more there is the id. */
const SHOWN = 5;

const { values, positionals } = parseArgs({ options: { record: { type: "boolean", default: false } }, allowPositionals: true });
const seed = Number(process.env["FB_SEED"] ?? Math.floor(Math.random() * 1e6));
const count = process.env["FB_CASES"];

/** How many of the kind's cases differ. */
function live<C extends object, A>(kind: Kind<C, A>, peer: Peer, ids: readonly string[], record: boolean): number {
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
    const difference = checkLine(kind, line);
    if (difference === "") continue;
    differing++;
    console.log(differing <= SHOWN ? `\n${kind.name} ${id}: ${difference}\n` : `${kind.name} ${id} too`);
  }
  if (record) writeRecorded(kind.name, lines);
  const none = unanswered === 0 ? "" : `, ${unanswered} that PlatformIO has no answer to`;
  console.log(`${kind.name}: ${lines.length} cases, ${differing} differ${none}${record ? "; recorded" : ""}`);
  return differing;
}

function main(): number {
  const kinds: Record<string, (peer: Peer) => number> = {};
  function add<C extends object, A>(kind: Kind<C, A>): void {
    kinds[kind.name] = (peer) => live(kind, peer, values.record ? kind.kept : seeded(seed, Number(count ?? kind.usual)), values.record);
  }
  add(iniKind);
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
    const differing = (positionals.length > 0 ? positionals : Object.keys(kinds)).map((name) => kinds[name]?.(peer) ?? 0);
    return differing.some((n) => n > 0) ? 1 : 0;
  } finally {
    peer.close();
  }
}

process.exitCode = main();
