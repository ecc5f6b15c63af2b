/**
 * `fb.lock`: every package and library of a project, pinned. TOML, because people read and merge it and fb's reader of it knows every place: a table for each
 * package and version, named by both, so that two branches that add different ones merge and two that change one conflict in it alone; a line for each
 * system's file and for each that asks, all sorted, nothing of this machine in it (no path, no time) and no credentials. It holds the files of every system that the source
 * names, so a colleague on another one gets the same version, checked. `schema = 1` is its version: a newer one is refused, never rewritten.
 *
 *     [library."acme/Foo@1.2.0"]
 *     provider = "fetch"
 *     source = "registry"
 *     files = [
 *       { system = "*", from = "https://…/foo-1.2.0.tar.gz", sha256 = "…", size = 1234, digest = "…" },
 *     ]
 *     wants = [
 *       { env = "uno", spec = "acme/Foo@^1.2" },
 *       { env = "uno", spec = "Foo", by = "Bar" },
 *     ]
 */
import { fail, failure, ok } from "../engine/failure.ts";
import { withoutCredentials } from "../engine/redact.ts";
import type { Result } from "../engine/types.ts";
import { isSafeName } from "./safe-name.ts";
import { check, type ListShape, type TableShape, type TextShape } from "./shape.ts";
import { bestFor } from "./systems.ts";
import { parseToml, type Span, type TomlTable, type TomlValue } from "./toml.ts";

export const LOCK_KINDS = ["platform", "tool", "library"] as const;
export type LockKind = (typeof LOCK_KINDS)[number];
/** fetch: from `files`. system: what the machine has, of this version. local: a folder that `files` names as the project writes it. */
export const LOCK_PROVIDERS = ["fetch", "system", "local"] as const;
export type LockProvider = (typeof LOCK_PROVIDERS)[number];
/** Which form of source it came from. */
export const LOCK_SOURCES = [
  "registry",
  "table",
  "index",
  "archive",
  "repository",
  "copy",
  "link",
  "pypi",
  "npm",
  "deb",
  "system",
] as const;
export type LockSource = (typeof LOCK_SOURCES)[number];

export interface LockFile {
  /** As rules/systems.ts has them; `*` for any. */
  readonly system: string;
  /** A url, a `git+…#COMMIT`, a reference to a registry, a folder as the project writes it. */
  readonly from: string;
  /** Of the archive; "" where there is none. */
  readonly sha256: string;
  /** Of the archive, in bytes; 0 where nothing says. */
  readonly size: number;
  /** Of the extracted content; "" until a machine of this system has had it. */
  readonly digest: string;
}

export interface LockWant {
  readonly env: string;
  /** As the ini or a manifest has it. */
  readonly spec: string;
  /** The library whose manifest asks; "" for the ini. */
  readonly by: string;
}

export interface LockEntry {
  readonly kind: LockKind;
  /** "" for none. */
  readonly owner: string;
  readonly name: string;
  readonly version: string;
  readonly provider: LockProvider;
  readonly source: LockSource;
  readonly files: readonly LockFile[];
  readonly wants: readonly LockWant[];
}

/** Sorted by kind, name, owner and version. */
export interface Lock {
  readonly entries: readonly LockEntry[];
}

export const noLock: Lock = { entries: [] };

/** `owner/name@version`. */
export function entryName({ owner, name, version }: Pick<LockEntry, "owner" | "name" | "version">): string {
  return `${owner === "" ? "" : `${owner}/`}${name}@${version}`;
}

/** The file of an entry for a system, or one that runs there too; null where it has none. */
export function lockedFile(entry: LockEntry, system: string): LockFile | null {
  return bestFor(entry.files, system, (file) => [file.system]);
}

/** The same entries in their order, those of one kind, owner, name and version made one; of files for one system the first stays. */
export function lockOf(entries: readonly LockEntry[]): Lock {
  const all = new Map<string, LockEntry>();
  for (const each of entries) {
    const key = `${each.kind} ${entryName(each)}`;
    const there = all.get(key);
    const files = [...(there?.files ?? []), ...each.files];
    const wants = [...(there?.wants ?? []), ...each.wants];
    all.set(key, {
      ...(there ?? each),
      files: sorted(
        files.filter((file, i) => files.findIndex((one) => one.system === file.system) === i),
        (file) => file.system,
      ),
      wants: sorted([...new Map(wants.map((want) => [wantKey(want), want])).values()], wantKey),
    });
  }
  const order = (each: LockEntry): string =>
    [LOCK_KINDS.indexOf(each.kind), each.name.toLowerCase(), each.name, each.owner, each.version].join("\0");
  return { entries: sorted([...all.values()], order) };
}

