/**
 * `fb watch`: runs, and waits for a reason to run again.
 *
 *   run ──► place watches ──► look at the disk ──differs──► run
 *               ▲                  │ as it was
 *               └──── a hint ◄── wait ──key, signal──► …
 *
 * The disk decides, never a watch: it is looked at after the watches are placed and after each hint, by what the run's snapshot says (ground.ts). So an edit
 * while a run goes on is found when that run ends, and an event that is lost, doubled or fb's own costs a look at the most.
 */
import { setTimeout as after } from "node:timers/promises";
import type { Faces } from "../faces.ts";
import { clock } from "../host/clock.ts";
import type { HostRunner } from "../host/lanes.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { type Places, placesOf, wanted } from "./folders.ts";
import type { Difference } from "./ground.ts";
import { openKeys } from "./keys.ts";
import type { WatchedProject } from "./project.ts";
import type { Screen } from "./screen.ts";
import { Watches } from "./watches.ts";

/** A save is several events within 1 ms; so long after the last one it is over. */
const QUIET_MS = 10;
/** The same after so many that it is no save, but a branch being switched. */
const MANY = 20;
const MANY_QUIET_MS = 30;
/** Longer is not waited: what goes on after that is found by the look after the run. */
const PATIENCE_MS = 250;
/** Where not all can be watched the disk is looked at so often. */
const POLL_MS = 1000;
/** After so many runs in a row that each end with something changed while they ran, most likely by themselves, the next ones wait: twice as long each time. */
const MOST_IN_A_ROW = 4;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

type Reason = "hint" | "poll" | "run" | "explain" | "quit" | "stop";

const KEYS: ReadonlyMap<string, Reason> = new Map([
  ["r", "run"],
  ["e", "explain"],
  ["q", "quit"],
]);

export interface SessionFaces {
  readonly faces: Faces;
  readonly screen: Screen;
  /** Standard input is the terminal that it is shown on. */
  readonly takesKeys: boolean;
  /** Tells why the last run did what it did. */
  explain(project: WatchedProject): Promise<void>;
}

export class Session {
  private readonly projects: readonly WatchedProject[];
  private readonly at: SessionFaces;
  private readonly watches = new Watches((structural) => this.hint(structural));
  private readonly cwd = process.cwd();
  private runner: HostRunner | null = null;
  private readonly signals = watchSignals(() => this.runner?.killNow());
  private hints = 0;
  private structural = false;
  private hintedAt = 0;
  private blind: string | null = null;
  private asked: Reason[] = [];
  private places: readonly Places[] = [];
  private wake: () => void = () => {};
  private verdict: number | null = null;

  constructor(projects: readonly WatchedProject[], at: SessionFaces) {
    this.projects = projects;
    this.at = at;
  }

  /** The exit code. */
  async go(): Promise<number> {
    const keys = this.at.takesKeys ? openKeys((key) => this.key(key)) : null;
    const { stop } = this.signals;
    const onStop = () => this.wake();
    stop.addEventListener("abort", onStop);
    try {
      return await this.loop(keys !== null);
    } finally {
      stop.removeEventListener("abort", onStop);
      this.at.screen.clear();
      keys?.close();
      this.watches.close();
      this.signals.close();
    }
  }

  /** It is over: the reader of what is said has gone, or a monitor has its verdict, whose exit code it is then. */
  end(code: number | null = null): void {
    this.verdict = code;
    this.asked.push("quit");
    this.cancel?.();
    this.wake();
  }

  /** As if the key was pressed. */
  press(key: string): void {
    this.key(key);
  }

  private async loop(keys: boolean): Promise<number> {
    const { screen } = this.at;
    for (const project of this.projects) if (!this.isOver) await this.run(project, null);
    for (let inRow = 0; ; ) {
      if (this.isOver) return this.code();
      this.places = this.projects.map((project) => placesOf(project.folder, project.paths()));
      this.place();
      const found = this.differences(true);
      if (found.length > 0) {
        inRow = found.every(([project, difference]) => project.changedMeanwhile(difference)) ? inRow + 1 : 0;
        if (inRow === MOST_IN_A_ROW + 1) screen.say(`${found[0]?.[1][0]} changes in every run: the build itself seems to write it`);
        if (inRow > MOST_IN_A_ROW) await this.pause(FIRST_PAUSE_MS * 2 ** (inRow - MOST_IN_A_ROW - 1));
        else await this.quiet();
        for (const [project, difference] of found) await this.run(project, difference);
        continue;
      }
      inRow = 0;
      const due = await this.due(keys);
      if (due === null) return this.code();
      for (const [project, difference] of due) await this.run(project, difference);
    }
  }

