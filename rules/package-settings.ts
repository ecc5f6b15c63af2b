/** Where packages come from, as a project and its user say. A file of its own: a run that plans nothing reads no TOML. */

export interface PackageSettings {
  /** Url prefixes and what is asked instead. */
  readonly mirrors: ReadonlyMap<string, string>;
  /** null where nothing is said. */
  readonly provider: "fetch" | "system" | "auto" | null;
  /** The base of a registry that speaks PlatformIO's protocol; null for PlatformIO's own. */
  readonly registry: string | null;
  /** Addresses of Arduino package indexes, in the order in which they are asked. */
  readonly indexes: readonly string[];
}

export const noSettings: PackageSettings = { mirrors: new Map(), provider: null, registry: null, indexes: [] };
