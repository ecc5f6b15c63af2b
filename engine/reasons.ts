/** Why an action does not stay as it is: looked up while a run decides, in what its last run saw and left. */
import { ABSENT, type Files } from "./files.ts";
import type { Graph, Node } from "./graph.ts";
import { type Evidence, EvidenceSink, walkReads, walkStatic } from "./key.ts";
import { canonical, fromCanonical, outFolder, type Paths, projectRead } from "./paths.ts";
import type { ActionId, ActionResult, ActionSpec, Cause, Disk, LastRun, ProjectState } from "./types.ts";
import { includeChain } from "./via.ts";
import { causes } from "./why.ts";

export interface ReasonsHost {
  readonly disk: Disk;
  readonly state: ProjectState;
  readonly paths: Paths;
  /** A text without what nobody is to see, as values of `${sysenv.*}`: what is kept for explaining has digests in their place, what is shown their names. */
  mask(text: string, how: "digest" | "name"): string;
}

const FIRST_BUILD: readonly Cause[] = [{ cause: "first-build" }];

export class Reasons {
  private readonly host: ReasonsHost;
  private readonly graph: Graph;
  private readonly files: Files;

  constructor(host: ReasonsHost, graph: Graph, files: Files) {
    this.host = host;
    this.graph = graph;
    this.files = files;
  }

  /** A sink for what is kept of an action. */
  sink(): EvidenceSink {
    return new EvidenceSink((text) => this.host.mask(text, "digest"));
  }

  /** What differs from what the last run saw. */
  since(node: Node, last: LastRun | undefined): readonly Cause[] {
    if (last === undefined) return FIRST_BUILD;
    const { spec } = node;
    const out = outFolder(spec.env, spec.profile);
    const now = this.sink();
    walkStatic(spec, this.host.paths.project, (r) => this.files.digest(r), now);
    const reads = last.result.reads.map((r) => projectRead(r, out));
    walkReads(
      last.result.reads,
      reads.map((r) => this.files.digest(r)),
      now,
    );
    const found = causes(JSON.parse(last.evidence) as Evidence, now.evidence(spec.inputs.length));
    if (found.length === 0) return [{ cause: "evicted" }];
    const sources = spec.inputs.flatMap((r) => (r.is === "file" ? [r.path] : []));
    const read = reads.flatMap((r) => (r.is === "file" ? [r.path] : []));
    return found.map((cause): Cause => {
      if (cause.cause !== "input-changed" || spec.kind !== "compile") return cause;
      const chain = includeChain(fromCanonical(cause.file, out), sources, [...sources, ...read], (path) => this.files.includes(path));
      return { ...cause, via: chain };
    });
  }

  /** Outputs that are not what the last run left. */
  broken(spec: ActionSpec, result: ActionResult): Cause[] {
    const out = outFolder(spec.env, spec.profile);
    const broken: Cause[] = [];
    const recorded = new Set<string>();
    for (const output of result.outputs) {
      const path = fromCanonical(output.path, out);
      recorded.add(path);
      const digest = this.files.content(path);
      if (digest === ABSENT) broken.push({ cause: "output-missing", file: output.path });
      else if (digest !== output.digest || this.host.disk.isExecutable(path) !== output.executable)
        broken.push({ cause: "output-changed", file: output.path });
    }
    for (const folder of spec.outputs.filter((o) => o.endsWith("/"))) {
      if (!this.host.disk.isDir(folder.slice(0, -1))) broken.push({ cause: "output-missing", file: canonical(folder, out) });
      for (const path of this.files.below(folder))
        if (!recorded.has(path)) broken.push({ cause: "output-changed", file: canonical(path, out) });
    }
    return broken;
  }

  /** Why an action that failed was to run: nothing of it is kept that could be asked later. decided: as far as that was looked up. */
  ofFailed(node: Node, decided: readonly Cause[]): readonly Cause[] {
    return decided.length > 0 ? decided : this.since(node, this.host.state.last(node.spec.name));
  }

  /** Why an action would run after others did, of which nobody knows what they will make; empty where it takes nothing of them. */
  after(node: Node, unmade: ReadonlySet<ActionId>): readonly Cause[] {
    const { spec } = node;
    const last = this.host.state.last(spec.name);
    const out = outFolder(spec.env, spec.profile);
    const taken = [...spec.inputs, ...(last?.result.reads ?? []).map((r) => projectRead(r, out))];
    const files = new Set(taken.filter((r) => r.is !== "value").map((r) => r.path as string));
    const unknown = node.needs
      .filter((id) => unmade.has(id))
      .flatMap((id) => this.graph.node(id).spec.outputs)
      .filter((path) => files.has(path));
    if (unknown.length > 0 && last === undefined) return FIRST_BUILD;
    return unknown.map((path): Cause => {
      const was = this.files.content(path);
      const file = canonical(path, out);
      return was === ABSENT ? { cause: "input-added", file } : { cause: "input-changed", file, old: `sha256:${was}`, new: "", via: [] };
    });
  }
}
