/** Generated names of packages, versions and ranges, from a seed: most are usual, many have one thing that is off. */
import { Random } from "../random.ts";

export interface SpecCase {
  /** Paths that are there. */
  readonly there: readonly string[];
  readonly specs: readonly string[];
  /** Owner, name and requirement as a manifest's dependency has them; "" for one that is not there. */
  readonly parts: readonly (readonly [owner: string, name: string, requirement: string])[];
  readonly versions: readonly string[];
  readonly ranges: readonly string[];
}

/** Paths that are there in every case. */
const THERE = ["vendor/there", "../beside", "/opt/lib", "./here", "vendor/a@b", "a/b.git", "x=y/there"];
const NAMES = ["ArduinoJson", "Adafruit GFX Library", "foo", "a-b_c", "Ünï", "toolchain-atmelavr", "N.V", "64x", "id", "x y/z", "foo+bar"];
const OWNERS = ["bblanchon", "platformio", "me", "..", ".", "A B", ""];
const HOSTS = [
  ...["github.com", "gitlab.com", "bitbucket.com", "codeberg.org", "os.mbed.com", "developer.mbed.org", "mbed.com"],
  ...["h.example:8080", "user@github.com", "user:pw@h.example", "GitHub.com", "[::1]:80", ""],
];
const SCHEMES = [
  ...["https://", "http://", "git+https://", "git://", "ssh://", "git+ssh://", "hg+http://", "svn+https://", "ftp://", "HTTPS://", "//"],
  ...["file://", "symlink://", "git+file://", "file:/", "x+y:", "1a://", "git@"],
];
const PATHS = [
  ...["/a/b", "/a/b.git", "/a/b.zip", "/a/b.tar.gz", "/a/b.tar.xz", "/a/b/archive/v1.0.zip", "/a/b/tree/main/sub", "/a/b/", "/a", ""],
  ...["/a/b.c.d", "/a/b.git;x", "/a/b;x/c", "/a b/c", "/a/b.git/", "/users/u/code/p", "/.hidden", ":a/b.git", ":a/b"],
];
const ENDS = ["", "", "", "#v1", "#1.2@3", "?x=1", "?x=1#y", "#feature/x", "@1.2.3", " @ ^1.2", "@v1", "#a#b", "@", "/#", "#v1.git"];
const LOCALS = [...THERE, "../lib", "../../lib", "lib", "./x", "~/lib", "/nowhere", "a\\b", "x.tar.gz", "../beside@1.2", "vendor/there/"];
const WORDS = ["alpha", "beta.1", "rc1", "rc.1", "0", "01", "a-b", "x", "1", "-", "a..b", "", "sha.abc", "20240101", "beta.11"];
const NUMBERS = ["0", "1", "2", "3", "9", "10", "11", "100", "20240131", "99999999999999999999"];
const ODD_VERSIONS = [
  ...["master", "abc1234", "deadbeef", "v1.2.3", "1.2.x", "", "latest", "1.2.3.4", "1.2.3.4.5", "1..2", "01.2.3", "1.02", "1.2 beta"],
  ...[
    "=1.2.3",
    "1.2.3-",
    "1.2.3+",
    "1.2.3_4",
    "1.2.3é",
    "-1",
    "1.70300.191015",
    "7.3.0-atmel3.6.1-arduino7",
    "0.0.0",
    " 1.2.3",
    "1.2.3-01",
  ],
];
const ODD_RANGES = [
  ...[
    "*",
    "x",
    "1.x",
    "1.2.x",
    "1.*",
    "*.1",
    "1.*.3",
    ">=*",
    "^*",
    "==*",
    "!=*",
    ">*",
    "<=*",
    "latest",
    "",
    ">= 1.2",
    ">=1.2, <2",
    ",",
    "1,",
  ],
  ...["1.2.3 - 2", "1 || 2", "v1.2.3", "^v1", "=>1", "01.2.3", "^1.2.3+4", "1.2.3+", "!=1.2.3+", "!=1.2.3-", "<1.2.3-", "1.2-rc1", "1-"],
  ...["1.2.3-", "1.2.3-+", "==1.2.3-rc.1+b", "!=1.2.3-rc.1+", "~=1", "~=1.2", "~=1.2.3", "~1", "^0", "^0.0", "^0.0.3", "===1", "1.2.3.4"],
];

/** The case of this number; it depends on nothing but the two. */
export function specCase(seed: number, index: number): SpecCase {
  const random = new Random(seed * 1_000_003 + index);
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const maker = new Maker(random);
  // Names of the versions are close to each other, and ranges to them, so that bounds are hit.
  const versions = times(9, () => maker.version());
  return {
    there: THERE,
    specs: times(9, () => maker.spec()),
    parts: times(4, () => [random.pick(OWNERS), random.chance(0.9) ? random.pick(NAMES) : "", maker.tail()] as const),
    versions,
    ranges: times(6, () => maker.range(versions)),
  };
}

class Maker {
  private readonly random: Random;
  constructor(random: Random) {
    this.random = random;
  }

  spec(): string {
    const { random } = this;
    const body = this.body();
    const named = random.chance(0.2) ? `${random.pick(["N", "My Lib", "id", " A ", "a/b", "", "x@y"])}=${body}` : body;
    const versioned = random.chance(0.4) ? `${named}${random.pick(["@", " @ ", "@ "])}${this.range([])}` : named;
    return random.chance(0.1) ? ` ${versioned}\t` : versioned;
  }

  private body(): string {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return random.pick(NAMES);
      case 1:
        return `${random.pick(OWNERS)}${random.pick(["/", "/", " / "])}${random.pick(NAMES)}`;
      case 2:
        return random.pick(["64", "id=13", "id=id=7", "id=foo", "007", "id=a/b", "12 "]);
      case 3:
        return random.pick(LOCALS);
      default:
        return `${random.pick(SCHEMES)}${random.pick(HOSTS)}${random.pick(PATHS)}${random.pick(ENDS)}`;
    }
  }

  /** What may stand as a dependency's version. */
  tail(): string {
    const { random } = this;
    return random.chance(0.5) ? this.range([]) : random.chance(0.2) ? "" : this.body();
  }

  version(): string {
    const { random } = this;
    if (random.chance(0.15)) return random.pick(ODD_VERSIONS);
    const numbers = Array.from({ length: random.pick([3, 3, 3, 3, 2, 1, 4]) }, () =>
      random.pick(random.chance(0.9) ? NUMBERS.slice(0, 4) : NUMBERS),
    );
    return `${numbers.join(".")}${this.words()}`;
  }

  range(versions: readonly string[]): string {
    const { random } = this;
    if (random.chance(0.3)) return random.pick(ODD_RANGES);
    const block = (): string => {
      const version = versions.length > 0 && random.chance(0.6) ? random.pick(versions) : this.version();
      return random.pick(["", "=", "==", "^", "~", "~=", ">", ">=", "<", "<=", "!="]) + version;
    };
    return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, block).join(random.chance(0.95) ? "," : ", ");
  }

  private words(): string {
    const { random } = this;
    const pre = random.chance(0.35) ? `-${random.pick(WORDS)}` : "";
    return pre + (random.chance(0.15) ? `+${random.pick(WORDS)}` : "");
  }
}
