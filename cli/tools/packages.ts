/** The tools of package actions, `fb tool fetch|extract|install OFFER [STAMP] STAMP`: each leaves a stamp that tells the next what it made. */
import { join } from "node:path";
import { programIn } from "../../cache/providers/package.ts";
import { fetchFirst } from "../../cache/sources/sources.ts";
import { installDefaults, Store } from "../../cache/store.ts";
import { fail, failure, ok, warning } from "../../engine/failure.ts";
import { withoutCredentials } from "../../engine/redact.ts";
import type { Disk, Failure, Result, ToolRun } from "../../engine/types.ts";
import { isList } from "../acquire/listed.ts";
import { type Fetched, type Installed, type Offer, type OfferSource, OUT_OF_REACH } from "../acquire/offer.ts";
import type { PackagePlaces } from "../acquire/places.ts";
import { platformWays } from "../acquire/platforms.ts";

/** Of these, those where nothing was reached at all. */
const NOTHING_REACHED: ReadonlySet<string> = new Set([
  "fetch.no-network",
  "fetch.unanswered",
  "fetch.offline",
  "registry.offline",
  "source.no-network",
]);

export type PackageToolName = "fetch" | "extract" | "install";

export async function runPackageTool(
  tool: PackageToolName,
  [recipe = "", ...stamps]: readonly string[],
  places: PackagePlaces,
  disk: Disk,
  around: ToolRun,
): Promise<Result<string>> {
  const offer = JSON.parse(recipe) as Offer;
  const from = (): unknown => JSON.parse(new TextDecoder().decode(disk.read(stamps[0] ?? "")));
  const done =
    tool === "fetch"
      ? await fetch(offer, places, around)
      : tool === "extract"
        ? await extract(offer, from() as Fetched, places, around)
        : install(offer, from() as Installed, places, disk);
  if (!done.ok) return fail(named(done.failure, offer));
  disk.writeAtomic(stamps.at(-1) ?? "", new TextEncoder().encode(JSON.stringify(done.value)));
  return ok("");
}

async function fetch(offer: Offer, places: PackagePlaces, around: ToolRun): Promise<Result<Fetched>> {
  let at = shownSource(offer.sources[0]);
  around.progress(0, offer.sources[0]?.size ?? null, at);
  const network = places.offline ? ok(null) : await places.network();
  if (!network.ok) return network;
  const got = await fetchFirst(offer.sources, {
    downloads: join(places.cache, "downloads"),
    network: network.value,
    signal: around.stop,
    onProgress: (bytes, total) => around.progress(bytes, total, at),
    onRetry: (why, ms) => around.note(again(offer, why, `trying again in ${ms / 1000} s`)),
    mirrors: places.mirrors,
    credentials: places.credentials,
    vars: process.env,
    onNext: (_, why, next) => {
      at = shownSource(next);
      around.note(again(offer, why, `trying ${at}`));
      around.progress(0, next.size, at);
    },
  });
  if (got.ok) {
    const { file, sha256, size, version, index } = got.value;
    const source = offer.sources[index];
    if (source === undefined) throw new Error(`no source ${index} of ${offer.name}`);
    return ok({ is: "file", file, sha256, size, layout: source.layout, ...exactly(source, version) });
  }
  if (!offer.orSystem || !OUT_OF_REACH.has(got.failure.code)) return fail(supplied(got.failure, offer));
  around.note(again(offer, got.failure, "using the system's own"));
  return ok({ is: "system" });
}

/** Where the same is to be had the next time: a registry that was asked for no version says which it gave, a branch is at a commit. */
function exactly({ from, version }: OfferSource, gave: string | null): { readonly from: string; readonly version: string } {
  if (gave !== null && /^deb:[^@]*$/.test(from)) return { from: `${from}@${gave}`, version: gave };
  if (gave !== null && /^(?:git|hg|svn)\+/.test(from))
    return { from: `${from.replace(/#.*$/s, "")}#${gave}`, version: `0.0.0+sha.${gave.slice(0, 7)}` };
  return { from, version };
}

async function extract(offer: Offer, fetched: Fetched, places: PackagePlaces, around: ToolRun): Promise<Result<Installed>> {
  if (fetched.is === "system") return ok(fetched);
  const { file, sha256, version, from, layout } = fetched;
  const made = await storeOf(places).install(
    { name: offer.name, version, archive: file, sha256, label: from, layout },
    { ...installDefaults, signal: around.stop, onProgress: (bytes, total) => around.progress(bytes, total, null) },
  );
  return made.ok ? ok({ ...fetched, digest: made.value.digest }) : made;
}

function install(offer: Offer, installed: Installed, places: PackagePlaces, disk: Disk): Result<Installed> {
  if (installed.is === "system" || offer.program === "") return ok(installed);
  const { version, digest, from } = installed;
  const found = storeOf(places).find(offer.name, version, { digest });
  if (found !== null && programIn(found.folder, offer.program.split("|"), disk) !== null) return ok(installed);
  const read = (path: string): string | null => (disk.sign(path) === null ? null : new TextDecoder().decode(disk.read(path)));
  // It says where the tool is.
  if (found !== null && offer.is === "archive" && isList(offer.name, found.folder, read)) return ok(installed);
  const message = `${from} has no program ${offer.program.replaceAll("|", " or ")}`;
  return fail(failure("package.no-program", 4, message, { hint: `it is no archive of ${offer.name}, or of another layout` }));
}

function shownSource(source: Pick<OfferSource, "from"> | undefined): string {
  return withoutCredentials(source?.from ?? "");
}

function storeOf({ cache }: PackagePlaces): Store {
  return new Store(join(cache, "packages"));
}

/** Without a hint: nothing has to be done unless all fail, and that failure has one. */
function again(offer: Offer, why: Failure, then: string): Failure {
  return warning("package.source", `${offer.name}: ${why.message}; ${then}`);
}

/** Begins with the package: the file that it is about is one of the downloads, named by its sum, which says nothing to anybody. */
function named(why: Failure, offer: Offer): Failure {
  const title = titleOf(offer);
  return { ...why, file: null, message: why.message.startsWith(title) ? why.message : `${title}: ${why.message}` };
}

/** An archive that is named by its address has no version that anybody knows. */
function titleOf({ name, version }: Offer): string {
  return version.startsWith("0.0.0+url-") ? name : `${name} ${version}`;
}

const SUPPLY: Readonly<Record<Offer["kind"], (offer: Offer) => readonly string[]>> = {
  platform: ({ name, is }) => platformWays(is === "registry" ? name : null),
  tool: ({ name }) => [`name a folder that has it: platform_packages = ${name}@symlink:///FOLDER`],
  library: ({ name }) => [`put it into the project's lib folder: lib/${name}`],
};

/** Where nothing could be reached: what can be done about it. */
function supplied(why: Failure, offer: Offer): Failure {
  if (!OUT_OF_REACH.has(why.code)) return why;
  const apt = offer.debian.length === 0 ? [] : [`install it (Debian, Ubuntu: sudo apt install ${offer.debian.join(" ")})`];
  const ways = [
    ...apt,
    // Who was answered, or refused, has a network.
    !NOTHING_REACHED.has(why.code) ? why.hint : "connect to the network (HTTPS_PROXY, NO_PROXY and [mirrors] of fb.toml are heeded)",
    ...SUPPLY[offer.kind](offer),
    "bring it from another machine: fb cache export FILE there, fb cache import FILE here",
  ];
  return {
    ...why,
    message: `${titleOf(offer)} is not here and could not be fetched: ${why.message}`,
    hint: ways.join("; or "),
  };
}
