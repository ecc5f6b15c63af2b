/** The words of one verb, cut by its flags and checked one by one. */
import { failure } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { nearest } from "../rules/nearest.ts";
import { type Flag, flagsOf, PROFILES, type Profile, verbsHere } from "./flags.ts";
import { FOREIGN_FLAGS } from "./foreign.ts";

/** Not imported: an ES import of node:util builds all of its lazy exports, 7.7 ms against 0.2 (Node 24, measured). */
const { parseArgs } = process.getBuiltinModule("node:util");

/** A command line that means nothing; `parseCommand` turns it into its failure. */
export class Usage extends Error {
  readonly failure: Failure;
  constructor(code: string, message: string, hint: string) {
    super(message);
    this.failure = failure(`usage.${code}`, 2, message, { hint });
  }
}

/** One verb's words, read by its flags. */
export class Words {
  readonly positionals: string[] = [];
  private readonly verb: string;
  private readonly values = new Map<string, string[]>();

  constructor(verb: string, flags: readonly Flag[], argv: readonly string[]) {
    this.verb = verb;
    const known = new Map<string, Flag>();
    for (const f of flags) for (const name of [f.name, ...f.also]) known.set(name, f);
    for (const token of tokens(argv, known)) {
      if (token.kind === "positional") this.positionals.push(token.value);
      if (token.kind !== "option") continue;
      const found = known.get(token.name);
      if (found === undefined) throw unknownFlag(token.rawName, verb, flags);
      this.take(found, token.rawName, token.value, token.inlineValue ?? false);
    }
  }

  private take(flag: Flag, raw: string, value: string | undefined, inline: boolean): void {
    const seen = this.values.get(flag.name) ?? [];
    this.values.set(flag.name, seen);
    if (flag.kind === "switch" && value !== undefined) throw new Usage("value", `${raw} takes no value`, `write ${raw} alone`);
    if (flag.kind === "switch" || (flag.kind === "optional" && value === undefined)) {
      seen.push("");
      return;
    }
    const asIn = `as in ${raw}${raw.startsWith("--") ? "=" : " "}${flag.value}`;
    if (value === undefined || value === "") throw new Usage("value", `${raw} needs a value`, asIn);
    if (!inline && value.length > 1 && value.startsWith("-"))
      throw new Usage(
        "value",
        `${raw} needs a value, but "${value}" follows`,
        `${asIn}; a value that starts with "-" is joined to its flag`,
      );
    if (flag.kind === "number" && !(/^\d+(\.\d+)?$/.test(value) && Number(value) > 0)) {
      const more =
        flag.name === "timeout" && raw === "-t" ? `; in \`fb ${this.verb}\` -t is the time limit, targets are for \`fb run -t\`` : "";
      throw new Usage("value", `${raw} needs a number above 0, not "${value}"`, asIn + more);
    }
    seen.push(value);
  }

  on(name: string): boolean {
    return this.values.has(name);
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** The last value given. */
  text(name: string): string | null {
    return this.values.get(name)?.at(-1) ?? null;
  }

  number(name: string): number | null {
    const value = this.text(name);
    return value === null ? null : Number(value);
  }

  whole(name: string, raw: string): number | null {
    const value = this.number(name);
    if (value !== null && !Number.isSafeInteger(value))
      throw new Usage("value", `${raw} needs a whole number, not "${value}"`, `as in ${raw} 4`);
    return value;
  }

  profile(): Profile | null {
    const given = PROFILES.filter((p) => this.on(p));
    if (given.length > 1) throw new Usage("profile", `--${given[0]} and --${given[1]} exclude each other`, "name one profile");
    return given[0] ?? null;
  }

  pattern(name: string): string | null {
    const value = this.text(name);
    if (value === null) return null;
    try {
      new RegExp(value, "i");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Usage(
        "pattern",
        `--${name} is not a regular expression: ${reason}`,
        "write \\( \\[ \\+ for the characters ( [ + themselves",
      );
    }
    return value;
  }
}

type Token =
  | {
      readonly kind: "option";
      readonly name: string;
      readonly rawName: string;
      readonly value: string | undefined;
      readonly inlineValue: boolean | undefined;
    }
  | { readonly kind: "positional"; readonly value: string }
  | { readonly kind: "option-terminator" };

/** parseArgs only cuts the words; what is wrong with them is said here, so that it can be said well. */
function tokens(argv: readonly string[], known: ReadonlyMap<string, Flag>): readonly Token[] {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, f] of known) {
    const type = f.kind === "switch" || f.kind === "optional" ? "boolean" : "string";
    options[name] = f.short !== "" && name === f.name ? { type, short: f.short } : { type };
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function unknownFlag(raw: string, verb: string, flags: readonly Flag[]): Usage {
  const message = `\`fb ${verb}\` has no flag ${raw}`;
  const same = nearest(
    raw,
    flags.map((f) => `--${f.name}`),
  ).map((n) => `"${n}"`);
  const bare = raw.replace(/^-+/, "");
  const owners = verbsHere.filter((v) => flagsOf(v).some((f) => (raw.startsWith("--") ? f.name : f.short) === bare));
  if (Object.hasOwn(FOREIGN_FLAGS, raw)) return new Usage("flag", message, FOREIGN_FLAGS[raw] ?? "");
  if (owners.length > 0) return new Usage("flag", message, `${raw} is a flag of ${owners.map((v) => `\`fb ${v}\``).join(", ")}`);
  if (raw.startsWith("--") && same.length > 0) return new Usage("flag", message, `did you mean ${same.join(" or ")}?`);
  return new Usage("flag", message, `\`fb help ${verb}\` lists its flags`);
}
