/** What is kept of a run, for who asks later why it did what it did. */
import type { Cause, Kind, Status } from "./types.ts";

/** Where the evidence of one run of an action lies: in the file of which generation, at which offset, in which place of its block. */
export type EvidenceRef = readonly [generation: number, offset: number, place: number];

/** What one action did in a run. */
export interface RunAction {
  readonly name: string;
  readonly kind: Kind;
  readonly env: string;
  readonly label: string;
  readonly status: Status;
  readonly ms: number;
  /** Causes that no evidence tells: an output that was missing, a forced run; all of an action that failed. */
  readonly why: readonly Cause[];
  /** What it saw the time before, and this time; null where it saw nothing that was kept. */
  readonly before: EvidenceRef | null;
  readonly after: EvidenceRef | null;
  /** Of what came from the cache: the folder of the project that had run it. */
  readonly origin: string | null;
  /** Its outputs are byte for byte those of the time before. */
  readonly same: boolean;
}

export interface Run {
  /** Counted from 1. */
  readonly run: number;
  /** Its begin, ISO 8601. */
  readonly time: string;
  readonly request: readonly string[];
  readonly status: "ok" | "failed" | "cancelled";
  readonly ms: number;
  readonly counts: {
    readonly actions: number;
    readonly ran: number;
    readonly hits: number;
    readonly upToDate: number;
    readonly failed: number;
  };
  readonly builds: readonly { readonly env: string; readonly profile: string }[];
  /** What the targets of the request stood for, by env. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Names and versions of tools by their digest, where the run looked at them. */
  readonly tools: Readonly<Record<string, string>>;
  readonly actions: readonly RunAction[];
  /** What each env was planned from: "ENV/PROFILE" → where that lies. */
  readonly plans: Readonly<Record<string, EvidenceRef>>;
  /** What it linked: "ENV/PROFILE" → the program's digest. */
  readonly links: Readonly<Record<string, string>>;
  /** Actions that there are no more, with what they had seen. */
  readonly gone: readonly { readonly name: string; readonly before: EvidenceRef }[];
}
