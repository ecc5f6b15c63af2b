/** `pypi:NAME@VERSION`, `npm:NAME@VERSION`, `deb:NAME`: read, and checked so that no name can be an option, a path or an address to the client. */
import { failure } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { shown } from "../extract/names.ts";
import type { RegistryName, RegistryRef } from "./registries.ts";

/** PEP 508; npm's validate-npm-package-name; Debian policy 5.6.1, with an architecture. */
const names: Readonly<Record<RegistryName, RegExp>> = {
  pypi: /^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/,
  npm: /^(@[a-z0-9~][a-z0-9._~-]{0,98}\/)?[a-z0-9~][a-z0-9._~-]{0,98}$/i,
  deb: /^[a-z0-9][a-z0-9+.-]{1,98}(:[a-z0-9-]{1,20})?$/,
};
/** PEP 440 with an epoch; semver; Debian policy 5.6.12. No ranges: what is fetched is what was locked. */
const versions: Readonly<Record<RegistryName, RegExp>> = {
  pypi: /^(\d+!)?\d[A-Za-z0-9.+_-]{0,98}$/,
  npm: /^\d+\.\d+\.\d+[A-Za-z0-9.+-]{0,98}$/,
  deb: /^([0-9][A-Za-z0-9.+~:-]{0,98})?$/,
};

export function isRegistrySource(text: string): boolean {
  return /^(pypi|npm|deb):/.test(text);
}

/** Code: source.syntax (exit 3). */
export function parseRegistrySource(text: string): Result<RegistryRef> {
  const match = /^(pypi|npm|deb):(@?[^@]*)(?:@(.*))?$/s.exec(text);
  const registry = match?.[1] as RegistryName | undefined;
  const name = match?.[2] ?? "";
  const version = match?.[3] ?? "";
  if (registry !== undefined && names[registry].test(name) && versions[registry].test(version))
    return { ok: true, value: { registry, name, version } };
  const message = `"${shown(text)}" is no registry source: expected pypi:NAME@VERSION, npm:NAME@VERSION, deb:NAME or deb:NAME@VERSION`;
  return { ok: false, failure: failure("source.syntax", 3, message, { hint: "give the exact version, no range" }) };
}
