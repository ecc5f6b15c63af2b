/** Semantic versions and the ranges that PlatformIO's specs use (python-semanticversion's SimpleSpec). */

/** Numbers and pre-release words; build metadata does not order. */
export interface Version {
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

/** A version, made into three numbers where it has fewer (`1.2` is 1.2.0); null for what begins with no number. */
export function parseVersion(text: string): Version | null {
  const match = /^[v=\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[.-]?([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(text.trim());
  if (match === null) return null;
  const [, major = "0", minor = "0", patch = "0", pre = ""] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], pre: pre === "" ? [] : pre.split(/[.-]/).filter((p) => p !== "") };
}

/** Below 0, 0 or above 0 as `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  for (const i of [0, 1, 2] as const) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] - b.numbers[i];
  if (a.pre.length === 0 || b.pre.length === 0) return (a.pre.length === 0 ? 1 : 0) - (b.pre.length === 0 ? 1 : 0);
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const x = a.pre[i];
    const y = b.pre[i];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const numbers = [x, y].map((each) => /^\d+$/.test(each));
    if (numbers[0] && numbers[1]) return Number(x) - Number(y);
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

/**
 * Whether a version is in a range: parts joined by commas, all of which must hold. `^1.2` up to the next number that is not 0, `~1.2` and `~=1.2` up to the
 * next minor (`~1` major), `1.2` or `1.x` any of it, `*` and "" any. Null for a range that is none.
 */
export function inRange(version: Version, range: string): boolean | null {
  let all = true;
  for (const part of range.split(",")) {
    const holds = inPart(version, part.trim());
    if (holds === null) return null;
    all &&= holds;
  }
  return all;
}

function inPart(version: Version, part: string): boolean | null {
  const match = /^(<=|>=|<|>|==|=|!=|\^|~=|~)?\s*v?(\*|[xX]|\d+)(?:\.(\*|[xX]|\d+))?(?:\.(\*|[xX]|\d+))?(-[0-9A-Za-z.-]+)?(\+.*)?$/.exec(
    part,
  );
  if (match === null) return part === "" ? true : null;
  const given = [match[2], match[3], match[4]].filter((each) => each !== undefined && /^\d/.test(each)).map(Number);
  const operator = match[1] ?? "==";
  const [major = 0, minor = 0, patch = 0] = given;
  const bound: Version = {
    numbers: [major, minor, patch],
    pre: (match[5] ?? "")
      .slice(1)
      .split(".")
      .filter((p) => p !== ""),
  };
  const order = compareVersions(version, bound);
  const below = (numbers: readonly [number, number, number]): boolean =>
    order >= 0 && compareVersions(version, { numbers, pre: ["0"] }) < 0;
  if (given.length === 0) return operator === "==" || operator === ">=" || operator === "^" || operator === "~" || operator === "<=";
  // The first version behind all that the given numbers stand for.
  const next = (count: number): readonly [number, number, number] =>
    count <= 1 ? [major + 1, 0, 0] : count === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1];
  switch (operator) {
    case "<":
      return order < 0 && (bound.pre.length > 0 || compareVersions(version, { numbers: bound.numbers, pre: ["0"] }) < 0);
    case "<=":
      return given.length === 3 ? order <= 0 : compareVersions(version, { numbers: next(given.length), pre: ["0"] }) < 0;
    case ">":
      return given.length === 3 ? order > 0 : compareVersions(version, { numbers: next(given.length), pre: [] }) >= 0;
    case ">=":
      return order >= 0;
    case "!=":
      return given.length === 3 ? order !== 0 : !below(next(given.length));
    case "^":
      return below(major > 0 || given.length === 1 ? next(1) : minor > 0 || given.length === 2 ? next(2) : next(3));
    case "~":
      return below(next(Math.min(given.length, 2)));
    case "~=":
      return below(next(given.length - 1));
    default:
      return given.length === 3 ? order === 0 : below(next(given.length));
  }
}
