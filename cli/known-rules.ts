/** The rule files of fb's own platforms as scripts/bundle.ts has parsed them: dist/rules/NAME.cjs. */
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";
import type { RuleFile } from "../rules/rulefile.ts";
import { buildId } from "./home.ts";
import { hashing } from "./host/hash.ts";

interface RuleModule {
  readonly sha256: string;
  rules(file: string): RuleFile;
}

/** What readRuleFile(file, text) would give; null where it is not known, as of a platform that was edited since, or in a run from sources. */
export function knownRules(file: string, text: string): RuleFile | null {
  if (buildId === "sources") return null;
  try {
    const known = createRequire(import.meta.url)(`./rules/${basename(dirname(file))}.cjs`) as RuleModule;
    return known.sha256 === hashing.sha256(text) ? known.rules(file) : null;
  } catch {
    return null;
  }
}
