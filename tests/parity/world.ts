/** A registry that does not exist: packages made from a seed, and what PlatformIO's protocol (v3) answers of them. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Random } from "../random.ts";

export interface WorldVersion {
  readonly name: string;
  /** One file for each: a name, a list, `*`; null for none said. */
  readonly systems: readonly (string | readonly string[] | null)[];
  /** What library.json or package.json in the archives says beside name and version. */
  readonly dependencies: unknown;
}
export interface WorldPackage {
  readonly id: number;
  readonly kind: "library" | "tool";
  readonly owner: string;
  readonly name: string;
  /** How its manifest calls it. */
  readonly inside: string;
  readonly platforms: readonly string[];
  readonly frameworks: readonly string[];
  /** Oldest first; what is called the latest is one of them. */
  readonly versions: readonly WorldVersion[];
  readonly latest: number;
}
export interface World {
  /** In the order in which a search finds them. */
  readonly packages: readonly WorldPackage[];
  readonly libDeps: readonly string[];
  /** What libraries of the project's own folder need: `dependencies` of each one's library.json. */
  readonly own: readonly unknown[];
  readonly tools: readonly string[];
  readonly platform: string;
  readonly frameworks: readonly string[];
  readonly system: string;
}

/** Hosts of a world: reached through a proxy only. */
export const HOSTS = { api: "http://api.registry.test", dl: "http://dl.registry.test", files: "http://files.registry.test" };

const OWNERS = ["acme", "Zoo", "me-too"];
const NAMES = ["Alpha", "beta-lib", "Gamma Lib", "delta", "Eps"];
const TOOLS = ["toolchain-x", "tool-y"];
const VERSIONS = [
  "0.9.0",
  "1.0.0",
  "1.0.1",
  "1.2.0",
  "1.10.0",
  "2.0.0-rc.1",
  "2.0.0",
  "2.1",
  "v3",
  "3.0.0+build.5",
  "abc1234",
  "1.70300.191015",
];
const RANGES = ["^1.0", "~1.0.0", ">=1.0,<2", "1.0.0", "2.0.0-rc.1", "*", "<2.0.0", ">5", "^2", "!=1.2.0", "1.*", "~1.2", "==2.1"];
const SYSTEMS = ["linux_x86_64", "linux_aarch64", "darwin_arm64", "windows_amd64"];
const PLATFORMS = ["atmelavr", "espressif32", "native"];
const FRAMEWORKS = ["arduino", "mbed", "espidf"];

