/** What a run says: events, each with the time since the run began, and its failures, of which each is an event as well. */
import { diagnostic } from "./failure.ts";
import type { Clock, Event, EventSink, Failure } from "./types.ts";

export type Untimed<E> = E extends Event ? Omit<E, "t"> : never;

export class Report {
  /** Warnings as well, in the order in which they came. */
  readonly failures: Failure[] = [];
  private readonly sink: EventSink;
  private readonly clock: Pick<Clock, "monotonicMs">;
  private readonly mask: (text: string) => string;
  private readonly began: number;

  /** The run begins now. mask: takes what nobody is to see out of what failures say, as a value of `${sysenv.*}` that stands in a flag. */
  constructor(sink: EventSink, clock: Pick<Clock, "monotonicMs">, mask: (text: string) => string = (text) => text) {
    this.sink = sink;
    this.clock = clock;
    this.mask = mask;
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
    const said = { ...f, message: this.mask(f.message), hint: this.mask(f.hint) };
    this.failures.push(said);
    this.sink.emit(diagnostic(this.ms, said));
  }
}
