/**
 * The libraries of an env that are fetched: those items of lib_deps that no folder has, with all that they need, as PlatformIO's package manager would install
 * them (rules/library-set.ts). What fb.lock has of them is taken from there, and the registry is not asked.
 */
import { createHash } from "node:crypto";
import type { Package, Store } from "../../cache/store.ts";
import { fail, failure, ok, warning } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { LibraryWant } from "../../rules/lib-deps.ts";
import {
  type ContentRequest,
  type LibraryContent,
  LibrarySet,
  type SetAnswer,
  type SetLibrary,
  type SetRequest,
} from "../../rules/library-set.ts";
import { type LockEntry, lockedFile } from "../../rules/lock.ts";
import { registryFiles } from "../../rules/lock-files.ts";
import type { AskedPackage } from "../../rules/lock-drift.ts";
import { type Origin, type PackageSpec, type SpecSource, sourceOf } from "../../rules/package-spec.ts";
import { type Choice, choose, type RegistryAnswer, type RegistryPackage, type RegistryRequest } from "../../rules/registry.ts";
import type { HostDisk } from "../host/disk.ts";
import type { OwnNeed } from "./at-hand.ts";
import { contentOf, offerOf, specOf, textOf } from "./library-offer.ts";
import type { LockFile } from "./lock-file.ts";
import { addressVersion, type Installed, lockedSource, type Offer, OUT_OF_REACH, packageOf } from "./offer.ts";

export interface LibrariesHost {
  readonly env: string;
  /** Of the env, as manifests name them. */
  readonly platform: string;
  readonly framework: string | null;
  readonly store: Store;
  readonly disk: Pick<HostDisk, "list" | "read">;
  readonly lock: LockFile;
  /** The lock may not change. */
  readonly locked: boolean;
  readonly machine: string;
  /** A library that comes with the framework. */
  isBuiltin(name: string): boolean;
  /** Of a path relative to the project. */
  exists(path: string): boolean;
  ask(request: RegistryRequest): Promise<Result<RegistryAnswer>>;
  /** What an install of this run left, null where there was none. */
  installed(offer: Offer): Installed | null;
}

/** A library in the store. */
export interface FetchedLibrary {
  /** Of its folder among an env's installed libraries. */
  readonly name: string;
  /** The item of lib_deps that it stands for; null for one that another library needs. */
  readonly want: LibraryWant | null;
  readonly package: Package;
}

/** All there, or what has to be fetched before more can be said. */
export type LibrariesAt =
  | { readonly is: "here"; readonly libraries: readonly FetchedLibrary[]; readonly notes: readonly Failure[] }
  | { readonly is: "offered"; readonly offers: readonly Offer[] };

/** wants: items of lib_deps that no folder has; needs: what libraries of the project need beside. */
export async function locateLibraries(
  wants: readonly LibraryWant[],
  needs: readonly OwnNeed[],
  host: LibrariesHost,
): Promise<Result<LibrariesAt>> {
  const asked = wants.map((want): AskedPackage => ({ kind: "library", env: host.env, spec: want.spec, origin: want.origin }));
  const entries = asked.map((each) => host.lock.locked(each));
  const unknown = asked.find((_, i) => entries[i] === null);
  const there = host.lock.entriesOf("library", host.env);
  const need = needs.find(({ of, dependency }) => !there.some((e) => e.wants.some((w) => w.by === of && w.spec === textOf(dependency))));
  const isRenewed = host.lock.isRenewed("library", host.env);
  if (unknown === undefined && need === undefined && !isRenewed) return fromLock(wants, asked, host);
  if (host.locked && (unknown !== undefined || need !== undefined)) {
    const spec = need === undefined ? null : specOf(textOf(need.dependency));
    return fail(host.lock.notLocked(unknown ?? { kind: "library", env: host.env, spec: spec ?? specOf(""), origin: null }));
  }
  return new Search(wants, asked, needs, host).run();
}

