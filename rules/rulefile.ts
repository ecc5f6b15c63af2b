/** A rule file as typed records: what was written, with its places, every default filled in. */
import { isEffect } from "../engine/effects.ts";
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result, Sharing } from "../engine/types.ts";
import { type ReadBase, readTree } from "./base-files.ts";
import {
  at,
  bug,
  flagAt,
  lists,
  tableAt,
  tableList,
  tablesAt,
  tablesIn,
  template,
  templateAt,
  templates,
  textAt,
  textsAt,
  variable,
  words,
  type Word,
} from "./checked-toml.ts";
import type { Variable } from "./expand.ts";
import { checkNames } from "./rulefile-names.ts";
import { upload, type Uploader, uploader, type UploadWay } from "./rulefile-uploads.ts";
import { checkRuleFile, FLAG_SCOPES, type FlagScope, type RuleKind } from "./schema.ts";
import type { Script } from "./script-lists.ts";
import type { PackageSettings } from "./package-settings.ts";
import { settingsOf } from "./settings.ts";
import type { Template } from "./template.ts";
import type { Span, TomlTable, TomlValue } from "./toml.ts";

export interface PlatformInfo {
  readonly names: readonly string[];
  readonly title: string;
  /** Ranges of versions of PlatformIO's platform package that the rules are for; empty for any. */
  readonly covers: readonly string[];
  /** Patterns of its package's addresses, the first a whole one; empty for a platform that is known by its name. */
  readonly addresses: readonly string[];
  /** PlatformIO's registry has that package under the platform's first name. */
  readonly published: boolean;
  /** "" for none. */
  readonly boards: string;
  readonly program: string;
  readonly image: "elf" | "hex" | "bin" | "uf2";
  readonly frameworks: readonly string[];
  /** Names of what PlatformIO's builder obeys and these rules do not: `option.NAME`, `board.PATH`. */
  readonly unheard: readonly string[];
  /** What a board has that its JSON does not say. */
  readonly board: ReadonlyMap<string, string | readonly string[]>;
}

/** "" and [] where the file says nothing. */
export interface PackageInfo {
  readonly name: string;
  readonly span: Span;
  readonly package: string;
  readonly version: string;
  /** Ranges of its versions that the rules are for; empty for any. */
  readonly covers: readonly string[];
  readonly finds: string;
  readonly debian: readonly string[];
  readonly pypi: readonly string[];
}

/** Sources of a framework. filter: empty for PlatformIO's default. */
export interface FrameworkPart {
  readonly name: string;
  readonly folder: Template;
  readonly filter: readonly Template[];
  readonly link: "archive" | "objects";
  /** What is defined for its sources alone. */
  readonly defines: readonly Template[];
  /** Whether the flags of debug builds reach its sources. */
  readonly debug: boolean;
}

/** before: flags that come before all others of their scope. */
export interface Framework extends PackageInfo {
  /** Those of the boards' cores that it is for; empty: all. */
  readonly cores: readonly string[];
  /** Those of their chips; empty: all. */
  readonly mcus: readonly string[];
  /** Macros by which PlatformIO's builder takes another core's package. */
  readonly otherCores: readonly string[];
  readonly parts: readonly FrameworkPart[];
  readonly before: ReadonlyMap<FlagScope, readonly Template[]>;
  /** A text of flags that come after the framework's own; null for none. */
  readonly boardFlags: Template | null;
  /** Flags that come after those. */
  readonly after: ReadonlyMap<FlagScope, readonly Template[]>;
  /** Tools of the file that are packages of the framework. */
  readonly tools: readonly string[];
}

export interface Tool extends PackageInfo {
  readonly probe: "gcc" | "none" | "folder";
  /** Those of the boards' mcus that it is for; empty: all. */
  readonly mcus: readonly string[];
  /** Rules do without it where it is not there: it is not fetched unless the project names it. */
  readonly optional: boolean;
  /** A framework that is fetched needs what only this package's compiler has. */
  readonly paired: boolean;
  /** KEY of `${tool.NAME.KEY}`. In their templates `${tool}` has become `${tool.NAME}`, the name that the package's folder is handed in by. */
  readonly names: ReadonlyMap<string, Variable>;
}

export type Change =
  | { readonly is: "set"; readonly to: Variable; readonly span: Span }
  | {
      readonly is: "edit";
      readonly remove: readonly Template[];
      readonly prepend: readonly Template[];
      readonly append: readonly Template[];
      readonly span: Span;
    };

export type OverlayKind = "host" | "framework" | "tool" | "core" | "cpu" | "mcu" | "board" | "when" | "choose" | "profile" | "env";

