/** What a machine lacks, supplied while it runs: places of its memory that its processor stops at, and what is done there. */
import type { Debugger, Watch } from "./debugger.ts";

export interface Place extends Watch {
  /** The processor is about to use it, and has when this settles. False: it is watched no more. */
  used(chip: Debugger): Promise<boolean>;
}

/** As long as the processor runs. It stands still until then. */
export async function supply(chip: Debugger, places: readonly Place[]): Promise<void> {
  const at = new Map(places.map((place) => [place.start, place]));
  chip.begin();
  for (const place of places) chip.watch(place);
  for (let start = await chip.run(); start !== null; start = await chip.run()) {
    const place = at.get(start);
    if (place !== undefined && !(await place.used(chip))) chip.unwatch(place);
  }
}
