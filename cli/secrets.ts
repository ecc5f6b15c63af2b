/** Values that nobody is to see: of the environment variables that an ini names as `${sysenv.NAME}`, which may be passwords. */
import { isSecretName, variableOf } from "../cache/snapshot-world.ts";
import { hashing } from "./host/hash.ts";

/** Shorter values are part of too many words: they are hidden only where they end an argument behind "=". */
const SHORT = 3;

/** How a hidden value is written: the name of its variable, and the digest that tells whether it changed. */
export const HIDDEN = /\$\{sysenv\.(\w+)@sha256:([0-9a-f]{64})\}/;

/** names: of values that were read, those of secret variables marked as such; what hides their present values in a text. */
export function masker(names: Iterable<string>, vars: Readonly<Record<string, string | undefined>>): (text: string) => string {
  const hidden = [...names].filter(isSecretName).flatMap((name) => {
    const value = vars[variableOf(name)] ?? "";
    return value === "" ? [] : [{ value, as: `\${sysenv.${variableOf(name)}@sha256:${hashing.sha256(value)}}` }];
  });
  if (hidden.length === 0) return (text) => text;
  // A value that holds another one first.
  hidden.sort((a, b) => b.value.length - a.value.length);
  return (text) => {
    let masked = text;
    for (const { value, as } of hidden) {
      if (value.length >= SHORT) masked = masked.replaceAll(value, as);
      else if (masked.endsWith(`=${value}`)) masked = masked.slice(0, -value.length) + as;
    }
    return masked;
  };
}