/**
 * Changes that apply where `name` fits (of a framework that is asked for its version: `framework.NAME`, as a tool). within: of a tool the range of versions, of a
 * choice its group, of which the first that fits applies, of `when` the name that is looked at; else "".
 */
export interface Overlay {
  readonly on: OverlayKind;
  readonly name: string;
  readonly within: string;
  readonly span: Span;
  readonly vars: ReadonlyMap<string, Change>;
  readonly flags: ReadonlyMap<FlagScope, Change>;
}

/** What rules and steps have in common. */
export interface ActionTemplate {
  readonly name: string;
  readonly span: Span;
  /** Empty for a step with `sh`. */
  readonly run: readonly Template[];
  readonly in: readonly Template[];
  readonly order: readonly Template[];
  readonly out: readonly Template[];
  readonly depfile: Template | null;
  readonly discover: "depfile" | "trace" | "nothing";
  readonly vars: ReadonlyMap<string, Template>;
  readonly color: readonly Template[];
  readonly sharing: Sharing;
  /** Empty: `cpu`. */
  readonly claims: readonly Word[];
  readonly label: Template | null;
  readonly rsp: boolean;
  /** Empty: all. */
  readonly env: readonly Word[];
}

export interface Rule extends ActionTemplate {
  readonly kind: RuleKind;
  /** The target that it is part of: always of what is done with devices; of other rules where they are for who asks by that name alone, else "". */
  readonly target: string;
  readonly match: readonly string[];
  /** Names, and what they have to stand for: patterns with `*` and `|`. */
  readonly when: ReadonlyMap<string, string>;
}

export interface Step extends ActionTemplate {
  readonly sh: Template | null;
  /** null where the file says nothing: compile, if an output is under `${gen}`. */
  readonly before: readonly Word[] | null;
  readonly after: readonly Word[];
  readonly provides: "image" | null;
}

export interface RuleFile {
  readonly file: string;
  readonly platform: PlatformInfo | null;
  readonly compdb: boolean;
  readonly extraScripts: "error" | "ignore";
  /** `[mirrors]`, `[packages]` and `[registry]`. */
  readonly settings: PackageSettings;
  readonly vars: ReadonlyMap<string, Variable>;
  readonly scripts: ReadonlyMap<string, Script>;
  readonly flags: ReadonlyMap<FlagScope, readonly Template[]>;
  readonly tools: ReadonlyMap<string, Tool>;
  /** Those that have a table; their overlays are in `overlays`. */
  readonly frameworks: ReadonlyMap<string, Framework>;
  /** In the order in which they apply (OVERLAY_ORDER); within one kind the order of the file. */
  readonly overlays: readonly Overlay[];
  /** Lists that are empty where a name in them stands for nothing. */
  readonly maybe: ReadonlyMap<string, readonly Template[]>;
  readonly uploaders: ReadonlyMap<string, Uploader>;
  /** In the order in which they are tried. */
  readonly uploads: readonly UploadWay[];
  readonly rules: ReadonlyMap<string, Rule>;
  readonly steps: readonly Step[];
}

/** Reads a rule file and, through bases, those that it extends; the failure is the first mistake (codes `toml.syntax` and `rule.*`, exit 3, with file, line and column). */
export function readRuleFile(file: string, text: string, bases: ReadBase | null = null): Result<RuleFile> {
  const { value, problems } = read(file, text, bases);
  return value !== null && problems[0] === undefined
    ? ok(value)
    : fail(problems[0] ?? failure("toml.syntax", 3, "not a rule file", { file }));
}

/** Every mistake in a rule file, in the order of the file: for editors and `fb config --lint`. */
export function ruleFileProblems(file: string, text: string): readonly Failure[] {
  return read(file, text, null).problems;
}

/**
 * The parsed rule as canonical JSON, for its digest: comments, spacing and places do not count, nor does what is no part of a key (label, colour,
 * claims, order, the envs that it is for).
 */
export function ruleDigestInput(rule: Rule | Step): string {
  const texts = (list: readonly Template[]) => list.map((t) => t.text);
  return JSON.stringify({
    depfile: rule.depfile?.text ?? null,
    discover: rule.discover,
    in: texts(rule.in),
    kind: "kind" in rule ? rule.kind : "step",
    name: rule.name,
    out: texts(rule.out),
    rsp: rule.rsp,
    run: texts(rule.run),
    sh: "sh" in rule ? (rule.sh?.text ?? null) : null,
    sharing: rule.sharing,
    vars: [...rule.vars].map(([name, value]) => [name, value.text]).sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  });
}

function read(
  file: string,
  text: string,
  bases: ReadBase | null,
): { readonly value: RuleFile | null; readonly problems: readonly Failure[] } {
  const toml = readTree(file, text, bases);
  if (!toml.ok) return { value: null, problems: [toml.failure] };
  const problems = checkRuleFile(toml.value);
  if (problems.length > 0) return { value: null, problems };
  const value = ruleFile(file, toml.value);
  return { value, problems: checkNames(value) };
}

