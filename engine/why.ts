/** Why an action runs: what differs between the evidence of its last run and now, each cause naming its evidence. */
import type { Evidence } from "./key.ts";
import type { Cause, CanonPath, Digest } from "./types.ts";

/** before: what the last run saw; now: what the static walk sees, with the last run's reads as they are today. */
export function causes(before: Evidence, now: Evidence): Cause[] {
  const found: Cause[] = [];
  const old = new Map(before.inputs.map(([is, path, digest]) => [`${is}:${path}`, { path, digest }]));
  const current = new Map(now.inputs.map(([is, path, digest]) => [`${is}:${path}`, { path, digest }]));
  for (const [name, { path, digest }] of current) {
    const was = old.get(name);
    if (was === undefined) found.push({ cause: "input-added", file: path });
    else if (was.digest !== digest) found.push(changed(path, was.digest, digest));
  }
  for (const [name, { path }] of old) if (!current.has(name)) found.push({ cause: "input-removed", file: path });
  const args = (e: Evidence) => e.fields.filter(([n]) => n === "arg").map(([, v]) => v);
  found.push(...argumentsChanged(args(before), args(now)));
  const fields = (e: Evidence) => {
    const outputs = e.fields.filter(([n]) => n === "output").map(([, v]) => v);
    return new Map([...e.fields.filter(([n]) => n !== "arg" && n !== "output"), ["output", outputs.join(" ")]]);
  };
  const was = fields(before);
  const is = fields(now);
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const from = was.get(name) ?? "";
    const to = is.get(name) ?? "";
    if (from === to) continue;
    const cause = name === "tool" ? "tool-changed" : OF_RULE.has(name) ? "rule-changed" : "var-changed";
    found.push({ cause, name: name.startsWith("var:") ? name.slice(4) : name, old: from, new: to });
  }
  return found;
}

/** Fields that follow from the rule, or from fb itself. */
const OF_RULE: ReadonlySet<string> = new Set(["rule", "schema", "kind", "sharing", "discover", "output"]);

function changed(path: CanonPath, was: Digest, now: Digest): Cause {
  if (was === "absent") return { cause: "input-added", file: path };
  if (now === "absent") return { cause: "input-removed", file: path };
  if (now === "present") return { cause: "input-added", file: path };
  return { cause: "input-changed", file: path, old: `sha256:${was}`, new: `sha256:${now}`, via: [] };
}

/** Arguments as multisets: what came, what went. The same ones in another order are one change of each. */
function argumentsChanged(before: readonly string[], now: readonly string[]): Cause[] {
  const count = new Map<string, number>();
  for (const arg of now) count.set(arg, (count.get(arg) ?? 0) + 1);
  for (const arg of before) count.set(arg, (count.get(arg) ?? 0) - 1);
  const found: Cause[] = [];
  for (const [arg, n] of count) if (n !== 0) found.push({ cause: n > 0 ? "arg-added" : "arg-removed", arg });
  if (found.length > 0) return found;
  const moved = now.find((arg, i) => arg !== before[i]);
  return moved === undefined
    ? []
    : [
        { cause: "arg-removed", arg: moved },
        { cause: "arg-added", arg: moved },
      ];
}
