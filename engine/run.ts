/**
 * A run: from plans and goals to settled files. The only loop of the engine.
 *
 *   plan settles → graph grows → goals name files → their producers are needed → those whose needs are settled are ready
 *   ready (longest way first) → decide → kept | restored | waits for its claims → runs → settled → what waited for it may be ready
 */
import { ActionEvents } from "./action-events.ts";
import { AtWork } from "./at-work.ts";
import { Blocked } from "./blocked.ts";
import type { Hold } from "./claims.ts";
import { priorities, ReadyQueue } from "./critical.ts";
import { Discovery } from "./discover.ts";
import { EffectQueue, isEffect, withEffects } from "./effects.ts";
import { failure, failureOf } from "./failure.ts";
import { Files } from "./files.ts";
import { Goals } from "./goals.ts";
import { Graph, type Node } from "./graph.ts";
import { unpackPlanned } from "./grown.ts";
import { Lanes, type Shown } from "./lanes.ts";
import { Needed } from "./needed.ts";
import { fromCanonical, outFolder, projectRead } from "./paths.ts";
import { Journal } from "./prune.ts";
import { Report } from "./report.ts";
import type { RunOutcome, RunRequest } from "./run-request.ts";
import { Sweeper } from "./sweep.ts";
import { type Decision, Settler, type World } from "./settle.ts";
import type { ActionId, ActionResult, ActionRun, ActionSpec, Cause, EventSink, Failure, Planned, StaticKey, Status } from "./types.ts";

/** Runs until every goal is settled, has failed, or `stop` fires. Never throws for what a build can bring about. */
export async function run(world: World, request: RunRequest, sink: EventSink, stop: AbortSignal): Promise<RunOutcome> {
  return new Run(world, request, sink, stop).go();
}

/** Of actions that belong to no env: what they make, all envs use. */
export const NO_ENV = "";

class Run {
  private readonly world: World;
  private readonly request: RunRequest;
  private readonly report: Report;
  private readonly events: ActionEvents;
  private readonly stop: AbortSignal;
  private readonly graph: Graph;
  private readonly files: Files;
  private readonly settler: Settler;
  private readonly journal: Journal;
  private readonly sweeper: Sweeper;
  private readonly needed: Needed;
  private readonly ready = new ReadyQueue();
  private readonly blocked = new Blocked();
  private readonly work: AtWork;
  private readonly results = new Map<ActionId, ActionResult>();
  private readonly goals: Goals;
  private readonly failedEnvs = new Set<string>();
  /** In a dry run: what would run, so that nobody knows what it would make. */
  private readonly unmade = new Set<ActionId>();
  private readonly effects = new EffectQueue();
  /** No state is written any more: monitors run. */
  private made = false;
  private readonly lanes: Lanes;
  /** What an action's work threw that is no failure of a build. */
  private bug: { readonly error: unknown } | null = null;
  private wake: (() => void) | null = null;

  constructor(world: World, request: RunRequest, sink: EventSink, stop: AbortSignal) {
    this.world = world;
    this.request = request;
    this.report = new Report(sink, world.clock, (text) => world.mask(text, "name"));
    this.events = new ActionEvents(this.report, request.commands, request.progress, request.resume?.upToDate ?? 0);
    this.stop = stop;
    this.graph = new Graph(request.resume?.outside ?? null);
    this.needed = new Needed(this.graph);
    this.files = request.resume?.files ?? new Files(world);
    this.settler = new Settler(world, this.graph, this.files, new Discovery(this.files, world.paths), request.causes);
    this.journal = new Journal(world.state, () => world.disk.now());
    this.sweeper = new Sweeper(world, this.graph, this.files, this.journal, (id) => this.needed.isSettled(id));
    this.lanes = new Lanes(Math.max(1, request.jobs));
    this.work = new AtWork(request.jobs);
    this.goals = new Goals(request.goals, world.paths);
  }