function ruleFile(file: string, top: TomlTable): RuleFile {
  const platform = tableAt(top, "platform");
  const compat = tableAt(top, "compat");
  return {
    file,
    platform: platform === null ? null : platformInfo(platform),
    compdb: flagAt(top, "compdb"),
    extraScripts: compat === null ? "error" : (textAt(compat, "extra_scripts", "error") as "error" | "ignore"),
    settings: settingsOf(top),
    vars: new Map([...(tableAt(top, "vars")?.entries ?? [])].map(([name, e]) => [name, variable(e.value)])),
    scripts: new Map(tablesAt(top, "script").map(([name, t]) => [name, script(t)])),
    flags: lists<FlagScope>(tableAt(top, "flags")),
    tools: new Map(tablesAt(top, "tool").map(([name, t, span]) => [name, tool(name, t, span)])),
    frameworks: new Map(tablesAt(top, "framework").map(([name, t, span]) => [name, framework(name, t, span)])),
    overlays: overlays(top),
    maybe: lists(tableAt(top, "maybe")),
    uploaders: new Map(tablesAt(top, "uploader").map(([name, t]) => [name, uploader(t)])),
    uploads: tablesAt(top, "upload").map(([name, t]) => upload(name, t)),
    rules: new Map(tablesAt(top, "rule").map(([name, t, span]) => [name, rule(name, t, span)])),
    steps: steps(at(top, "step")),
  };
}

function platformInfo(table: TomlTable): PlatformInfo {
  return {
    names: textsAt(table, "names"),
    title: textAt(table, "title"),
    covers: textsAt(table, "covers"),
    addresses: textsAt(table, "addresses"),
    unheard: textsAt(table, "unheard"),
    published: flagAt(table, "published", true),
    boards: textAt(table, "boards"),
    program: textAt(table, "program", "firmware"),
    image: textAt(table, "image", "elf") as PlatformInfo["image"],
    frameworks: textsAt(table, "frameworks"),
    board: new Map(
      [...(tableAt(table, "board")?.entries ?? [])].map(([path, { value }]) => [
        path,
        value.is === "text" ? value.value : words(value).map(({ text }) => text),
      ]),
    ),
  };
}

function packageInfo(name: string, table: TomlTable, span: Span): PackageInfo {
  return {
    name,
    span,
    package: textAt(table, "package"),
    version: textAt(table, "version"),
    covers: textsAt(table, "covers"),
    finds: textAt(table, "finds"),
    debian: textsAt(table, "debian"),
    pypi: textsAt(table, "pypi"),
  };
}

const PACKAGE_KEYS = ["package", "version", "covers", "finds", "debian", "pypi"];
const TOOL_KEYS = new Set([...PACKAGE_KEYS, "probe", "when", "mcus", "optional", "paired"]);
const OVERLAY_KEYS = new Set([
  ...PACKAGE_KEYS,
  "cores",
  "mcus",
  "other_cores",
  "when",
  "parts",
  "before",
  "board_flags",
  "after",
  "tools",
  "vars",
  "flags",
]);

function framework(name: string, table: TomlTable, span: Span): Framework {
  const parts = tableList(at(table, "parts")).map(
    (part): FrameworkPart => ({
      name: textAt(part, "name"),
      folder: templateAt(part, "folder") ?? bug(),
      filter: templates(at(part, "filter")),
      link: textAt(part, "link", "archive") as FrameworkPart["link"],
      defines: templates(at(part, "defines")),
      debug: flagAt(part, "debug", true),
    }),
  );
  return {
    ...packageInfo(name, table, span),
    cores: textsAt(table, "cores"),
    mcus: textsAt(table, "mcus"),
    otherCores: textsAt(table, "other_cores"),
    parts,
    before: lists<FlagScope>(tableAt(table, "before")),
    boardFlags: templateAt(table, "board_flags"),
    after: lists<FlagScope>(tableAt(table, "after")),
    tools: textsAt(table, "tools"),
  };
}

function script(table: TomlTable): Script {
  const names = tableAt(table, "names");
  return {
    file: templateAt(table, "file") ?? bug(),
    names: new Map([...(names?.entries ?? [])].map(([name, e]) => [name, template(e.value)])),
    lists: lists(tableAt(table, "lists")),
    without: textsAt(table, "without"),
  };
}

