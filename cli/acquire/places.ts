/** What the tools of packages work with: the cache's folder, and the way to the network, which is opened for the first that goes it. */
import { join } from "node:path";
import { type Credentials, credentialsIn, noCredentials } from "../../cache/fetch/credentials.ts";
import type { Network } from "../../cache/fetch/network.ts";
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { RegistryAnswer, RegistryRequest } from "../../rules/registry.ts";
import type { Project } from "../../rules/project.ts";
import { noSettings, type PackageSettings } from "../../rules/package-settings.ts";

export interface PackagePlaces {
  /** The cache's folder. */
  readonly cache: string;
  /** Nothing may be asked of the network. */
  readonly offline: boolean;
  /** Url prefixes and what is asked instead; those of the settings in use. */
  readonly mirrors: ReadonlyMap<string, string>;
  /** Of urls that the project in use names. */
  readonly credentials: Credentials;
  /** The same for all. */
  network(): Promise<Result<Network>>;
}

export interface OpenPlaces extends PackagePlaces {
  /** Asks PlatformIO's registry, or the one that FB_REGISTRY, else the settings name. */
  ask(request: RegistryRequest): Promise<Result<RegistryAnswer>>;
  /** The text of an Arduino package index. */
  index(url: string): Promise<Result<string>>;
  /** From here on the settings of a project count. renewed: what a registry answered before this run is asked for again. */
  use(settings: PackageSettings, credentials: Credentials, renewed: boolean): void;
  close(): Promise<void>;
}

/** What a project's envs give for the urls that they name. */
export function credentialsOf({ envs }: Project): Credentials {
  const read = [...envs.values()].flatMap((env) => (env.ok ? [env.value] : []));
  const texts = read.flatMap(({ libDeps, packageWants, options }) => [
    ...libDeps,
    ...packageWants.map((want) => want.text),
    String(options.get("platform")?.value ?? ""),
  ]);
  return credentialsIn(texts);
}

/** stop: of the run. */
export function openPlaces(cache: string, offline: boolean, stop: AbortSignal | null): OpenPlaces {
  let settings = noSettings;
  let secrets = noCredentials;
  let since = 0;
  let opened: Promise<Result<Network>> | null = null;
  const network = () => (opened ??= import("../../cache/fetch/network.ts").then(({ openNetwork }) => openNetwork(process.env)));
  return {
    cache,
    offline,
    get mirrors() {
      return settings.mirrors;
    },
    get credentials() {
      return secrets;
    },
    use: (given, credentials, renewed) => {
      settings = given;
      secrets = credentials;
      since = renewed ? Date.now() : 0;
    },
    network,
    ask: async (request) => {
      const [{ answerRegistry }, { PLATFORMIO_REGISTRY }] = await Promise.all([
        import("../registry.ts"),
        import("../../cache/registry-client.ts"),
      ]);
      const way = offline ? ok(null) : await network();
      if (!way.ok) return way;
      const own = (process.env["FB_REGISTRY"] || settings.registry)?.replace(/\/+$/, "");
      return answerRegistry(request, decodeURIComponent(request.path), {
        hosts: own === undefined || own === null || own === "" ? PLATFORMIO_REGISTRY : [own],
        answers: join(cache, "answers"),
        network: way.value,
        mirrors: settings.mirrors,
        signal: stop,
        onRetry: () => {},
        now: () => Date.now(),
        since,
      });
    },
    index: async (url) => {
      const { indexText } = await import("../../cache/index-client.ts");
      const way = offline ? ok(null) : await network();
      if (!way.ok) return way;
      return indexText(url, {
        downloads: join(cache, "downloads"),
        answers: join(cache, "answers"),
        network: way.value,
        mirrors: settings.mirrors,
        signal: stop,
        onProgress: () => {},
        onRetry: () => {},
        now: () => Date.now(),
        since,
      });
    },
    close: async () => {
      const network = await opened;
      if (network?.ok === true) await network.value.close();
    },
  };
}
