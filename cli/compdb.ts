/**
 * compile_commands.json, the JSON compilation database that clangd, clang-tidy and editors read.
 *
 * One entry for each compile of each env, the project's own files first; clangd takes the first of a file. `arguments` is what the compiler is given but for
 * the depfile, with an absolute compiler, so that clangd's --query-driver matches it; other paths stay relative to `directory`. `file` is where the source
 * really is: editors open a package's file by that name, not through fb's link. A tab of a sketch is no translation unit; it has an entry of its own all the
 * same, as C++ that begins with the tabs before it, since it is the file that people edit. (https://clang.llvm.org/docs/JSONCompilationDatabase.html)
 */
import type { ActionSpec } from "../engine/types.ts";

/** Below the project's folder. */
export const COMPDB_FILE = "compile_commands.json";

export interface CompdbProject {
  /** The project's folder: absolute, links resolved. */
  readonly folder: string;
  /** In the order of the entries. */
  readonly envs: readonly string[];
  /** Where a path leads; null for nothing. Asked for fb's links only. */
  realpath(path: string): string | null;
}

interface Entry {
  readonly directory: string;
  readonly file: string;
  readonly arguments: readonly string[];
  readonly output: string;
}

/** The file's text: the same for the same actions, whatever their order. */
export function compileCommands(project: CompdbProject, specs: Iterable<ActionSpec>): string {
  const all = [...specs].filter((s) => project.envs.includes(s.env));
  const sketches = new Map(all.flatMap((s) => (isSketch(s) ? s.outputs.map((out) => [out as string, tabsOf(s)] as const) : [])));
  const rows: { readonly env: number; readonly rank: number; readonly entry: Entry }[] = [];
  for (const spec of all) {
    const source = spec.inputs[0]?.path;
    const output = spec.outputs[0];
    if (spec.kind !== "compile" || source === undefined || output === undefined) continue;
    const env = project.envs.indexOf(spec.env);
    const entry = entryOf(project, spec, source, output);
    rows.push({ env, rank: source.startsWith(".fb/") || source.startsWith("/") ? 1 : 0, entry });
    const tabs = sketches.get(source) ?? [];
    tabs.forEach((tab, i) => {
      rows.push({
        env,
        rank: 0,
        entry: { ...entry, file: absolute(project, tab), arguments: asTab(entry.arguments, source, tabs.slice(0, i), tab) },
      });
    });
  }
  rows.sort((a, b) => a.env - b.env || a.rank - b.rank || order(a.entry.file, b.entry.file) || order(a.entry.output, b.entry.output));
  // One entry a line: a database of thousands of files stays readable in a diff.
  return rows.length === 0 ? "[]\n" : `[\n${rows.map((r) => JSON.stringify(r.entry)).join(",\n")}\n]\n`;
}

function entryOf(project: CompdbProject, spec: ActionSpec, source: string, output: string): Entry {
  const [compiler = "", ...args] = commandOf(spec);
  return {
    directory: project.folder,
    file: absolute(project, source),
    arguments: [compiler.includes("/") ? absolute(project, compiler) : compiler, ...args],
    output,
  };
}

/** What fb adds so that results can be shared, and clang calls an error; what a source means does not hang on it. */
const GCC_ALONE = "-fno-canonical-system-headers";

/** The command with what a response file holds in its place, without its depfile and what no editor's compiler knows. */
function commandOf(spec: ActionSpec): readonly string[] {
  const { rspfile } = spec;
  const whole =
    rspfile === null ? spec.argv : spec.argv.flatMap((arg) => (arg === `@${rspfile.path}` ? responseWords(rspfile.text) : [arg]));
  const words = whole.filter((word) => word !== GCC_ALONE);
  return spec.discover.by === "depfile" ? withoutDepfile(words, spec.discover.path) : words;
}

/** Who runs the command to look at a source must not write fb's depfile, nor need its folder. */
function withoutDepfile(words: readonly string[], depfile: string): string[] {
  return words.filter(
    (word, i) =>
      !(word === "-MD" || word === "-MMD" || (word === "-MF" && words[i + 1] === depfile) || (word === depfile && words[i - 1] === "-MF")),
  );
}

/** What gcc makes of a response file: words at white space, a backslash before a character takes it as it is, quotes hold words together (libiberty's `buildargv`). */
export function responseWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (c === "\\" && i + 1 < text.length) word = (word ?? "") + text[++i];
    else if (quote !== "") {
      if (c === quote) quote = "";
      else word = (word ?? "") + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + c;
  }
  if (word !== null) words.push(word);
  return words;
}

function isSketch(spec: ActionSpec): boolean {
  const [program, verb, tool] = spec.argv;
  return program === "fb" && verb === "tool" && tool === "ino";
}

function tabsOf(spec: ActionSpec): readonly string[] {
  return spec.inputs.filter((r) => r.is === "file").map((r) => r.path);
}

/** The compile of the merged sketch as one of a single tab. */
function asTab(args: readonly string[], source: string, before: readonly string[], tab: string): string[] {
  const without = args.filter((a) => a !== source);
  return [...without, "-include", "Arduino.h", ...before.flatMap((b) => ["-include", b]), "-x", "c++", tab];
}

function absolute(project: CompdbProject, path: string): string {
  if (path.startsWith("/")) return path;
  // Only fb's links are followed: a link of the project's own keeps its name.
  const link = /^\.fb\/(?:pkg|root)\/[^/]+/.exec(path)?.[0];
  const real = link === undefined ? null : project.realpath(link);
  return real === null || link === undefined ? `${project.folder}/${path}` : real + path.slice(link.length);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
