/** Performs what a run is asked to do with devices: the actions without outputs of its plans, with what only this run's command line says of them. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { ActionSpec, Effector, Result, ToolRun } from "../engine/types.ts";
import type { RunCommand } from "./command.ts";
import type { RunFlashes } from "./flash/perform.ts";
import type { DevicePlan } from "./flash/plan.ts";
import type { RunMonitors } from "./monitor/action.ts";
import type { MonitorHost } from "./monitor/devices.ts";
import type { FlashHold } from "./watch/hold.ts";
import type { EmulateFlags } from "./tools/emulate.ts";

/** What fbuild gives an emulator that nobody limits. */
const QEMU_TIMEOUT_S = 30;

export class RunEffects implements Effector {
  readonly #folder: string;
  readonly #command: RunCommand;
  readonly #watching: (() => MonitorHost) | null;
  readonly #hold: FlashHold | null;
  /** Null in a run that plans nothing, and has no effects. */
  #devices: DevicePlan | null = null;
  /** Loaded when it is wanted, as all that reaches devices. */
  #monitors: Promise<RunMonitors | null> | null = null;
  #flashes: Promise<RunFlashes> | null = null;

  /** folder: the project's. watching: what monitors show; null: nobody is there to watch. hold: who knows what the boards have; null: nobody. */
  constructor(folder: string, command: RunCommand, watching: (() => MonitorHost) | null, hold: FlashHold | null) {
    this.#folder = folder;
    this.#command = command;
    this.#watching = watching;
    this.#hold = hold;
  }

  /** Which devices are meant. */
  use(devices: DevicePlan): void {
    this.#devices = devices;
  }

  async perform(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    if (spec.kind === "flash" || spec.kind === "erase") return this.#change(spec, around);
    const [fb, tool, name, ...args] = spec.argv;
    if (fb === "fb" && tool === "tool" && name === "emulate") {
      const { emulateAction } = await import("./tools/emulate.ts");
      return emulateAction(args, emulateFlags(this.#command), around);
    }
    if (fb === "fb" && tool === "tool" && name === "monitor") {
      const monitors = await this.#openMonitors();
      return monitors?.watch(spec, around) ?? ok("");
    }
    return fail(failure("device.unknown", 5, `nothing performs ${spec.name}`));
  }

  /** A device is written, unless whoever holds it knows that it has the image; who watches its env has its port from then on. */
  async #change(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    if (!this.#command.force && this.#hold?.has(spec))
      return ok("the board has this image: it was watched without a break since its flash\n");
    this.#hold?.begins(spec);
    const done = await this.#write(spec, around);
    this.#hold?.ends(spec, done.ok);
    if (done.ok) (await this.#openMonitors())?.flashed(spec.env, spec.profile);
    return done;
  }

  async #write(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    const devices = this.#devices;
    if (devices === null) throw new Error(`${spec.name} was planned by nobody`);
    this.#flashes ??= import("./flash/perform.ts").then(({ RunFlashes }) => new RunFlashes(this.#folder, this.#command, devices));
    return (await this.#flashes).perform(spec, around);
  }

  #openMonitors(): Promise<RunMonitors | null> {
    const watching = this.#watching;
    this.#monitors ??=
      watching === null
        ? Promise.resolve(null)
        : import("./monitor/action.ts").then(({ RunMonitors }) => new RunMonitors(this.#folder, this.#command, watching));
    return this.#monitors;
  }

  /** Nothing is performed any more. */
  async close(): Promise<void> {
    await (await this.#flashes)?.close();
    await (await this.#monitors)?.close();
  }
}

function emulateFlags({ serial, timeout, qemu, json }: RunCommand): EmulateFlags {
  const { haltOnError, haltOnSuccess, expect, qemuTimeout } = serial;
  return {
    patterns: { haltOnError, haltOnSuccess, expect },
    limit: qemuTimeout ?? timeout ?? (qemu ? QEMU_TIMEOUT_S : null),
    realTime: !json && process.stdout.isTTY,
  };
}
