/** The rule files of fb's own platforms as scripts/bundle.ts has parsed them: dist/rules/NAME.cjs. */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { ReadBase } from "../rules/base-files.ts";
import type { RuleFile } from "../rules/rulefile.ts";
import { buildId } from "./home.ts";
import { hashing } from "./host/hash.ts";

/** files: platform.toml, then what it extends, by their paths from its folder, each with the digest of its text. */
interface RuleModule {
  readonly files: readonly (readonly [path: string, sha256: string])[];
  rules(files: readonly string[]): RuleFile;
}

/** What readRuleFile(file, text, bases) would give; null where it is not known, as of a platform that was edited since, or in a run from sources. */
export function knownRules(file: string, text: string, bases: ReadBase): RuleFile | null {
  if (buildId === "sources") return null;
  try {
    const known = createRequire(import.meta.url)(`./rules/${basename(dirname(file))}.cjs`) as RuleModule;
    const paths = known.files.map(([path]) => join(dirname(file), path));
    const same = known.files.every(([, sha256], i) => {
      const now = i === 0 ? text : bases(paths[i] ?? "");
      return now !== null && hashing.sha256(now) === sha256;
    });
    return same ? known.rules(paths) : null;
  } catch {
    return null;
  }
}
