/** When a monitor or an emulator ends, and with which exit code: --halt-on-error, --halt-on-success, --expect (fbuild's contract: "Monitor patterns"). */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

/** As they were given; null where they were not. */
export interface PatternTexts {
  readonly haltOnError: string | null;
  readonly haltOnSuccess: string | null;
  readonly expect: string | null;
}

export interface Verdict {
  readonly exit: 0 | 1;
  /** For people: what decided it. */
  readonly why: string;
}

/** Regular expressions, case-insensitive, a line at a time. */
export class Patterns {
  readonly #texts: PatternTexts;
  readonly #error: RegExp | null;
  readonly #success: RegExp | null;
  readonly #expect: RegExp | null;
  #seen = false;

  private constructor(texts: PatternTexts, error: RegExp | null, success: RegExp | null, expect: RegExp | null) {
    this.#texts = texts;
    this.#error = error;
    this.#success = success;
    this.#expect = expect;
  }

  /** Failure (exit 2): a text that is no regular expression. */
  static read(texts: PatternTexts): Result<Patterns> {
    const wrong: string[] = [];
    const compile = (flag: string, text: string | null) => {
      if (text === null) return null;
      try {
        return new RegExp(text, "i");
      } catch (error) {
        wrong.push(`--${flag} ${JSON.stringify(text)}: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      }
    };
    const error = compile("halt-on-error", texts.haltOnError);
    const success = compile("halt-on-success", texts.haltOnSuccess);
    const expect = compile("expect", texts.expect);
    const [first] = wrong;
    if (first !== undefined)
      return fail(failure("usage.value", 2, first, { hint: "a regular expression as JavaScript has them, without slashes" }));
    return ok(new Patterns(texts, error, success, expect));
  }

  /** What a whole line decides; null: it goes on. A line that is expected counts before it halts. */
  line(text: string): Verdict | null {
    this.#seen ||= this.#expect?.test(text) ?? false;
    if (this.#error?.test(text)) return { exit: 1, why: `--halt-on-error ${this.#texts.haltOnError} matched: ${text}` };
    if (!this.#success?.test(text)) return null;
    return this.#expect === null ? { exit: 0, why: `--halt-on-success ${this.#texts.haltOnSuccess} matched: ${text}` } : this.#expected();
  }

  /** What the time limit decides. partial: what came after the last line's end. */
  timeUp(partial: string): Verdict {
    const decided = partial === "" ? null : this.line(partial);
    if (decided !== null) return decided;
    if (this.#expect !== null) return this.#expected();
    const unmet = [this.#error === null ? "" : "--halt-on-error", this.#success === null ? "" : "--halt-on-success"].filter(
      (one) => one !== "",
    );
    if (unmet.length > 0) return { exit: 1, why: `the time is up, and ${unmet.join(" and ")} matched no line` };
    return { exit: 0, why: "the time is up" };
  }

  #expected(): Verdict {
    const what = `--expect ${this.#texts.expect}`;
    return this.#seen ? { exit: 0, why: `${what} was seen` } : { exit: 1, why: `${what} matched no line` };
  }
}
