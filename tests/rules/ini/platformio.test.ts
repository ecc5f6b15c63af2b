/**
 * The same answer as PlatformIO on recorded projects: hand-written ones and generated ones (record.py).
 * FB_INI_CASES names another file that record.py wrote, to compare with fresh seeds.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ConfigIo, lintConfig, readConfig } from "../../../rules/ini/config.ts";
import { configTable } from "../../../rules/ini/json.ts";

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly vars: Readonly<Record<string, string>>;
  readonly table: unknown;
  readonly error: string | null;
  readonly warnings: readonly string[];
  /** What checking the names of envs said, where the table could be made. */
  readonly invalid?: string;
}

const fixture = process.env.FB_INI_CASES ?? new URL("fixtures/platformio.json", import.meta.url);
const recorded = JSON.parse(readFileSync(fixture, "utf8")) as { project: string; home: string; time: number; cases: Case[] };

/** Enough of Python's glob for the recorded patterns. */
function globPattern(pattern: string): RegExp {
  const parts = pattern.split("/").map((part) => {
    if (part === "**") return "(?:[^./][^/]*/)*";
    const text = part.replace(/[.+^${}()|\\]/g, "\\$&").replaceAll("*", "[^/]*");
    return (part.startsWith("*") ? "(?!\\.)" : "") + text;
  });
  return new RegExp(`^${parts.map((part, i) => (i + 1 < parts.length && !part.startsWith("(?:") ? `${part}/` : part)).join("")}$`);
}

function ioOf(each: Case): ConfigIo {
  const paths = Object.keys(each.files).sort();
  return {
    read: (path) => each.files[path.replace(/^\.\//, "")] ?? null,
    glob(pattern) {
      const dotted = pattern.startsWith("./") ? "./" : "";
      return paths.filter((path) => globPattern(pattern.slice(dotted.length)).test(path)).map((path) => dotted + path);
    },
    value: (name) => each.vars[name] ?? (name === "HOME" ? recorded.home : undefined),
    unixTime: () => recorded.time,
    sha1: (text) => createHash("sha1").update(text).digest("hex"),
  };
}

for (const each of recorded.cases) {
  test(each.name, () => {
    const io = ioOf(each);
    const config = readConfig(recorded.project, io);
    const table = config.ok ? configTable(config.value) : config;
    const lint = lintConfig(recorded.project, io);
    for (const failure of [...lint.errors, ...lint.warnings]) {
      assert.match(failure.code, /^ini\.[a-z-]+$/);
      assert.ok(failure.hint !== "" && failure.message !== "", failure.code);
      assert.ok(failure.file === null || (failure.line > 0 && failure.column > 0), `${failure.code} without place`);
    }
    if (each.error !== null) {
      assert.not(table.ok, `PlatformIO says ${each.error}, fb: ${JSON.stringify(table)}`);
      assert.ok(!table.ok && table.failure.exit === 3);
      assert.ok(lint.errors.length > 0);
      return;
    }
    assert.ok(table.ok, `PlatformIO accepts it, fb says ${JSON.stringify(table)}`);
    if (table.ok) assert.equal(table.value, each.table);
    assert.is(lint.errors.length > 0, each.invalid !== undefined, JSON.stringify(lint.errors));
    const said = lint.warnings.map((warning) => `${warning.code} ${warning.message}`).join("\n");
    for (const warning of each.warnings) {
      const [option = ""] = /(?<=`)[^`]+(?=`)/.exec(warning) ?? [];
      if (warning.includes("deprecated")) assert.ok(said.includes(`ini.renamed-option option ${option} of`), warning);
      else if (warning.includes("unknown")) assert.ok(said.includes(`ini.unknown-option unknown option ${option} in`), warning);
      else if (warning.includes("Invalid variable")) assert.ok(said.includes("ini.bare-variable"), warning);
      else assert.ok(said.includes("ini.monitor-filters"), warning);
    }
    const kinds = /ini\.(?:renamed-option|unknown-option|monitor-filters)/.test(said);
    assert.is(
      kinds,
      each.warnings.some((warning) => !warning.includes("Invalid variable")),
      said,
    );
  });
}

test.run();
