/**
 * An action's key: one traversal, two sinks. Whatever the hasher takes in, the explainer has seen by name, so nothing enters a key that can not be
 * explained. Paths enter in canonical form: the same compile in two envs, checkouts or machines has one key.
 */
import { canonical, canonicalText, outFolder } from "./paths.ts";
import type { ActionSpec, CanonPath, Digest, Hashing, Key, KeySink, Read, ReadKind, StaticKey } from "./types.ts";

/** Raised whenever what a key holds changes its meaning: old records are then never found. */
const KEY_SCHEMA = "2";

/** The part of the key that is known before the action runs. digestOf: of a declared input. project: the real path of the project's folder. */
export function walkStatic(spec: ActionSpec, project: string, digestOf: (r: Read) => Digest, sink: KeySink): void {
  const out = outFolder(spec.env, spec.profile);
  sink.field("schema", KEY_SCHEMA);
  sink.field("kind", spec.kind);
  sink.field("rule", spec.rule);
  sink.field("tool", spec.tool);
  sink.field("sharing", spec.sharing);
  if (spec.sharing === "outputs" || spec.sharing === "folder") sink.field("folder", out);
  if (spec.sharing === "folder") sink.field("project", project);
  for (const arg of spec.argv) sink.field("arg", canonicalText(arg, out));
  for (const name of Object.keys(spec.vars).sort()) sink.field(`var:${name}`, canonicalText(spec.vars[name] ?? "", out));
  if (spec.rspfile !== null) sink.field(`rsp:${canonical(spec.rspfile.path, out)}`, canonicalText(spec.rspfile.text, out));
  sink.field("discover", discoverText(spec, out));
  for (const output of spec.outputs) sink.field("output", canonical(output, out));
  for (const input of spec.inputs)
    sink.input(input.is, input.is === "value" ? (input.path as string as CanonPath) : canonical(input.path, out), digestOf(input));
}

/** How reads are found decides what is among them, so records made with another search are not comparable. Where the depfile lies is not part of it. */
function discoverText({ discover }: ActionSpec, out: string): string {
  const folders = (list: readonly string[]) => list.map((f) => canonical(f, out));
  switch (discover.by) {
    case "nothing":
      return discover.by;
    case "depfile":
      return JSON.stringify([discover.by, folders(discover.quote), folders(discover.search)]);
    case "trace":
      return JSON.stringify([discover.by, discover.libraries, folders(discover.search)]);
  }
}

/** What one run discovered, in the canonical order of its record. */
export function walkReads(reads: readonly Read<CanonPath>[], digests: readonly Digest[], sink: KeySink): void {
  for (let i = 0; i < reads.length; i++) {
    const read = reads[i] as Read<CanonPath>;
    sink.input(read.is, read.path, digests[i] as Digest);
  }
}

/** A sink that makes the key. Names, values and paths are framed by their lengths, so no two walks give one text. */
export class KeyText implements KeySink {
  text: string;
  constructor(seed: string) {
    this.text = seed;
  }
  field(name: string, value: string): void {
    this.text += `${name.length}:${name}=${value.length}:${value}\n`;
  }
  input(is: ReadKind, path: CanonPath, digest: Digest): void {
    this.text += `${is}:${path.length}:${path}=${digest}\n`;
  }
  digest(hashing: Hashing): Digest {
    return hashing.sha256(this.text);
  }
}

export function staticKey(hashing: Hashing, spec: ActionSpec, project: string, digestOf: (r: Read) => Digest): StaticKey {
  const sink = new KeyText("");
  walkStatic(spec, project, digestOf, sink);
  return sink.digest(hashing) as string as StaticKey;
}

/** Of what one run discovered, with the digest of each. */
export function readsDigest(hashing: Hashing, reads: readonly Read<CanonPath>[], digests: readonly Digest[]): Digest {
  const sink = new KeyText("");
  walkReads(reads, digests, sink);
  return sink.digest(hashing);
}

/** reads: their readsDigest, which many actions share. */
export function fullKey(hashing: Hashing, sk: StaticKey, reads: Digest): Key {
  return hashing.sha256(`${sk}\n${reads}\n`) as string as Key;
}

/** What the explainer keeps of a walk: fields by name, and the digest of everything read. */
export interface Evidence {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly inputs: readonly (readonly [is: ReadKind, path: CanonPath, digest: Digest])[];
  /** So many of the inputs, the first ones, were declared; the others were discovered by running. */
  readonly declared: number;
}

/** The other sink: keeps names and values for `why` and explain. mask: takes what nobody is to see out of a text. */
export class EvidenceSink implements KeySink {
  private readonly fields: [string, string][] = [];
  private readonly inputs: [ReadKind, CanonPath, Digest][] = [];
  private readonly mask: (text: string) => string;
  constructor(mask: (text: string) => string) {
    this.mask = mask;
  }
  field(name: string, value: string): void {
    this.fields.push([name, this.mask(value)]);
  }
  input(is: ReadKind, path: CanonPath, digest: Digest): void {
    this.inputs.push([is, path, digest]);
  }
  /** What was seen, of which so many inputs were declared. */
  evidence(declared: number): Evidence {
    return { fields: this.fields, inputs: this.inputs, declared };
  }
}

/** The reads of a run as they stand in evidenceJson. */
export function readsJson(reads: readonly Read<CanonPath>[], digests: readonly Digest[]): string {
  return reads.map(({ is, path }, i) => JSON.stringify([is, path, digests[i]])).join(",");
}

/** The JSON of an Evidence to which these reads are added. reads: of readsJson, which many actions share. */
export function evidenceJson({ fields, inputs, declared }: Evidence, reads: string): string {
  const own = inputs.map((input) => JSON.stringify(input)).join(",");
  return `{"fields":${JSON.stringify(fields)},"inputs":[${own}${own !== "" && reads !== "" ? "," : ""}${reads}],"declared":${declared}}`;
}