/** Every entry that the lock has for the env: those of its lib_deps, and those that these need. */
function fromLock(wants: readonly LibraryWant[], asked: readonly AskedPackage[], host: LibrariesHost): Result<LibrariesAt> {
  const offers: Offer[] = [];
  const libraries: FetchedLibrary[] = [];
  for (const entry of host.lock.entriesOf("library", host.env)) {
    const at = lockedLibrary(entry, host);
    if (!at.ok) return at;
    if (at.value.package === null) {
      offers.push(at.value.offer);
      continue;
    }
    const i = asked.findIndex((each) => host.lock.locked(each) === entry);
    libraries.push({ name: entry.name, want: wants[i] ?? null, package: at.value.package });
    for (const want of entry.wants.filter((w) => w.env === host.env)) {
      const direct = asked.find((each) => want.by === "" && each.spec.text === want.spec) ?? asked[i];
      if (want.by !== "") host.lock.choose({ kind: "library", env: host.env, spec: specOf(want.spec), origin: null }, entry, want.by);
      else if (direct !== undefined) host.lock.choose(direct, entry);
    }
  }
  return ok(offers.length > 0 ? { is: "offered", offers } : { is: "here", libraries, notes: [] });
}

/** A library of the lock: in the store, or as what fetches it. */
function lockedLibrary(entry: LockEntry, host: LibrariesHost): Result<{ readonly offer: Offer; readonly package: Package | null }> {
  const file = lockedFile(entry, host.machine);
  if (file === null) {
    const message = `fb.lock has ${entry.name} ${entry.version} for other machines only (${host.machine} is this one)`;
    return fail(
      failure("lock.machine", 3, message, { file: "fb.lock", hint: `\`fb deps --upgrade ${entry.name}\` looks for one that suits` }),
    );
  }
  const { from, sha256, digest } = file;
  const { name, owner, version, source: is } = entry;
  const offer = offerOf({ name, owner, version, is, ...lockedSource(file) });
  const installed = host.installed(offer);
  if (installed?.is === "file" && sha256 === "" && digest !== "" && installed.digest !== digest) {
    const message = `${from} is not what fb.lock says: its content has the digest ${installed.digest}, not ${digest}`;
    return fail(
      failure("lock.content", 4, message, { file: "fb.lock", hint: `\`fb deps --upgrade ${entry.name}\` takes what is there now` }),
    );
  }
  return ok({ offer, package: packageOf(offer, installed, digest, host.store) });
}

/** What has to be fetched, found out by asking the registry and the manifests of what is there. */
class Search {
  private readonly wants: readonly LibraryWant[];
  private readonly asked: readonly AskedPackage[];
  private readonly needs: readonly OwnNeed[];
  private readonly host: LibrariesHost;
  /** Libraries of the store, by what fetched them. */
  private readonly at = new Map<string, { readonly offer: Offer; readonly package: Package }>();
  private readonly offers: Offer[] = [];
  /** By the item's text, the warning. */
  private readonly passedOver = new Map<string, Failure>();

  constructor(wants: readonly LibraryWant[], asked: readonly AskedPackage[], needs: readonly OwnNeed[], host: LibrariesHost) {
    this.wants = wants;
    this.asked = asked;
    this.needs = needs;
    this.host = host;
  }

  async run(): Promise<Result<LibrariesAt>> {
    const { host } = this;
    const direct: SetLibrary[] = [];
    // All that the ini asks for is fetched at once; what these need is known when they are there.
    for (const { spec, origin } of this.asked) {
      const source = sourceOf(spec, origin);
      if (!source.ok) return source;
      let choice: Choice | null = null;
      if (source.value.is === "registry") {
        const chosen = await this.drive(choose("library", spec, null, host.machine, (found) => this.kept(found)));
        if (!chosen.ok) {
          if (!isOptional(spec)) return fail(named(chosen.failure, spec, origin));
          this.passOver(spec, origin, chosen.failure.message);
          continue;
        }
        if ("why" in chosen.value) {
          if (isOptional(spec)) this.passOver(spec, origin, "PlatformIO's registry does not have it");
          continue;
        }
        choice = chosen.value;
      }
      const read = this.content({ is: "content", spec, source: source.value, choice });
      if (read === null) continue;
      if (!read.ok) return read;
      direct.push(setLibrary(spec, source.value, choice, read.value));
    }
    if (this.offers.length > 0) return ok({ is: "offered", offers: this.offers });
    const found = await this.fill([]);
    if (found.ok || !OUT_OF_REACH.has(found.failure.code)) return found;
    // PlatformIO asks for what a library needs even where another item of lib_deps is just that. Where nobody can be asked, that one will do.
    const other = await this.fill(direct);
    return other.ok ? other : found;
  }

