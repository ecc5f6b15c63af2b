/**
 * Versions and ranges as PlatformIO reads them: semantic versions (python-semanticversion 2.10), its SimpleSpec for ranges, and PlatformIO's way to make a
 * version of any text. Odd where those are odd: `1.2.x` and `>= 1` are no ranges, `!=1.2.3` leaves out 1.2.3-rc.1 too, `>1.2` begins at 1.3.0.
 */

/** Numbers are bigint: dates and times as versions go beyond 2^53. `build` is compared by `==` and `!=` alone. */
export interface Version {
  readonly numbers: Numbers;
  readonly pre: readonly string[];
  readonly build: readonly string[];
}
type Numbers = readonly [bigint, bigint, bigint];

/** `+` in front of nothing (`1.2.3+`) is strict: a version with build metadata is another one. */
interface Comparison {
  readonly operator: "==" | "!=" | "<" | "<=" | ">" | ">=";
  readonly target: Version;
  readonly strictBuild: boolean;
  /** `<1.2.3` and `!=1.2.3` leave out the pre-releases of 1.2.3; with a `-` behind they do not. */
  readonly withPre: boolean;
}

/** All blocks hold; of a block all or one of its comparisons. */
export interface Range {
  readonly text: string;
  readonly blocks: readonly { readonly one: boolean; readonly of: readonly Comparison[] }[];
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9a-zA-Z.-]+))?(?:\+([0-9a-zA-Z.-]+))?$/;

/** A semantic version to the letter (semver.org 2.0.0); null for any other text. */
export function readVersion(text: string): Version | null {
  const match = VERSION.exec(text);
  if (match === null) return null;
  const numbers = [match[1] ?? "", match[2] ?? "", match[3] ?? ""] as const;
  if (numbers.some(hasLeadingZero)) return null;
  const [pre, build] = [match[4]?.split(".") ?? [], match[5]?.split(".") ?? []];
  if (!areIdentifiers(pre, false) || !areIdentifiers(build, true)) return null;
  return { numbers: [BigInt(numbers[0]), BigInt(numbers[1]), BigInt(numbers[2])], pre, build };
}

/**
 * The version that PlatformIO takes any text for: `1.2` is 1.2.0, `1.2.3.4` 1.2.3+4, `1.2b` 1.2.0-b, what begins with no number 0.0.0+TEXT (0.0.0+sha.TEXT, if
 * it can be the name of a commit). Null where it has none: an empty text, or one with letters that no version may have (`v1 beta`).
 */
export function castVersion(text: string): Version | null {
  return readVersion(text) ?? coerce(text) ?? readVersion(`0.0.0+${/^[\da-f]+$/i.test(text) ? "sha." : ""}${text}`);
}

export function versionText({ numbers, pre, build }: Version): string {
  return `${numbers.join(".")}${pre.length === 0 ? "" : `-${pre.join(".")}`}${build.length === 0 ? "" : `+${build.join(".")}`}`;
}

