/** What the plan of one env takes: everything that was found out before planning, as readonly records. */
import type { Digest, Failure } from "../engine/types.ts";
import type { Bound } from "./expand.ts";
import type { LibraryOptions } from "./plan-libs.ts";
import type { RuleFile } from "./rulefile.ts";

/** A toolchain as a plan sees it. Folders are as commands name them. */
export interface PlannedTool {
  readonly folder: string;
  readonly version: string;
  readonly digest: Digest;
  /** The compilers' own include folders, and the linker's library folders. */
  readonly includeC: readonly string[];
  readonly includeCxx: readonly string[];
  readonly libraries: readonly string[];
}

/** One env with everything that was decided before planning. All of it enters the plan's key. */
export interface EnvPlan {
  readonly env: string;
  readonly profile: "release" | "quick" | "debug";
  readonly host: string;
  readonly projectDir: string;
  readonly platform: RuleFile;
  /** "" for none. */
  readonly framework: string;
  readonly frameworkFolder: string;
  readonly frameworkDigest: string;
  readonly frameworkVersion: string;
  /** Names below `${board.…}` with `board.` before them, `${upload.…}` and `${option.…}`. */
  readonly names: ReadonlyMap<string, Bound>;
  readonly mcu: string;
  /** The folder of the board's variant where it is not the framework's; null for the framework's. */
  readonly variantFolder: string | null;
  readonly tools: ReadonlyMap<string, PlannedTool>;
  /** Variables of flags: PIOENV, PROJECT_SRC_DIR… */
  readonly variables: ReadonlyMap<string, string>;
  readonly flags: {
    readonly board: readonly string[];
    readonly user: FlagSource;
    readonly unflags: FlagSource;
    readonly src: FlagSource;
    readonly debug: FlagSource;
  };
  readonly commands: ReadonlyMap<string, string>;
  readonly srcFilter: readonly string[];
  readonly srcDir: string;
  readonly includeDir: string;
  readonly testDir: string;
  readonly dataDir: string;
  readonly libraries: LibraryOptions;
  /** The project's fb.toml; null for none. */
  readonly own: RuleFile | null;
  /** All envs of the project, for messages. */
  readonly envs: readonly string[];
  /** Where PATH leads for the programs that steps name: absolute paths. */
  readonly programs: ReadonlyMap<string, string>;
  /** Warnings of what was found out. */
  readonly notes: readonly Failure[];
}

/** The items of a flag option and where they stand. */
export interface FlagSource {
  readonly items: readonly string[];
  readonly option: string;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
}
