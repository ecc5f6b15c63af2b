/** `fb explain`: why a run did what it did, what would run now, or what keeps two actions from sharing a result. Reads what runs left behind. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Graph } from "../../engine/graph.ts";
import type { Run } from "../../engine/run-record.ts";
import { LocalState } from "../../cache/state.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Event, Failure, Result } from "../../engine/types.ts";
import { nearest } from "../../rules/nearest.ts";
import type { Command, RunCommand, Target } from "../command.ts";
import { explain, type Explanation, Past } from "../explain/explain.ts";
import { scanner } from "../explain/scanner.ts";
import { placeIn } from "../explain/place.ts";
import { explainDry } from "../explain/would.ts";
import { KnownActions, type Upstream } from "../explain/upstream.ts";
import { type Side, versus } from "../explain/versus.ts";
import { complain, type Faces } from "../faces.ts";
import { projectFolder } from "../project-folder.ts";
import { buildQuietly } from "../quiet-build.ts";
import { explanationText, versusText } from "../show/explanation.ts";
import { renderFailure } from "../show/text.ts";

type ExplainCommand = Extract<Command, { verb: "explain" }>;

export async function explainVerb(command: ExplainCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(command.run.dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  if (command.versus !== null) return explainVersus(command, folder.value, command.versus, faces);
  return command.run.dryRun ? explainWould(command, folder.value, faces) : explainRun(command, folder.value, faces);
}

/** What the history has of a project; fails where nothing was ever run there. */
function openPast(folder: string): Result<{ readonly state: LocalState; readonly past: Past }> {
  if (!existsSync(join(folder, ".fb/state"))) {
    return fail(
      failure("explain.nothing", 2, `nothing was built in ${folder} yet`, { hint: "`fb run` builds; `fb explain -n` says what would run" }),
    );
  }
  const state = LocalState.open(join(folder, ".fb"));
  return state.ok ? ok({ state: state.value, past: new Past(state.value, scanner(folder)) }) : state;
}

async function explainRun(command: ExplainCommand, folder: string, faces: Faces): Promise<number> {
  const opened = openPast(folder);
  if (!opened.ok) return complain(faces, [opened.failure]);
  const { state, past } = opened.value;
  const run = runOf(past, command.number);
  if (!run.ok) return complain(faces, [run.failure]);
  const of = upstreamOf(command, run.value, past, state, folder);
  if (!of.ok) return complain(faces, [of.failure]);
  show(explain(past, run.value, wordOf(command), of.value), run.value, command, folder, faces);
  return 0;
}

function runOf(past: Past, number: number | null): Result<Run> {
  const found = number === null ? past.runs[0] : past.runs.find((run) => run.run === number);
  if (found !== undefined) return ok(found);
  const kept = past.runs.map((run) => run.run);
  if (kept.length === 0) return fail(failure("explain.nothing", 2, "no run of this project did anything yet", { hint: "`fb run` builds" }));
  const hint = `kept are ${kept.length > 1 ? `${kept.at(-1)} to ${kept[0]}` : kept[0]}; runs that found all up to date are not counted`;
  return fail(failure("explain.run", 2, `there is no run ${number}`, { hint }));
}

/** The target as it was typed, or the firmware of all envs. */
function wordOf({ word }: ExplainCommand): string {
  return word ?? ":firmware";
}

/** What the target comes from. The firmware stands for all that an env has: what failed on the way to it is told, too. */
function upstreamOf(command: ExplainCommand, run: Run, past: Past, state: LocalState, folder: string): Result<Upstream> {
  const word = wordOf(command);
  const known = new KnownActions(state, run.builds);
  const told = past.actions(run);
  const [target] = command.run.targets;
  const envs = envsOf(command, run);
  const built = past.runs.flatMap((r) => r.builds.map((b) => b.env));
  const unknown = envs.find((env) => !built.includes(env));
  if (unknown !== undefined) {
    const hint = `built were ${[...new Set(built)].join(", ")}`;
    return fail(failure("explain.env", 2, `no run of this project built an env "${unknown}"`, { hint }));
  }
  const labelled = known.labelled(word) ?? told.find((a) => a.label === word);
  if (labelled !== undefined) return ok(known.only([labelled.name]));
  if (target?.is === "name") {
    if (target.name === "firmware") return ok(known.ofEnvs(envs, told));
    const files = past.runs.flatMap((r) => envs.flatMap((env) => r.targets[env]?.[target.name] ?? []));
    if (files.length > 0) return ok(known.upstreamOf(files, told));
    const names = new Set(past.runs.flatMap((r) => envs.flatMap((env) => Object.keys(r.targets[env] ?? {}))));
    const near = nearest(target.name, names);
    const hint =
      near.length > 0
        ? `did you mean :${near[0]}?`
        : "a file, a label as compile:uno:src/main.cpp.o, or a target that was asked for before";
    return fail(failure("explain.target", 2, `no run of this project was asked for ${word}`, { hint }));
  }
  const path = spelled(target?.path ?? "", folder);
  const upstream = known.upstreamOf([path.replace(/\^$/, "")], told);
  return upstream.actions.size > 0 ? ok(upstream) : fail(nobodyReads(path, `run ${run.run}'s envs`, known.files()));
}

