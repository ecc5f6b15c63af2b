/** Where packages come from: `[mirrors]`, `[packages]` and `[registry]` of a project's fb.toml, and of the user's own file where that says nothing. */
import { fail, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { noSettings, type PackageSettings } from "./package-settings.ts";
import { USER_FILE } from "./schema.ts";
import { check } from "./shape.ts";
import { parseToml, type TomlTable } from "./toml.ts";

/** What reading the user's file asks of the world; each answer can be recorded as an input. */
export interface SettingsIo {
  read(path: string): string | null;
  value(name: string): string | undefined;
}

/** The settings in a table that fits the description in schema.ts. */
export function settingsOf(top: TomlTable): PackageSettings {
  const provider = textsOf(top, "packages").get("provider");
  return {
    mirrors: textsOf(top, "mirrors"),
    provider: provider === "fetch" || provider === "system" || provider === "auto" ? provider : null,
    registry: textsOf(top, "registry").get("url") ?? null,
    indexes: listOf(top, "packages", "indexes"),
  };
}

/** Of two the first one's, where it says something. Mirrors and indexes of both count. */
export function joinSettings(first: PackageSettings | null, second: PackageSettings): PackageSettings {
  if (first === null) return second;
  const mirrors = new Map([...second.mirrors, ...first.mirrors]);
  const indexes = [...new Set([...first.indexes, ...second.indexes])];
  return { mirrors, provider: first.provider ?? second.provider, registry: first.registry ?? second.registry, indexes };
}

/**
 * `$XDG_CONFIG_HOME/fb/config.toml`, else `~/.config/fb/config.toml` (the XDG base directory specification: a relative value is ignored); nothing where there
 * is none. The failure is its first mistake, as in rule files: `toml.syntax`, `rule.*` (exit 3).
 */
export function readUserSettings(io: SettingsIo): Result<PackageSettings> {
  const xdg = io.value("XDG_CONFIG_HOME") ?? "";
  const home = xdg.startsWith("/") ? "" : (io.value("HOME") ?? "");
  const folder = xdg.startsWith("/") ? xdg : home.startsWith("/") ? `${home}/.config` : null;
  if (folder === null) return ok(noSettings);
  const file = `${folder.replace(/\/+$/, "")}/fb/config.toml`;
  const text = io.read(file);
  if (text === null) return ok(noSettings);
  const toml = parseToml(file, text);
  if (!toml.ok) return toml;
  const [first] = check(toml.value, USER_FILE);
  return first === undefined ? ok(settingsOf(toml.value)) : fail(first);
}

function textsOf(top: TomlTable, key: string): ReadonlyMap<string, string> {
  const table = top.entries.get(key)?.value;
  const entries = table?.is === "table" ? [...table.entries] : [];
  return new Map(entries.flatMap(([name, { value }]) => (value.is === "text" ? [[name, value.value] as const] : [])));
}

function listOf(top: TomlTable, key: string, inner: string): readonly string[] {
  const table = top.entries.get(key)?.value;
  const value = table?.is === "table" ? table.entries.get(inner)?.value : undefined;
  return value?.is === "list" ? value.items.flatMap((item) => (item.is === "text" ? [item.value] : [])) : [];
}
