/** Boards: PlatformIO's board JSON, the project's own and the platform's, with an env's `board_*` options laid over it. */
import { failure, fail, ok } from "../engine/failure.ts";
import type { DirEntry, Failure, Result } from "../engine/types.ts";
import { baseOf } from "../engine/paths.ts";
import { dotted, isObject, type Json, type JsonObject, parseJson } from "./json.ts";
import { nearest } from "./nearest.ts";

/** A board without an env's overrides. `file`: where its JSON stands, for messages. */
export interface BoardData {
  readonly id: string;
  readonly file: string;
  readonly json: JsonObject;
}

/** A board as an env sees it. `values` are the names below `${board.…}`: text for scalars, a list for lists of scalars, of pairs too. */
export interface Board extends BoardData {
  readonly name: string;
  /** Empty where the JSON says nothing. */
  readonly mcu: string;
  readonly vendor: string;
  /** `build.extra_flags`, as text of flags that is parsed like build_flags; PlatformIO puts them before the user's. */
  readonly extraFlags: readonly string[];
  /** `build.variants_dir`: a folder of the project that holds the variant instead of the framework's; null for the framework's. */
  readonly variantsDir: string | null;
  /** `build.hwids`: pairs of vendor and product as the JSON writes them (`0x2341`). */
  readonly hwids: readonly (readonly [string, string])[];
  readonly values: ReadonlyMap<string, string | readonly string[]>;
}

/** A platform's own table of boards. */
export interface BoardTable {
  readonly file: string;
  readonly ids: readonly string[];
  get(id: string): BoardData | undefined;
}

export interface BoardIo {
  read(path: string): string | null;
  list(path: string): readonly DirEntry[] | null;
}

/** One `board_*` option of an env: `path` without `board_`, dots kept. */
export interface BoardOverride {
  readonly path: string;
  readonly value: string;
  readonly origin: { readonly file: string; readonly line: number; readonly column: number } | null;
}

export const NO_BOARDS: BoardTable = { file: "", ids: [], get: () => undefined };

/** A platform's boards.json: an object from id to board JSON. A syntax error is `board.syntax`; the file is fb's own, so this is a broken installation. */
export function readBoardTable(file: string, text: string): Result<BoardTable> {
  const parsed = parseJson(text);
  if (!parsed.ok) return fail(syntax(file, parsed, "install fb again"));
  const table = parsed.value;
  if (!isObject(table))
    return fail(failure("board.shape", 3, "expected an object from board ids to boards", { file, line: 1, hint: "install fb again" }));
  return ok({
    file,
    ids: Object.keys(table),
    get(id) {
      const json = Object.hasOwn(table, id) ? table[id] : undefined;
      return isObject(json) ? { id, file, json } : undefined;
    },
  });
}

/**
 * The board `id`: of `folders` (the project's boards_dir first) the file ID.json, else of the platform's table.
 * Failures (exit 3): `board.unknown` with the nearest ids, `board.syntax` and `board.shape` at their line, `board.other-platform`.
 * `place` is where the ini names the board.
 */
export function findBoard(
  id: string,
  folders: readonly string[],
  table: BoardTable,
  platform: string,
  io: BoardIo,
  place: { readonly file: string; readonly line: number; readonly column: number } | null,
): Result<BoardData> {
  // An id with a slash would leave the folders.
  if (!id.includes("/")) {
    for (const folder of folders) {
      const file = `${folder}/${id}.json`;
      const text = io.read(file);
      if (text === null) continue;
      return projectBoard(id, file, text, platform);
    }
  }
  const found = table.get(id);
  if (found !== undefined) return ok(found);
  const ids = [...folders.flatMap((folder) => boardFiles(folder, io)), ...table.ids];
  const near = nearest(id, ids).map((each) => `"${each}"`);
  const own = folders[0] === undefined || id.includes("/") ? "" : `, or describe the board in ${folders[0]}/${id}.json`;
  const known = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `fb boards lists them`;
  const message = `unknown board "${id}": expected one of platform ${platform} (${table.ids.length} boards) or of the project`;
  return fail(failure("board.unknown", 3, message, { ...place, hint: `${known}${own}` }));
}

function projectBoard(id: string, file: string, text: string, platform: string): Result<BoardData> {
  const parsed = parseJson(text);
  if (!parsed.ok) return fail(syntax(file, parsed, "correct the JSON"));
  const json = parsed.value;
  const bad = (what: string, hint: string) => fail<BoardData>(failure("board.shape", 3, what, { file, line: 1, column: 1, hint }));
  if (!isObject(json))
    return bad("expected a board: an object with name, build and upload", "see the boards of fb for examples: fb boards --json");
  for (const key of ["build", "upload"])
    if (json[key] !== undefined && !isObject(json[key])) return bad(`expected "${key}" to be an object`, "write { … }");
  for (const key of ["name", "vendor"])
    if (json[key] !== undefined && typeof json[key] !== "string") return bad(`expected "${key}" to be a text`, "put it in double quotes");
  if (typeof json["name"] !== "string") return bad('expected the name of the board: a text "name"', 'add "name": "…"');
  const only = typeof json["platform"] === "string" ? [json["platform"]] : Array.isArray(json["platforms"]) ? json["platforms"] : null;
  if (only === null || only.includes(platform)) return ok({ id, file, json });
  const message = `board "${id}" is for platform ${only.join(", ")}, not for ${platform}`;
  return fail(
    failure("board.other-platform", 3, message, { file, line: 1, column: 1, hint: "change `platform =` of the env, or the file" }),
  );
}

