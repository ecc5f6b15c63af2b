/** What `fb config --json` and `fb config --lint --json` print. */
import type { Failure, Result } from "../../engine/types.ts";
import type { Config, Value } from "./config.ts";

/** `[[section, [[option, value], …]], …]`, with null for an option that an empty environment variable names. */
export type ConfigTable = readonly (readonly [string, readonly (readonly [string, Value | null])[]])[];

/** All sections with all values, as PlatformIO's `project config --json-output` has them. The first value that cannot be resolved fails. */
export function configTable(config: Config): Result<ConfigTable> {
  const table: [string, [string, Value | null][]][] = [];
  for (const section of config.sections) {
    const options: [string, Value | null][] = [];
    for (const option of config.options(section)) {
      const value = config.get(section, option);
      if (!value.ok) return value;
      options.push([option, value.value ?? null]);
    }
    table.push([section, options]);
  }
  return { ok: true, value: table };
}

/** One problem: PlatformIO's names for the fields, with fb's code as type, and the column and hint that it has not. */
export interface LintProblem {
  readonly type: string;
  readonly message: string;
  readonly source: string | null;
  readonly lineno: number;
  readonly column: number;
  readonly hint: string;
}

/** The answer of `--lint --json`; with any error the exit code is 3. */
export function lintTable(lint: { readonly errors: readonly Failure[]; readonly warnings: readonly Failure[] }): {
  readonly errors: readonly LintProblem[];
  readonly warnings: readonly LintProblem[];
} {
  return { errors: lint.errors.map(lintProblem), warnings: lint.warnings.map(lintProblem) };
}

function lintProblem(failure: Failure): LintProblem {
  const { code, message, file, line, column, hint } = failure;
  return { type: code, message, source: file, lineno: line, column, hint };
}
