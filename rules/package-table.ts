/** A platform's packages.toml: which files, from where, a package of a version is, for each machine that builds. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { check, type ListShape, jsonSchema, type TableShape, type TextShape } from "./shape.ts";
import { ANY_SYSTEM, runnable, SYSTEMS } from "./systems.ts";
import { parseToml, type Span, type TomlTable, type TomlValue } from "./toml.ts";

/** One place to get a package from. Null for what the table does not say; a url always has its sha256. */
export interface TableSource {
  /** A url, or `pypi:NAME@VERSION`, `npm:NAME@VERSION`, `deb:NAME`. */
  readonly from: string;
  /** The systems whose programs it holds; `*` alone for every one. */
  readonly systems: readonly string[];
  /** 64 hex digits in lower case. */
  readonly sha256: string | null;
  /** Bytes. */
  readonly size: number | null;
  /** Whether the only folder at the archive's top is taken away. */
  readonly strip: boolean;
  /** Of the archive, the folder that is the package; "" for all. */
  readonly folder: string;
  /** Globs of files that are made executable, where the archive keeps no modes. */
  readonly executables: readonly string[];
  /** Another version than the package's, where this source has no other. */
  readonly version: string;
  readonly span: Span;
}

export interface TablePackage {
  readonly name: string;
  /** Who publishes it. */
  readonly owner: string;
  readonly version: string;
  /** What PlatformIO's registry calls the same release: ranges of an ini are about this one too. "" for none. */
  readonly registry: string;
  /** What Arduino's package indexes call it, `PACKAGER:NAME`; "" for nothing. */
  readonly index: string;
  /** In the order in which they are asked. */
  readonly sources: readonly TableSource[];
  readonly span: Span;
}

/** Packages by name. */
export type PackageTable = ReadonlyMap<string, TablePackage>;

function text(about: string, expected = "a text", pattern: string | null = null): TextShape {
  return { is: "text", about, expected, template: false, oneOf: null, pattern };
}
function list(about: string, of: TextShape | TableShape, min: 0 | 1 = 0): ListShape {
  return { is: "list", about, of, min };
}
const PLAIN = "^[^\\p{Cc}]{1,200}$";

const source: TableShape = {
  is: "table",
  about: "A place to get the package from.",
  name: "source",
  keys: {
    from: text(
      "A url, or pypi:NAME@VERSION, npm:NAME@VERSION, deb:NAME of a registry's own client.",
      "https://…, pypi:…, npm:… or deb:…",
      "^(?:https?|file|pypi|npm|deb):[^\\s\\p{Cc}]+$",
    ),
    for: list("The systems whose programs it holds. Default: every one.", { ...text("A system."), oneOf: SYSTEMS }, 1),
    sha256: text("Of the file; a url must have it.", "64 hex digits in lower case", "^[0-9a-f]{64}$"),
    size: { is: "count", about: "Bytes of the file." },
    strip: { is: "flag", about: "Take away the only folder at the archive's top. Default: false." },
    folder: text(
      "The folder of the archive that is the package.",
      "a folder inside the archive",
      "^(?!\\.{1,2}(?:/|$))[^/\\\\\\p{Cc}][^\\\\\\p{Cc}]*$",
    ),
    executables: list("Globs of files to make executable, where the archive keeps no modes.", text("A glob.", "a glob", PLAIN)),
    version: text("Its version, where it is not the package's.", "a version", PLAIN),
  },
  required: ["from"],
  rest: null,
  exactlyOne: [],
  where: [],
};
const packageShape: TableShape = {
  is: "table",
  about: "A package.",
  name: "package",
  keys: {
    owner: text("Who publishes it.", "a name", PLAIN),
    version: text("Its version, as its publisher writes it.", "a version", PLAIN),
    registry: text("The version that PlatformIO's registry has of the same release.", "a version", PLAIN),
    index: text("What Arduino's package indexes call it.", "PACKAGER:NAME", "^[\\w.-]+:[\\w.+-]+$"),
    sources: list("Where it comes from; the next one is asked when a host can not be reached.", source, 1),
  },
  required: ["version", "sources"],
  rest: null,
  exactlyOne: [],
  where: [],
};

