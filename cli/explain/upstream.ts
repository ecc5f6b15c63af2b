/** The actions that a target or a file comes from, by what their last runs saw: no plan is needed, so what is explained is what was built. */
import type { LocalState } from "../../cache/state.ts";
import type { Evidence } from "../../engine/key.ts";
import { actionLabel } from "../../engine/label.ts";
import { fromCanonical, outFolder } from "../../engine/paths.ts";
import type { Kind } from "../../engine/types.ts";
import type { Told } from "./told.ts";

export interface Known {
  readonly name: string;
  readonly label: string;
  readonly env: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Every action of a project that has a last run. */
export class KnownActions {
  readonly all: readonly Known[];
  private readonly makers = new Map<string, Known>();

  /** builds: the envs and profiles to look into; null for all. */
  constructor(state: LocalState, builds: readonly { readonly env: string; readonly profile: string }[] | null) {
    const found: Known[] = [];
    for (const name of state.actions()) {
      const build = builds === null ? buildOf(name) : builds.find((b) => name.startsWith(`${b.env}/${b.profile}/`));
      const last = build === undefined ? undefined : state.last(name);
      if (build === undefined || last === undefined) continue;
      const known = knownOf(name, build, JSON.parse(last.evidence) as Evidence);
      if (known !== null) found.push(known);
    }
    this.all = found;
    for (const action of found) for (const output of action.outputs) this.makers.set(output, action);
  }

  /** Those which make these files, or take them where nobody makes them, and all that these come from. */
  upstreamOf(files: readonly string[], run: readonly Told[]): Upstream {
    const found = new Set<Known>();
    const queue = files.flatMap((file) => {
      const maker = this.makers.get(file);
      return maker === undefined ? this.all.filter((a) => a.inputs.includes(file)) : [maker];
    });
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      for (const input of next.inputs) {
        const maker = this.makers.get(input);
        if (maker !== undefined) queue.push(maker);
      }
    }
    // What failed may have left nothing but its history.
    const failed = run.filter((a) => a.outputs.some((output) => files.includes(output)));
    return new Upstream([...[...found].map((a) => [a.name, a] as const), ...failed.map((a) => [a.name, null] as const)]);
  }

  /** All of some envs. */
  ofEnvs(envs: readonly string[], run: readonly Told[]): Upstream {
    const acted = run.filter((a) => envs.includes(a.env) || a.env === "").map((a) => [a.name, null] as const);
    return new Upstream([...acted, ...this.all.filter((a) => envs.includes(a.env)).map((a) => [a.name, a] as const)]);
  }

  only(names: readonly string[]): Upstream {
    return new Upstream(names.map((name) => [name, this.all.find((a) => a.name === name) ?? null] as const));
  }

  makerOf(output: string): Known | undefined {
    return this.makers.get(output);
  }

  /** Every file that they take or make. */
  files(): ReadonlySet<string> {
    return new Set(this.all.flatMap((a) => [...a.inputs, ...a.outputs]));
  }

  /** By the label that people write. */
  labelled(label: string): Known | undefined {
    return this.all.find((a) => a.label === label);
  }
}

export class Upstream {
  /** By name; null of one of which only the history tells. */
  readonly actions: ReadonlyMap<string, Known | null>;

  constructor(actions: Iterable<readonly [string, Known | null]>) {
    this.actions = new Map(actions);
  }

  /** Those that were kept because what was made again for them is as it was; by: the label of who made it. */
  cutOff(run: readonly Told[]): { readonly label: string; readonly by: string }[] {
    const acted = new Set(run.map((a) => a.name));
    const same = new Map(run.filter((a) => a.same).flatMap((a) => a.outputs.map((output) => [output, a.label] as const)));
    if (same.size === 0) return [];
    return [...this.actions.values()].flatMap((action) => {
      if (action === null || acted.has(action.name)) return [];
      const by = action.inputs.map((input) => same.get(input)).find((maker) => maker !== undefined);
      return by === undefined ? [] : [{ label: action.label, by }];
    });
  }
}

/** By a name ENV/PROFILE/RULE:…, where no env's name holds a slash. */
function buildOf(name: string): { readonly env: string; readonly profile: string } {
  const [env = "", profile = ""] = name.split("/");
  return { env, profile };
}

function knownOf(name: string, { env, profile }: { readonly env: string; readonly profile: string }, seen: Evidence): Known | null {
  const out = outFolder(env, profile);
  const kind = seen.fields.find(([field]) => field === "kind")?.[1] as Kind | undefined;
  if (kind === undefined || kind === "plan") return null;
  const outputs = seen.fields.flatMap(([field, value]) => (field === "output" ? [fromCanonical(value, out)] : []));
  const inputs = seen.inputs.flatMap(([is, path]) => (is === "file" ? [fromCanonical(path, out) as string] : []));
  const label = actionLabel({ kind, env, profile, outputs, label: name });
  return { name, label, env, inputs, outputs };
}