/** The file's text: the same for the same entries, whatever their order. Failure `lock.name` (exit 3): a name, version or address that may not stand in it. */
export function lockText(lock: Lock): Result<string> {
  const lines = ["# Written by fb; commit it. `fb deps --upgrade` changes it.", "schema = 1"];
  for (const entry of lockOf(lock.entries).entries) {
    const bad = badEntry(entry);
    if (bad !== null) return fail(failure("lock.name", 3, `fb.lock can not hold ${bad}`, { hint: "change it where it is written" }));
    lines.push("", `[${entry.kind}.${JSON.stringify(entryName(entry))}]`);
    lines.push(`provider = "${entry.provider}"`, `source = "${entry.source}"`);
    lines.push(...block("files", entry.files.map(fileLine)), ...block("wants", entry.wants.map(wantLine)));
  }
  return ok(`${lines.join("\n")}\n`);
}

/** Reads a lock; the failure is its first mistake: `toml.syntax`, `rule.*`, `lock.name`, `lock.newer` (all exit 3), with line and column. */
export function readLock(file: string, text: string): Result<Lock> {
  const conflict = text.split("\n").findIndex((line) => /^(?:<{7}|={7}|>{7})(?: |$)/.test(line));
  if (conflict >= 0) {
    const hint = "keep the blocks that both sides need and take the marks away, or remove fb.lock and run `fb deps`";
    return fail(failure("toml.syntax", 3, "a merge left both sides of a conflict here", { file, line: conflict + 1, column: 1, hint }));
  }
  const tree = parseToml(file, text);
  if (!tree.ok) return tree;
  const schema = tree.value.entries.get("schema");
  if (schema?.value.is === "number" && schema.value.value > 1) {
    const hint = "use the fb that wrote it, or a newer one";
    return fail(failure("lock.newer", 3, `schema = ${schema.value.value}: a newer fb wrote this lock`, { ...schema.span, hint }));
  }
  const [first] = check(tree.value, LOCK);
  if (first !== undefined) return fail(first);
  const entries: LockEntry[] = [];
  for (const kind of LOCK_KINDS) {
    const tables = tree.value.entries.get(kind)?.value;
    for (const [name, { span, value }] of tables?.is === "table" ? tables.entries : []) {
      const read = value.is === "table" ? entryOf(kind, name, value) : null;
      if (read === null) return fail(badName(name, span, "OWNER/NAME@VERSION or NAME@VERSION"));
      const bad = badEntry(read);
      if (bad !== null) return fail(badName(bad, span, "names without control characters or paths, urls, and 64 hex digits"));
      entries.push(read);
    }
  }
  return ok(lockOf(entries));
}

function badName(what: string, span: Span, expected: string): ReturnType<typeof failure> {
  const hint = "remove the block and run `fb deps`: it writes it again";
  return failure("lock.name", 3, `${what.length > 80 ? `${what.slice(0, 80)}…` : what}: expected ${expected}`, { ...span, hint });
}

const ANY: TextShape = { is: "text", about: "", expected: "a text", template: false, oneOf: null, pattern: null };
function word(oneOf: readonly string[]): TextShape {
  return { ...ANY, oneOf };
}
function table(keys: TableShape["keys"], required: readonly string[], rest: TableShape["rest"] = null): TableShape {
  return { ...{ is: "table", about: "", name: null }, keys, required, rest, exactlyOne: [], where: [] };
}
function list(of: TableShape): ListShape {
  return { is: "list", about: "", of, min: 0 };
}
const ENTRY = table(
  {
    provider: word(LOCK_PROVIDERS),
    source: word(LOCK_SOURCES),
    files: list(table({ system: ANY, from: ANY, sha256: ANY, size: { is: "count", about: "Bytes." }, digest: ANY }, ["system", "from"])),
    wants: list(table({ env: ANY, spec: ANY, by: ANY }, ["env", "spec"])),
  },
  ["provider", "source"],
);
const ENTRIES = table({}, [], { pattern: "^[^\\p{Cc}]{1,400}$", expected: "a name and a version", of: ENTRY });
const LOCK = table(
  { schema: { is: "const", about: "The version of this form: schema = 1.", value: 1 }, platform: ENTRIES, tool: ENTRIES, library: ENTRIES },
  ["schema"],
);

