/** When an action did what: for traces and timings. Nothing is noted where nobody wants to know. */
import type { ActionId } from "./types.ts";

/**
 * ready: all that it needs is settled. deciding, decided: its key is made and results are looked up. started, ended: it runs, without what is done with the
 * result. settled: what it made is recorded, or was restored, or it failed.
 */
export type Moment = "ready" | "deciding" | "decided" | "started" | "ended" | "settled";

export interface Timeline {
  /** Now. A later moment of the same kind counts instead of an earlier one. */
  at(id: ActionId, moment: Moment): void;
}
