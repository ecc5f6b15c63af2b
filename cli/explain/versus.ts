/** `fb explain A --vs B`: what keeps two actions, all actions of two envs, or one action in two checkouts from sharing a key. */
import type { Evidence } from "../../engine/key.ts";
import { ABSENT } from "../../engine/files.ts";
import { argumentsOf, fieldsOf, wordsApart } from "../../engine/why.ts";

export interface Difference {
  readonly field: "argv" | "input" | "tool" | "rule" | "var" | "output";
  readonly name: string;
  /** "" where A has none. */
  readonly a: string;
  readonly b: string;
}

export interface Versus {
  readonly same: boolean;
  readonly differences: readonly Difference[];
}

/** Actions of either side by what is equal in both where they stand for each other, as their label without the env. */
export type Side = ReadonlyMap<string, Evidence>;

export function versus(a: Side, b: Side): Versus {
  const found = new Map<string, Difference>();
  const add = (difference: Difference) => found.set(JSON.stringify(difference), difference);
  for (const [name, seen] of a) {
    const other = b.get(name);
    if (other === undefined) add({ field: "output", name, a: "made", b: "" });
    else for (const difference of differences(seen, other)) add(difference);
  }
  for (const name of b.keys()) if (!a.has(name)) add({ field: "output", name, a: "", b: "made" });
  const all = [...found.values()];
  return { same: all.length === 0, differences: all };
}

function differences(a: Evidence, b: Evidence): Difference[] {
  return [...words(a, b), ...fields(a, b), ...inputs(a, b)];
}

/** Arguments that one side has more often; where both have the same, the first that stands elsewhere. */
function words(a: Evidence, b: Evidence): Difference[] {
  const [left, right] = [argumentsOf(a), argumentsOf(b)];
  const { came, went } = wordsApart(left, right);
  const found = [
    ...went.map((arg): Difference => ({ field: "argv", name: arg, a: arg, b: "" })),
    ...came.map((arg): Difference => ({ field: "argv", name: arg, a: "", b: arg })),
  ];
  if (found.length > 0) return found;
  const at = left.findIndex((arg, i) => arg !== right[i]);
  return at < 0 ? [] : [{ field: "argv", name: `word ${at + 1}`, a: left[at] ?? "", b: right[at] ?? "" }];
}

function fields(a: Evidence, b: Evidence): Difference[] {
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name): Difference[] => {
    const [from, to] = [left.get(name) ?? "", right.get(name) ?? ""];
    if (from === to) return [];
    const field = name === "tool" || name === "output" ? name : name.startsWith("var:") ? "var" : "rule";
    return [{ field, name: name.replace(/^var:/, ""), a: from, b: to }];
  });
}

function inputs(a: Evidence, b: Evidence): Difference[] {
  const digests = (e: Evidence) => new Map(e.inputs.map(([is, path, digest]) => [`${is} ${path}`, digest]));
  const [left, right] = [digests(a), digests(b)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key): Difference[] => {
    const [from, to] = [left.get(key), right.get(key)];
    // That nothing lies somewhere is told by the other side's having looked there, where that has a file.
    if (from === to || (from ?? ABSENT) === (to ?? ABSENT)) return [];
    return [{ field: "input", name: key.replace(/^(file|absent) /, ""), a: text(from), b: text(to) }];
  });
}

function text(digest: string | undefined): string {
  return digest === undefined ? "" : /^[0-9a-f]{64}$/.test(digest) ? `sha256:${digest}` : digest;
}
