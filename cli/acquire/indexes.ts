/** What Arduino's package indexes, which the settings name, offer for a need: `platform_packages = NAME @ PACKAGER:TOOL@VERSION`, or a version that the table lacks. */
import type { PackageNeed } from "../../cache/providers/package.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { type ArduinoIndex, type IndexFile, platformOf, readArduinoIndex, toolFile } from "../../rules/arduino-index.ts";
import type { LockFile } from "../../rules/lock.ts";
import { indexFiles } from "../../rules/lock-files.ts";
import { didYouMean } from "../../rules/nearest.ts";
import { castVersion, compareVersions, inRange } from "../../rules/version.ts";
import { ARCHIVE_LAYOUT, type Offer, programOf } from "./offer.ts";

/** `packager:name` of a tool, or of a platform by its architecture; requirement: a version or range, "*" for the newest. */
export interface IndexWant {
  readonly packager: string;
  readonly name: string;
  readonly requirement: string;
}

export interface IndexOffer {
  readonly offer: Offer;
  /** For the lock: the files of all machines. */
  readonly files: readonly LockFile[];
}

export interface IndexesHost {
  /** Addresses, in the order in which they are asked. */
  readonly urls: readonly string[];
  /** Of this machine, as rules/systems.ts names it. */
  readonly machine: string;
  text(url: string): Promise<Result<string>>;
  note(warning: Failure): void;
}

export class Indexes {
  private readonly host: IndexesHost;
  private read: Promise<Result<readonly ArduinoIndex[]>> | null = null;

  constructor(host: IndexesHost) {
    this.host = host;
  }

  /** Failures: those of fetching; index.syntax (exit 4); index.none, index.unknown, index.host (exit 3): no index is named, none has it, or not for this machine. */
  async offer(want: IndexWant, need: PackageNeed): Promise<Result<IndexOffer>> {
    const whole = `${want.packager}:${want.name}${want.requirement === "*" ? "" : `@${want.requirement}`}`;
    const place = need.want?.origin ?? {};
    if (this.host.urls.length === 0) {
      const hint = 'name it: [packages] indexes = ["https://HOST/package_NAME_index.json"] in fb.toml';
      return fail(failure("index.none", 3, `package ${need.name}: ${whole} is of an Arduino index, and none is named`, { ...place, hint }));
    }
    const indexes = await (this.read ??= this.readAll());
    if (!indexes.ok) return indexes;
    const found = newest(indexes.value, want);
    if (found === null) {
      const same = indexes.value.flatMap((index) => [
        ...index.tools,
        ...index.platforms.map((p) => ({ packager: p.packager, name: p.architecture, version: p.version })),
      ]);
      const versions = same.filter((one) => one.packager === want.packager && one.name === want.name).map((one) => one.version);
      const names = [...new Set(same.map((one) => `${one.packager}:${one.name}`))];
      const hint =
        versions.length > 0 ? `it has ${versions.join(", ")}` : didYouMean(`${want.packager}:${want.name}`, names, "look at the index");
      return fail(failure("index.unknown", 3, `package ${need.name}: no index has ${whole}`, { ...place, hint }));
    }
    const { version, files } = found;
    const file = found.fileFor(this.host.machine);
    if (file === null) {
      const hint = `name one of your own: platform_packages = ${need.name}@symlink:///FOLDER`;
      const message = `package ${need.name}: the index has ${whole} for no machine like this one (${this.host.machine})`;
      return fail(failure("index.host", 3, message, { ...place, hint }));
    }
    const source = { from: file.url, sha256: file.sha256, size: file.size === 0 ? null : file.size, version, layout: ARCHIVE_LAYOUT };
    return ok({
      offer: {
        kind: "tool",
        name: need.name,
        owner: want.packager,
        version,
        is: "index",
        sources: [source],
        program: programOf(need),
        debian: need.debian,
        orSystem: false,
      },
      files,
    });
  }

  private async readAll(): Promise<Result<readonly ArduinoIndex[]>> {
    const all: ArduinoIndex[] = [];
    for (const url of this.host.urls) {
      const text = await this.host.text(url);
      if (!text.ok) return text;
      const index = readArduinoIndex(url, text.value);
      if (!index.ok) return index;
      for (const each of index.value.warnings) this.host.note(each);
      all.push(index.value.index);
    }
    return ok(all);
  }
}

interface Found {
  readonly version: string;
  readonly files: readonly LockFile[];
  fileFor(machine: string): IndexFile | null;
}

/** The newest tool in the range, else the newest platform. */
function newest(indexes: readonly ArduinoIndex[], { packager, name, requirement }: IndexWant): Found | null {
  const isWanted = (version: string): boolean => requirement === "*" || version === requirement || inRange(version, requirement) === true;
  const tools = indexes
    .flatMap((index) => index.tools)
    .filter((tool) => tool.packager === packager && tool.name === name && isWanted(tool.version));
  const exact = tools.find((tool) => tool.version === requirement);
  const tool =
    exact ?? tools.reduce<(typeof tools)[number] | null>((best, each) => (best === null || isNewer(each, best) ? each : best), null);
  if (tool !== null) return { version: tool.version, files: indexFiles(tool), fileFor: (machine) => toolFile(tool, machine) };
  const platform = platformOf(indexes, packager, name, requirement === "*" ? null : requirement);
  if (platform === null) return null;
  const { url: from, sha256, size } = platform.file;
  return { version: platform.version, files: [{ system: "*", from, sha256, size, digest: "" }], fileFor: () => platform.file };
}

function isNewer(a: { readonly version: string }, b: { readonly version: string }): boolean {
  const [x, y] = [castVersion(a.version), castVersion(b.version)];
  return x !== null && (y === null || compareVersions(x, y) > 0);
}
