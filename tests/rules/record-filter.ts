/**
 * Records which files PlatformIO's match_src_files selects from generated trees by generated filters: tests/rules/fixtures/filters.json.
 * node record-filter.ts [--cases N] [--seed N] [--out FILE]; what it needs: ../parity/README.md.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Peer } from "../parity/peer.ts";
import { filterCases } from "./filter-cases.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: join(import.meta.dirname, "fixtures", "filters.json") },
  },
});
const peer = Peer.find();
if (typeof peer === "string") throw new Error(peer);

const script = `
import json, sys
from platformio.fs import match_src_files
from platformio.builder.tools.piobuild import SRC_BUILD_EXT
work, cases = json.load(sys.stdin)
print(json.dumps([match_src_files(work + "/" + c["root"] if c["root"] else work, c["filter"], SRC_BUILD_EXT) for c in cases]))
`.replace(/from platformio.builder.*\n/, 'SRC_BUILD_EXT = ["c", "cc", "cpp", "cxx", "c++", "S", "spp", "SPP", "sx", "s", "asm", "ASM"]\n');

const trees = filterCases(Number(values.seed), Number(values.cases)).map(({ tree, cases }) => {
  const work = mkdtempSync(join(tmpdir(), "record-filter-"));
  for (const file of tree.files) {
    mkdirSync(dirname(join(work, file)), { recursive: true });
    if (file.endsWith("/")) mkdirSync(join(work, file), { recursive: true });
    else writeFileSync(join(work, file), "");
  }
  for (const [path, target] of tree.links) symlinkSync(join(work, target), join(work, path));
  const result = spawnSync(peer.python, ["-c", script], {
    input: JSON.stringify([work, cases]),
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(result.stderr);
  rmSync(work, { recursive: true });
  const found: string[][] = JSON.parse(result.stdout);
  return { tree, cases: cases.map((one, i) => ({ ...one, expect: found[i] })) };
});
writeFileSync(
  values.out,
  `[\n${trees.map(({ tree, cases }) => `{"tree":${JSON.stringify(tree)},"cases":[\n${cases.map((one) => JSON.stringify(one)).join(",\n")}\n]}`).join(",\n")}\n]\n`,
);
peer.close();