  /** Waits until there is something to run; null: until the end. */
  private async due(keys: boolean): Promise<readonly (readonly [WatchedProject, Difference | null])[] | null> {
    const { screen } = this.at;
    for (;;) {
      screen.waiting(this.watches.size, keys);
      switch (await this.reason()) {
        case "stop":
        case "quit":
          return null;
        case "run":
          screen.clear();
          return this.projects.map((project) => [project, null]);
        case "explain":
          screen.clear();
          for (const project of this.projects) await this.at.explain(project);
          continue;
        case "hint":
          await this.quiet();
          break;
        case "poll":
          break;
      }
      if (this.structural) this.place();
      this.hints = 0;
      const found = this.differences(false);
      if (found.length > 0) return found;
    }
  }

  private reason(): Promise<Reason> {
    return new Promise((resolve) => {
      const poll = this.blind === null ? null : setTimeout(() => settle("poll"), POLL_MS);
      const settle = (reason: Reason) => {
        if (poll !== null) clearTimeout(poll);
        this.wake = () => {};
        resolve(reason);
      };
      this.wake = () => {
        const asked = this.asked.shift();
        if (this.signals.stop.aborted) settle("stop");
        else if (asked !== undefined) settle(asked);
        else if (this.hints > 0) settle("hint");
      };
      this.wake();
    });
  }

  private hint(structural: boolean): void {
    this.hints++;
    this.structural ||= structural;
    this.hintedAt = clock.monotonicMs();
    this.wake();
  }

  private key(key: string): void {
    const reason = KEYS.get(key);
    if (reason === undefined) return;
    this.asked.push(reason);
    if (reason === "quit") this.cancel?.();
    this.wake();
  }

  /** Or until somebody wants something, or changes something: what the run itself did has been told by then. */
  private async pause(ms: number): Promise<void> {
    await this.quiet();
    this.hints = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_PAUSE_MS));
      this.wake = () => {
        if (this.asked.length === 0 && this.hints === 0 && !this.signals.stop.aborted) return;
        clearTimeout(timer);
        resolve();
      };
      this.wake();
    });
    this.wake = () => {};
  }

  /** Until a burst of events is over. */
  private async quiet(): Promise<void> {
    const until = clock.monotonicMs() + PATIENCE_MS;
    while (!this.signals.stop.aborted) {
      const now = clock.monotonicMs();
      const wait = Math.min(this.hintedAt + (this.hints > MANY ? MANY_QUIET_MS : QUIET_MS), until) - now;
      if (wait <= 0) return;
      await after(wait);
    }
  }

  /** Watches what matters now. Again, where that became something else meanwhile: a folder that comes between is told by nobody. */
  private place(): void {
    this.structural = false;
    let before = "";
    for (let n = 0; n < 5; n++) {
      const all = new Map<string, ReadonlySet<string> | null>();
      for (const of of this.places)
        for (const [folder, names] of wanted(of)) {
          const known = all.get(folder);
          all.set(folder, names === null || known === null ? null : known === undefined ? names : new Set([...known, ...names]));
        }
      const now = [...all.keys()].join("\0");
      if (now === before) return;
      before = now;
      const blind = this.watches.update(all);
      if (blind !== null && blind !== this.blind) this.at.screen.say(`${blind}: looking at all files once a second instead`);
      this.blind = blind;
    }
  }

  private differences(afterRun: boolean): (readonly [WatchedProject, Difference])[] {
    try {
      // The folder that fb was started in may have been made again: relative paths are meant from the one that is there now.
      process.chdir(this.cwd);
    } catch {
      // It will be made again, or what is missing is told by the next run.
    }
    return this.projects.flatMap((project) => {
      const difference = project.difference(afterRun);
      return difference === null ? [] : [[project, difference] as const];
    });
  }

  private cancel: (() => void) | null = null;

  private async run(project: WatchedProject, difference: Difference | null): Promise<void> {
    if (this.isOver) return;
    if (difference !== null) this.at.screen.changed(difference);
    const controller = new AbortController();
    const { stop } = this.signals;
    const cancel = () => controller.abort(stop.reason);
    stop.addEventListener("abort", cancel);
    this.cancel = cancel;
    try {
      await project.run({
        stop: controller.signal,
        onRunner: (runner) => {
          this.runner = runner;
        },
        close: () => {},
      });
    } finally {
      stop.removeEventListener("abort", cancel);
      this.cancel = null;
      this.runner = null;
    }
  }

  private get isOver(): boolean {
    return this.signals.stop.aborted || this.asked.includes("quit");
  }

  private code(): number {
    if (this.signals.stop.aborted) return INTERRUPTED;
    if (this.verdict !== null) return this.verdict;
    return this.projects.find((project) => project.exitCode !== 0)?.exitCode ?? 0;
  }
}
