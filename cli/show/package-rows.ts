/**
 * A row for each package that is under way, as listr2 has them. Loaded with the first package that is fetched: listr2 costs 14 ms.
 *
 * listr2 makes the rows and the bar writes them: two writers would each move the cursor over the other's lines, and listr2's own output takes
 * stdout away from everybody else, hides the cursor and waits for a spinner's next turn.
 */
import { DefaultRenderer, Listr, LISTR_DEFAULT_RENDERER_STYLE, Spinner } from "listr2";
import { type Pull, type Pulls, rateOf, rateText, shareOf } from "./pulls.ts";
import { bytes, cutEnd, displayWidth, meter, padEnd, paint } from "./text.ts";
import { ticking } from "./time.ts";

const SPIN_MS = 80;

class Rows extends DefaultRenderer {
  static override nonTTY = true;
  override async render(): Promise<void> {}
  override update(): void {}
  override end(): void {}
  protected override style(): string {
    return "";
  }
  /** One row, whatever the width: titles are made to fit. */
  protected override format(message: string): string[] {
    return [message];
  }
}

interface Row {
  readonly rows: Rows;
  readonly task: { title?: string };
  readonly finish: () => void;
}

export class PackageRows {
  private readonly color: boolean;
  private readonly spinner = new Spinner();
  private readonly known = new Map<string, Row>();
  private spunAt = Number.NEGATIVE_INFINITY;

  constructor(color: boolean) {
    this.color = color;
  }

  /** Rows of at most `room` columns, `most` of them: those that are worked at before those that wait. */
  render(pulls: Pulls, now: number, room: number, most: number): string[] {
    if (now - this.spunAt >= SPIN_MS) {
      this.spinner.spin();
      this.spunAt = now;
    }
    for (const [name, row] of this.known) {
      if (pulls.active.has(name)) continue;
      row.finish();
      this.known.delete(name);
    }
    const shown = pulls.inOrder().slice(0, most);
    const widest = Math.max(0, ...shown.map((pull) => displayWidth(pull.name)));
    return shown.map((pull) => {
      const row = this.known.get(pull.name) ?? this.begin(pull.name);
      const title = `${this.icon(pull)} ${packageRow(pull, now, room - 2, widest)}`;
      row.task.title = title;
      // A list has no rows in the turn of the event loop in which it began.
      return row.rows.create() || title;
    });
  }

  private begin(name: string): Row {
    let finish = () => {};
    const ended = new Promise<void>((done) => {
      finish = done;
    });
    let rows: Rows | null = null;
    class Own extends Rows {
      constructor(...args: ConstructorParameters<typeof DefaultRenderer>) {
        super(...args);
        rows = this;
      }
    }
    const list = new Listr([{ title: name, task: () => ended }], { renderer: Own, registerSignalListeners: false });
    void list.run();
    const [task] = list.tasks;
    if (rows === null || task === undefined) throw new Error("listr2 made no renderer");
    const row = { rows, task, finish };
    this.known.set(name, row);
    return row;
  }

  private icon({ state }: Pull): string {
    if (state === "waiting") return paint(LISTR_DEFAULT_RENDERER_STYLE.icon?.WAITING?.toString() ?? "-", "dim", this.color);
    return paint(this.spinner.fetch(), "cyan", this.color);
  }
}

/** The narrower the terminal, the less of it: the bar goes first, then the rate. */
export function packageRow(pull: Pull, now: number, room: number, widest: number): string {
  const meterSize = room >= 100 ? 20 : room >= 70 ? 10 : 0;
  const share = pull.state === "installing" || pull.state === "waiting" ? null : shareOf(pull);
  const rate = rateOf(pull, now);
  const had = pull.bytes > 0 && pull.state === "downloading" ? bytes(pull.bytes) : "";
  const columns = [
    pull.state.padEnd(11),
    ...(meterSize > 0 ? [share === null ? " ".repeat(meterSize + 2) : meter(share, meterSize)] : []),
    (share === null ? had : `${Math.floor(share * 100)}%`).padStart(share === null && had !== "" ? 8 : 4),
    ...(room >= 50 ? [(rate === null ? "" : rateText(rate)).padStart(10)] : []),
    pull.since === null ? "" : ticking(now - pull.since).padStart(5),
  ];
  const right = columns.join(" ").trimEnd();
  const space = Math.min(widest, room - columns.join(" ").length - 2);
  return cutEnd(space < 8 ? `${pull.name} ${right}` : `${padEnd(cutEnd(pull.name, space), space)}  ${right}`, room);
}