/** Below 0, 0 or above 0 as `a` comes before `b`; build metadata does not order. */
export function compareVersions(a: Version, b: Version): number {
  for (const i of [0, 1, 2] as const) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] < b.numbers[i] ? -1 : 1;
  if (a.pre.length === 0 || b.pre.length === 0) return (a.pre.length === 0 ? 1 : 0) - (b.pre.length === 0 ? 1 : 0);
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const [x, y] = [a.pre[i], b.pre[i]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = compareIdentifiers(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/** Blocks joined by commas, without blanks. A text where a block is none: `block` is the first such. */
export function parseRange(text: string): { readonly ok: true; readonly value: Range } | { readonly ok: false; readonly block: string } {
  const blocks: Range["blocks"][number][] = [];
  for (const block of text.split(",")) {
    const read = readBlock(block);
    if (read === null) return { ok: false, block };
    blocks.push(read);
  }
  return { ok: true, value: { text, blocks } };
}

export function satisfies(version: Version, range: Range): boolean {
  return range.blocks.every(({ one, of }) => (one ? of.some((each) => holds(version, each)) : of.every((each) => holds(version, each))));
}

/** Whether a version, made of any text, is in a range given as text; null where one of the two is none. */
export function inRange(version: string, range: string): boolean | null {
  const [cast, read] = [castVersion(version), parseRange(range)];
  return cast === null || !read.ok ? null : satisfies(cast, read.value);
}

function hasLeadingZero(text: string): boolean {
  return /^0\d+$/.test(text);
}

function areIdentifiers(all: readonly string[], zeroes: boolean): boolean {
  return all.every((each) => each !== "" && (zeroes || !hasLeadingZero(each)));
}

function compareIdentifiers(x: string, y: string): number {
  if (x === y) return 0;
  const [a, b] = [/^\d+$/.test(x), /^\d+$/.test(y)];
  if (a && b) return BigInt(x) < BigInt(y) ? -1 : BigInt(x) > BigInt(y) ? 1 : 0;
  if (a !== b) return a ? -1 : 1;
  return x < y ? -1 : 1;
}

function coerce(text: string): Version | null {
  const start = /^\d+(?:\.\d+(?:\.\d+)?)?/.exec(text)?.[0];
  if (start === undefined) return null;
  const numbers = [...start.split("."), "0", "0"].slice(0, 3).map((each) => each.replace(/^0+(?=\d)/, ""));
  const rest = text.slice(start.length).replace(/[^a-zA-Z0-9+.-]/gu, "-");
  // Behind the third number: more numbers are build metadata, and so is all behind a "+"; anything else is a pre-release.
  const isBuild = rest.startsWith("+") || rest.startsWith(".");
  const words = isBuild || rest.startsWith("-") ? rest.slice(1) : rest;
  const plus = isBuild ? -1 : words.indexOf("+");
  const pre = isBuild ? "" : plus < 0 ? words : words.slice(0, plus);
  const build = (isBuild ? words : plus < 0 ? "" : words.slice(plus + 1)).replaceAll("+", ".");
  return readVersion(`${numbers.join(".")}${pre === "" ? "" : `-${pre}`}${build === "" ? "" : `+${build}`}`);
}

const NUMBER = "\\*|0|[1-9][0-9]*";
const BLOCK = new RegExp(
  `^(<|<=||=|==|>=|>|!=|\\^|~|~=)(${NUMBER})(?:\\.(${NUMBER})(?:\\.(${NUMBER}))?)?(?:-([a-z0-9A-Z.-]*))?(?:\\+([a-z0-9A-Z.-]*))?\\n?$`,
);

function readBlock(text: string): Range["blocks"][number] | null {
  const match = BLOCK.exec(text);
  if (match === null) return null;
  const prefix = match[1] === "" || match[1] === "=" ? "==" : (match[1] ?? "");
  const [major, minor, patch] = [match[2], match[3], match[4]].map((each) => (each === undefined || each === "*" ? null : BigInt(each)));
  const [pre, build] = [match[5], match[6]];
  const isPartial = major === null || minor === null || patch === null;
  if (isPartial && ((pre ?? "") !== "" || (build ?? "") !== "")) return null;
  if (build !== undefined && prefix !== "==" && prefix !== "!=") return null;
  const words = { pre: !isPartial && pre ? pre.split(".") : [], build: !isPartial && build ? build.split(".") : [] };
  if (!areIdentifiers(words.pre, false) || !areIdentifiers(words.build, true)) return null;
  const isWhole = minor !== null && patch !== null;
  const target: Version = { numbers: [major ?? 0n, major === null ? 0n : (minor ?? 0n), isPartial ? 0n : (patch ?? 0n)], ...words };
  const is = (operator: Comparison["operator"], to: Version, strictBuild = false, withPre = false): Comparison => ({
    ...{ operator, target: to, withPre },
    strictBuild: strictBuild || to.build.length > 0,
  });
  const all = (...of: readonly Comparison[]) => ({ one: false, of });
  const upTo = (end: Version) => all(is(">=", target), is("<", end));
  if (major === null) return prefix === "==" || prefix === ">=" ? all(is(">=", target)) : null;
  // The first version behind all that an incomplete one stands for.
  const next = minor === null ? nextOf(target, 0) : nextOf(target, 1);
  switch (prefix) {
    case "^":
      return upTo(nextOf(target, target.numbers[0] !== 0n ? 0 : target.numbers[1] !== 0n ? 1 : 2));
    case "~":
      return upTo(next);
    case "~=":
      return upTo(isWhole ? next : nextOf(target, 0));
    case "==":
      return isWhole ? all(is("==", target, build === "")) : upTo(next);
    case "!=":
      if (!isWhole) return { one: true, of: [is("<", target), is(">=", next)] };
      return all(is("!=", target, pre !== "" && build === "", pre === ""));
    case ">":
      return all(isWhole ? is(">", target) : is(">=", next));
    case ">=":
      return all(is(">=", target));
    case "<":
      return all(is("<", target, false, pre === ""));
    default:
      return all(isWhole ? is("<=", target) : is("<", next));
  }
}

/** The next version at a place (0 major, 1 minor, 2 patch); of a pre-release of such a version, that version. */
function nextOf({ numbers, pre }: Version, place: 0 | 1 | 2): Version {
  const stays = pre.length > 0 && numbers.every((each, i) => i <= place || each === 0n);
  const [a, b, c] = numbers.map((each, i) => (i < place ? each : i === place ? (stays ? each : each + 1n) : 0n));
  return { numbers: [a ?? 0n, b ?? 0n, c ?? 0n], pre: [], build: [] };
}

function holds(version: Version, { operator, target, strictBuild, withPre }: Comparison): boolean {
  const order = compareVersions(version, target);
  const isPreOf = version.pre.length > 0 && target.pre.length === 0 && target.numbers.every((each, i) => each === version.numbers[i]);
  const isSameBuild = !strictBuild || version.build.join(".") === target.build.join(".");
  switch (operator) {
    case "==":
      return order === 0 && isSameBuild;
    case "!=":
      return strictBuild ? order !== 0 || !isSameBuild : order !== 0 && (withPre || !isPreOf);
    case "<":
      return order < 0 && (withPre || !isPreOf);
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return operator satisfies never;
  }
}