function entryOf(kind: LockKind, whole: string, value: TomlTable): LockEntry | null {
  const match = /^(?:([^/]+)\/)?([^/]+)@([^@/]+)$/.exec(whole);
  if (match === null) return null;
  return {
    ...{ kind, owner: match[1] ?? "", name: match[2] ?? "", version: match[3] ?? "" },
    provider: textAt(value, "provider") as LockProvider,
    source: textAt(value, "source") as LockSource,
    files: tablesAt(value, "files").map((file) => {
      const size = file.entries.get("size")?.value;
      return {
        ...{ system: textAt(file, "system"), from: withoutCredentials(textAt(file, "from")), sha256: textAt(file, "sha256") },
        ...{ size: size?.is === "number" ? size.value : 0, digest: textAt(file, "digest") },
      };
    }),
    wants: tablesAt(value, "wants").map((want) => ({
      env: textAt(want, "env"),
      spec: withoutCredentials(textAt(want, "spec")),
      by: textAt(want, "by"),
    })),
  };
}

/** What of an entry may not stand in a lock; null where all may. */
function badEntry(entry: LockEntry): string | null {
  const { owner, name, version, files, wants } = entry;
  const isWord = (text: string): boolean => isSafeName(text) && text.trim() === text;
  const isLine = (text: string): boolean => text.length <= 2000 && !/[\p{Cc}\p{Cs}]/u.test(text);
  if (version.includes("@") || ![name, version, ...(owner === "" ? [] : [owner])].every(isWord)) return JSON.stringify(entryName(entry));
  for (const file of files) {
    const isHash = [file.sha256, file.digest].every((hash) => hash === "" || /^[0-9a-f]{64}$/.test(hash));
    const isAddress = isLine(file.from) && !/^\s*-/.test(file.from) && file.from !== "";
    if (!isHash || !isAddress || !/^(?:\*|[a-z0-9_]{1,40})$/.test(file.system)) return `${entryName(entry)}: ${JSON.stringify(file)}`;
    if (entry.provider === "fetch" && file.sha256 === "" && /^(?:https?|file):/.test(file.from))
      return `${entryName(entry)}: ${file.from} without sha256`;
  }
  const want = wants.find((each) => !isLine(each.env) || !isLine(each.spec) || !isLine(each.by) || each.env === "");
  return want === undefined ? null : `${entryName(entry)}: ${JSON.stringify(want)}`;
}

function fileLine({ system, from, sha256, size, digest }: LockFile): string {
  const known = [
    sha256 === "" ? [] : [`sha256 = "${sha256}"`],
    size === 0 ? [] : [`size = ${size}`],
    digest === "" ? [] : [`digest = "${digest}"`],
  ];
  return `{ ${[`system = "${system}"`, `from = ${JSON.stringify(withoutCredentials(from))}`, ...known.flat()].join(", ")} }`;
}

function wantLine({ env, spec, by }: LockWant): string {
  return `{ env = ${JSON.stringify(env)}, spec = ${JSON.stringify(withoutCredentials(spec))}${by === "" ? "" : `, by = ${JSON.stringify(by)}`} }`;
}

function block(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key} = [`, ...lines.map((line) => `  ${line},`), "]"];
}

function wantKey({ env, spec, by }: LockWant): string {
  return [env, by, spec].join("\0");
}

/** By code units, whatever the machine's language. */
function sorted<T>(all: readonly T[], key: (one: T) => string): T[] {
  return [...all].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function textAt(table: TomlTable, key: string): string {
  const value = table.entries.get(key)?.value;
  return value?.is === "text" ? value.value : "";
}
function tablesAt(table: TomlTable, key: string): readonly TomlTable[] {
  const value = table.entries.get(key)?.value;
  return value?.is === "list" ? value.items.filter((item: TomlValue): item is TomlTable => item.is === "table") : [];
}