/** The world of this number; it depends on nothing but the two. */
export function makeWorld(seed: number, index: number): World {
  const random = new Random(seed * 1_000_003 + index);
  const packages: WorldPackage[] = [];
  const range = (): string => random.pick(RANGES);
  const limits = (all: readonly string[]): unknown =>
    random.pick<unknown>([random.pick(all), [random.pick(all)], random.sample(all, 2).join(", "), "*", ["*"], []]);
  const dependency = (): unknown => {
    const [owner, name] = [random.pick(OWNERS), random.chance(0.93) ? random.pick(NAMES) : "Nowhere"];
    const uri = `${HOSTS.files}/library/${random.pick(OWNERS)}/${encodeURIComponent(random.pick(NAMES))}/1.0.0/0.tar.gz`;
    const version = random.chance(0.1) ? uri : random.chance(0.6) ? range() : random.pick(["", "1.2.x", "*"]);
    const item: Record<string, unknown> = { name: random.chance(0.15) ? `${owner}/${name}` : name };
    if (random.chance(0.5)) item["owner"] = owner;
    if (version !== "" || random.chance(0.3)) item["version"] = version;
    if (random.chance(0.25)) item["platforms"] = limits(PLATFORMS);
    if (random.chance(0.25)) item["frameworks"] = limits(FRAMEWORKS);
    return item;
  };
  const dependencies = (): unknown => {
    if (random.chance(0.5)) return undefined;
    if (random.chance(0.3))
      return Object.fromEntries(
        random.sample(NAMES, 2).map((name) => [random.chance(0.5) ? `${random.pick(OWNERS)}/${name}` : name, range()]),
      );
    return Array.from({ length: 1 + random.below(3) }, dependency);
  };
  for (const [kind, names] of [
    ["library", NAMES],
    ["tool", TOOLS],
  ] as const)
    for (const name of names)
      for (const owner of random.some(OWNERS, 0.5)) {
        const all = random.sample(VERSIONS, 1 + random.below(5));
        const systems = (): WorldVersion["systems"] =>
          kind === "library"
            ? [random.pick(["*", null])]
            : Array.from({ length: 1 + random.below(3) }, () => random.pick([random.pick(SYSTEMS), random.sample(SYSTEMS, 2), "*"]));
        packages.push({
          ...{ id: packages.length + 11, kind, owner, name, inside: random.chance(0.95) ? name : `${name}: inside` },
          platforms: random.chance(0.5) ? ["*"] : random.some(PLATFORMS, 0.6),
          frameworks: random.chance(0.5) ? ["*"] : random.some(FRAMEWORKS, 0.6),
          versions: all.map((version) => ({
            name: version,
            systems: systems(),
            dependencies: kind === "library" ? dependencies() : undefined,
          })),
          latest: random.below(all.length),
        });
      }
  const ask = (names: readonly string[]): string => {
    const name = random.pick(names);
    const what = random.chance(0.6)
      ? `${random.pick(OWNERS)}/${random.chance(0.2) ? name.toLowerCase() : name}`
      : random.chance(0.25)
        ? `id=${11 + random.below(12)}`
        : name;
    return random.chance(0.6) ? `${what}@${range()}` : what;
  };
  const uri = (): string => {
    const of = random.pick(packages.filter((each) => each.kind === "library"));
    const version = random.pick(of.versions);
    const address = `${HOSTS.files}/${of.kind}/${of.owner}/${encodeURIComponent(of.name)}/${version.name}/0.tar.gz`;
    return `${random.chance(0.4) ? `${random.pick(["Own", "Alpha", "delta"])}=` : ""}${address}${random.chance(0.2) ? `@${range()}` : ""}`;
  };
  return {
    packages: random.shuffled(packages),
    libDeps: Array.from({ length: 1 + random.below(5) }, () =>
      random.chance(0.15) && packages.some((each) => each.kind === "library") ? uri() : ask(NAMES),
    ),
    own: random.chance(0.6) ? [] : Array.from({ length: 1 + random.below(2) }, () => dependencies() ?? []),
    tools: Array.from({ length: 2 }, () => ask(TOOLS)),
    platform: random.pick(PLATFORMS),
    frameworks: random.some(FRAMEWORKS, 0.5),
    system: random.pick(SYSTEMS),
  };
}

/** `target`: an absolute address of one of HOSTS. Redirects have no body; an archive's is a tar.gz. */
export function answerOf(
  world: World,
  method: string,
  target: string,
): { status: number; headers: Record<string, string>; body: string | Buffer } {
  const url = new URL(target);
  const json = (status: number, value: unknown) => ({
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });
  const parts = url.pathname.split("/").slice(1).map(decodeURIComponent);
  if (url.origin === HOSTS.api && parts[1] === "packages") {
    const [, , owner, kind, name] = parts;
    const found = world.packages.find(
      (each) => each.kind === kind && each.owner.toLowerCase() === owner && each.name.toLowerCase() === name,
    );
    return found === undefined ? json(404, { message: "not found" }) : json(200, described(found, true));
  }
  if (url.origin === HOSTS.api && parts[1] === "search") {
    const items = search(world, url.searchParams.get("query") ?? "").map((each) => described(each, false));
    return json(200, { total: items.length, page: 1, limit: 50, items });
  }
  const [file] = parts.slice(4);
  const found = contentOf(world, target);
  if (found === null) return json(404, { message: "no such file" });
  const bytes = archive(found.of, found.version, file ?? "");
  if (url.origin === HOSTS.dl) {
    // The second mirror is there for whom the first does not please.
    const bypassed = (url.searchParams.get("bypass") ?? "").split(",");
    const mirror = ["one", "two"].find((each) => !bypassed.includes(each));
    if (method !== "HEAD" || mirror === undefined) return json(404, { message: "no mirror left" });
    const headers = {
      location: `${HOSTS.files}${url.pathname}?mirror=${mirror}`,
      "x-pio-mirror": mirror,
      "x-pio-content-sha256": sha256(bytes),
    };
    return { status: 302, headers, body: "" };
  }
  return { status: 200, headers: { "content-type": "application/gzip", "content-length": String(bytes.length) }, body: bytes };
}