function syntax(file: string, at: { readonly expected: string; readonly line: number; readonly column: number }, hint: string): Failure {
  return failure("board.syntax", 3, `not JSON: expected ${at.expected}`, { file, line: at.line, column: at.column, hint });
}

function boardFiles(folder: string, io: BoardIo): string[] {
  return (io.list(folder) ?? []).filter((e) => e.is === "file" && e.name.endsWith(".json")).map((e) => e.name.slice(0, -5));
}

/**
 * A board with an env's overrides, as PlatformIO lays them: where the board has a boolean, `1 yes true` are true and all else false; where it has
 * a number, a whole number is expected (`board.value`); anything else becomes text. Missing parts of the path are made.
 */
export function overlayBoard(data: BoardData, overrides: readonly BoardOverride[]): Result<Board> {
  let json: JsonObject = data.json;
  for (const override of overrides) {
    // PlatformIO compares option names in lower case, and so are they laid over the board.
    const path = override.path.toLowerCase();
    const now = dotted(json, path);
    let value: Json = override.value;
    if (typeof now === "boolean") value = ["1", "yes", "true"].includes(override.value.toLowerCase());
    else if (typeof now === "number") {
      const digits = override.value.trim();
      if (!/^[+-]?\d+(?:_\d+)*$/.test(digits)) {
        const message = `board_${override.path}: expected a whole number (the board has ${now}), found "${override.value}"`;
        return fail(failure("board.value", 3, message, { ...override.origin, hint: "write digits only" }));
      }
      value = Number(digits.replaceAll("_", ""));
    }
    json = put(json, path.split("."), value);
  }
  return ok(asBoard({ ...data, json }));
}

/** A board with what its platform gives those that do not say it themselves, by paths such as `build.filesystem`. */
export function withDefaults(data: BoardData, defaults: ReadonlyMap<string, string | readonly string[]>): BoardData {
  let { json } = data;
  for (const [path, value] of defaults)
    if (dotted(json, path) === undefined) json = put(json, path.split("."), typeof value === "string" ? value : [...value]);
  return { ...data, json };
}

function put(json: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [key = "", ...rest] = path;
  if (rest.length === 0) return { ...json, [key]: value };
  const inner = Object.hasOwn(json, key) ? json[key] : undefined;
  return { ...json, [key]: put(isObject(inner) ? inner : {}, rest, value) };
}

/** `build.hwids` of a board's JSON. */
export function usbIds(json: JsonObject): readonly (readonly [string, string])[] {
  const hwids = dotted(json, "build.hwids");
  if (!Array.isArray(hwids)) return [];
  return hwids.flatMap((h) => (Array.isArray(h) && h.length >= 2 ? [[String(h[0]), String(h[1])] as const] : []));
}

function asBoard(data: BoardData): Board {
  const { json } = data;
  const text = (path: string) => {
    const value = dotted(json, path);
    return typeof value === "string" ? value : "";
  };
  const flags = dotted(json, "build.extra_flags");
  const board = {
    name: text("name") || data.id,
    mcu: text("build.mcu"),
    vendor: text("vendor"),
    extraFlags: typeof flags === "string" ? [flags] : Array.isArray(flags) ? flags.map(String) : [],
    variantsDir: text("build.variants_dir") || null,
    hwids: usbIds(json),
  };
  const values = new Map<string, string | readonly string[]>([["id", data.id]]);
  // PlatformIO skips the size check where a board has no limit: 0.
  values.set("upload.maximum_size", "0").set("upload.maximum_ram_size", "0");
  flatten(json, "", values);
  // What a board says of one core stands before what it says of all: `board = pico` has a variant for each.
  const own = values.get(`build.arduino.${text("build.core")}.variant`);
  if (own !== undefined) values.set("build.variant", own);
  // PlatformIO's (platform-atmelavr: builder/fuses.py, bootloader.py).
  const otherwise = (name: string, value: string | readonly string[] | undefined) => {
    if (value !== undefined && !values.has(name)) values.set(name, value);
  };
  if (values.has("bootloader.file")) {
    otherwise("bootloader.unlock_bits", "0xff");
    otherwise("bootloader.lock_bits", "0x0F");
  }
  otherwise("fuses.lock_bits", values.get("bootloader.lock_bits"));
  const [first] = board.hwids;
  if (first !== undefined)
    values
      .set("usb.vid", first[0])
      .set("usb.pid", first[1])
      .set("usb.ids", board.hwids.map((ids) => ids.join(":")).join(","));
  values.set(
    "usb.defines",
    usbDefines(text("build.usb_product") !== "" || dotted(json, "build.usb_product") === "", board, text("build.usb_product")),
  );
  return { ...data, ...board, values };
}

