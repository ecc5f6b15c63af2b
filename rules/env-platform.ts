/** Which of fb's platforms an env's `platform =` means, and the PlatformIO platform package whose boards and packages count for it. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { NO_BOARDS } from "./boards.ts";
import type { Config } from "./ini/config.ts";
import { nameFits } from "./name-fits.ts";
import { didYouMean } from "./nearest.ts";
import { type PlatformPackage, platformUncovered, publishedRanges, rangeUncovered, readPlatformPackage } from "./platform-package.ts";
import type { Platform, PlatformShelf, ProjectIo } from "./project.ts";
import type { PlatformSpec } from "./spec.ts";

export interface ChosenPlatform {
  readonly platform: Platform;
  /** null: none is asked for, or it is not here. */
  readonly held: PlatformPackage | null;
  /** It is asked for and not here. */
  readonly isPending: boolean;
  /** None is asked for, but one may be fetched: for packages that nothing else brings, or a board that fb itself has not. */
  readonly mayCome: boolean;
}

interface PlatformReader {
  readonly config: Config;
  readonly io: ProjectIo;
  readonly shelf: PlatformShelf;
}

/** Failures (exit 3): `env.no-platform`, `env.unknown-platform`; `platform.not-covered`; those of readPlatformPackage. What a package's platform.json is called counts before its address. */
export function choosePlatform(env: string, spec: PlatformSpec, reader: PlatformReader): Result<ChosenPlatform> {
  const { config, io, shelf } = reader;
  const byName = shelf.find(spec.name);
  const { source } = spec;
  // A platform that has neither boards nor frameworks is all in fb's rules: native.
  const needsNone = byName?.ok === true && byName.value.boards === NO_BOARDS && byName.value.rules.frameworks.size === 0;
  const mayCome =
    source === null && byName?.ok === true && io.platformFolder !== undefined && publishedRanges(byName.value.rules).length > 0;
  const asksNone = needsNone || spec.name === "" || (source === null && !mayCome);
  if (asksNone) return chosen(byName ?? fail(unknown(env, spec, reader)), null, false);
  const place = config.origin(`env:${env}`, "platform");
  const never =
    source?.is === "registry" && byName?.ok === true ? rangeUncovered(env, spec.name, source.requirement, byName.value.rules, place) : null;
  if (never !== null) return fail(never);
  const folder = source?.is === "folder" ? atHome(source.path, io) : (io.platformFolder?.(env, spec) ?? null);
  if (folder === null) return chosen(byAddress(spec, shelf) ?? byName ?? fail(unknown(env, spec, reader)), null, !mayCome, mayCome);
  const held = readPlatformPackage(folder, io, place);
  if (!held.ok) return held;
  const { name } = held.value;
  let wrong: Failure | null = null;
  for (const platform of shelf.named(name)) {
    const problem = platform.ok ? platformUncovered(env, held.value, platform.value.rules, place) : null;
    if (problem === null) return chosen(platform, held.value, false);
    wrong ??= problem;
  }
  return wrong === null ? chosen(byName ?? fail(unknown(env, { ...spec, name, address: null }, reader)), held.value, false) : fail(wrong);
}

/** The rules that are for a package of this address, as far as that tells. */
function byAddress({ name, address }: PlatformSpec, shelf: PlatformShelf): Result<Platform> | undefined {
  if (address === null) return undefined;
  for (const platform of shelf.named(name))
    if (platform.ok && platform.value.rules.platform?.addresses.some((pattern) => nameFits(pattern, address)) === true) return platform;
  return undefined;
}

/** What is wrong with a board; of one that only other rules of the platform's name have, the address of their package is told. */
export function elsewhere(problem: Failure, board: string, { rules }: Platform, shelf: PlatformShelf): Failure {
  if (problem.code !== "board.unknown") return problem;
  for (const name of rules.platform?.names ?? [])
    for (const other of shelf.named(name)) {
      const address = other.ok && other.value.boards.get(board) !== undefined ? other.value.rules.platform?.addresses[0] : undefined;
      if (address !== undefined) return { ...problem, hint: `platform = ${address} has it` };
    }
  return problem;
}

function chosen(platform: Result<Platform>, held: PlatformPackage | null, isPending: boolean, mayCome = false): Result<ChosenPlatform> {
  return platform.ok ? ok({ platform: platform.value, held, isPending, mayCome }) : platform;
}

function atHome(path: string, io: ProjectIo): string {
  return /^~(?:\/|$)/.test(path) ? `${io.value("HOME") ?? ""}${path.slice(1)}` : path;
}

function unknown(env: string, { name, address }: PlatformSpec, { config, shelf }: PlatformReader): Failure {
  const section = `env:${env}`;
  const all = shelf.all();
  // Rules for other versions have the same name.
  const known = [...new Set(all.ok ? all.value.flatMap(({ rules }) => rules.platform?.names ?? []) : [])];
  if (name === "") {
    const first = config.options(section).find((option) => config.origin(section, option) !== null);
    const place = first === undefined ? null : config.origin(section, first);
    return failure("env.no-platform", 3, `[${section}] has no platform`, {
      ...place,
      hint: `add \`platform = NAME\`; fb has ${known.join(", ")}`,
    });
  }
  const place = config.origin(section, "platform");
  const later = "this env cannot be built with fb yet; the others can";
  // Who writes an address, or the name of a platform that there is, means no other.
  if (address !== null || PLATFORMIOS.has(name)) {
    const message = `fb has no rules for platform ${name} of [${section}] yet: it has for ${known.join(", ")}`;
    const named = address === null ? "" : `; if it is one of these under another name say so: platform = NAME=${address}`;
    return failure("env.unknown-platform", 3, message, { ...place, hint: later + named });
  }
  const message = `unknown platform "${name}" in [${section}]: fb has rules for ${known.join(", ")}`;
  return failure("env.unknown-platform", 3, message, { ...place, hint: didYouMean(name, known, later) });
}

/** Names that are no slip of the pen: the platforms of PlatformIO's registry, and much used ones of others. */
const PLATFORMIOS: ReadonlySet<string> = new Set(
  [
    "aceinna_imu atmelavr atmelmegaavr atmelsam chipsalliance espressif32 espressif8266 freescalekinetis gd32v hc32f46x infineonxmc",
    "intel_arc32 intel_mcs51 kendryte210 lattice_ice40 linux_arm linux_i686 linux_x86_64 maxim32 microchippic32 native nordicnrf51",
    "nordicnrf52 nxpimxrt nxplpc raspberrypi renesas-ra riscv_gap samsung_artik shakti sifive siliconlabsefm32 ststm32 ststm8 teensy",
    "timsp430 titiva windows_x86 wiznet7500 ch32v apollo3blue libretiny wch-ch32v",
  ].flatMap((names) => names.split(" ")),
);
