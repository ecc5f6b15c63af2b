/** A port that is opened before its monitor begins: what comes meanwhile waits for it. */
import type { Failure, Result } from "../../engine/types.ts";
import type { MonitorOptions } from "./monitor.ts";
import type { Source, SourceFaces, SourceOptions } from "./source.ts";

type Told = (faces: SourceFaces) => void;

export class Early {
  private readonly stop = new AbortController();
  private readonly opened: Promise<Result<Source>>;
  private told: Told[] = [];
  private faces: SourceFaces | null = null;

  private readonly again: MonitorOptions["open"];

  constructor(open: MonitorOptions["open"], how: SourceOptions) {
    this.again = open;
    this.opened = open(
      {
        data: (bytes: Uint8Array) => this.tell((faces) => faces.data(bytes)),
        lost: (why: Failure) => this.tell((faces) => faces.lost(why)),
        preempted: (by: string, reason: string) => this.tell((faces) => faces.preempted(by, reason)),
        reconnected: () => this.tell((faces) => faces.reconnected()),
        note: (why: Failure) => this.tell((faces) => faces.note(why)),
        ended: (why: Failure) => this.tell((faces) => faces.ended(why)),
      },
      how,
      this.stop.signal,
    );
  }

  private tell(what: Told): void {
    if (this.faces === null) this.told.push(what);
    else what(this.faces);
  }

  /** As openSource: the port as it was opened, and all that it said since, first. */
  async take(faces: SourceFaces, how: SourceOptions, stop: AbortSignal): Promise<Result<Source>> {
    // Taken once; at another speed it is opened anew.
    if (how.baud !== null) return this.again(faces, how, stop);
    const ended = () => this.stop.abort();
    stop.addEventListener("abort", ended);
    const opened = await this.opened;
    stop.removeEventListener("abort", ended);
    // After the one who asked knows the port's name.
    if (opened.ok)
      setImmediate(() => {
        for (const what of this.told.splice(0)) what(faces);
        this.faces = faces;
      });
    return opened;
  }

  async close(): Promise<void> {
    this.stop.abort();
    const opened = await this.opened;
    if (opened.ok) await opened.value.close();
  }
}