/**
 * What an Arduino framework defines of a board with `build.usb_product`, empty for others: of hwids the first pair, names without `"`.
 * The quotes belong to the value: the macro is a C string.
 */
function usbDefines(usb: boolean, board: Pick<Board, "hwids" | "vendor">, product: string): readonly string[] {
  if (!usb) return [];
  const [vid, pid] = board.hwids[0] ?? ["", ""];
  const quoted = (value: string) => `"${value.replaceAll('"', "")}"`;
  return [
    ...(vid === "" ? [] : [`USB_VID=${vid}`, `USB_PID=${pid}`]),
    `USB_PRODUCT=${quoted(product)}`,
    `USB_MANUFACTURER=${quoted(board.vendor)}`,
  ];
}

function flatten(json: JsonObject, prefix: string, into: Map<string, string | readonly string[]>): void {
  for (const [key, value] of Object.entries(json)) {
    const name = `${prefix}${key}`;
    if (isObject(value)) flatten(value, `${name}.`, into);
    else if (Array.isArray(value)) {
      const items = value.flat();
      if (items.every((item) => typeof item !== "object")) into.set(name, items.map(String));
    } else if (value !== null) into.set(name, String(value));
  }
}

/**
 * Whether a framework has a board's variant: `variants` is the listing of its folder of variants, null where there is none; of a variant with a `/` that of
 * the folder below it.
 */
export function checkVariant(
  board: Board,
  variants: readonly DirEntry[] | null,
  folder: string,
  place: { readonly file: string; readonly line: number; readonly column: number } | null,
): Failure | null {
  const variant = board.values.get("build.variant");
  if (typeof variant !== "string") return null;
  const names = (variants ?? []).filter((e) => e.is === "dir").map((e) => e.name);
  if (names.includes(baseOf(variant))) return null;
  const near = nearest(baseOf(variant), names).map((each) => `"${each}"`);
  const has = names.length === 0 ? "there are none" : `it has ${names.join(", ")}`;
  const message = `board "${board.id}" needs the variant "${variant}", which ${folder} does not have: ${has}`;
  const hint = `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}use a framework package that has it (platform_packages), or set board_build.variant, or board_build.variants_dir to a folder of the project that holds ${variant}/`;
  return failure("board.no-variant", 3, message, { ...place, hint });
}

/** What `fb boards` prints of a board. f_cpu in Hz, flash and ram in bytes, 0 where unknown. */
export interface BoardLine {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly mcu: string;
  readonly f_cpu: number;
  readonly flash: number;
  readonly ram: number;
}

/** The boards in which each word of `query` occurs, in id, name, mcu, vendor or platform, without case; sorted by id. Project boards stand for others of the same id. */
export function listBoards(
  query: string,
  platforms: readonly { readonly name: string; readonly boards: BoardTable }[],
  own: readonly { readonly platform: string; readonly board: BoardData }[],
): BoardLine[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const lines = new Map<string, BoardLine>();
  const add = (platform: string, data: BoardData) => {
    const board = asBoard(data);
    if (lines.has(`${platform}\n${data.id}`)) return;
    const haystack = [data.id, board.name, board.mcu, board.vendor, platform].join("\n").toLowerCase();
    if (!words.every((word) => haystack.includes(word))) return;
    const number = (path: string) => Number(String(dotted(data.json, path) ?? "").replace(/\D/g, ""));
    const { name, mcu } = board;
    const sizes = { f_cpu: number("build.f_cpu"), flash: number("upload.maximum_size"), ram: number("upload.maximum_ram_size") };
    lines.set(`${platform}\n${data.id}`, { id: data.id, name, platform, mcu, ...sizes });
  };
  for (const { platform, board } of own) add(platform, board);
  for (const { name, boards } of platforms)
    for (const id of boards.ids) {
      const data = boards.get(id);
      if (data !== undefined) add(name, data);
    }
  return [...lines.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** The boards that a project describes itself, for listBoards: one that names no platform is listed for the first. A file that does not read is left out. */
export function projectBoards(
  folders: readonly string[],
  platforms: readonly string[],
  io: BoardIo,
): { platform: string; board: BoardData }[] {
  const found: { platform: string; board: BoardData }[] = [];
  for (const folder of folders)
    for (const id of boardFiles(folder, io)) {
      const text = io.read(`${folder}/${id}.json`);
      if (text === null) continue;
      for (const platform of platforms) {
        const board = projectBoard(id, `${folder}/${id}.json`, text, platform);
        if (!board.ok) continue;
        found.push({ platform, board: board.value });
        if (!("platform" in board.value.json || "platforms" in board.value.json)) break;
      }
    }
  return found;
}