  async go(): Promise<RunOutcome> {
    const { resume } = this.request;
    if (this.grow(resume?.specs ?? this.request.plans) !== null) for (const plan of this.request.plans) this.failedEnvs.add(plan.env);
    const wakeUp = () => this.wakeUp();
    this.stop.addEventListener("abort", wakeUp);
    try {
      await this.loop();
    } finally {
      this.stop.removeEventListener("abort", wakeUp);
    }
    if (!this.made) {
      this.abandon();
      this.tidy();
    }
    this.reportUnknown();
    return this.outcome();
  }

  private outcome(): RunOutcome {
    return {
      graph: this.graph,
      files: this.files,
      failures: [...this.report.failures],
      cancelled: this.stop.aborted,
      trusted:
        !this.settler.disturbed &&
        this.report.failures.every((f) => f.severity === "warning") &&
        !this.stop.aborted &&
        !this.request.dryRun,
      disturbed: this.settler.disturbed,
      counts: { actions: this.actionsNeeded(), ...this.events.counts },
      resolved: this.goals.resolved,
      targets: this.goals.targets,
      results: this.results,
    };
  }

  private async loop(): Promise<void> {
    let turn = this.world.clock.monotonicMs();
    for (;;) {
      if (this.bug !== null) throw this.bug.error;
      this.startBlocked();
      if (!this.made && this.onlyWatches && !this.stop.aborted) {
        this.made = true;
        await this.request.onMade?.(this.outcome());
        continue;
      }
      this.startEffects();
      const id = this.stop.aborted ? undefined : this.ready.pop();
      if (id !== undefined) {
        await this.decide(this.graph.node(id));
        // Settling is synchronous work; what runs must be heard in between.
        if (this.world.clock.monotonicMs() - turn < 8) continue;
        await this.world.clock.sleep(0, this.stop);
        turn = this.world.clock.monotonicMs();
        continue;
      }
      if (!this.work.any && (!this.blocked.any || this.stop.aborted)) {
        // An effect that nobody performs must not look like one that is done.
        if (this.effects.any && !this.stop.aborted) throw new Error("effects are left, and nothing that they wait for");
        return;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      turn = this.world.clock.monotonicMs();
    }
  }

  private wakeUp(): void {
    const wake = this.wake;
    this.wake = null;
    wake?.();
  }

  // ── the graph grows ──

  private grow(specs: readonly ActionSpec[]): Failure | null {
    const grown = this.graph.grow(specs);
    if (!grown.ok) {
      this.report.add(grown.failure);
      return grown.failure;
    }
    for (const id of grown.value) if (this.request.resume !== null || this.graph.node(id).spec.kind === "plan") this.needed.add(id);
    for (const id of this.goals.makers(this.graph)) this.needed.add(id);
    const order = priorities(this.graph, this.needed.ids, (name) => this.world.state.duration(name)) as Float64Array<ArrayBuffer>;
    this.ready.reorder(order);
    this.blocked.reorder(order);
    for (const node of this.needed.fresh()) this.enter(node);
    this.emitPlan();
    return null;
  }

  private emitPlan(): void {
    const { resume, plans } = this.request;
    const envs = resume?.builds.map((b) => b.env) ?? [...new Set(this.graph.nodes.map((n) => n.spec.env))].filter((env) => env !== NO_ENV);
    const profile = (resume?.builds ?? plans)[0]?.profile ?? "release";
    this.report.emit({
      type: "plan",
      envs,
      profile,
      actions: this.actionsNeeded(),
      files: this.graph.paths.length,
      final: !this.needed.grows,
    });
  }

  private actionsNeeded(): number {
    return (this.request.resume?.upToDate ?? 0) + this.needed.count();
  }

  private enter(node: Node): void {
    this.effects.entered(node);
    switch (this.needed.enter(node)) {
      case "ready":
        return this.makeReady(node.id);
      case "lost":
        // Planned only after what it needs had failed.
        if (!this.request.dryRun) this.settler.clear(node);
        return this.drop(node.id);
      case "waiting":
    }
  }

  private makeReady(id: ActionId): void {
    this.request.timeline?.at(id, "ready");
    this.ready.push(id);
  }

  private reportUnknown(): void {
    if (this.stop.aborted) return;
    for (const f of this.goals.unknown((word, names) => this.world.nearest(word, names), this.failedEnvs)) this.report.add(f);
  }

  // ── one action ──

  private async decide(node: Node): Promise<void> {
    const { spec } = node;
    if (this.failedEnvs.has(spec.env) && (!this.request.keepGoing || isEffect(spec))) return this.drop(node.id);
    if (isEffect(spec) && !this.request.dryRun) return this.effects.add(node);
    if (this.unmade.size > 0 && spec.kind !== "plan") {
      const why = this.settler.reasons.after(node, this.unmade);
      if (why.length > 0) {
        this.unmade.add(node.id);
        return this.pretend(node, "ran", why);
      }
    }
    const fresh = this.request.records === "fresh" && spec.kind !== "plan";
    const lookup = fresh ? "none" : this.request.records === "no-cache" && spec.kind !== "plan" ? "project" : "all";
    try {
      this.request.timeline?.at(node.id, "deciding");
      const decision = await this.settler.decide(node, lookup);
      this.request.timeline?.at(node.id, "decided");
      await this.follow(node, decision);
    } catch (error) {
      this.broke(node, error);
    }
  }

  private async follow(node: Node, decision: Decision): Promise<void> {
    switch (decision.do) {
      case "keep":
        this.events.kept(node);
        return this.settled(node, decision.last.result);
      case "restore": {
        if (this.request.dryRun && node.spec.kind !== "plan") {
          for (const { path, digest } of decision.result.outputs)
            this.files.assume(fromCanonical(path, outFolder(node.spec.env, node.spec.profile)), digest);
          return this.pretend(node, "hit", decision.why);
        }
        // A plan writes nothing, and what is left over is looked for when it has settled.
        if (node.spec.kind !== "plan") await this.journal.begin(outFolder(node.spec.env, node.spec.profile));
        // Once is enough: a cache that keeps a record of what it can not give must not hold up the run.
        if (!(await this.settler.restore(node, decision))) return this.follow(node, await this.settler.decide(node, "project"));
        this.events.ended(node, "hit", decision.result, 0, decision.why);
        return this.settled(node, decision.result);
      }
      case "run": {
        if (this.request.dryRun && node.spec.kind !== "plan") {
          this.unmade.add(node.id);
          return this.pretend(node, "ran", decision.why);
        }
        // The same compile for another env is running: what it makes will be restored here.
        const then = () => {
          this.makeReady(node.id);
          this.wakeUp();
        };
        if (this.work.after(decision.sk, then)) return;
        if (this.start(node, decision)) return;
        if (node.spec.env === NO_ENV) this.events.queued(node);
        this.blocked.add(node, decision);
      }
    }
  }

  /** Starts what a released claim lets start. What was refused before anything was released needs no second look. */
  private startBlocked(): void {
    if (!this.work.takeFreed()) return;
    this.blocked.offer((id, decision, isOld) => {
      const node = this.graph.node(id);
      if (this.stop.aborted) return "gone";
      if (this.failedEnvs.has(node.spec.env) && !this.request.keepGoing) this.drop(id);
      else if (isOld || this.work.isMaking(decision.sk)) this.makeReady(id);
      else if (!this.start(node, decision)) return "refused";
      return "gone";
    });
  }

  /** Only monitors are left: nothing is written any more. */
  private get onlyWatches(): boolean {
    return this.effects.any && this.ready.size === 0 && !this.work.any && this.effects.onlyWatches;
  }

  /** Starts the effects whose time has come. */
  private startEffects(): void {
    // Once all that may start is known, so that what was asked for first begins first.
    if (!this.effects.any || this.ready.size > 0 || this.stop.aborted) return;
    const asked = [...this.goals.resolved.values()].flatMap((paths) => paths.map((path) => this.graph.named(path)?.id));
    this.effects.offer(
      (id) => asked.indexOf(id),
      (node) => {
        if (this.failedEnvs.has(node.spec.env) || this.effects.isLost(node)) {
          this.drop(node.id);
          return "dropped";
        }
        if (node.spec.kind === "monitor" && !this.made) return "later";
        return this.start(node, EFFECT) ? "begun" : "later";
      },
    );
  }

  /** Starts the action if its claims are free. */
  private start(node: Node, decision: Decision & { do: "run" }): boolean {
    const effect = isEffect(node.spec);
    const work = (hold: Hold): Promise<void> => {
      if (effect) this.effects.began(node);
      return this.perform(node, decision, hold).catch((error: unknown) => {
        this.bug ??= { error };
      });
    };
    return this.work.start(node, decision.sk, work, (made) => {
      if (effect) this.effects.ended(node);
      // For another env the same is in the cache now.
      if (made && this.request.records === "use") this.blocked.hasRun(decision.sk);
      this.wakeUp();
    });
  }

  /** Gives the processor of an action whose process has ended to one that waits for it. Other things are held until all is recorded. */
  private async handOn(node: Node, hold: Hold): Promise<void> {
    if (!this.blocked.any || !isOfCpu(node)) return;
    this.work.release(hold);
    this.wakeUp();
    await this.world.clock.sleep(0, this.stop);
  }

  private async perform(node: Node, decision: Decision & { do: "run" }, hold: Hold): Promise<void> {
    const { spec } = node;
    let shown: Shown | null = null;
    try {
      if (spec.kind !== "plan") {
        if (spec.env !== NO_ENV && !isEffect(spec)) await this.journal.begin(outFolder(spec.env, spec.profile));
        shown = this.lanes.enter(isOfCpu(node), (lane) => this.events.started(node, lane));
      }
      this.request.timeline?.at(node.id, "started");
      const around: ActionRun = {
        stop: this.stop,
        progress: (done, total, at) => this.events.went(node, done, total, at),
        note: (warning) => this.report.add(warning),
        line: (device, line) => this.report.emit({ type: "serial", device, line }),
        ended: () => {
          this.request.timeline?.at(node.id, "ended");
          return this.handOn(node, hold);
        },
      };
      const ran = isEffect(spec) ? await this.settler.effect(node, around) : await this.settler.run(node, decision, around);
      shown?.now();
      if (this.stop.aborted && !(ran.ok && ran.value.exitCode === 0)) {
        if (!isEffect(spec)) this.settler.clear(node);
        return this.events.ended(node, "cancelled", null, null, decision.why);
      }
      if (!ran.ok) {
        this.report.add(ran.failure);
        return this.failed(node, null, null, decision.why);
      }
      if (ran.value.exitCode !== 0) return this.failed(node, ran.value.result, ran.value.exitCode, decision.why);
      this.noteTime(node, ran.value.result);
      this.events.ended(node, "ran", ran.value.result, 0, decision.why);
      this.settled(node, ran.value.result);
    } catch (error) {
      shown?.now();
      this.broke(node, error);
    } finally {
      shown?.release();
    }
  }

  private noteTime(node: Node, result: ActionResult): void {
    // Its rule says so.
    if (node.spec.sharing === "time") return;
    const out = outFolder(node.spec.env, node.spec.profile);
    const reads = result.reads.map((r) => projectRead(r, out));
    const time = this.settler.timeIn(node.spec, reads);
    if (time !== null) this.events.holdsTime(time);
  }

  private pretend(node: Node, status: Status, why: readonly Cause[]): void {
    this.events.ended(node, status, null, null, why);
    this.release(node);
  }

  private settled(node: Node, result: ActionResult): void {
    this.request.timeline?.at(node.id, "settled");
    // What a plan grew is in the graph now: a large one's bytes are not kept for the whole run.
    this.results.set(node.id, result.grown === null ? result : { ...result, grown: null });
    for (const output of result.outputs) this.graph.file(fromCanonical(output.path, outFolder(node.spec.env, node.spec.profile)));
    this.release(node);
    if (node.spec.kind === "plan") this.planned(node, result.grown === null ? null : unpackPlanned(result.grown));
  }

  private release(node: Node): void {
    this.effects.through(node);
    for (const id of this.needed.settle(node.id)) this.makeReady(id);
    this.wakeUp();
  }

  private planned(node: Node, planned: Planned | null): void {
    this.needed.grown();
    if (planned === null) return;
    for (const note of planned.notes) this.report.add(note);
    const { env, profile } = node.spec;
    const { actions, targets } = withEffects(planned, this.request.bind);
    this.goals.add(env, targets);
    if (this.grow(actions) !== null) {
      this.failedEnvs.add(env);
      this.needed.refuse(node.id);
      if (!this.needed.grows) this.emitPlan();
      // A plan that is made anew each time is about packages: it says nothing of what lives.
    } else if (!this.request.dryRun && node.spec.sharing !== "never") this.sweeper.sweep(env, profile);
  }

  /** An env whose plan failed or was left out does not know what it makes: what it made before, a stale image too, goes. */
  private abandon(): void {
    if (this.stop.aborted || this.request.dryRun) return;
    for (const { env, profile } of this.request.plans) if (this.failedEnvs.has(env)) this.sweeper.abandon(env, profile);
  }

  /** What failed or was killed may have left more than its outputs. */
  private tidy(): void {
    if (this.events.counts.failed === 0 && !this.stop.aborted) return;
    const { resume, plans } = this.request;
    for (const { env, profile } of resume?.builds ?? plans) this.sweeper.tidy(env, profile);
  }

  private failed(node: Node, result: ActionResult | null, exitCode: number | null, decided: readonly Cause[]): void {
    const why = isEffect(node.spec) ? [] : this.settler.reasons.ofFailed(node, decided);
    // Other devices, and other envs that failed to be watched, are not its affair.
    if (isEffect(node.spec)) this.effects.failed(node);
    else if (node.spec.env !== NO_ENV) this.failedEnvs.add(node.spec.env);
    this.request.timeline?.at(node.id, "settled");
    if (result !== null) this.report.failures.push(failure("build.failed", 1, `${node.spec.label} failed with exit code ${exitCode}`));
    this.events.ended(node, "failed", result, exitCode, why);
    this.discardAfter(node.id);
    this.drop(node.id);
    this.wakeUp();
  }

  /** An error of the disk or a bug: it fails the action with what was thrown. */
  private broke(node: Node, error: unknown): void {
    const known = failureOf(error);
    if (known === null) throw error;
    this.report.add(known);
    this.failed(node, null, null, []);
  }

  /** Leaves out an action and all that waits for it. */
  private drop(id: ActionId): void {
    const grew = this.needed.grows;
    this.leaveOut(id);
    for (const dependant of this.graph.dependants(id)) if (this.needed.isWaiting(dependant)) this.leaveOut(dependant);
    if (grew && !this.needed.grows) this.emitPlan();
  }

  private leaveOut(id: ActionId): void {
    const node = this.graph.node(id);
    if (!this.needed.leaveOut(id)) return;
    this.effects.through(node);
    // Without its plan nobody knows what an env has.
    if (node.spec.kind === "plan") this.failedEnvs.add(node.spec.env);
  }

  /** What was made from the outputs of an action that failed says nothing any more: a stale image must not be flashed. */
  private discardAfter(id: ActionId): void {
    if (this.request.dryRun) return;
    try {
      for (const dependant of this.graph.dependants(id)) this.settler.clear(this.graph.node(dependant));
    } catch (error) {
      const known = failureOf(error);
      if (known === null) throw error;
      this.report.add(known);
    }
  }
}

/** Effects are not decided: they run when they are asked for. */
const EFFECT: Decision & { do: "run" } = { do: "run", sk: "" as StaticKey, changes: 0, why: [] };

/** Whether it holds nothing but processors while it runs. */
function isOfCpu({ spec }: Node): boolean {
  return spec.claims.length > 0 && spec.claims.every((claim) => claim.on === "cpu");
}