function tool(name: string, table: TomlTable, span: Span): Tool {
  const own = (t: Template): Template => ({
    ...t,
    parts: t.parts.map((p) =>
      p.is === "name" && (p.name === "tool" || p.name === "tool.program") ? { ...p, name: p.name.replace("tool", `tool.${name}`) } : p,
    ),
  });
  const names = new Map<string, Variable>();
  for (const [key, entry] of table.entries) {
    if (TOOL_KEYS.has(key)) continue;
    const value = variable(entry.value);
    names.set(key, value.is === "text" ? { ...value, text: own(value.text) } : { ...value, items: value.items.map(own) });
  }
  return {
    ...packageInfo(name, table, span),
    probe: textAt(table, "probe", "none") as Tool["probe"],
    mcus: textsAt(table, "mcus"),
    optional: flagAt(table, "optional"),
    paired: flagAt(table, "paired"),
    names,
  };
}

/** A later one wins. */
const OVERLAY_ORDER: readonly OverlayKind[] = [
  "host",
  "framework",
  "tool",
  "core",
  "cpu",
  "mcu",
  "board",
  "when",
  "choose",
  "profile",
  "env",
];

function overlays(top: TomlTable): Overlay[] {
  return OVERLAY_ORDER.flatMap((on) =>
    tablesAt(top, on).flatMap(([name, t, span]) => {
      const byVersion = (of: string) => tablesAt(t, "when").map(([range, w, at]) => overlay("tool", of, range, w, at));
      if (on === "tool") return byVersion(name);
      if (on === "framework") return [overlay(on, name, "", t, span), ...byVersion(`framework.${name}`)];
      if (on === "choose" || on === "when") return tablesIn(t).map(([fits, w, at]) => overlay(on, fits, name, w, at));
      return [overlay(on, name, "", t, span)];
    }),
  );
}

function overlay(on: OverlayKind, name: string, within: string, table: TomlTable, span: Span): Overlay {
  const vars = new Map<string, Change>();
  // Only a framework's table has keys of a package; elsewhere such a name is a variable as any other.
  for (const [key, e] of table.entries)
    if (!(on === "framework" ? OVERLAY_KEYS.has(key) : key === "vars" || key === "flags")) vars.set(key, change(e.value, e.span));
  for (const [key, e] of tableAt(table, "vars")?.entries ?? []) vars.set(key, change(e.value, e.span));
  const flags = new Map<FlagScope, Change>();
  for (const scope of FLAG_SCOPES) {
    const entry = tableAt(table, "flags")?.entries.get(scope);
    if (entry !== undefined) flags.set(scope, change(entry.value, entry.span));
  }
  return { on, name, within, span, vars, flags };
}

function change(value: TomlValue, span: Span): Change {
  if (value.is !== "table") return { is: "set", to: variable(value), span };
  return {
    is: "edit",
    remove: templates(at(value, "remove")),
    prepend: templates(at(value, "prepend")),
    append: templates(at(value, "append")),
    span,
  };
}

function action(name: string, table: TomlTable, span: Span, sharing: Sharing): ActionTemplate {
  const depfile = templateAt(table, "depfile");
  return {
    name,
    span,
    run: templates(at(table, "run")),
    in: templates(at(table, "in")),
    order: templates(at(table, "order")),
    out: templates(at(table, "out")),
    depfile,
    discover: textAt(table, "discover", depfile === null ? "nothing" : "depfile") as ActionTemplate["discover"],
    vars: new Map([...(tableAt(table, "vars")?.entries ?? [])].map(([key, e]) => [key, template(e.value)])),
    color: templates(at(table, "color")),
    sharing: textAt(table, "sharing", sharing) as Sharing,
    claims: words(at(table, "claims")),
    label: templateAt(table, "label"),
    rsp: flagAt(table, "rsp"),
    env: words(at(table, "env")),
  };
}

function rule(name: string, table: TomlTable, span: Span): Rule {
  const kind = textAt(table, "kind") as RuleKind;
  return {
    ...action(name, table, span, isEffect({ kind }) ? "never" : "all"),
    kind,
    target: textAt(table, "target", isEffect({ kind }) ? name : ""),
    match: textsAt(table, "match"),
    when: new Map([...(tableAt(table, "when")?.entries ?? [])].map(([name, { value }]) => [name, words(value)[0]?.text ?? ""])),
  };
}

/** A step may read what it does not name, so its results stay in the project's folder unless it says that they may be shared. */
function steps(value: TomlValue | undefined): Step[] {
  return tableList(value).map((table) => {
    const name = words(at(table, "name"))[0] ?? bug();
    const before = at(table, "before");
    return {
      ...action(name.text, table, name.span, table.entries.has("out") ? "folder" : "never"),
      sh: templateAt(table, "sh"),
      before: before === undefined ? null : words(before),
      after: words(at(table, "after")),
      provides: textAt(table, "provides") === "image" ? "image" : null,
    };
  });
}
