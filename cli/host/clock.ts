/** The clock that the engine is given: monotonic milliseconds, and a sleep that a stop ends. */
import type { Clock } from "../../engine/types.ts";

/** `sleep` settles after `ms` milliseconds or as soon as `stop` is aborted, and never rejects: the caller looks at `stop` anyway. */
export const clock: Clock = {
  // Not performance.now(): that loads a module of 2 ms.
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (ms, stop) =>
    new Promise((resolve) => {
      // No timer fires in less than a millisecond.
      if (stop.aborted || ms === 0) {
        setImmediate(resolve);
        return;
      }
      const done = () => {
        clearTimeout(timer);
        stop.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      stop.addEventListener("abort", done);
    }),
};
