/** What the page of a graph is given: written by cli/graph-page.ts, read by cli/page/page.ts. Columns by node, in the order of the view: from what is made to what it is made of. */
import type { Run } from "../../engine/run-record.ts";

export type RunStatus = "ran" | "hit" | "failed" | "cancelled";

export interface PageData {
  readonly project: string;
  /** null: the whole graph. */
  readonly query: string | null;
  readonly labels: readonly string[];
  readonly kinds: readonly string[];
  /** Numbers of `kinds`. */
  readonly kind: readonly number[];
  readonly envs: readonly string[];
  /** Numbers of `envs`. */
  readonly env: readonly number[];
  /** List of node i: values up to ends[i]. To what a node is made of. */
  readonly edges: { readonly ends: readonly number[]; readonly values: readonly number[] };
  readonly words: readonly string[];
  /** Of an action its command, as numbers of `words`; null of anything else. */
  readonly argv: readonly (readonly number[] | null)[];
  /** Of an action what it took when it last ran; -1 where nobody knows. */
  readonly ms: readonly number[];
  /** The last run that did something; null where there was none. */
  readonly run: PageRun | null;
}

export interface PageRun extends Pick<Run, "run" | "time" | "request" | "status" | "ms" | "counts"> {
  /** What it did, by node; ways: from a first cause, through other actions, to this one. */
  readonly did: Readonly<
    Record<
      number,
      { readonly status: RunStatus; readonly ms: number; readonly why: readonly string[]; readonly ways: readonly (readonly string[])[] }
    >
  >;
}
