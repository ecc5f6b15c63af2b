/** Names of packages, versions and ranges: what fb reads in them against what PlatformIO's own code did. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { withoutCredentials } from "../../engine/redact.ts";
import type { Result } from "../../engine/types.ts";
import { type PackageSpec, parsePackageSpec, specFromParts } from "../../rules/package-spec.ts";
import { castVersion, compareVersions, parseRange, satisfies, versionText } from "../../rules/version.ts";
import { type Kind, numbersOf, seeded } from "./kind.ts";
import { type SpecCase, specCase } from "./spec-cases.ts";

type Said = readonly [
  owner: string | null,
  id: number | null,
  name: string | null,
  range: string | null,
  uri: string | null,
  custom: boolean,
];

export interface SpecAnswer {
  /** A text is the class of an error. */
  readonly specs: readonly (Said | string)[];
  readonly parts: readonly (Said | string)[];
  readonly versions: readonly (string | null)[];
  readonly order: string;
  readonly ranges: readonly (string | null)[];
}

/** Errors that are a user's; any other is PlatformIO's own, where fb may read what it likes. */
const REFUSED = "SemanticVersionError";

function ask(python: string, cases: readonly SpecCase[]): readonly SpecAnswer[] {
  const ran = spawnSync(python, [join(import.meta.dirname, "spec-answer.py")], {
    input: JSON.stringify(cases),
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout
    .trim()
    .split("\n")
    .map((line): SpecAnswer => JSON.parse(line));
}

function compare(input: SpecCase, answer: SpecAnswer): string {
  const exists = (path: string): boolean => input.there.includes(path);
  const origin = { file: "platformio.ini", line: 3, column: 1 };
  const differences = [
    ...input.specs.map((text, i) => specDifference(text, parsePackageSpec(text, origin, exists), answer.specs[i] ?? "")),
    ...input.parts.map((parts, i) => {
      const [owner, name, requirement] = parts;
      const read = specFromParts({ owner: owner || null, name: name || null, requirement: requirement || null }, origin, exists);
      return specDifference(JSON.stringify(parts), read, answer.parts[i] ?? "");
    }),
  ];
  // PlatformIO has no version for an empty text.
  const versions = input.versions.map(castVersion);
  const ours = {
    versions: versions.map((each) => (each === null ? null : versionText(each))),
    order: versions
      .slice(1)
      .map((b, i) => {
        const a = versions[i] ?? null;
        const order = a === null || b === null ? null : compareVersions(a, b);
        return order === null ? "-" : order < 0 ? "<" : order > 0 ? ">" : "=";
      })
      .join(""),
    ranges: input.ranges.map((text) => {
      const range = parseRange(text);
      return range.ok ? versions.map((each) => (each === null ? "-" : satisfies(each, range.value) ? "1" : "0")).join("") : null;
    }),
  };
  for (const key of ["versions", "order", "ranges"] as const) {
    const [own, theirs] = [JSON.stringify(ours[key]), JSON.stringify(answer[key])];
    if (own !== theirs)
      differences.push(
        `${key} of ${JSON.stringify(input[key === "ranges" ? key : "versions"])}\n  PlatformIO: ${theirs}\n  fb:         ${own}`,
      );
  }
  return differences.filter((each) => each !== "").join("\n");
}

function specDifference(text: string, read: Result<PackageSpec>, theirs: Said | string): string {
  if (typeof theirs === "string" && theirs !== REFUSED) return "";
  const own = read.ok ? saidOf(read.value) : REFUSED;
  const isPlaced = read.ok || (read.failure.code === "spec.version" && read.failure.line === 3 && read.failure.hint !== "");
  if (!isPlaced) return `a failure without code, place or hint: ${text}`;
  return JSON.stringify(own) === JSON.stringify(keptOf(theirs))
    ? ""
    : `${text}\n  PlatformIO: ${JSON.stringify(theirs)}\n  fb:         ${JSON.stringify(own)}`;
}

/** fb keeps no credentials in a spec (engine/redact.ts). */
function keptOf(said: Said | string): Said | string {
  if (typeof said === "string") return said;
  const [owner, id, name, requirement, uri, custom] = said;
  return [owner, id, name, requirement, uri === null ? null : withoutCredentials(uri), custom];
}

function saidOf({ owner, id, name, requirement, uri, custom }: PackageSpec): Said {
  return [owner, id, name, requirement, uri, custom];
}

export const specsKind: Kind<SpecCase, SpecAnswer> = {
  name: "specs",
  about: "names of packages, versions and ranges",
  usual: 1000,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? null : specCase(...numbers);
  },
  kept: seeded(1, 70),
  ask: (peer, cases) =>
    ask(
      peer.python,
      cases.map(({ input }) => input),
    ),
  compare,
  files: (input) => ({ "case.json": JSON.stringify(input, null, 1) }),
};
