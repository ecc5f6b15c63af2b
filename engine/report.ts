/** What a run says: events, each with the time since the run began, and its failures, of which each is an event as well. */
import { diagnostic } from "./failure.ts";
import type { Clock, Event, EventSink, Failure } from "./types.ts";

export type Untimed<E> = E extends Event ? Omit<E, "t"> : never;

export class Report {
  /** Warnings as well, in the order in which they came. */
  readonly failures: Failure[] = [];
  private readonly sink: EventSink;
  private readonly clock: Pick<Clock, "monotonicMs">;
  private readonly began: number;

  /** The run begins now. */
  constructor(sink: EventSink, clock: Pick<Clock, "monotonicMs">) {
    this.sink = sink;
    this.clock = clock;
    this.began = clock.monotonicMs();
  }

  /** Milliseconds since the run began. */
  get ms(): number {
    return Math.round(this.clock.monotonicMs() - this.began);
  }

  emit(event: Untimed<Event>): void {
    this.sink.emit({ ...event, t: this.ms } as Event);
  }

  add(f: Failure): void {
    this.failures.push(f);
    this.sink.emit(diagnostic(this.ms, f));
  }
}
