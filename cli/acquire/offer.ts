/** What can be fetched for a package that an env needs: a version, where its archive is, and how that becomes a package. */
import { createHash } from "node:crypto";
import { type PackageNeed, programPlaces } from "../../cache/providers/package.ts";
import type { Source } from "../../cache/sources/sources.ts";
import { type Layout, type Package, plainLayout, recipeOf, type Store } from "../../cache/store.ts";
import type { LockFile, LockSource } from "../../rules/lock.ts";

/** A place that has a package, in a version of its own where it has no other. */
export interface OfferSource extends Source {
  readonly version: string;
  readonly layout: Layout;
}

export interface Offer {
  readonly kind: "platform" | "tool" | "library";
  readonly name: string;
  /** "" for none. */
  readonly owner: string;
  /** Which form of source it is to the lock. */
  readonly is: LockSource;
  /** Of the package that is wanted. */
  readonly version: string;
  /** Asked in this order. */
  readonly sources: readonly OfferSource[];
  /** The program that has to be in it, by its places (programPlaces) with | between them, as `bin/avr-gcc`; "" for none. */
  readonly program: string;
  /** Debian packages that are the same, for messages. */
  readonly debian: readonly string[];
  /** The system has such a package too, to be used where no source can be reached. */
  readonly orSystem: boolean;
}

/** What a package's fetch left, as its stamp says. */
export type Fetched =
  | { readonly is: "system" }
  | {
      readonly is: "file";
      readonly file: string;
      /** The source that gave it. */
      readonly from: string;
      readonly sha256: string;
      readonly size: number;
      readonly version: string;
      readonly layout: Layout;
    };

/** What its install left. */
export type Installed = { readonly is: "system" } | (Extract<Fetched, { is: "file" }> & { readonly digest: string });

/** Failures of a source that cannot be reached, or has not what is wanted: for which the system's package may stand in. */
export const OUT_OF_REACH: ReadonlySet<string> = new Set([
  "fetch.no-network",
  "fetch.offline",
  "registry.offline",
  "fetch.refused",
  "fetch.timeout",
  "fetch.unanswered",
  "fetch.broken",
  "fetch.failed",
  "fetch.not-found",
  "fetch.denied",
  "fetch.status",
  "fetch.server",
  "source.not-found",
  "source.no-network",
  "source.denied",
  "source.no-lists",
  "source.no-client",
]);

/** How an archive of unknown making becomes a package. A link to a file of another package, as Debian's have some, is no reason to do without the package. */
export const ARCHIVE_LAYOUT: Layout = { ...plainLayout, strip: true, outsideLinks: "omit" };

/** The version by which the store knows what an address holds, until its manifest says another. */
export function addressVersion(url: string): string {
  return `0.0.0+url-${createHash("sha256").update(url).digest("hex").slice(0, 12)}`;
}

/** The program that makes a folder the tool that is needed. */
export function programOf(need: PackageNeed): string {
  return need.kind === "tool" ? programPlaces(need).join("|") : "";
}

/** Where a file of the lock comes from; "" and 0 are what it does not say. */
export function lockedSource({ from, sha256, size }: LockFile): Pick<Source, "from" | "sha256" | "size"> {
  return { from, sha256: sha256 === "" ? null : sha256, size: size === 0 ? null : size };
}

/** What the store has of an offer: as this run installed it, else by the digest that the lock has ("" for none), else by the sum of an archive. */
export function packageOf(offer: Offer, installed: Installed | null, digest: string, store: Store): Package | null {
  const { name, version } = offer;
  if (installed?.is === "file") return store.find(name, installed.version, { digest: installed.digest });
  const locked = digest === "" ? null : store.find(name, version, { digest });
  if (locked !== null) return locked;
  for (const { sha256, version, layout } of offer.sources) {
    const found = sha256 === null ? null : store.find(name, version, { recipe: recipeOf(sha256, layout) });
    if (found !== null) return found;
  }
  return null;
}