/** Whose archive is at an address; a library that the registry does not have is there too, without dependencies. */
export function contentOf(world: World, address: string): { of: WorldPackage; version: WorldVersion } | null {
  const [kind = "", owner = "", name = "", version = ""] = new URL(address).pathname.split("/").slice(1).map(decodeURIComponent);
  const of = world.packages.find((each) => each.kind === kind && each.owner === owner && each.name === name);
  const there = of?.versions.find((each) => each.name === version);
  if (of !== undefined && there !== undefined) return { of, version: there };
  if (kind !== "library") return null;
  const made: WorldVersion = { name: version, systems: [], dependencies: undefined };
  return { of: { id: 0, kind, owner, name, inside: name, platforms: [], frameworks: [], versions: [made], latest: 0 }, version: made };
}

function described(of: WorldPackage, all: boolean): object {
  const version = (each: WorldVersion | undefined): object | null =>
    each === undefined
      ? null
      : {
          name: each.name,
          released_at: "2024-01-01T00:00:00Z",
          files: each.systems.map((system, i) => {
            const bytes = archive(of, each, `${i}.tar.gz`);
            const path = [of.kind, of.owner, of.name, each.name].map(encodeURIComponent).join("/");
            return {
              ...{ name: `${of.name}-${i}.tar.gz`, size: bytes.length, checksum: { sha256: sha256(bytes) } },
              ...(system === null ? {} : { system }),
              download_url: `${HOSTS.dl}/${path}/${i}.tar.gz`,
            };
          }),
        };
  const versions = all ? { versions: of.versions.map(version) } : { tier: "community" };
  return { id: of.id, type: of.kind, name: of.name, owner: { username: of.owner }, version: version(of.versions[of.latest]), ...versions };
}

function search(world: World, query: string): readonly WorldPackage[] {
  const words = [...query.matchAll(/(\w+):"([^"]*)"/g)].map((match) => [match[1] ?? "", match[2] ?? ""] as const);
  const has = (all: readonly string[], value: string): boolean => all.includes("*") || all.includes(value) || value === "*";
  return world.packages.filter((each) => {
    const named = (field: string, value: string): boolean =>
      ({
        type: each.kind === value,
        name: each.name.toLowerCase() === value,
        owner: each.owner.toLowerCase() === value,
        id: String(each.id) === value,
        platform: has(each.platforms, value),
        framework: has(each.frameworks, value),
      })[field] ?? false;
    const fields = new Set(words.map(([field]) => field));
    // Several values of one field are alternatives.
    return [...fields].every((field) => words.some(([one, value]) => one === field && named(field, value)));
  });
}

/** What a package's archive holds: the manifest; `file` makes its bytes its own. */
export function manifestOf(of: WorldPackage, version: WorldVersion): object {
  const dependencies = version.dependencies === undefined ? {} : { dependencies: version.dependencies };
  return { name: of.inside, version: version.name, description: "made", ...dependencies };
}

/** Any package may be asked for as a library, by its number. */
function archive(of: WorldPackage, version: WorldVersion, file: string): Buffer {
  const manifest = JSON.stringify(manifestOf(of, version));
  return tarGz([
    ["library.json", manifest],
    ["package.json", manifest],
    ["file.txt", file],
  ]);
}

export function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A tar (ustar) of plain files, compressed; the same bytes for the same files. */
function tarGz(files: readonly (readonly [path: string, text: string])[]): Buffer {
  const blocks: Buffer[] = [];
  for (const [path, text] of files) {
    const data = Buffer.from(text);
    const head = Buffer.alloc(512);
    const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
    const fields = [
      path.padEnd(100, "\0"),
      octal(0o644, 8),
      octal(0, 8),
      octal(0, 8),
      octal(data.length, 12),
      octal(0, 12),
      "        ",
      "0",
    ];
    head.write(`${fields.join("")}${"\0".repeat(100)}ustar\x0000`, "latin1");
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
      "latin1",
    );
    blocks.push(head, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
