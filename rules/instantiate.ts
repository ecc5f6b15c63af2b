/** An action from a rule: its templates expanded with the names of one use. */
import { fail, failure, ok } from "../engine/failure.ts";
import { collapse } from "../engine/paths.ts";
import type { ActionSpec, Claim, Digest, Discover, Kind, ProjectPath, Read, Result } from "../engine/types.ts";
import { type Bound, expand, expandText, type Scope, within } from "./expand.ts";
import type { Word } from "./checked-toml.ts";
import type { ActionTemplate, Rule } from "./rulefile.ts";
import { includeSearch, librarySearch } from "./search.ts";
import type { Template } from "./template.ts";

/** What one use of a rule adds to its text. Paths are project paths. */
export interface Given {
  readonly env: string;
  readonly profile: string;
  /** The folder of outputs, `.fb/build/ENV/PROFILE`. */
  readonly build: string;
  /** What matched: `${src}` and the first input; null where a rule is used once. */
  readonly src: string | null;
  /** Inputs beyond `src` and the rule's `in`. */
  readonly inputs: readonly Read[];
  /** Beyond the rule's `order`. */
  readonly orderOnly: readonly string[];
  /** What the display shows, unless the rule says; null: src, else the first output. */
  readonly label: string | null;
  readonly tool: Digest;
  /** Where the tool looks without being told: for depfile its include folders, for trace its library folders. */
  readonly builtIn: readonly string[];
  /** What response files among the arguments say, by the argument that names them: there, too, is said where the tool looks. */
  readonly opened: ReadonlyMap<string, readonly string[]>;
  /** What an input that ends in "/" stands for: the files below that folder, null where it is not there. */
  filesBelow(folder: string): readonly string[] | null;
  /** What `device:NAME` stands for; a NAME that is not in it stands for itself. */
  readonly devices: ReadonlyMap<string, string>;
  /** Of ruleDigestInput(rule): hashed once by the caller, since it is the same for every use. */
  readonly rule: Digest;
  /** Characters above which the command line goes into a response file, if the rule says `rsp = true`. */
  readonly rspLimit: number;
}

/** Windows allows 32,767 characters, Linux 131,072 an argument and 2 MB in all; a slot's script is read much faster when it is short. */
export const RSP_LIMIT = 100_000;

/**
 * The scope needs what the rule's templates name beyond `src in out depfile`. `out` is expanded first, then `in` (which may name `${out}`), `depfile`
 * and the rest. A path written as one text is a scalar in `${in}` or `${out}`, anything else a list.
 * Failures: those of expand; `rule.no-output` for an output that is empty.
 */
export function instantiate(rule: Rule, scope: Scope, given: Given): Result<ActionSpec> {
  const withSrc = given.src === null ? scope : within(scope, [["src", given.src]]);
  const out = paths(rule.out, withSrc);
  if (!out.ok) return out;
  const withOut = within(withSrc, [["out", out.value]]);
  const named = paths(rule.in, withOut);
  if (!named.ok) return named;
  const ins = withoutFolders(named.value, given);
  return build(rule, rule.kind, within(withOut, [["in", ins]]), list(ins), list(out.value), given);
}

/** A folder that is not there stays, as a file that the run then misses. */
function withoutFolders(paths: Bound, given: Given): Bound {
  if (!list(paths).some((each) => each.endsWith("/"))) return paths;
  return list(paths).flatMap((each) => (each.endsWith("/") ? (given.filesBelow(each.slice(0, -1)) ?? [each.slice(0, -1)]) : [each]));
}

