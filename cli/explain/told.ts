/** What the history and the evidence tell of a run's actions: why each was not kept, in the words of the contract. */
import type { Run, RunAction } from "../../engine/run-record.ts";
import type { LocalState } from "../../cache/state.ts";
import type { Acted } from "../../engine/explain.ts";
import type { Evidence } from "../../engine/key.ts";
import { actionLabel } from "../../engine/label.ts";
import { fromCanonical, outFolder } from "../../engine/paths.ts";
import type { Cause, IncludeText, ProjectPath } from "../../engine/types.ts";
import { includeChain } from "../../engine/via.ts";
import { asTold, causes } from "../../engine/why.ts";
import { HIDDEN } from "../secrets.ts";

/** An action of a run as it is told. */
export interface Told extends Acted {
  readonly was: RunAction;
}

/** What telling looks up. */
export interface Teller {
  readonly state: LocalState;
  /** Names and versions of tools, by digest, from the runs that looked at them. */
  readonly tools: Readonly<Record<string, string>>;
  /** Include texts of a file as it is now; null if it is not there. */
  includesOf(path: string): readonly IncludeText[] | null;
}

/** The actions of a run. builtBefore: envs that an earlier run had built. */
export function tell(run: Run, teller: Teller, builtBefore: ReadonlySet<string>): Told[] {
  return run.actions.map((was) => {
    const profile = profileOf(was);
    const before = evidenceOf(was.before, teller.state);
    const after = evidenceOf(was.after, teller.state);
    const outputs = outputsOf(after ?? before, was);
    const label = actionLabel({ ...was, profile, outputs });
    const { kind, env, status, same, name } = was;
    const found = [...was.why, ...differences(before, after)];
    const why = found.length > 0 ? found : unexplained(was, after, builtBefore);
    const isNew = before === null && was.before === null;
    return { was, name, label, kind, env, status, outputs, same, isNew, causes: told(why, was, after ?? before, teller) };
  });
}

/** What the outputs of actions were made from that a run found to be no more. */
export function goneIn(run: Run, state: LocalState): ReadonlyMap<string, readonly string[]> {
  const gone: Gone[] = [];
  for (const { name, before } of run.gone) {
    const build = run.builds.find(({ env, profile }) => name.startsWith(`${env}/${profile}/`));
    const seen = build === undefined ? null : evidenceOf(before, state);
    if (build === undefined || seen === null) continue;
    gone.push({ seen, outputs: outputsOf(seen, { name, env: build.env }), out: outFolder(build.env, build.profile) });
  }
  return sourcesOf(gone);
}

export interface Gone {
  readonly seen: Evidence;
  readonly outputs: readonly string[];
  /** Its output folder. */
  readonly out: string;
}

/** Output → the sources that it was made from: of an archive those of its objects. */
export function sourcesOf(gone: readonly Gone[]): ReadonlyMap<string, readonly string[]> {
  const makers = new Map(gone.flatMap((each) => each.outputs.map((output) => [output, each] as const)));
  const sources = ({ seen, out }: Gone): readonly string[] => {
    const own = sourceOf(seen);
    if (own !== undefined) return [own];
    const taken = seen.inputs
      .slice(0, seen.declared)
      .flatMap(([is, path]) => (is === "file" ? [makers.get(fromCanonical(path, out))] : []));
    return [...new Set(taken.flatMap((maker) => (maker === undefined ? [] : sources(maker))))];
  };
  return new Map([...makers].map(([output, maker]) => [output, sources(maker)] as const).filter(([, from]) => from.length > 0));
}

/** The first declared input that nothing makes. */
export function sourceOf(seen: Evidence | null): string | undefined {
  return seen?.inputs.slice(0, seen.declared).find(([is, path]) => is === "file" && !path.startsWith("@out/"))?.[1];
}

/** From its name, ENV/PROFILE/RULE:…; an env's name may hold a slash. */
export function profileOf({ name, env }: Pick<RunAction, "name" | "env">): string {
  return name.slice(env.length + 1).split("/")[0] ?? "";
}

export function evidenceOf(ref: RunAction["before"], state: LocalState): Evidence | null {
  return ref === null ? null : (JSON.parse(state.evidence(ref)) as Evidence);
}

