/**
 * `tools.json` of Espressif's installer: in place of a tool, pioarduino's packages hold this list of archives, one a system, with their sums. Read as data; the installer
 * (`idf_tools.py`) never runs. Form: tools_schema.json of ESP-IDF, version 1 and 2.
 */
import { isObject, type Json, parseJson } from "./json.ts";
import type { LockFile } from "./lock.ts";
import { isSafeName } from "./safe-name.ts";
import { ANY_SYSTEM } from "./systems.ts";

export const TOOLS_FILE = "tools.json";

export interface ListedTool {
  /** As the list has it: `esp-14.2.0_20260121`. */
  readonly version: string;
  /** Of the systems that fb knows; of those with an address and a sum. */
  readonly files: readonly LockFile[];
}

/** By the names of `Platforms` in idf_tools.py. */
const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  "linux-amd64": "linux_x86_64",
  "linux-arm64": "linux_aarch64",
  "linux-armhf": "linux_armv7l",
  "linux-armel": "linux_armv6l",
  "linux-i686": "linux_i686",
  macos: "darwin_x86_64",
  "macos-arm64": "darwin_arm64",
  win64: "windows_amd64",
  win32: "windows_x86",
  any: ANY_SYSTEM,
};

/** The tool that a list has for a package: the one of its name, else the only one; its recommended version, else its first. null: it is no such list. */
export function readToolsFile(name: string, text: string): ListedTool | null {
  const parsed = parseJson(text);
  const tools = parsed.ok && isObject(parsed.value) ? objectsIn(parsed.value["tools"]) : [];
  const tool = tools.find((each) => each["name"] === name) ?? (tools.length === 1 ? tools[0] : undefined);
  const versions = tool === undefined ? [] : objectsIn(tool["versions"]);
  const version = versions.find((each) => each["status"] === "recommended") ?? versions[0];
  const called = version?.["name"];
  if (version === undefined || !isSafeName(called)) return null;
  const files = Object.entries(SYSTEM_NAMES).flatMap(([key, system]) => fileOf(version[key], system));
  return { version: called, files };
}

function fileOf(value: Json | undefined, system: string): LockFile[] {
  if (!isObject(value)) return [];
  const { url, sha256, size } = value;
  if (typeof url !== "string" || !/^https?:\/\/\S+$/.test(url) || typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)) return [];
  const bytes = typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? size : 0;
  return [{ system, from: url, sha256: sha256.toLowerCase(), size: bytes, digest: "" }];
}

function objectsIn(value: Json | undefined): { readonly [key: string]: Json }[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
