/** What the tools of packages work with: the cache's folder, and the way to the network, which is opened for the first that goes it. */
import type { Network } from "../../cache/fetch/network.ts";
import type { Result } from "../../engine/types.ts";

export interface PackagePlaces {
  /** The cache's folder. */
  readonly cache: string;
  /** Nothing may be asked of the network. */
  readonly offline: boolean;
  /** Url prefixes and what is asked instead. */
  readonly mirrors: ReadonlyMap<string, string>;
  /** The same for all. */
  network(): Promise<Result<Network>>;
}

export interface OpenPlaces extends PackagePlaces {
  close(): Promise<void>;
}

export function openPlaces(cache: string, offline: boolean, mirrors: ReadonlyMap<string, string>): OpenPlaces {
  let opened: Promise<Result<Network>> | null = null;
  return {
    cache,
    offline,
    mirrors,
    network: () => (opened ??= import("../../cache/fetch/network.ts").then(({ openNetwork }) => openNetwork(process.env))),
    close: async () => {
      const network = await opened;
      if (network?.ok === true) await network.value.close();
    },
  };
}
