/** What a monitor is to do: the env's monitor_* options with PlatformIO's meanings, and what the command line says instead. */
import { fail, failure, ok, warning } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { didYouMean } from "../../rules/nearest.ts";
import type { EnvProject, OptionValue } from "../../rules/project.ts";
import { type Address, readAddress } from "../device/address.ts";
import type { Parity, SerialSettings } from "../device/connection.ts";
import { type Encoding, encodingOf, LATIN1, UTF8 } from "./encoding.ts";
import { DECODERS, type Eol, EOLS, FILTER_NAMES } from "./filters.ts";

/** The flags of `fb monitor`; null, empty, false: not given. */
export interface MonitorFlags {
  /** Several are joined by commas, each for a monitor of its own (devices.ts). */
  readonly port: string | null;
  readonly baud: number | null;
  readonly parity: string | null;
  readonly dtr: boolean | null;
  readonly rts: boolean | null;
  readonly rtscts: boolean;
  readonly xonxoff: boolean;
  readonly filters: readonly string[];
  readonly eol: string | null;
  readonly encoding: string | null;
  readonly raw: boolean;
  readonly echo: boolean;
  readonly reconnect: boolean;
  readonly timestamps: boolean;
}

export const NO_FLAGS: MonitorFlags = {
  port: null,
  baud: null,
  parity: null,
  dtr: null,
  rts: null,
  rtscts: false,
  xonxoff: false,
  filters: [],
  eol: null,
  encoding: null,
  raw: false,
  echo: false,
  reconnect: true,
  timestamps: true,
};

export interface MonitorSettings {
  /** null: the port is to be found. */
  readonly named: Address | null;
  readonly serial: SerialSettings;
  /** Null: nobody named any, and the terminal decides. */
  readonly filters: readonly string[] | null;
  /** Addresses in lines are looked up in the env's program. */
  readonly decode: boolean;
  readonly eol: Eol;
  readonly encoding: Encoding;
  readonly raw: boolean;
  readonly echo: boolean;
  readonly reconnect: boolean;
  /** `SS.HH` before each line. */
  readonly timestamps: boolean;
  /** Of the ini: filters that fb has not. */
  readonly warnings: readonly Failure[];
}

const PARITIES: Readonly<Record<string, Parity>> = { N: "none", E: "even", O: "odd", S: "space", M: "mark" };
/** PlatformIO's, and fbuild's for who names no project. */
const SPEED_OF_A_PROJECT = 9600;
const SPEED_ALONE = 115200;

/** env: null where there is no project. Failures: exit 2 for a flag, exit 3 for an option, with its place. */
export function monitorSettings(flags: MonitorFlags, env: EnvProject | null): Result<MonitorSettings> {
  const warnings: Failure[] = [];
  const given = (name: string): OptionValue | null => env?.options.get(name) ?? null;
  const text = (name: string) => {
    const value = given(name)?.value;
    return value === undefined ? null : String(value);
  };
  const on = (name: string): boolean | null => {
    const value = text(name);
    return value === null ? null : ["1", "true", "yes", "on"].includes(value.toLowerCase());
  };

  const port = flags.port ?? text("monitor_port");
  const named = port === null ? ok(null) : readAddress(port);
  if (!named.ok) return flags.port === null ? inIni(named.failure, given("monitor_port")) : named;
  const parity = PARITIES[flags.parity ?? text("monitor_parity") ?? "N"];
  if (parity === undefined) return flagValue("parity", flags.parity, Object.keys(PARITIES));
  const eol = EOLS.find((one) => one === (flags.eol ?? text("monitor_eol") ?? "CRLF"));
  if (eol === undefined) return flagValue("eol", flags.eol, EOLS);
  const encoding = encodingOf(flags.encoding ?? text("monitor_encoding") ?? "UTF-8");
  if (!encoding.ok) return flags.encoding === null ? inIni(encoding.failure, given("monitor_encoding")) : encoding;

  const wrong = flags.filters.find((name) => !FILTER_NAMES.includes(name));
  if (wrong !== undefined)
    return fail(
      failure("monitor.filter", 2, `there is no filter ${JSON.stringify(wrong)}`, {
        hint: didYouMean(wrong, FILTER_NAMES, `the filters are ${FILTER_NAMES.join(", ")}`),
      }),
    );
  const listed = list(given("monitor_filters"));
  for (const name of flags.filters.length > 0 ? [] : listed)
    if (!FILTER_NAMES.includes(name))
      warnings.push(
        warning("monitor.filter", `monitor_filters: fb has no filter ${JSON.stringify(name)}: it is left out`, {
          ...place(given("monitor_filters")),
          hint: didYouMean(name, FILTER_NAMES, `the filters are ${FILTER_NAMES.join(", ")}; those in Python are PlatformIO's alone`),
        }),
      );
  const names = flags.filters.length > 0 ? flags.filters : listed.filter((name) => FILTER_NAMES.includes(name));
  const raw = flags.raw || (on("monitor_raw") ?? false);
  const filters = names.filter((name) => !DECODERS.has(name));
  const speed = Number(text("monitor_speed") ?? (env === null ? SPEED_ALONE : SPEED_OF_A_PROJECT));
  return ok({
    named: named.value,
    serial: {
      baud: flags.baud ?? speed,
      dataBits: 8,
      parity,
      stopBits: 1,
      rtscts: flags.rtscts,
      xonxoff: flags.xonxoff,
      dtr: flags.dtr ?? on("monitor_dtr"),
      rts: flags.rts ?? on("monitor_rts"),
    },
    filters: names.length === 0 ? null : filters,
    decode: names.some((name) => DECODERS.has(name)),
    eol,
    // Each byte is a character then, as hexlify counts them.
    encoding: names.includes("hexlify") && encoding.value === UTF8 ? LATIN1 : encoding.value,
    raw,
    echo: flags.echo || (on("monitor_echo") ?? false),
    reconnect: flags.reconnect,
    // The filter "time" has its own; hexlify and raw bytes have no lines.
    timestamps: flags.timestamps && !raw && !names.includes("time") && !names.includes("hexlify"),
    warnings,
  });
}

function list(option: OptionValue | null): readonly string[] {
  if (option === null) return [];
  return Array.isArray(option.value)
    ? option.value.map(String)
    : String(option.value)
        .split(/[\s,]+/)
        .filter((one) => one !== "");
}

function place(option: OptionValue | null): { readonly file?: string; readonly line?: number; readonly column?: number } {
  return option?.origin ?? {};
}

function inIni(f: Failure, option: OptionValue | null): Result<never> {
  return fail(failure(f.code, 3, f.message, { ...place(option), hint: f.hint }));
}

function flagValue(name: string, value: string | null, choices: readonly string[]): Result<never> {
  return fail(
    failure("usage.value", 2, `--${name} is ${choices.join(", ")}, not ${JSON.stringify(value ?? "")}`, {
      hint: `as in --${name}=${choices[0]}`,
    }),
  );
}
