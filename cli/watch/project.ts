/** One project under `fb watch`: its runs, each as `fb run` would do it, and what the last one rested on. */
import { existsSync } from "node:fs";
import { openDisk } from "../host/disk.ts";
import { answer } from "../answer.ts";
import { inFolder, statOf } from "../../cache/snapshot-world.ts";
import { requestKey } from "../args.ts";
import type { RunCommand } from "../command.ts";
import type { EventSink } from "../../engine/types.ts";
import type { Faces } from "../faces.ts";
import { INTERRUPTED } from "../host/signals.ts";
import { jsonSink } from "../show/json.ts";
import { buildShown, type Stopper } from "../verbs/run.ts";
import type { WatchMonitors } from "./monitors.ts";
import { type Difference, type Ground, askSnapshot, SightGround, SnapshotGround } from "./ground.ts";

/** The times of files may lag behind by a tick of the kernel's clock. */
const TICK_MS = 10;

export class WatchedProject {
  readonly folder: string;
  /** Of the last run that came to its end; until there is one, as if it had been interrupted. */
  exitCode: number = INTERRUPTED;
  private command: RunCommand;
  private readonly faces: Faces;
  private readonly monitors: WatchMonitors | null;
  private ground: Ground | null = null;
  /** When the last run told its result, milliseconds since 1970. */
  private endedAt = 0;
  private isGone = false;

  /** command: without targets :monitor, as its runs end; monitors: what goes on between and beside them. */
  constructor(folder: string, command: RunCommand, faces: Faces, monitors: WatchMonitors | null) {
    this.folder = folder;
    this.command = command;
    this.faces = faces;
    this.monitors = monitors;
  }

  /** Without what is asked of the first run alone: to forget, to remove, to force. */
  get usual(): RunCommand {
    return { ...this.command, fresh: false, force: false, noCache: false, clean: "nothing" };
  }

  /** What a further run would find changed; null: nothing. afterRun: asked right after a run. */
  difference(afterRun: boolean): Difference | null {
    const wasGone = this.isGone;
    this.isGone = !existsSync(this.folder);
    // A run would make the folder anew, in the way of the one that was moved.
    if (this.isGone && !wasGone) this.faces.err.write(`${this.folder} is gone: waiting until it is there again\n`);
    if (this.isGone) return null;
    if (wasGone) return [this.folder];
    return this.ground === null ? ["platformio.ini"] : this.ground.difference(afterRun);
  }

  /** Whether all of a difference came about before the last run told its result, as far as times tell. */
  changedMeanwhile(difference: Difference): boolean {
    return difference.every((path) => Number(statOf(inFolder(this.folder, path))?.mtimeMs ?? 0) < this.endedAt - TICK_MS);
  }

  paths(): Iterable<string> {
    return this.ground?.paths() ?? ["platformio.ini"];
  }

  /** Decides by the disk alone, under the project's lock, which is free again when it settles. */
  async run(stopper: Stopper): Promise<void> {
    const { folder, command, faces } = this;
    const key = requestKey(command);
    const began = process.hrtime.bigint();
    const now = key === null ? null : askSnapshot(folder, key, false);
    this.command = this.usual;
    if (now !== null && "payload" in now && !command.verbose && !command.why) {
      answer(now.payload, command, folder, Number((process.hrtime.bigint() - began) / 1_000_000n));
      this.exitCode = 0;
      this.ground = new SnapshotGround(folder, key ?? "");
      return;
    }
    const disk = openDisk(folder);
    const since = disk.now();
    disk.close();
    const json = command.json ? jsonSink((line) => faces.out.write(line)) : null;
    const sink: EventSink = {
      emit: (e) => {
        if (e.type === "result") this.endedAt = Date.now();
        json?.emit(e);
      },
    };
    const built = await buildShown(folder, command, faces, {
      out: command.json ? faces.err : faces.out,
      sink,
      words: null,
      deps: null,
      stopper,
      hold: this.monitors?.hold ?? null,
    });
    if (built.result.exitCode === 0) this.monitors?.begin(built.envs);
    const { exitCode } = built.result;
    if (exitCode !== INTERRUPTED) this.exitCode = exitCode;
    const usual = requestKey(this.command);
    const kept = exitCode === 0 && usual !== null && usual === key ? askSnapshot(folder, usual, true) : null;
    this.ground =
      kept !== null && "payload" in kept && usual !== null
        ? new SnapshotGround(folder, usual)
        : new SightGround(folder, usual, built, since);
  }
}
