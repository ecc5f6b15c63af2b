/** What can be fetched for a package that an env needs: a version, where its archive is, and how that becomes a package. */
import type { Source } from "../../cache/sources/sources.ts";
import type { Layout } from "../../cache/store.ts";

import type { LockSource } from "../../rules/lock.ts";

/** A place that has a package, in a version of its own where it has no other. */
export interface OfferSource extends Source {
  readonly version: string;
  readonly layout: Layout;
}

export interface Offer {
  readonly name: string;
  /** "" for none. */
  readonly owner: string;
  /** Which form of source it is to the lock. */
  readonly is: LockSource;
  /** Of the package that is wanted. */
  readonly version: string;
  /** Asked in this order. */
  readonly sources: readonly OfferSource[];
  /** A program that has to be in it, below its folder, as `bin/avr-gcc`; "" for none. */
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
