/** `fb deps`: packages and libraries brought and locked, and what each env has of them: `fb run :packages` with an answer. */
import type { Event, Failure } from "../../engine/types.ts";
import type { Lock } from "../../rules/lock.ts";
import { LOCK_FILE, lockIn } from "../acquire/lock-file.ts";
import type { Command } from "../command.ts";
import { type EnvDeps, envDeps, mergedDeps } from "../deps/needs.ts";
import { depsTable, depsTree, lockChanges } from "../deps/show.ts";
import { complain, type Faces } from "../faces.ts";
import { openDisk } from "../host/disk.ts";
import { thisMachine } from "../host/machine.ts";
import { projectFolder } from "../project-folder.ts";
import type { PlanInput } from "../plan-input.ts";
import { count } from "../show/text.ts";
import { buildShown } from "./run.ts";

type DepsCommand = Extract<Command, { verb: "deps" }>;

/** The run's exit code. What the run has to say goes to standard error. */
export async function depsVerb({ run, tree, upgrade, json }: DepsCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(run.dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  if (run.dryRun) return (await import("../deps/prospect.ts")).tellProspect(folder.value, run, json, faces);
  const before = lockIn(folder.value);
  if (!before.ok) return complain(faces, [before.failure]);
  const inputs: PlanInput[] = [];
  const wrong: Event[] = [];
  const emit = (event: Event): void => {
    if (event.type === "diagnostic" && event.severity === "error") wrong.push(event);
  };
  const deps = { renewed: upgrade, onPlan: (input: PlanInput) => void inputs.push(input) };
  const built = await buildShown(folder.value, run, faces, {
    out: faces.err,
    sink: { emit },
    words: null,
    deps,
    stopper: null,
    hold: null,
  });
  const code = built.result.exitCode;
  const after = lockIn(folder.value);
  if (!after.ok) return complain(faces, [after.failure]);
  const found = depsOf(inputs, after.value.lock, folder.value);
  const failed = complain(faces, [...found.failures, ...found.envs.flatMap((each) => (json ? [] : each.notes))]);
  if (json) faces.out.write(`${JSON.stringify(jsonOf(found.envs, wrong, found.failures))}\n`);
  else if (upgrade !== null && code === 0) faces.out.write(changesText(before.value.lock, after.value.lock));
  else if (tree) faces.out.write(depsTree(found.envs, faces.out.color));
  else faces.out.write(depsTable(found.envs, faces.out.color) + lockText(before.value.lock, after.value.lock, code));
  return code === 0 ? failed : code;
}

function depsOf(inputs: readonly PlanInput[], lock: Lock, folder: string): { readonly envs: EnvDeps[]; readonly failures: Failure[] } {
  const machine = thisMachine();
  const disk = openDisk(folder);
  const envs: EnvDeps[] = [];
  const failures: Failure[] = [];
  try {
    for (const input of inputs) {
      const found = envDeps(input, lock, machine, disk);
      if (found.ok) envs.push(found.value);
      else failures.push(found.failure);
    }
  } finally {
    disk.close();
  }
  return { envs, failures };
}

function jsonOf(envs: readonly EnvDeps[], wrong: readonly Event[], failures: readonly Failure[]): object {
  const packages = mergedDeps(envs).map(({ name, version, source, sha256, kind, neededBy }) => ({
    ...{ name, version, source, sha256, kind },
    neededBy,
  }));
  const said = wrong.flatMap((event) => (event.type === "diagnostic" ? [event] : []));
  const missing = [...said, ...failures].map(({ code, message, file, line, hint }) => ({ code, message, file, line, hint }));
  return { packages, missing };
}

function changesText(before: Lock, after: Lock): string {
  const lines = lockChanges(before, after);
  return lines.length === 0 ? "nothing newer that the project asks for: fb.lock is as it was\n" : lines.map((line) => `${line}\n`).join("");
}

function lockText(before: Lock, after: Lock, code: number): string {
  if (code !== 0 || after.entries.length === 0) return "";
  const held = `${LOCK_FILE}: ${count(after.entries.length, "package")}`;
  const lines = lockChanges(before, after);
  return `\n${held}${lines.length === 0 ? "" : `; changed: ${lines.join(", ")}`}\n`;
}
