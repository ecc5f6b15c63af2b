/** Packages and libraries as text for people: a table an env, a tree an env, what an upgrade changed. */
import type { Lock, LockEntry } from "../../rules/lock.ts";
import { oneLine, padEnd, paint } from "../show/text.ts";
import type { Dep, EnvDeps, LibraryNode } from "./needs.ts";

/** Columns: name, version, where it is from, what pins it. */
export function depsTable(envs: readonly EnvDeps[], color: boolean): string {
  const rows = envs.flatMap((each) => each.deps.map(cells));
  const widths = [0, 1, 3].map((i) => Math.max(0, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (dep: Dep): string => {
    const [name = "", version = "", source = "", pinned = ""] = cells(dep);
    const columns = [padEnd(name, widths[0] ?? 0), padEnd(version, widths[1] ?? 0), padEnd(pinned, widths[2] ?? 0), source];
    return `  ${columns.join("  ").trimEnd()}\n`;
  };
  const none = "  nothing but what the project itself holds\n";
  return envs
    .map(({ env, deps }) => `${paint(`env ${env}`, "bold", color)}\n${deps.length === 0 ? none : deps.map(line).join("")}`)
    .join("\n");
}

function cells({ name, version, source, pinned }: Dep): readonly string[] {
  return [name, version, pinned === "system" ? "" : source, pinned].map(oneLine);
}

export function depsTree(envs: readonly EnvDeps[], color: boolean): string {
  return envs
    .map(({ env, deps, tree }) => {
      const packages = deps
        .filter((dep) => dep.kind !== "library")
        .map((dep): LibraryNode => ({ dep, why: "", needs: [], isAbove: false }));
      return `${paint(`env ${env}`, "bold", color)}\n${branches([...packages, ...tree], "", color)}`;
    })
    .join("\n");
}

function branches(nodes: readonly LibraryNode[], indent: string, color: boolean): string {
  return nodes
    .map(({ dep, why, needs, isAbove }, i) => {
      const isLast = i === nodes.length - 1;
      const what = oneLine(`${dep.name} ${dep.version}`.trimEnd());
      const from = dep.kind === "library" ? dep.source : dep.pinned === "system" ? "system" : dep.source;
      const said = [why, isAbove ? "above" : from].filter((each) => each !== "").map(oneLine);
      const row = `${indent}${isLast ? "└─" : "├─"} ${what}  ${paint(said.join("; "), "dim", color)}\n`;
      return row + branches(needs, `${indent}${isLast ? "   " : "│  "}`, color);
    })
    .join("");
}

/** A line for each package whose version or content is another now: `acme/Timer 2.1.0 → 2.2.0`; empty where nothing changed. */
export function lockChanges(before: Lock, after: Lock): readonly string[] {
  const names = (lock: Lock) => new Set(lock.entries.map((entry) => `${entry.kind} ${fullName(entry)}`));
  const of = (lock: Lock, name: string) => lock.entries.filter((entry) => `${entry.kind} ${fullName(entry)}` === name);
  const lines: string[] = [];
  for (const name of [...new Set([...names(before), ...names(after)])]) {
    const [old, now] = [of(before, name), of(after, name)];
    const versions = (entries: readonly LockEntry[]) => entries.map((entry) => entry.version).join(", ");
    const plain = name.slice(name.indexOf(" ") + 1);
    if (old.length === 0) lines.push(`${plain} ${versions(now)} (new)`);
    else if (now.length === 0) lines.push(`${plain} ${versions(old)} (no longer needed)`);
    else if (versions(old) !== versions(now)) lines.push(`${plain} ${versions(old)} → ${versions(now)}`);
    else if (contents(old) !== contents(now)) lines.push(`${plain} ${versions(now)}: another content`);
  }
  return lines.map(oneLine).sort();
}

function fullName({ owner, name }: LockEntry): string {
  return owner === "" ? name : `${owner}/${name}`;
}

function contents(entries: readonly LockEntry[]): string {
  return entries.flatMap((entry) => entry.files.map((file) => `${file.system} ${file.sha256} ${file.digest}`)).join("\n");
}