function differences(before: Evidence | null, after: Evidence | null): Cause[] {
  return before === null || after === null ? [] : causes(before, after);
}

export function outputsOf(seen: Evidence | null, { env, name }: Pick<RunAction, "env" | "name">): ProjectPath[] {
  const out = outFolder(env, profileOf({ env, name }));
  if (seen === null) return [`${out}/${name.slice(name.indexOf(":") + 1)}` as ProjectPath];
  return seen.fields.flatMap(([field, value]) => (field === "output" ? [fromCanonical(value, out)] : []));
}

/** Without a difference: it is new, or nothing is known of it any more. */
function unexplained({ before, env, name }: RunAction, after: Evidence | null, builtBefore: ReadonlySet<string>): Cause[] {
  if (before !== null) return [{ cause: "evicted" }];
  const source = sourceOf(after);
  if (!builtBefore.has(`${env}/${profileOf({ env, name })}`) || source === undefined) return [{ cause: "first-build" }];
  return [{ cause: "input-added", file: source }];
}

/** In the project's spelling, with the chain of includes, tools by name, and hidden values as changes of their variables. */
function told(why: readonly Cause[], action: RunAction, seen: Evidence | null, teller: Teller): Cause[] {
  const out = outFolder(action.env, profileOf(action));
  const rule = /^[^:]*\/([^/:]+)(?::|$)/.exec(action.name)?.[1] ?? action.name;
  const plain = why.map((canonical): Cause => {
    const cause = asTold(canonical, out);
    if (cause.cause === "input-changed") return { ...cause, via: via(cause.file, seen, out, teller) };
    if (cause.cause === "tool-changed")
      return {
        ...cause,
        name: toolName(cause, rule, teller.tools),
        old: tool(cause.old, teller.tools),
        new: tool(cause.new, teller.tools),
      };
    if (cause.cause === "rule-changed") return { ...cause, name: rule };
    return cause;
  });
  const [args, others] = [plain.filter((c) => "arg" in c), plain.filter((c) => !("arg" in c))];
  const once = new Map([...others, ...hiddenAsVariables(args)].map((c) => [JSON.stringify(c), c]));
  return [...once.values()];
}

function via(file: string, seen: Evidence | null, out: string, teller: Teller): string[] {
  if (seen === null) return [];
  const files = seen.inputs.flatMap(([is, path]) => (is === "file" ? [fromCanonical(path, out) as string] : []));
  const sources = files.slice(0, seen.inputs.slice(0, seen.declared).filter(([is]) => is === "file").length);
  return includeChain(file, sources, files, (path) => teller.includesOf(path));
}

/** `avr`, of `avr 7.3.0 (FOLDER)`. */
function toolName(cause: { readonly old: string; readonly new: string }, rule: string, tools: Teller["tools"]): string {
  return (tools[cause.new] ?? tools[cause.old])?.split(" ")[0] ?? rule;
}

function tool(digest: string, tools: Teller["tools"]): string {
  return [tools[digest] ?? "", `sha256:${digest}`].filter((part) => part !== "").join(" ");
}

/** Arguments that came and went because a hidden value differs are one change of its variable. */
export function hiddenAsVariables(args: readonly Cause[]): Cause[] {
  const changed = new Map<string, { old: string; new: string }>();
  const shells = new Map<string, string>();
  const rest: (Cause & { readonly arg: string })[] = [];
  for (const cause of args) {
    if (!("arg" in cause)) continue;
    const [hidden, name, digest] = HIDDEN.exec(cause.arg) ?? [];
    if (hidden === undefined || name === undefined) {
      rest.push(cause);
      continue;
    }
    const values = changed.get(name) ?? { old: "", new: "" };
    values[cause.cause === "arg-added" ? "new" : "old"] = `sha256:${digest}`;
    changed.set(name, values);
    shells.set(cause.arg.replace(hidden, ""), name);
  }
  const variables = [...changed].map(([name, values]): Cause => ({ cause: "var-changed", name, ...values }));
  // The same argument of the time when the variable was empty.
  return [...variables, ...rest.filter((cause) => !shells.has(cause.arg))];
}
