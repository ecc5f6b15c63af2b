/**
 * `npm run check`: types, lint, format and the rules of who may import whom. So that it can not pass by checking nothing, it plants violations in a copy
 * and expects each to be caught.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => join(root, "node_modules", ".bin", name);
let failed = false;

function step(name: string, ok: boolean, text: string): void {
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${name}\n`);
  if (!ok) process.stdout.write(`${text}\n`);
  failed ||= !ok;
}

function ran(program: string, args: readonly string[], cwd: string): { readonly ok: boolean; readonly text: string } {
  const result = spawnSync(process.execPath, [program, ...args], { cwd, encoding: "utf8" });
  return { ok: result.status === 0, text: `${result.stdout}${result.stderr}` };
}

const types = ran(bin("tsc"), ["-p", "."], root);
step("types", types.ok, types.text);
const page = ran(bin("tsc"), ["-p", "cli/page"], root);
step("types of the page, which runs in a browser", page.ok, page.text);
const lint = ran(bin("biome"), ["check", "--error-on-warnings", "--max-diagnostics=50", "."], root);
step("lint, format, imports", lint.ok, lint.text);

/** Each file breaks one rule; the rule's name must be in what the linter says of it. */
const planted: readonly (readonly [file: string, text: string, rule: string])[] = [
  ["engine/planted.ts", 'import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n', "noRestrictedImports"],
  ["engine/planted.ts", 'import { nearest } from "../rules/nearest.ts";\nexport const x = nearest;\n', "noRestrictedImports"],
  ["engine/planted.ts", 'import { openCache } from "../cache/open.ts";\nexport const x = openCache;\n', "noRestrictedImports"],
  ["engine/planted.ts", 'import { version } from "../cli/home.ts";\nexport const x = version;\n', "noRestrictedImports"],
  ["engine/planted.ts", 'export const x = () => import("../rules/nearest.ts");\n', "noRestrictedImports"],
  ["rules/planted.ts", 'import { version } from "../cli/home.ts";\nexport const x = version;\n', "noRestrictedImports"],
  ["rules/planted.ts", 'import { openCache } from "../cache/open.ts";\nexport const x = openCache;\n', "noRestrictedImports"],
  ["cache/planted.ts", 'import { nearest } from "../rules/nearest.ts";\nexport const x = nearest;\n', "noRestrictedImports"],
  ["engine/planted.ts", 'import { y } from "./planted2.ts";\nexport const x = () => y;\n', "noImportCycles"],
  ["rules/planted.ts", "export default 1;\n", "noDefaultExport"],
];
const copy = mkdtempSync(join(tmpdir(), "fb-check-"));
try {
  for (const name of ["engine", "rules", "cache", "cli", "biome.json", "package.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [file, text, rule] of planted) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), text);
    const second = join(copy, "engine/planted2.ts");
    if (text.includes("planted2")) writeFileSync(second, 'import { x } from "./planted.ts";\nexport const y = () => x;\n');
    const found = ran(bin("biome"), ["lint", file], copy);
    step(
      `a planted violation is caught: ${rule} in ${file}: ${text.split("\n")[0]}`,
      !found.ok && found.text.includes(rule),
      found.text || "nothing was said",
    );
    rmSync(join(copy, file));
    rmSync(second, { force: true });
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
