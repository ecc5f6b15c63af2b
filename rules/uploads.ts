/** How an env's image reaches its board: the platform's way for `upload_protocol`, or the env's own command, and what the board's facts ask for on the way. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { type Bound, expand, type Scope, scope, within } from "./expand.ts";
import { nameFits } from "./name-fits.ts";
import type { ActionTemplate, RuleFile } from "./rulefile.ts";
import type { Uploader, UploadWay } from "./rulefile-uploads.ts";
import { splitWords } from "./shellwords.ts";
import { expandText } from "./subst.ts";
import { namesIn } from "./template.ts";

/** What stands for the port in a command until it is known. */
export const CLAIM_PORT = "${claim.port}";
/** What stands for a board's place in the network until it is known: the ini's upload_port, or -p. */
export const CLAIM_HOST = "${claim.host}";
/** What stands for the last part of its path. */
export const CLAIM_PORT_NAME = "${claim.port_name}";
/** The same while `$NAME`s are replaced, which would take it for one. */
const MARK = "\u0001port\u0001";
/** What stands for the image in `upload_command`. */
export const IMAGE_MARK = "\u0001image\u0001";

export interface Upload {
  readonly protocol: string;
  readonly uploader: Uploader;
  /** `upload_command`, its `$NAME`s replaced but for the image; null: the platform's rules have the command. */
  readonly command: string | null;
  /** The port is opened at 1200 baud first. */
  readonly touch: boolean;
  /** … and another is waited for. */
  readonly awaitsPort: boolean;
  /** What the board has sent is thrown away first, and the board reset. */
  readonly flushes: boolean;
  /** No port is no failure. */
  readonly optional: boolean;
  /** `${uploader.…}` of rules. */
  readonly args: ReadonlyMap<string, readonly string[]>;
}

/** Of programs of which nothing is known. */
export const CUSTOM: Uploader = {
  ...{ idle: 30, progress: "", sync: "", givesUp: "", verify: "", signature: "", refused: "", lost: "", noise: "", advice: "" },
  ...{ newer: [], unknown: "", kept: "", broken: "", repair: "", garbled: "", modules: [] },
  net: null,
};

/**
 * names: of envNames, variables: of flagVariables. Failures (exit 3): `upload.no-protocol`, `upload.no-command`, `upload.flags` (an open quote).
 * PlatformIO's `platform-atmelavr`, builder/main.py, is where the order of arguments and the conditions are from.
 */