/** The same with what `in` and `out` stand for already known, in `scope` too: steps expand them themselves. Paths need not be normal. */
export function build(
  template: ActionTemplate,
  kind: Kind,
  outer: Scope,
  ins: readonly string[],
  outs: readonly string[],
  given: Given,
  command: readonly string[] | null = null,
): Result<ActionSpec> {
  if (outs.includes(""))
    return fail(
      failure("rule.no-output", 3, `${template.name}: expected a path in "out", found ""`, {
        ...template.span,
        hint: "look at the names that it uses",
      }),
    );
  const depfile = template.depfile === null ? null : expandText(template.depfile, outer);
  if (depfile?.ok === false) return depfile;
  const scope = depfile === null ? outer : within(outer, [["depfile", depfile.value]]);
  const run = command === null ? expand(template.run, scope) : ok([...command]);
  if (!run.ok) return run;
  const color = expand(template.color, scope);
  if (!color.ok) return color;
  const order = expand(template.order, scope);
  if (!order.ok) return order;
  const vars: Record<string, string> = {};
  for (const [name, value] of template.vars) {
    const text = expandText(value, scope);
    if (!text.ok) return text;
    vars[name] = text.value;
  }
  const outputs = outs.map(path);
  const shown = outputs[0] === undefined ? (given.src ?? given.label ?? template.name) : below(outputs[0], given.build);
  const label = template.label === null ? ok(given.label ?? given.src ?? shown) : expandText(template.label, scope);
  if (!label.ok) return label;

  const inputs = new Map<string, Read>();
  if (given.src !== null) inputs.set(`file:${given.src}`, { is: "file", path: path(given.src) });
  for (const name of ins) inputs.set(`file:${path(name)}`, { is: "file", path: path(name) });
  for (const read of given.inputs) inputs.set(`${read.is}:${read.path}`, read);
  const orderOnly = [...new Set([...order.value, ...given.orderOnly].map(path))].filter((p) => !inputs.has(`file:${p}`));
  const short = template.rsp ? responseFile(run.value, outputs[0] ?? null, given) : null;
  return ok({
    name: `${given.env}/${given.profile}/${template.name}:${shown}`,
    kind,
    label: label.value,
    env: given.env,
    profile: given.profile,
    sharing: template.sharing,
    argv: short === null ? run.value : short.argv,
    vars,
    unkeyed: { argv: color.value, vars: {} },
    rspfile: short === null ? null : { path: short.path, text: short.text },
    inputs: [...inputs.values()],
    orderOnly,
    outputs,
    tool: given.tool,
    rule: given.rule,
    discover: discover(template.discover, depfile === null ? null : path(depfile.value), opened(run.value, given), given.builtIn),
    claims: template.claims.length === 0 ? [{ on: "cpu", units: 1 }] : template.claims.map((claim) => claimOf(claim, kind, given.devices)),
  });
}

/** What a list of path templates stands for: a text if it is one template that stands for a text. */
export function paths(templates: readonly Template[], scope: Scope): Result<Bound> {
  const only = templates.length === 1 ? templates[0] : undefined;
  const text = only === undefined ? null : expandText(only, scope);
  if (text?.ok) return text;
  return expand(templates, scope);
}

/** One argument a line; white space, quotes and backslashes escaped by a backslash: what gcc, ld, ar and objcopy read (libiberty's `expandargv`). */
export function responseText(args: readonly string[]): string {
  return args.map((arg) => (arg === "" ? '""\n' : `${arg.replace(/[\s"'\\]/g, "\\$&")}\n`)).join("");
}

function responseFile(
  argv: readonly string[],
  output: ProjectPath | null,
  given: Given,
): { argv: string[]; path: ProjectPath; text: string } | null {
  const length = argv.reduce((sum, arg) => sum + arg.length + 1, 0);
  if (length <= given.rspLimit || output === null) return null;
  const at = path(`${below(output, given.build) === output ? `${given.build}/${output}` : output.replace(/\/$/, "")}.rsp`);
  return { argv: [argv[0] ?? "", `@${at}`], path: at, text: responseText(argv.slice(1)) };
}

function opened(argv: readonly string[], { opened: words }: Given): readonly string[] {
  return words.size === 0 ? argv : argv.flatMap((arg) => words.get(arg) ?? [arg]);
}

function discover(
  by: ActionTemplate["discover"],
  depfile: ProjectPath | null,
  argv: readonly string[],
  builtIn: readonly string[],
): Discover {
  if (by === "depfile" && depfile !== null) return { by: "depfile", path: depfile, ...includeSearch(argv, builtIn) };
  if (by === "trace") return { by: "trace", ...librarySearch(argv, builtIn) };
  return { by: "nothing" };
}

function claimOf(claim: Word, kind: Kind, devices: ReadonlyMap<string, string>): Claim {
  const at = claim.text.indexOf(":");
  const on = at < 0 ? claim.text : claim.text.slice(0, at);
  const rest = at < 0 ? "" : claim.text.slice(at + 1);
  switch (on) {
    case "console":
      return { on };
    case "device":
      return { on, device: devices.get(rest) ?? rest, mode: kind === "monitor" ? "monitor" : "exclusive" };
    case "cpu":
    case "network":
    case "disk":
      return { on, units: rest === "" ? 1 : Number(rest) };
    default:
      throw new Error(`the schema lets the claim "${claim.text}" through`);
  }
}

function list(bound: Bound): readonly string[] {
  return typeof bound === "string" ? [bound] : bound;
}

function path(text: string): ProjectPath {
  return collapse(text) as ProjectPath;
}

/** A path as it is below the folder of outputs, or as it is. */
function below(text: string, folder: string): string {
  return text.startsWith(`${folder}/`) && text.length > folder.length + 1 ? text.slice(folder.length + 1) : text;
}
