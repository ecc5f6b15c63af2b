/** A rule file laid over the file that it extends: tables key by key, everything else replaced, each value with the place where it stands. */
import { fail, failure } from "../engine/failure.ts";
import { collapse, folderOf, join } from "../engine/paths.ts";
import type { Result } from "../engine/types.ts";
import { parseToml, type TomlEntry, type TomlTable } from "./toml.ts";

/** The text of a file that is extended, by its path; null where there is none. */
export type ReadBase = (path: string) => string | null;

/**
 * The file's table over that of the file that it extends (`extends`, a path from its own folder), which may extend another in turn. The keys of the extended file
 * come first; one that both have keeps its place there. bases: without it nothing can be extended, as in a project's fb.toml.
 * Failures (exit 3): toml.syntax of any of the files; `rule.extends` where the file is not there, extends itself, or may extend none.
 */
export function readTree(file: string, text: string, bases: ReadBase | null): Result<TomlTable> {
  return tree(file, text, bases, [file]);
}

function tree(file: string, text: string, bases: ReadBase | null, chain: readonly string[]): Result<TomlTable> {
  const own = parseToml(file, text);
  const named = own.ok ? own.value.entries.get("extends")?.value : undefined;
  // Of another type: the description in schema.ts says so.
  if (!own.ok || named?.is !== "text") return own;
  const wrong = (message: string, hint: string) => fail<TomlTable>(failure("rule.extends", 3, message, { ...named.span, hint }));
  if (bases === null) return wrong("expected no `extends`: only the file of a platform extends another", "take the line away");
  const path = collapse(join(folderOf(file), named.value));
  if (chain.includes(path))
    return wrong(`extends itself: ${[...chain, path].join(" → ")}`, "expected files that do not lead back to this one");
  const under = bases(path);
  if (under === null) return wrong(`extends ${named.value}, which is not there (${path})`, "expected a path from the folder of this file");
  const base = tree(path, under, bases, [...chain, path]);
  return base.ok ? { ok: true, value: laid(base.value, own.value) } : base;
}

function laid(base: TomlTable, own: TomlTable): TomlTable {
  const entries = new Map<string, TomlEntry>(base.entries);
  for (const [key, entry] of own.entries) {
    const under = base.entries.get(key)?.value;
    const { value } = entry;
    entries.set(key, under?.is === "table" && value.is === "table" ? { span: entry.span, value: laid(under, value) } : entry);
  }
  return { is: "table", entries, span: own.span };
}