export function uploadOf(rules: RuleFile, names: ReadonlyMap<string, Bound>, variables: ReadonlyMap<string, string>): Result<Upload> {
  const text = (name: string) => {
    const value = names.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const env = text("env");
  const protocol = text("upload.protocol");
  const at = { file: "platformio.ini" };
  if (protocol === "") {
    const hint = "set upload_protocol; `fb boards` lists boards that have one";
    return fail(failure("upload.no-protocol", 3, `[env:${env}] has no upload protocol, and neither has its board`, { ...at, hint }));
  }
  const known = new Map([
    ...variables,
    ["UPLOAD_PORT", MARK],
    ["UPLOAD_SPEED", text("upload.speed")],
    ["UPLOAD_PROTOCOL", protocol],
    ["SOURCE", IMAGE_MARK],
    ["SOURCES", IMAGE_MARK],
  ]);
  const given = names.get("upload.flags") ?? [];
  const flags: string[] = [];
  for (const item of typeof given === "string" ? [given] : given) {
    const words = splitWords(expandText(item, known));
    if (words === null) return fail(failure("upload.flags", 3, `upload_flags of [env:${env}]: an open quote in ${item}`, at));
    flags.push(...words.map(portIn));
  }
  const isTrue = (name: string) => ["true", "1", "yes"].includes(text(name).toLowerCase());
  const board = {
    touch: isTrue("board.upload.use_1200bps_touch"),
    awaitsPort: isTrue("board.upload.wait_for_upload_port"),
    flushes: !isTrue("board.upload.disable_flushing"),
  };
  if (protocol === "custom") {
    const command = text("upload.command");
    if (command === "") {
      const hint = "set upload_command; $SOURCE is the image, $UPLOAD_PORT the port";
      return fail(failure("upload.no-command", 3, `[env:${env}] has upload_protocol = custom, but no upload_command`, { ...at, hint }));
    }
    known.set("UPLOAD_FLAGS", flags.join(" ").replaceAll(CLAIM_PORT, MARK));
    const whole = portIn(expandText(command, known));
    const args = new Map([
      ["flags", flags],
      ...["port", "speed", "more", "extra", "newer"].map((name): [string, string[]] => [name, []]),
    ] as const);
    return ok({
      protocol,
      uploader: CUSTOM,
      command: whole,
      optional: false,
      ...board,
      touch: false,
      awaitsPort: false,
      flushes: false,
      args,
    });
  }
  const way = wayOf(rules, names);
  const uploader = way === undefined ? undefined : rules.uploaders.get(way.uploader);
  if (way === undefined || uploader === undefined) {
    const hint = "set upload_protocol = custom and upload_command";
    return fail(
      failure("upload.protocol", 3, `platform ${rules.platform?.names[0]} has no way to upload by "${protocol}"`, { ...at, hint }),
    );
  }
  const before = way.untouched ? { touch: false, awaitsPort: false, flushes: false } : board;
  return ok({
    protocol,
    uploader,
    command: null,
    optional: way.optional,
    ...before,
    args: new Map([...argsOf(way, names, flags), ["newer", uploader.newer]]),
  });
}

/** The platform's way for the protocol and the chip that names say (of envNames); undefined where there is none. */
function wayOf(rules: RuleFile, names: ReadonlyMap<string, Bound>): UploadWay | undefined {
  const fits = (patterns: readonly string[], name: string) => {
    const value = names.get(name);
    return patterns.some((each) => nameFits(each, typeof value === "string" ? value.trim() : ""));
  };
  return rules.uploads.find(
    ({ protocols, mcus }) => fits(protocols, "upload.protocol") && (mcus.length === 0 || fits(mcus, "board.build.mcu")),
  );
}

/** Whether an argument names the port. */
export function namesPort(arg: string): boolean {
  return arg.includes(CLAIM_PORT) || arg.includes(CLAIM_PORT_NAME);
}

function portIn(text: string): string {
  return text.replaceAll(MARK, CLAIM_PORT);
}

function argsOf(way: UploadWay, names: ReadonlyMap<string, Bound>, flags: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const here = scope(new Map([...names, ["claim.port", CLAIM_PORT]]));
  const hasUpload = [...names.keys()].some((name) => name.startsWith("board.upload.") && !name.includes(".maximum_"));
  const wants = !hasUpload || names.get("board.upload.require_upload_port") === "true";
  // Who names a port of another kind (-Pusb) means that one; PlatformIO adds a serial one after it, which then counts.
  const own = flags.some((flag) => flag.startsWith("-P") && !flag.includes(CLAIM_PORT));
  const extra = names.get("board.upload.extra_flags") ?? [];
  return new Map([
    ["flags", flags],
    ["port", wants && !own ? maybe(way.port, here) : []],
    ["speed", maybe(way.speed, here)],
    ["more", maybe(way.more, here)],
    ["extra", typeof extra === "string" ? (splitWords(extra) ?? [extra]) : extra],
  ]);
}

/** The elements, or none where a name in them stands for nothing. */
export function maybe(templates: ReadonlyArray<UploadWay["port"][number]>, where: Scope): readonly string[] {
  const expanded = expand(templates, where);
  return expanded.ok && !expanded.value.includes("") ? expanded.value : [];
}

/** The scope that a platform's effects are written in: of `where`, with `${uploader.…}`, the port and the lists of `[maybe]`. */
export function effectScope(rules: RuleFile, upload: Upload | null, where: Scope, more: Iterable<readonly [string, Bound]>): Scope {
  const args = [...(upload?.args ?? [])].map(([name, words]): [string, Bound] => [`uploader.${name}`, words]);
  const port: [string, Bound][] = [
    ["claim.port", CLAIM_PORT],
    ["claim.port_name", CLAIM_PORT_NAME],
    ["claim.host", CLAIM_HOST],
  ];
  const inner = within(where, [...port, ...args, ...more]);
  return within(
    inner,
    [...rules.maybe].map(([name, list]): [string, Bound] => [name, maybe(list, inner)]),
  );
}

/** Facts of the board that a rule names and that nobody gives, as the ini would: `board_fuses.lfuse`. */
export function missingFacts(rule: ActionTemplate, names: ReadonlyMap<string, Bound>): string[] {
  const used = [...rule.run, ...rule.in].flatMap(namesIn);
  return [...new Set(used)]
    .filter((name) => name.startsWith("board.") && !names.has(name))
    .map((name) => `board_${name.slice("board.".length)}`);
}
