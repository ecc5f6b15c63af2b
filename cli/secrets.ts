/** Values that nobody is to see: of the environment variables that an ini names as `${sysenv.NAME}`, which may be passwords. */
import { isSecretName, variableOf } from "../cache/snapshot-world.ts";
import { hashing } from "./host/hash.ts";

/** Shorter values are part of too many words: they are hidden only where they end an argument behind "=". */
const SHORT = 3;

/** How a hidden value is written: the name of its variable, and the digest that tells whether it changed. */
export const HIDDEN = /\$\{sysenv\.(\w+)@sha256:([0-9a-f]{64})\}/;

/**
 * names: of values that were read, those of secret variables marked as such; what hides their present values in a text. how: with the digest, for what is kept to be
 * compared, or by the name alone, for what is shown.
 */
export function masker(
  names: Iterable<string>,
  vars: Readonly<Record<string, string | undefined>>,
): (text: string, how?: "digest" | "name") => string {
  const hidden = [...names].filter(isSecretName).flatMap((name) => {
    const value = vars[variableOf(name)] ?? "";
    const variable = `sysenv.${variableOf(name)}`;
    return value === "" ? [] : [{ value, digest: `\${${variable}@sha256:${hashing.sha256(value)}}`, name: `\${${variable}}` }];
  });
  if (hidden.length === 0) return (text) => text;
  // A value that holds another one first.
  hidden.sort((a, b) => b.value.length - a.value.length);
  return (text, how = "digest") => {
    let masked = text;
    for (const { value, [how]: as } of hidden) {
      if (value.length >= SHORT) masked = masked.replaceAll(value, () => as);
      else if (masked.endsWith(`=${value}`)) masked = masked.slice(0, -value.length) + as;
    }
    return masked;
  };
}