function nobodyReads(path: string, whose: string, files: Iterable<string>): Failure {
  const near = nearest(path, new Set(files));
  const hint = near.length > 0 ? `did you mean ${near[0]}?` : "files are named from the project's folder";
  return failure("explain.file", 2, `no action of ${whose} reads or makes ${path}`, { hint });
}

/** A path as the project names its files: people write it from the root, or with a dot. */
function spelled(path: string, folder: string): string {
  const from = relative(folder, resolve(folder, path));
  return from === "" || from.startsWith("..") ? path : from;
}

function envsOf(command: ExplainCommand, run: Run): readonly string[] {
  const named = [...command.run.envs, ...command.run.targets.flatMap((t) => (t.env === null ? [] : [t.env]))];
  return named.length > 0 ? named : run.builds.map((b) => b.env);
}

async function explainWould(command: ExplainCommand, folder: string, faces: Faces): Promise<number> {
  const events: Event[] = [];
  const [target] = command.run.targets;
  const file = target?.is === "path" ? spelled(target.path, folder) : "";
  // What a source or a header is for, also one that is gone, is known when all is planned.
  const isRead = file !== "" && !file.endsWith("^") && !file.startsWith(".fb/build/");
  const all: Target = { is: "name", dir: null, name: "firmware", env: target?.env ?? null };
  const asked: RunCommand = { ...command.run, why: true, ...(isRead ? { targets: [all] } : {}) };
  const emit = (event: Event): void => {
    if (event.type === "diagnostic") faces.err.write(renderFailure(event satisfies Pick<Failure, "message">, { color: faces.err.color }));
    events.push(event);
  };
  const built = await buildQuietly(folder, asked, emit, faces);
  if (built.outcome === null || built.result.exitCode !== 0) return built.result.exitCode;
  const opened = openPast(folder);
  if (!opened.ok) return complain(faces, [opened.failure]);
  const { past, state } = opened.value;
  const readers = isRead ? readersOf(file, built.outcome.graph, state) : null;
  if (readers?.ok === false) return complain(faces, [readers.failure]);
  show(explainDry(events, built.outcome, past, state, wordOf(command), readers?.value ?? null), null, command, folder, faces);
  return 0;
}

/** Names of the planned actions that read or make a file, by the plan or by what they read when they last ran. Failure (exit 2): none does. */
function readersOf(file: string, graph: Graph, state: LocalState): Result<ReadonlySet<string>> {
  const builds = new Map(graph.nodes.map(({ spec: { env, profile } }) => [`${env}/${profile}`, { env, profile }]));
  const known = new KnownActions(state, [...builds.values()]);
  const before = known.all.filter((a) => graph.named(a.name) !== undefined && a.inputs.includes(file));
  const takes = ({ kind, inputs, outputs }: ActionSpec) =>
    kind !== "plan" && (inputs.some((r) => r.is === "file" && r.path === file) || outputs.some((path) => path === file));
  const names = [...before, ...graph.nodes.map(({ spec }) => spec).filter(takes)].map(({ name }) => name);
  return names.length > 0 ? ok(new Set(names)) : fail(nobodyReads(file, "these envs", known.files()));
}

function show(explanation: Explanation, run: Run | null, command: ExplainCommand, folder: string, faces: Faces): void {
  if (command.run.json) return faces.out.write(`${JSON.stringify(explanation)}\n`);
  faces.out.write(explanationText(explanation, run, placeIn(folder), Date.now(), faces.out.color));
}

function explainVersus(command: ExplainCommand, folder: string, other: string, faces: Faces): number {
  const here = openPast(folder);
  if (!here.ok) return complain(faces, [here.failure]);
  const elsewhere = existsSync(join(other, "platformio.ini")) ? openPast(resolve(other)) : here;
  if (!elsewhere.ok) return complain(faces, [elsewhere.failure]);
  const word = wordOf(command);
  const a = sideOf(word, here.value.state);
  const b = sideOf(elsewhere === here ? other : word, elsewhere.value.state);
  if (!a.ok) return complain(faces, [a.failure]);
  if (!b.ok) return complain(faces, [b.failure]);
  const found = versus(a.value, b.value);
  faces.out.write(command.run.json ? `${JSON.stringify(found)}\n` : versusText(found, word, other));
  return 0;
}

/** The action of a label or an output, or all of an env (`@uno`, `uno`, `:firmware@uno`), each by its label without kind and env. */
function sideOf(word: string, state: LocalState): Result<Side> {
  const env = /^(?::\w+)?@([^@]+)$/.exec(word)?.[1] ?? word;
  const known = new KnownActions(state, null);
  const action = known.labelled(word) ?? known.makerOf(word);
  const chosen = action !== undefined ? [action] : known.all.filter((a) => a.name.startsWith(`${env}/`));
  if (chosen.length === 0) {
    const near = nearest(word, [...known.all.map((a) => a.label), ...known.all.map((a) => a.env)]);
    const hint =
      near.length > 0 ? `did you mean ${near[0]}?` : "an action's label, a file that one makes, an env, or the folder of another checkout";
    return fail(failure("explain.versus", 2, `nothing that was built here is called ${word}`, { hint }));
  }
  const sides = chosen.flatMap((a) => {
    const last = state.last(a.name);
    return last === undefined
      ? []
      : [[action !== undefined ? "" : a.name.slice(a.name.indexOf("/", a.env.length + 1) + 1), JSON.parse(last.evidence)] as const];
  });
  return ok(new Map(sides));
}
