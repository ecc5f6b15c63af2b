/** One stream of events for several consumers. */
import type { EventSink } from "../../engine/types.ts";

/** Each event goes to every sink, in the order given. */
export function mux(sinks: readonly EventSink[]): EventSink {
  return {
    emit(e) {
      for (const sink of sinks) sink.emit(e);
    },
  };
}
