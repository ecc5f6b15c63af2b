/** `fb deps -n`: what each env would have fetched, and from where, as far as fb's tables and the registry tell; nothing is fetched, nothing is written. */
import { findPackage, type PackageNeed } from "../../cache/providers/package.ts";
import { LocalProvider } from "../../cache/providers/local.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { fail, ok } from "../../engine/failure.ts";
import { withoutCredentials } from "../../engine/redact.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { LibraryWant } from "../../rules/lib-deps.ts";
import { lockedFile } from "../../rules/lock.ts";
import { sourceOf } from "../../rules/package-spec.ts";
import type { EnvProject, Project } from "../../rules/project.ts";
import { choose } from "../../rules/registry.ts";
import { Acquisition, type AcquisitionHost } from "../acquire/acquisition.ts";
import { librariesAtHand } from "../acquire/at-hand.ts";
import type { Offer } from "../acquire/offer.ts";
import { thisMachine } from "../host/machine.ts";
import { libraryOptions } from "../library-input.ts";
import { packageIo, packageNeeds } from "../packages.ts";
import { flagVariables } from "../plan-input.ts";
import { emptyPlan } from "../plans.ts";
import { oneLine, padEnd, paint } from "../show/text.ts";
import type { DepKind } from "./needs.ts";

/** here: on this machine. fetch: from `source`. perhaps: the same, if the platform package that is not here asks for no other. unknown: nobody could be asked. missing: nobody has it. */
export type WouldState = "here" | "fetch" | "perhaps" | "unknown" | "missing";

export interface Would {
  readonly env: string;
  readonly kind: DepKind | "platform";
  readonly name: string;
  /** As it is asked for; "" for any. */
  readonly wanted: string;
  /** "" where it is not known. */
  readonly version: string;
  /** An address, a folder, `system`; "" where nothing is known. */
  readonly source: string;
  readonly state: WouldState;
}

export interface WouldEnv {
  readonly env: string;
  readonly items: readonly Would[];
  /** Why some are unknown or missing. */
  readonly failures: readonly Failure[];
}

export type WouldHost = Pick<AcquisitionHost, "disk" | "cache" | "lock" | "mode" | "ask" | "index">;

const NO_TARGETS: ReadonlySet<string> = new Set();

/** Of the envs of a project that read, in the order of their names here. project: as it is with the platform packages that are here. */
export class Prospect {
  private readonly host: WouldHost;
  private readonly acquisition: Acquisition;
  private project: Project;

  /** reread: the project with the platform packages that the acquisition found. */
  constructor(project: Project, host: WouldHost, reread: (acquisition: Acquisition) => Result<Project>) {
    this.host = host;
    this.project = project;
    this.acquisition = new Acquisition({
      ...host,
      project: () => this.project,
      reread: () => {
        const read = reread(this.acquisition);
        if (read.ok) this.project = read.value;
        return read;
      },
      locked: false,
      dryRun: true,
      targets: NO_TARGETS,
      renewed: false,
      note: () => {},
      plan: (env) => Promise.resolve(ok(emptyPlan(env.name, "release"))),
    });
  }

  async of(asked: EnvProject): Promise<WouldEnv> {
    const items: Would[] = [];
    const failures: Failure[] = [];
    const found = await this.platform(asked, items, failures);
    if (found === null) return { env: asked.name, items, failures };
    const { env, isSure } = found;
    const { tools, framework } = packageNeeds(this.project, env, NO_TARGETS);
    let folder: string | null = null;
    for (const [kind, need] of [
      ...tools.map(([tool, need]) => [tool.probe === "gcc" ? "toolchain" : "tool", need] as const),
      ...(framework === null ? [] : [["framework", framework] as const]),
    ]) {
      const item = await this.tool(env, kind, need, isSure, failures);
      items.push(item);
      if (kind === "framework" && item.state === "here") folder = item.source;
    }
    await this.libraries(env, folder, items, failures);
    return { env: env.name, items, failures: unique(failures) };
  }

  /** The env with its platform package, as far as that is here; null where it can not be built. */
  private async platform(asked: EnvProject, items: Would[], failures: Failure[]): Promise<{ env: EnvProject; isSure: boolean } | null> {
    const { name, spec, source } = asked.platformSpec;
    const item = { env: asked.name, kind: "platform", name, wanted: spec.requirement ?? "" } as const;
    if (asked.platformPackage === null && !this.acquisition.awaitsPlatform(asked)) return { env: asked, isSure: true };
    const at = await this.acquisition.withPlatform(asked);
    if (at.ok && at.value.offers.length === 0) {
      const { env } = at.value;
      const held = env.platformPackage;
      items.push({ ...item, version: held?.version ?? "", source: held?.folder ?? "", state: "here" });
      return { env, isSure: true };
    }
    const [offer] = at.ok ? at.value.offers : [];
    if (offer !== undefined) items.push({ ...item, ...offered(offer), state: "fetch" });
    else {
      const address = source?.is === "url" ? withoutCredentials(source.url) : "";
      items.push({ ...item, version: "", source: address, state: at.ok || at.failure.exit !== 3 ? "unknown" : "missing" });
      if (!at.ok) failures.push(at.failure);
      if (!at.ok && at.failure.exit === 3) return null;
    }
    return { env: asked, isSure: false };
  }