/** packages.toml beside a platform's platform.toml. */
export const PACKAGE_TABLE: TableShape = {
  is: "table",
  about: "Packages of a platform and where they come from.",
  name: null,
  keys: {
    schema: { is: "const", about: "The version of this language: schema = 1.", value: 1 },
    package: {
      ...packageShape,
      ...{ about: "Packages by name.", name: null, keys: {}, required: [] },
      rest: { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", expected: "the name of a package", of: packageShape },
    },
  },
  required: ["schema"],
  rest: null,
  exactlyOne: [],
  where: [],
};

/** The published schema, as rules/packages.schema.json holds it. */
export function publishedPackageSchema(): string {
  return `${JSON.stringify(jsonSchema(PACKAGE_TABLE, "urn:fb:packages:1", "fb packages of a platform"), null, 2)}\n`;
}

/** Reads a packages.toml; the failure is its first mistake (codes `toml.syntax` and `rule.*`, exit 3, with line and column). */
export function readPackageTable(file: string, source: string): Result<PackageTable> {
  const tree = parseToml(file, source);
  if (!tree.ok) return tree;
  const [first] = [...check(tree.value, PACKAGE_TABLE), ...unhashed(tree.value)];
  if (first !== undefined) return fail(first);
  const packages = new Map<string, TablePackage>();
  for (const [name, entry] of entriesOf(tree.value, "package")) {
    const table = entry.value;
    if (table.is !== "table") continue;
    const version = textAt(table, "version") ?? "";
    const sources = itemsOf(table, "sources").flatMap((item) => (item.is === "table" ? [sourceOf(item, version)] : []));
    packages.set(name, {
      ...{ name, owner: textAt(table, "owner") ?? "", version },
      registry: textAt(table, "registry") ?? "",
      index: textAt(table, "index") ?? "",
      sources,
      span: entry.span,
    });
  }
  return ok(packages);
}

/** The sources whose programs run on a system, in the order in which they are asked: the table's, but one for exactly this system comes first. */
export function sourcesFor(entry: TablePackage, system: string): readonly TableSource[] {
  const order = runnable(system);
  const rank = (one: TableSource): number => {
    const found = order.findIndex((each) => one.systems.includes(each));
    // What is for any machine is as good as what is for this one.
    return found === order.length - 1 ? 0 : found;
  };
  return entry.sources.filter((one) => rank(one) >= 0).sort((a, b) => rank(a) - rank(b));
}

function sourceOf(table: TomlTable, version: string): TableSource {
  const size = table.entries.get("size")?.value;
  const systems = itemsOf(table, "for").flatMap((item) => (item.is === "text" ? [item.value] : []));
  const strip = table.entries.get("strip")?.value;
  return {
    from: textAt(table, "from") ?? "",
    systems: systems.length === 0 ? [ANY_SYSTEM] : systems,
    sha256: textAt(table, "sha256"),
    size: size?.is === "number" ? size.value : null,
    strip: strip?.is === "flag" && strip.value,
    folder: textAt(table, "folder") ?? "",
    executables: itemsOf(table, "executables").flatMap((item) => (item.is === "text" ? [item.value] : [])),
    version: textAt(table, "version") ?? version,
    span: table.span,
  };
}

/** Urls without the sha256 that they must have, and folders that climb out. */
function unhashed(tree: TomlTable): Failure[] {
  const found: Failure[] = [];
  for (const [name, entry] of entriesOf(tree, "package"))
    for (const item of entry.value.is === "table" ? itemsOf(entry.value, "sources") : []) {
      if (item.is !== "table") continue;
      const hint = "sha256sum FILE prints it; what is fetched is compared with it";
      if (/^(?:https?|file):/.test(textAt(item, "from") ?? "") && textAt(item, "sha256") === null)
        found.push(
          failure("rule.missing-key", 3, `expected the key "sha256" in package.${name}.sources: a url has one`, { ...item.span, hint }),
        );
      if ((textAt(item, "folder") ?? "").split("/").includes(".."))
        found.push(
          failure("rule.wrong-value", 3, `folder of package.${name}.sources: expected a folder inside the archive`, {
            ...item.span,
            hint: "take the .. away",
          }),
        );
    }
  return found;
}

function entriesOf(table: TomlTable, key: string): TomlTable["entries"] {
  const value = table.entries.get(key)?.value;
  return value?.is === "table" ? value.entries : new Map();
}
function itemsOf(table: TomlTable, key: string): readonly TomlValue[] {
  const value = table.entries.get(key)?.value;
  return value?.is === "list" ? value.items : [];
}
function textAt(table: TomlTable, key: string): string | null {
  const value = table.entries.get(key)?.value;
  return value?.is === "text" ? value.value : null;
}
