/**
 * build.ninja: the actions of a project for ninja, which builds the same bytes without fb's scheduler, cache and watching of lists.
 *
 * Every build statement carries its own command: one rule serves all, a variable that is empty counts as absent (ninja manual, "Rule variables"). Commands run
 * with an environment of fb's: `env -i`, then what every action sees, then the action's own. Outputs that a tool would update (an archive, a step's) are removed
 * first, as fb does. A value of ninja's language ends at the line's end, so nothing here may hold a line break.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Graph, Node } from "../engine/graph.ts";
import type { Result } from "../engine/types.ts";
import { quoteForShell } from "./show/text.ts";

/** Below the project's folder. */
export const NINJA_FILE = "build.ninja";

export interface NinjaProject {
  /** How `fb` is started: what a command that runs inside fb begins with. */
  readonly fb: readonly string[];
  /** Env → paths that are built when ninja is given no target. */
  readonly firmware: ReadonlyMap<string, readonly string[]>;
  /** How to make the file again, for its first lines. */
  readonly madeBy: string;
}

const BUILT: ReadonlySet<string> = new Set(["compile", "archive", "link", "objcopy", "size", "step"]);
/** Tools that look at what is there before they write. */
const UPDATES: ReadonlySet<string> = new Set(["archive", "step"]);

/** The file's text. Fails (exit 3, `export.line-break`) for an action that has a line break in its command. */
export function ninjaFile(project: NinjaProject, graph: Graph): Result<string> {
  const text = [
    `# Made by ${project.madeBy}; make it again when platformio.ini, fb.toml or the list of sources changes. ninja >= 1.5`,
    "ninja_required_version = 1.5",
    "builddir = .fb/ninja",
    "bar = |",
    `fb = ${value(quoteForShell(project.fb))}`,
    // Quoted for the shell that ninja starts; single $ are ninja's own.
    `env = env -i LC_ALL=C.UTF-8 PWD=/proc/self/cwd PATH="$$PATH" HOME="$$HOME" TMPDIR="$\${TMPDIR:-/tmp}"`,
    "",
    "rule action",
    "  command = $cmd",
    "  description = $label",
    "  depfile = $dep",
    "  deps = $kind",
    "  rspfile = $rsp",
    "  rspfile_content = $text",
    "",
  ];
  for (const node of graph.nodes) {
    if (!BUILT.has(node.spec.kind)) continue;
    const lines = statement(node, graph);
    if (!lines.ok) return lines;
    text.push(...lines.value, "");
  }
  for (const [env, paths] of project.firmware) text.push(`build ${path(env)}: phony ${paths.map(path).join(" ")}`, "");
  const all = [...project.firmware.keys()];
  if (all.length > 0) text.push(`default ${all.map(path).join(" ")}`, "");
  return ok(text.join("\n"));
}

function statement({ spec }: Node, graph: Graph): Result<string[]> {
  const { argv, rspfile, outputs, discover } = spec;
  const folders = outputs.filter((o) => o.endsWith("/"));
  const takes = new Set(spec.inputs.filter((r) => r.is === "file").map((r) => madeFile(r.path, graph)));
  const waits = new Set(spec.orderOnly.map((p) => madeFile(p, graph)));
  const inner = argv[0] === "fb";
  const vars = Object.entries(spec.vars).map(([name, text]) => `${name}=${text}`);
  // What the trace of a link is read from is no use to ninja.
  const words = (inner ? argv.slice(1) : argv).filter((a) => discover.by !== "trace" || a !== "-Wl,-t");
  const response = rspfile === null ? "" : rspfile.text.replace(/(?<!\\)\n/g, " ").trimEnd();
  const broken = [...words, ...vars, ...outputs, ...takes, response].some((w) => w.includes("\n"));
  if (broken) {
    const hint = "`fb run` builds it; for ninja, write the argument without a line break";
    return fail(
      failure("export.line-break", 3, `${spec.label}: its command holds a line break, which ninja's language cannot say`, { hint }),
    );
  }
  const first = UPDATES.has(spec.kind) ? `rm -rf ${quoteForShell(outputs)} && ` : "";
  const made = folders.length === 0 ? "" : `mkdir -p ${quoteForShell(folders)} && `;
  // A folder's own time says nothing of the files in it.
  const last = folders.length === 0 ? "" : ` && touch ${quoteForShell(folders)}`;
  const called = `${vars.length === 0 ? "" : `${value(quoteForShell(vars))} `}${inner ? "$fb " : ""}${value(quoteForShell(words))}`;
  const lines = [
    `build ${outputs.map((o) => path(fileName(o))).join(" ")}: action ${[...takes].map(path).join(" ")}${waits.size === 0 ? "" : ` || ${[...waits].map(path).join(" ")}`}`,
    `  cmd = ${value(first + made)}$env ${called}${value(last)}`,
    `  label = ${value(`${spec.kind} ${spec.env} ${spec.label}`.replaceAll("\n", " "))}`,
  ];
  if (discover.by === "depfile") lines.push(`  dep = ${value(discover.path)}`, "  kind = gcc");
  if (rspfile !== null) lines.push(`  rsp = ${value(rspfile.path)}`, `  text = ${value(response)}`);
  return ok(lines);
}

/** A path as ninja knows it: what lies in a folder that an action makes stands for that folder. */
function madeFile(file: string, graph: Graph): string {
  const maker = graph.producer(file);
  if (maker === undefined) return fileName(file);
  const outputs: readonly string[] = graph.node(maker).spec.outputs;
  return fileName(outputs.includes(file) ? file : (outputs.find((o) => o.endsWith("/") && file.startsWith(o)) ?? file));
}

function fileName(file: string): string {
  return file.replace(/(?<=.)\/$/, "");
}

/** Text on the right of "=". */
function value(text: string): string {
  // Spaces at the start would be dropped.
  return text.replaceAll("$", "$$$$").replace(/^ /, "$ ");
}

/** Text in a build statement. */
function path(text: string): string {
  // A bar cannot be escaped, a variable's value is never cut.
  return text.replace(/[$ :]/g, "$$$&").replaceAll("|", "$${bar}");
}