  private async tool(env: EnvProject, kind: DepKind, need: PackageNeed, isSure: boolean, failures: Failure[]): Promise<Would> {
    const wanted = need.want?.source.is === "registry" && need.want.source.requirement !== "*" ? need.want.source.requirement : "";
    const item = { env: env.name, kind, name: need.name, wanted };
    const at = await this.acquisition.look(env, need);
    if (at.ok && at.value.is === "offered") return { ...item, ...offered(at.value.offer), state: isSure ? "fetch" : "perhaps" };
    if (at.ok && at.value.is === "stored") {
      const { version, folder } = at.value.package;
      return { ...item, version, source: folder, state: "here" };
    }
    const io = packageIo(this.project.dir, this.host.disk);
    const ref = at.ok ? findPackage(need, [new LocalProvider(io), new SystemProvider(io)]) : at;
    if (ref.ok) return { ...item, version: ref.value.version, source: ref.value.folder, state: isSure ? "here" : "perhaps" };
    // Which one it would be tells the platform package.
    if (!isSure && at.ok) return { ...item, version: "", source: "", state: "unknown" };
    failures.push(ref.failure);
    return { ...item, version: "", source: "", state: ref.failure.exit === 3 || at.ok ? "missing" : "unknown" };
  }

  /** Those of lib_deps; what these need is known when they are here. */
  private async libraries(env: EnvProject, framework: string | null, items: Would[], failures: Failure[]): Promise<void> {
    const { disk, lock } = this.host;
    const options = libraryOptions(this.project, env, flagVariables(this.project, env, "release"), disk, null);
    if (!options.ok) return void failures.push(options.failure);
    const storages = framework === null ? [] : [`${framework}/libraries`];
    const { missing } = librariesAtHand(options.value, env.framework ?? "", storages, disk);
    for (const want of missing) {
      const item = { env: env.name, kind: "library", name: want.spec.name ?? want.text, wanted: want.range } as const;
      const entry = lock.locked({ kind: "library", env: env.name, spec: want.spec, origin: want.origin });
      const file = entry === null ? null : lockedFile(entry, thisMachine());
      if (entry !== null && file !== null) {
        items.push({ ...item, version: entry.version, source: file.from, state: "fetch" });
        continue;
      }
      const from = await this.library(want);
      // What no registry has may be the framework's, which is not here.
      if (from.ok && from.value.version === null)
        items.push({ ...item, version: "", source: "", state: framework === null ? "unknown" : "missing" });
      else if (from.ok) items.push({ ...item, source: from.value.source, version: from.value.version ?? "", state: "fetch" });
      else {
        items.push({ ...item, version: "", source: "", state: from.failure.exit === 3 ? "missing" : "unknown" });
        failures.push(from.failure);
      }
    }
  }

  /** version: null where the registry does not have it. */
  private async library(want: LibraryWant): Promise<Result<{ readonly version: string | null; readonly source: string }>> {
    const source = sourceOf(want.spec, want.origin);
    if (!source.ok) return source;
    if (source.value.is !== "registry") return ok({ version: "", source: want.spec.uri ?? want.text });
    const { driveDialogue } = await import("../registry.ts");
    const choice = await driveDialogue(choose("library", want.spec, null, thisMachine()), (request) => this.host.ask(request));
    if (!choice.ok) return fail({ ...choice.failure, ...want.origin, message: `lib_deps ${want.text}: ${choice.failure.message}` });
    if ("why" in choice.value) return ok({ version: null, source: "" });
    return ok({ version: choice.value.version.name, source: choice.value.file.url });
  }
}

function offered({ version, sources }: Offer): Pick<Would, "version" | "source"> {
  return { version: version.startsWith("0.0.0+url-") ? "" : version, source: withoutCredentials(sources[0]?.from ?? "") };
}

function unique(failures: readonly Failure[]): readonly Failure[] {
  return failures.filter((f, i) => failures.findIndex((other) => other.message === f.message) === i);
}

const SAYS: Readonly<Record<WouldState, string>> = {
  here: "here",
  fetch: "fetch",
  perhaps: "perhaps",
  unknown: "not known",
  missing: "missing",
};

/** Columns: name, what is asked for, version, state, where from. */
export function wouldTable(envs: readonly WouldEnv[], color: boolean): string {
  const cells = ({ name, wanted, version, state, source }: Would): readonly string[] =>
    [name, wanted, version, SAYS[state], source].map(oneLine);
  const rows = envs.flatMap(({ items }) => items.map(cells));
  const widths = [0, 1, 2, 3].map((i) => Math.max(0, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (item: Would): string =>
    `  ${cells(item)
      .map((cell, i) => padEnd(cell, widths[i] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  return envs
    .map(({ env, items }) => `${paint(`env ${env}`, "bold", color)}\n${items.length === 0 ? "  nothing\n" : items.map(line).join("")}`)
    .join("\n");
}
