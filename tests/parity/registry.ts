/** Which packages are installed for lib_deps and tools from generated registries: fb's choice against that of PlatformIO's own package managers. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { LibrarySet, type SetAnswer, type SetRequest } from "../../rules/library-set.ts";
import { readManifest } from "../../rules/manifest.ts";
import { parsePackageSpec } from "../../rules/package-spec.ts";
import { choose, type RegistryAnswer, type RegistryRequest, readPackage, readSearch } from "../../rules/registry.ts";
import { type Kind, type Named, numbersOf, seeded } from "./kind.ts";
import { answerOf, contentOf, HOSTS, makeWorld, manifestOf, type World } from "./world.ts";

export interface RegistryResult {
  readonly libraries: readonly (readonly [folder: string, name: string, version: string, owner: string | null, uri: string | null])[];
  readonly errors: readonly (string | null)[];
  /** A text is the class of an error. */
  readonly tools: readonly (readonly [owner: string, name: string, address: string] | string)[];
}

/** What of fb is what of PlatformIO. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  "library.unknown": ["UnknownPackageError"],
  "library.version": ["PackageException"],
  "spec.version": ["SemanticVersionError"],
  "spec.source": ["VCSBaseException"],
};

function askRegistry(python: string, cases: readonly Named<World>[]): readonly RegistryResult[] {
  const input = JSON.stringify(cases.map(({ id, input: world }) => ({ id, world })));
  const args = [join(import.meta.dirname, "registry-answer.py"), process.execPath, join(import.meta.dirname, "world-server.ts")];
  const ran = spawnSync(python, args, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout
    .trim()
    .split("\n")
    .map((line): RegistryResult => JSON.parse(line));
}

/** What fb chooses, from the same world. */
export function chooseFrom(world: World): RegistryResult {
  const none = () => false;
  const options = {
    isBuiltin: (name: string) => name === "Eps",
    system: world.system,
    md5: (text: string) => createHash("md5").update(text).digest("hex"),
    exists: none,
    kept: () => null,
  };
  const compatible = { platforms: [world.platform], frameworks: world.frameworks };
  const errors: (string | null)[] = [];
  let set = new LibrarySet({ ...options, compatible });
  for (const isLate of [false, true]) {
    if (isLate) {
      errors.push(addOwn(world, set));
      set = new LibrarySet({ ...options, compatible: null }, set.libraries);
    }
    for (const item of world.libDeps) {
      const spec = parsePackageSpec(item, null, none);
      if (!spec.ok) throw new Error(item);
      if ((spec.value.uri !== null || Boolean(spec.value.owner)) === isLate) continue;
      const there = isLate && set.find(spec.value) !== null;
      const added = there ? null : drive(set.add({ spec: spec.value, origin: null }), (request) => answer(world, request));
      errors.push(added === null || added.ok ? null : added.failure.code);
    }
  }
  const tools = world.tools.map((item) => {
    const spec = parsePackageSpec(item, null, none);
    if (!spec.ok) throw new Error(item);
    const chosen = drive(choose("tool", spec.value, null, world.system), (request) => answer(world, request) as RegistryAnswer);
    if ("why" in chosen) return chosen.why;
    return [chosen.package.owner, chosen.package.name, chosen.file.url.replace(HOSTS.dl, HOSTS.files)] as const;
  });
  const libraries = set.libraries.map((each) => [each.folder, each.name, each.version, each.spec.owner, each.spec.uri] as const);
  return { libraries, errors, tools };
}

/** What the libraries of the project's own folder need; the code of the failure that ends it. */
function addOwn(world: World, set: LibrarySet): string | null {
  for (const dependencies of world.own) {
    const read = readManifest("library.json", JSON.stringify({ name: "Own", version: "1.0.0", dependencies }));
    if (!read.ok) throw new Error(JSON.stringify(read));
    const failed = drive(set.addNeedsOf(read.value.dependencies, null), (request) => answer(world, request));
    if (failed !== null) return failed.code;
  }
  return null;
}

export function drive<Q, T, A>(dialogue: Generator<Q, T, A>, say: (request: Q) => A): T {
  let step = dialogue.next();
  while (!step.done) step = dialogue.next(say(step.value));
  return step.value;
}

function answer(world: World, request: SetRequest | RegistryRequest): SetAnswer {
  if (request.is !== "content") {
    const { status, body } = answerOf(world, "GET", `${HOSTS.api}${request.path}`);
    if (status === 404) return [];
    const read = request.is === "package" ? readPackage(JSON.parse(String(body)), "here") : readSearch(JSON.parse(String(body)), "here");
    if (!read.ok) throw new Error(read.failure.message);
    return Array.isArray(read.value) ? (read.value as RegistryAnswer) : ([read.value] as RegistryAnswer);
  }
  const content = contentOf(world, request.choice?.file.url ?? (request.source.is === "archive" ? request.source.url : ""));
  if (content === null) throw new Error(JSON.stringify(request));
  const read = readManifest("library.json", JSON.stringify(manifestOf(content.of, content.version)));
  if (!read.ok) throw new Error(JSON.stringify(read));
  return { name: read.value.name ?? "", version: read.value.version ?? "", dependencies: read.value.dependencies };
}

function compare(world: World, theirs: RegistryResult): string {
  const ours = chooseFrom(world);
  // Libraries that need each other under other names than the registry has are PlatformIO's end; fb's choice of them is its own.
  if (theirs.errors.includes("RecursionError")) return "";
  const same = (a: unknown, b: unknown, what: string): string =>
    isDeepStrictEqual(a, b) ? "" : `${what}\n  PlatformIO: ${JSON.stringify(b)}\n  fb:         ${JSON.stringify(a)}\n`;
  const known = (code: string | null, error: string | null | undefined): boolean =>
    code === null ? error === null : (ERRORS[code] ?? []).includes(error ?? "");
  const errors = ours.errors.every((code, i) => known(code, theirs.errors[i])) ? "" : same(ours.errors, theirs.errors, "errors");
  const why: Readonly<Record<string, string>> = {
    unknown: "UnknownPackageError",
    version: "IncompatiblePackageError",
    system: "IncompatiblePackageError",
  };
  const isTool = (mine: unknown, other: unknown): boolean =>
    typeof mine === "string"
      ? typeof other === "string" && (other === why[mine] || other === "UnknownPackageError")
      : isDeepStrictEqual(mine, other);
  const tools = ours.tools.every((mine, i) => isTool(mine, theirs.tools[i])) ? "" : same(ours.tools, theirs.tools, "tools");
  return errors + same(ours.libraries, theirs.libraries, "libraries") + tools;
}

export const registryKind: Kind<World, RegistryResult> = {
  name: "registry",
  about: "what is installed for lib_deps and tools from generated registries",
  usual: 150,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? null : makeWorld(...numbers);
  },
  // The last four: needs of own libraries that are followed one by one, not as a whole.
  kept: [...seeded(1, 160), "1/171", "1/203", "1/251", "1/323"],
  ask: (peer, cases) => askRegistry(peer.python, cases),
  compare,
  files: (world) => ({ "world.json": JSON.stringify(world, null, 1) }),
};
