/** What a platform's packages.toml offers for a need, as the machine that builds can use it. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackageNeed } from "../../cache/providers/package.ts";
import type { Layout } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { LockFile } from "../../rules/lock.ts";
import { tableFiles } from "../../rules/lock-files.ts";
import { type PackageTable, readPackageTable, sourcesFor, type TablePackage, type TableSource } from "../../rules/package-table.ts";
import type { RuleFile } from "../../rules/rulefile.ts";
import { inRange } from "../../rules/version.ts";
import { home } from "../home.ts";
import { ARCHIVE_LAYOUT, type Offer, type OfferSource, programOf } from "./offer.ts";

export class PackageTables {
  private readonly system: string;
  private readonly read = new Map<string, Result<PackageTable>>();

  /** system: of this machine, as rules/systems.ts names it. */
  constructor(system: string) {
    this.system = system;
  }

  /** The table's package of a name; null where it has none. */
  entry(rules: RuleFile, name: string): Result<TablePackage | null> {
    const table = this.table(rules);
    return table.ok ? ok(table.value.get(name) ?? null) : table;
  }

  /** null: the table does not have it, or another's is wanted. Failures (exit 3): `package.version`, another version is wanted; `package.host`, there is none for this machine. */
  offer(rules: RuleFile, need: PackageNeed): Result<Offer> | null {
    const entry = this.entry(rules, need.name);
    if (!entry.ok) return entry;
    if (entry.value === null) return null;
    const { name, version, registry, owner } = entry.value;
    // What PlatformIO publishes itself is what others made: the table has it from them.
    if (need.want !== null && ![null, "", "platformio", owner].includes(need.want.owner)) return null;
    const wanted = need.want?.source.is === "registry" ? need.want.source.requirement : "*";
    if (wanted !== "*" && ![version, registry].some((each) => each !== "" && inRange(each, wanted) === true)) {
      const message = `package ${name}: ${wanted} is wanted, fb has ${version}${registry === "" ? "" : ` (${registry} in PlatformIO's registry)`}`;
      return fail(
        failure("package.version", 3, message, {
          ...need.want?.origin,
          hint: `take the version away, or name an archive: ${name}@https://…`,
        }),
      );
    }
    const sources = sourcesFor(entry.value, this.system).map(offerSource);
    if (sources.length > 0)
      return ok({
        kind: "tool",
        name,
        owner,
        version,
        is: "table",
        sources,
        program: programOf(need),
        debian: need.debian,
        orSystem: false,
      });
    const message = `package ${name} ${version} is published for no machine like this one (${this.system})`;
    return fail(failure("package.host", 3, message, { hint: `name one of your own: platform_packages = ${name}@symlink:///FOLDER` }));
  }

  /** Files of a version for all machines that the table knows. */
  files(rules: RuleFile, name: string, version: string): readonly LockFile[] {
    const entry = this.entry(rules, name);
    return entry.ok && entry.value !== null ? tableFiles(entry.value, version) : [];
  }

  /** How a source of the table becomes the package, also where the lock names the version that a registry gave; null where the table does not have it. */
  layout(rules: RuleFile, name: string, from: string): Layout | null {
    const entry = this.entry(rules, name);
    const source = entry.ok ? entry.value?.sources.find((s) => s.from === from || from.startsWith(`${s.from}@`)) : undefined;
    return source === undefined ? null : offerSource(source).layout;
  }

  private table(rules: RuleFile): Result<PackageTable> {
    const folder = dirname(rules.file).split("/").at(-1) ?? "";
    let table = this.read.get(folder);
    if (table === undefined) {
      const file = join(home(), "platforms", folder, "packages.toml");
      table = existsSync(file) ? readPackageTable(file, readFileSync(file, "utf8")) : ok(new Map());
      this.read.set(folder, table);
    }
    return table;
  }
}

export function offerSource({ from, sha256, size, version, strip, folder, executables }: TableSource): OfferSource {
  return { from, sha256, size, version, layout: { ...ARCHIVE_LAYOUT, strip, subfolder: folder, executables } };
}