  /** there: libraries that count as installed before anything is asked for. */
  private async fill(there: readonly SetLibrary[]): Promise<Result<LibrariesAt>> {
    const { host } = this;
    const options = {
      compatible: { platforms: [host.platform], frameworks: host.framework === null ? null : [host.framework] },
      isBuiltin: host.isBuiltin,
      system: host.machine,
      md5: (text: string) => createHash("md5").update(text).digest("hex"),
      exists: host.exists,
      kept: (found: RegistryPackage) => this.kept(found),
    };
    const set = new LibrarySet(options, there);
    const direct = new Map<string, LibraryWant>();
    for (const [i, { spec, origin }] of this.asked.entries()) {
      if (this.passedOver.has(spec.text)) continue;
      const added = await this.drive(set.add({ spec, origin }));
      if (!added.ok) return added;
      if (this.offers.length > 0) return ok({ is: "offered", offers: this.offers });
      if (!added.value.ok) return added.value;
      const want = this.wants[i];
      if (want !== undefined && !direct.has(added.value.value.folder)) direct.set(added.value.value.folder, want);
    }
    const own = await this.drive(
      set.addNeedsOf(
        this.needs.map((need) => need.dependency),
        null,
      ),
    );
    if (!own.ok) return own;
    if (this.offers.length > 0) return ok({ is: "offered", offers: this.offers });
    if (own.value !== null) return fail(own.value);
    const libraries: FetchedLibrary[] = [];
    for (const library of set.libraries) {
      const at = this.at.get(keyOf(library));
      if (at === undefined) continue;
      libraries.push({ name: library.folder, want: direct.get(library.folder) ?? null, package: at.package });
      this.lock(library, at.offer, at.package, set.libraries);
    }
    return ok({ is: "here", libraries, notes: [...set.warnings, ...this.passedOver.values()] });
  }

  /** The version that the lock has of a package: another library that is asked for anew changes nothing of it. */
  private kept({ owner, name }: RegistryPackage): string | null {
    const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
    const entries = this.host.lock.entriesOf("library", this.host.env);
    return entries.find((e) => e.source === "registry" && same(e.owner, owner) && same(e.name, name))?.version ?? null;
  }

  private passOver({ text }: PackageSpec, origin: Origin | null, why: string): void {
    const hint = "name its owner (OWNER/NAME), or put it into the project's lib folder";
    this.passedOver.set(text, warning("library.not-fetched", `lib_deps "${text}" is not fetched: ${why}`, { ...origin, hint }));
  }

  /** Notes in the lock what asks for a library: the ini's items, and the libraries whose manifests do. */
  private lock(library: SetLibrary, offer: Offer, found: Package, all: readonly SetLibrary[]): void {
    const { host } = this;
    const installed = host.installed(offer);
    const [source] = offer.sources;
    const from = installed?.is === "file" ? installed : { from: source?.from ?? "", sha256: source?.sha256 ?? "", size: source?.size ?? 0 };
    // An archive of a library suits any machine, unless the registry says otherwise.
    const system = library.choice?.file.systems === null || library.choice === null ? "*" : host.machine;
    const entry: Omit<LockEntry, "wants"> = {
      kind: "library",
      owner: offer.owner,
      name: found.name,
      version: found.version,
      provider: "fetch",
      source: offer.is,
      // Of a repository the commit tells what it is; the archive that fb made of it is nobody else's.
      files: [
        {
          system,
          from: from.from,
          sha256: offer.is === "repository" ? "" : from.sha256,
          size: offer.is === "repository" ? 0 : from.size,
          digest: found.digest,
        },
        ...(library.choice === null ? [] : registryFiles(library.choice.version).filter((file) => file.system !== system)),
      ],
    };
    for (const asked of this.asked) if (isFor(asked.spec, library, all)) host.lock.choose(asked, entry);
    const needed = all.flatMap((other) => other.dependencies.map((dependency) => ({ of: other.name, dependency })));
    for (const { of, dependency } of [...needed, ...this.needs])
      if (dependency.name.toLowerCase() === library.name.toLowerCase())
        host.lock.choose({ kind: "library", env: host.env, spec: specOf(textOf(dependency)), origin: null }, entry, of);
  }

