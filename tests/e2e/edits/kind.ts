/** What a platform's generated projects are made of. */
import type { Random } from "../../random.ts";
import type { IniChoices } from "./ini.ts";

export interface ProjectKind {
  readonly name: string;
  readonly ini: IniChoices;
  /** Environment variables and the values that they take. */
  readonly vars: Readonly<Record<string, readonly string[]>>;
  /** What every project begins with. */
  readonly base: readonly string[];
  /** Every path that can be written, those edited more often more than once. */
  readonly pool: readonly string[];
  /** What a file at a path may hold. */
  readonly text: (random: Random, path: string) => string;
}
