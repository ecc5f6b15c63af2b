/** Why an action runs: what differs between the evidence of its last run and of this one, each cause naming its evidence. */
import type { Evidence } from "./key.ts";
import { fromCanonical, fromCanonicalText } from "./paths.ts";
import type { Cause, CanonPath, Digest, ReadKind } from "./types.ts";

type Input = Evidence["inputs"][number];

/**
 * before: what the last run saw. now: what this one sees, before it ran (then with the last run's reads as they are today) or after it. What it discovered
 * for the first time follows from something that changed, so it is a cause only where nothing else is, or where nothing lay there before.
 */
export function causes(before: Evidence, now: Evidence): Cause[] {
  const args = argumentsChanged(argumentsOf(before), argumentsOf(now));
  const found = [...inputsChanged(before, now), ...args, ...fieldsChanged(before, now, args.length > 0)];
  if (found.length > 0) return found;
  const old = new Set(before.inputs.map(nameOf));
  return now.inputs.filter((input) => input[0] === "file" && !old.has(nameOf(input))).map(([, file]) => ({ cause: "input-added", file }));
}

/** A cause in the spelling of the project, for the output folder of its action. */
export function asTold(cause: Cause, out: string): Cause {
  if ("file" in cause) return { ...cause, file: fromCanonical(cause.file, out) };
  return "arg" in cause ? { ...cause, arg: fromCanonicalText(cause.arg, out) } : cause;
}

function nameOf([is, path]: Input): string {
  return `${is}:${path}`;
}

function inputsChanged(before: Evidence, now: Evidence): Cause[] {
  const found: Cause[] = [];
  const current = new Map(now.inputs.map((input) => [nameOf(input), input[2]]));
  const old = new Map(before.inputs.map((input) => [nameOf(input), input[2]]));
  const declared = new Set(before.inputs.slice(0, before.declared).map(nameOf));
  for (const input of now.inputs.slice(0, now.declared)) if (!old.has(nameOf(input))) found.push({ cause: "input-added", file: input[1] });
  for (const input of before.inputs) {
    const [is, path, was] = input;
    const digest = current.get(nameOf(input));
    if (digest !== undefined) {
      if (digest !== was) found.push(changed(is, path, was, digest));
    } else if (is === "absent" && current.has(`file:${path}`)) found.push({ cause: "input-added", file: path });
    else if (declared.has(nameOf(input)) || (is === "file" && current.has(`absent:${path}`)))
      found.push({ cause: "input-removed", file: path });
  }
  return found;
}

function changed(is: ReadKind, path: CanonPath, was: Digest, now: Digest): Cause {
  if (was === "absent") return { cause: "input-added", file: path };
  if (now === "absent") return { cause: "input-removed", file: path };
  if (is === "absent" && now === "present") return { cause: "input-added", file: path };
  return { cause: "input-changed", file: path, old: `sha256:${was}`, new: `sha256:${now}`, via: [] };
}

/** The words of a command. */
export function argumentsOf(e: Evidence): readonly string[] {
  return e.fields.filter(([name]) => name === "arg").map(([, value]) => value);
}

/** Words as multisets: what came, what went. */
export function wordsApart(
  before: readonly string[],
  now: readonly string[],
): { readonly came: readonly string[]; readonly went: readonly string[] } {
  const count = new Map<string, number>();
  for (const arg of now) count.set(arg, (count.get(arg) ?? 0) + 1);
  for (const arg of before) count.set(arg, (count.get(arg) ?? 0) - 1);
  const all = [...count];
  return { came: all.flatMap(([arg, n]) => (n > 0 ? [arg] : [])), went: all.flatMap(([arg, n]) => (n < 0 ? [arg] : [])) };
}

/** The same words in another order are one change of each. */
function argumentsChanged(before: readonly string[], now: readonly string[]): Cause[] {
  const { came, went } = wordsApart(before, now);
  const changed = (added: readonly string[], removed: readonly string[]): Cause[] => [
    ...removed.map((arg): Cause => ({ cause: "arg-removed", arg })),
    ...added.map((arg): Cause => ({ cause: "arg-added", arg })),
  ];
  if (came.length + went.length > 0) return changed(came, went);
  const moved = now.filter((arg, i) => arg !== before[i]).slice(0, 1);
  return changed(moved, moved);
}

/** Fields that follow from the rule, or from fb itself. */
const OF_RULE: ReadonlySet<string> = new Set(["rule", "schema", "kind", "sharing", "discover", "output"]);

/** What follows from other words of the command, or from the rule's own change, is no cause beside them. */
function fieldsChanged(before: Evidence, now: Evidence, otherWords: boolean): Cause[] {
  const found: Cause[] = [];
  const was = fieldsOf(before);
  const is = fieldsOf(now);
  const ofRule = was.get("rule") !== is.get("rule");
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const from = was.get(name) ?? "";
    const to = is.get(name) ?? "";
    if (from === to || (name === "discover" && otherWords) || (ofRule && name !== "rule" && OF_RULE.has(name))) continue;
    const cause = name === "tool" ? "tool-changed" : OF_RULE.has(name) ? "rule-changed" : "var-changed";
    found.push({ cause, name: name.startsWith("var:") ? name.slice(4) : name, old: from, new: to });
  }
  return found;
}

/** All but arguments, by name; several outputs as one. */
export function fieldsOf(e: Evidence): ReadonlyMap<string, string> {
  const outputs = e.fields.filter(([name]) => name === "output").map(([, value]) => value);
  return new Map([...e.fields.filter(([name]) => name !== "arg" && name !== "output"), ["output", outputs.join(" ")]]);
}