  /** Answers a dialogue until it ends, or needs what is not there: then `offers` has that, and what was found so far counts for nothing. */
  private async drive<T>(dialogue: Generator<SetRequest | RegistryRequest, T, never>): Promise<Result<T>> {
    const talk = dialogue as Generator<SetRequest, T, SetAnswer>;
    let step = talk.next();
    while (!step.done) {
      const request = step.value;
      const answer: Result<SetAnswer> | null = request.is === "content" ? this.content(request) : await this.host.ask(request);
      if (answer === null) return ok(null as T);
      if (!answer.ok) return answer;
      step = talk.next(answer.value);
    }
    return ok(step.value);
  }

  /** What a library's manifest says; null where it is not there: it is among the offers then. */
  private content(request: ContentRequest): Result<LibraryContent> | null {
    const made = this.offerFor(request);
    if (!made.ok) return made;
    const offer = made.value;
    const found = packageOf(offer, this.host.installed(offer), "", this.host.store);
    if (found === null) {
      this.offers.push(offer);
      return null;
    }
    this.at.set(keyOf(request), { offer, package: found });
    const content = contentOf(found, this.host.disk);
    const commit = /\+sha\..*$/.exec(found.version)?.[0] ?? "";
    return ok({ ...content, version: `${content.version === "" ? "0.0.0" : content.version}${commit}` });
  }

  private offerFor({ spec, source, choice }: ContentRequest): Result<Offer> {
    if (choice !== null) {
      const { package: chosen, version, file } = choice;
      const { name, owner } = chosen;
      return ok(offerOf({ name, owner, version: version.name, is: "registry", from: file.url, sha256: file.sha256, size: file.size }));
    }
    const name = spec.name ?? "library";
    if (source.is === "archive") return ok(atAddress(name, "archive", source.url));
    if (source.is === "repository") {
      const from = `${source.kind}+${source.url}${source.ref === null ? "" : `#${source.ref}`}`;
      return ok(atAddress(name, "repository", from));
    }
    const message = `lib_deps "${spec.text}": nothing can be fetched from a ${source.is}`;
    return fail(failure("library.repository", 4, message, { hint: "name an archive of it (https://…), or put it into lib/" }));
  }
}

/** A library of lib_deps as it would be installed. */
function setLibrary(spec: PackageSpec, source: SpecSource, choice: Choice | null, content: LibraryContent): SetLibrary {
  const named =
    choice === null ? spec : { ...spec, owner: choice.package.owner, id: choice.package.id, name: choice.package.name, requirement: null };
  const name = spec.custom || content.name === "" ? (named.name ?? "") : content.name;
  return {
    folder: name,
    name,
    version: content.version === "" ? "0.0.0" : content.version,
    spec: named,
    source,
    choice,
    dependencies: content.dependencies,
  };
}

function atAddress(name: string, is: "archive" | "repository", from: string): Offer {
  return offerOf({ name, owner: "", version: addressVersion(from), is, from, sha256: null, size: null });
}

/** PlatformIO goes on without a library whose owner the ini does not name (platformio.md 4.2): it may be one that a framework brings. */
function isOptional({ owner, uri, id }: PackageSpec): boolean {
  return !owner && uri === null && id === null;
}

function named(why: Failure, spec: PackageSpec, origin: Origin | null): Failure {
  return { ...why, ...origin, message: `lib_deps ${spec.text} is not here and could not be found: ${why.message}` };
}

/** Whether an item of lib_deps is what brought a library. */
function isFor(spec: PackageSpec, library: SetLibrary, all: readonly SetLibrary[]): boolean {
  if (spec.uri !== null) return library.spec.uri === spec.uri;
  if (spec.id !== null) return library.spec.id === spec.id;
  const same = (one: SetLibrary): boolean =>
    (one.spec.name ?? one.name).toLowerCase() === (spec.name ?? "").toLowerCase() &&
    (spec.owner === null || spec.owner === "" || (one.spec.owner ?? "").toLowerCase() === spec.owner.toLowerCase());
  return same(library) && all.find(same) === library;
}

function keyOf({ source, choice }: { readonly source: SpecSource; readonly choice: Choice | null }): string {
  return choice === null ? JSON.stringify(source) : `${choice.file.url} ${choice.file.sha256}`;
}
